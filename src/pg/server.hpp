// The door to the server: every file of the backend includes this first. Topics with headers of their own stand beside
// it (arrays.hpp, worker.hpp, ...); no other folder names a server header.
#pragma once

extern "C" {
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
}

#include "pg/compat.hpp"
#include "pg/export.hpp"
