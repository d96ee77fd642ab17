#include "index/diagnostics/target.hpp"

#include "index/handler.hpp"
#include "pg/privileges.hpp"

namespace medvec::index {

namespace {

[[noreturn]] void RaiseWrongKind(const char* name, char kind) {
  ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not an hnsw index of medvec", name),
                  kind == RELKIND_PARTITIONED_INDEX ? errhint("Name the index of a partition.") : 0));
  pg_unreachable();
}

}  // namespace

Target OpenTarget(Oid index, LOCKMODE lock) {
  const char* name = get_rel_name(index);
  if (name == nullptr)
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", index)));
  // Before any lock: nobody may hold up a table that is not his.
  const char kind = get_rel_relkind(index);
  if (kind != RELKIND_INDEX) RaiseWrongKind(name, kind);
  const Oid table = IndexGetRelation(index, false);
  if (!MayMaintain(table)) aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_INDEX, name);

  Target target{table_open(table, lock), nullptr, lock, InvalidOid, 0, 0};
  target.index = index_open(index, AccessShareLock);
  if (IndexGetRelation(index, false) != table)
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("index \"%s\" was replaced meanwhile", name)));
  if (!IsHnswIndex(index)) RaiseWrongKind(name, kind);
  if (RELATION_IS_OTHER_TEMP(target.index))
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("cannot access temporary tables of other sessions")));
  if (!target.index->rd_index->indisvalid)
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("index \"%s\" is not valid", name),
                    errdetail("CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY has not finished it."),
                    errhint("REINDEX INDEX \"%s\" builds it anew.", name)));
  GetUserIdAndSecContext(&target.user, &target.security_context);
  SetUserIdAndSecContext(target.heap->rd_rel->relowner, target.security_context | SECURITY_RESTRICTED_OPERATION);
  target.guc_level = NewGUCNestLevel();
  RestrictSearchPath();
  return target;
}

void CloseTarget(const Target& target) {
  AtEOXact_GUC(false, target.guc_level);
  SetUserIdAndSecContext(target.user, target.security_context);
  index_close(target.index, AccessShareLock);
  table_close(target.heap, target.lock);
}

}  // namespace medvec::index
