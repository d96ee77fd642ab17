// Door to the executor: nodes of our own in plans, the expressions they evaluate, what they say in EXPLAIN.
#pragma once

#include "pg/explain.hpp"

extern "C" {
#include "executor/executor.h"
#include "executor/nodeIndexscan.h"
#include "nodes/extensible.h"
#include "parser/parsetree.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
}
