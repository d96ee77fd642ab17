// Conditions `v <-> q < r` in the form that an index evaluates: `v <<-> ROW(q, r)` (types/within.hpp).
#pragma once

#include "pg/planner.hpp"

namespace medvec::planner::range_search {

// What `restriction` says, as a condition that one of the indexes, which are ours, evaluates; where it is an OR, with
// those of its arms replaced that are such conditions. Null: nothing in it is.
// Appends each condition made to `made`, and what it stands for to `originals`.
RestrictInfo* Derive(PlannerInfo* root, RestrictInfo* restriction, List* indexes, List** made, List** originals);

}  // namespace medvec::planner::range_search
