// The condition of a join by which its vectors are reduced.
#pragma once

#include "pg/planner.hpp"

namespace medvec::planner::semi_join_reduction {

struct Key {
  RestrictInfo* restriction;  // of the join
  OpExpr* equality;           // the same with the side of the vectors on the left
  Param* keys;                // of the executor: all values of the right side, an array
  RestrictInfo* condition;    // left = ANY (keys), on the relation with the vectors
};

// False: the condition is none by which one could, or might be asked of rows before a condition that guards them.
bool MakeKey(PlannerInfo* root, RestrictInfo* restriction, const RelOptInfo* vectors, const RelOptInfo* other,
             Key* key);

}  // namespace medvec::planner::semi_join_reduction
