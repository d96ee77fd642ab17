// What the planner believes an ordered scan of the index costs.
#pragma once

#include "pg/index.hpp"

namespace medvec::index {

void EstimateCost(struct PlannerInfo* root, struct IndexPath* path, double loop_count, Cost* startup, Cost* total,
                  Selectivity* selectivity, double* correlation, double* pages);

}  // namespace medvec::index
