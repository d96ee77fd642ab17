// Rows that may be within a range, by their codes: so that none is missed, wherever a walk went.
#pragma once

#include "core/hnsw/bound.hpp"
#include "index/matches.hpp"

namespace medvec::index {

// Of the rows that the filter lets through those that may be within the range, each with the least distance that it
// hardly ever is below; without a range all of them. Page by page, so
// that no more is kept than these. False: they are more than `most`. *estimate: rows, and how many match.
//
// The index must have codes. A row that closed meanwhile, or is another by now, may be among them.
bool CollectNear(Index& index, RowMap& rows, const Filter& filter, const hnsw::Query& query, const hnsw::Bound& bound,
                 const Range& range, size_t most, const hnsw::Memory& memory, hnsw::Array<Candidate>* candidates,
                 Estimate* estimate);

}  // namespace medvec::index
