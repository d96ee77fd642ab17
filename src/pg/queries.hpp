// Door to SQL from within: running queries, looking at their plans, writing expressions as text.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "catalog/pg_operator.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "nodes/plannodes.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/resowner.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
}
