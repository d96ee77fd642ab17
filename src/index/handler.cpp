#include "index/handler.hpp"

#include "index/build.hpp"
#include "index/cost.hpp"
#include "index/insert.hpp"
#include "index/options.hpp"
#include "index/scan.hpp"
#include "index/vacuum.hpp"
#include "index/validate.hpp"

namespace medvec::index {

namespace {

IndexAmRoutine* MakeRoutine() {
  IndexAmRoutine* routine = makeNode(IndexAmRoutine);
  routine->amstrategies = 0;
  routine->amsupport = 2;
  routine->amcanmulticol = true;
  routine->amsearcharray = true;
  routine->amsearchnulls = true;
  routine->amcanorderbyop = true;
  routine->amoptionalkey = true;  // ORDER BY needs no condition
  routine->amparallelvacuumoptions = VACUUM_OPTION_PARALLEL_BULKDEL;
  routine->amkeytype = InvalidOid;
  SetCanBuildParallel(routine);
  routine->ambuild = BuildIndex;
  routine->ambuildempty = BuildEmptyIndex;
  routine->aminsert = InsertTuple;
  routine->ambulkdelete = BulkDelete;
  routine->amvacuumcleanup = VacuumCleanup;
  routine->amcostestimate = EstimateCost;
  routine->amoptions = ParseOptions;
  routine->ambuildphasename = BuildPhaseName;
  routine->amvalidate = ValidateOperatorClass;
  routine->ambeginscan = BeginScan;
  routine->amrescan = Rescan;
  routine->amgettuple = NextTuple;
  routine->amgetbitmap = GetBitmap;
  routine->amendscan = EndScan;
  return routine;
}

}  // namespace

bool IsHnswIndex(Oid index) {
  const Relation relation = RelationIdGetRelation(index);
  if (!RelationIsValid(relation)) return false;
  const bool ours = relation->rd_indam != nullptr && relation->rd_indam->ambuild == BuildIndex;
  RelationClose(relation);
  return ours;
}

bool IsHnswIndex(const IndexOptInfo& index) {
  return reinterpret_cast<void (*)()>(index.amcostestimate) == reinterpret_cast<void (*)()>(EstimateCost);
}

}  // namespace medvec::index

MEDVEC_FUNCTION(medvec_hnsw_handler) { PG_RETURN_POINTER(medvec::index::MakeRoutine()); }
