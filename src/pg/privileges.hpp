// Door to privileges: who the user is, what he may do.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "catalog/pg_class.h"
#include "utils/acl.h"
}

namespace medvec {

// Whether the user owns the table or, where there is such a privilege, may maintain it.
inline bool MayMaintain(Oid table) { return OwnsRelation(table, GetUserId()) || HasMaintain(table, GetUserId()); }

}  // namespace medvec
