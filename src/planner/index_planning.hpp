// What the parts of the planner ask of core's index planning: paths of a relation that they have changed.
#pragma once

#include "pg/planner.hpp"

namespace medvec::planner {

// The relation's indexes of our access method.
List* HnswIndexes(const RelOptInfo* rel);

// A copy of the relation for create_index_paths: without paths, with these indexes, which are copies too.
RelOptInfo* CopyForIndexPlanning(const RelOptInfo* rel, const List* indexes);
// The same without its joins and parallel paths.
RelOptInfo* CopyWithoutJoins(const RelOptInfo* rel, const List* indexes);

// Whether a path, which needs no parameter, gives rows in the query's order.
bool IsOrdered(const PlannerInfo* root, const Path* path);

}  // namespace medvec::planner
