// Door to SQL arrays and the types of their elements.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
}
