#include "embed/model_registry.hpp"

#include <unistd.h>

#include "embed/settings.hpp"
#include "pg/catalog.hpp"

namespace medvec::embed {
namespace {

// Columns of medvec.model, in the order of models.sql.
enum Column { kName = 1, kFile, kSha256, kDimensions, kSpec, kBundled, kDropped, kColumns = kDropped };

struct Entry {
  char key[NAMEDATALEN];
  Model model;
};

HTAB* cache = nullptr;
MemoryContext cache_context = nullptr;
Oid cached_table = InvalidOid;
bool stale = false;  // the table has changed; the cache is emptied at the next look-up, when nobody holds an entry

// Statement-level triggers on the table announce changes (ModelTableChanged below), here and in other sessions.
void TableChanged(Datum, Oid relation) {
  if (relation == InvalidOid || relation == cached_table) stale = true;
}

void ResetCache() {
  if (cache_context == nullptr) {
    cache_context = AllocSetContextCreate(TopMemoryContext, "medvec models", ALLOCSET_SMALL_SIZES);
    CacheRegisterRelcacheCallback(TableChanged, Datum{0});
  }
  MemoryContextReset(cache_context);
  HASHCTL control{};
  control.keysize = NAMEDATALEN;
  control.entrysize = sizeof(Entry);
  control.hcxt = cache_context;
  cache = hash_create("medvec models", 8, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
  stale = false;
}

Oid ModelTable() {
  const Oid schema = get_namespace_oid("medvec", /*missing_ok=*/true);
  const Oid table = OidIsValid(schema) ? get_relname_relid("model", schema) : InvalidOid;
  if (!OidIsValid(table))
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table medvec.model does not exist"),
                    errhint("Run CREATE EXTENSION medvec in this database.")));
  return table;
}

char* CopyText(Datum value) {
  char* string = TextDatumGetCString(value);
  char* copy = MemoryContextStrdup(cache_context, string);
  pfree(string);
  return copy;
}

// Reads the row of `name`; false where there is none. Privileges on the table do not matter here: who may execute
// embed_image may use the models.
bool ReadModel(Oid table, const char* name, Model& model) {
  Relation relation = table_open(table, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, kName, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(name));
  key.sk_collation = DEFAULT_COLLATION_OID;
  // A handful of rows, read once per session: no index is worth opening. The newest snapshot, as for catalogues: a
  // model registered a moment ago is there for a long transaction too.
  SysScanDesc scan = systable_beginscan(relation, InvalidOid, /*indexOK=*/false, nullptr, 1, &key);
  HeapTuple tuple = systable_getnext(scan);
  bool found = false;
  if (HeapTupleIsValid(tuple)) {
    Datum values[kColumns];
    bool nulls[kColumns];
    heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
    if (nulls[kDropped - 1]) {
      model.name = CopyText(values[kName - 1]);
      model.file = CopyText(values[kFile - 1]);
      model.sha256 = CopyText(values[kSha256 - 1]);
      model.dimensions = DatumGetInt32(values[kDimensions - 1]);
      char* spec = OidOutputFunctionCall(F_JSONB_OUT, values[kSpec - 1]);
      model.spec = MemoryContextStrdup(cache_context, spec);
      pfree(spec);
      found = true;
    }
  }
  systable_endscan(scan);
  table_close(relation, AccessShareLock);
  return found;
}

}  // namespace

const Model& FindModel(const char* name) {
  if (cache == nullptr || stale) ResetCache();
  if (strlen(name) < NAMEDATALEN) {
    auto* entry = static_cast<Entry*>(hash_search(cache, name, HASH_FIND, nullptr));
    if (entry != nullptr) return entry->model;

    const Oid table = ModelTable();
    Model model;
    if (ReadModel(table, name, model)) {
      cached_table = table;
      entry = static_cast<Entry*>(hash_search(cache, name, HASH_ENTER, nullptr));
      entry->model = model;
      return entry->model;
    }
  }
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("model \"%s\" does not exist", name),
                  errhint("See the view medvec.models, or register it with medvec.register_model.")));
}

char* FindModelFile(const char* file) {
  if (file[0] == '\0' || file[0] == '/' || strstr(file, "..") != nullptr)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("model file must be named relative to the model directory, without \"..\""),
                    errhint("Put the file into the directory that the setting medvec.model_directory names.")));
  char path[MAXPGPATH];
  if (settings::model_directory[0] != '\0') {
    snprintf(path, sizeof(path), "%s/%s", settings::model_directory, file);
    if (access(path, F_OK) == 0) return pstrdup(path);
  }
  char share[MAXPGPATH];
  get_share_path(my_exec_path, share);
  snprintf(path, sizeof(path), "%s/medvec/models/%s", share, file);
  if (access(path, F_OK) == 0) return pstrdup(path);
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FILE), errmsg("model file \"%s\" does not exist", file),
                  errhint("Put the file into the directory that the setting medvec.model_directory names.")));
}

}  // namespace medvec::embed

// AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE, once per statement: makes every session forget what it has cached.
MEDVEC_FUNCTION(medvec_model_changed) {
  if (!CALLED_AS_TRIGGER(fcinfo))
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("medvec.model_changed was not called by trigger manager")));
  CacheInvalidateRelcache(reinterpret_cast<TriggerData*>(fcinfo->context)->tg_relation);
  PG_RETURN_POINTER(nullptr);
}
