// Door to EXPLAIN's output, where extensions may add to a node's (from 18 on).
#pragma once

#include "pg/index.hpp"

extern "C" {
#include "commands/explain.h"
#ifdef MEDVEC_EXPLAIN_HOOK
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
}
