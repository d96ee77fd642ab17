#include "index/keys.hpp"

#include "index/index.hpp"
#include "pg/arrays.hpp"

namespace medvec::index {

namespace {

static_assert(sizeof(Datum) == 8, "values of eight bytes are passed by value");

[[noreturn]] void RaiseColumn(Relation relation, int column, const char* what, const char* hint) {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("column \"%s\" of index \"%s\" %s",
                         NameStr(TupleDescAttr(RelationGetDescr(relation), column)->attname),
                         RelationGetRelationName(relation), what),
                  errhint("%s", hint)));
  pg_unreachable();
}

// Of column 1, 2, ...
FilterClass GetFilterClass(Relation relation, int column) {
  FmgrInfo* support = index_getprocinfo(relation, static_cast<AttrNumber>(column + 1), kFilterFunction);
  return *reinterpret_cast<const FilterClass*>(
      DatumGetPointer(FunctionCall1Coll(support, InvalidOid, PointerGetDatum(nullptr))));
}

FmgrInfo* HashOf(Oid type) {
  TypeCacheEntry* entry = lookup_type_cache(type, TYPECACHE_HASH_EXTENDED_PROC_FINFO);
  if (!OidIsValid(entry->hash_extended_proc_finfo.fn_oid))
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
                    errmsg("could not identify an extended hash function for type %s", format_type_be(type))));
  return &entry->hash_extended_proc_finfo;
}

uint64 HashValue(const FilterColumn& column, Datum value) {
  return DatumGetUInt64(FunctionCall2Coll(column.hash, column.collation, value, Int64GetDatum(0)));
}

}  // namespace

void CheckColumns(Relation relation) {
  if (!OidIsValid(index_getprocid(relation, 1, kVectorFunction)))
    RaiseColumn(relation, 0, "is no vector",
                "The first column of an hnsw index is a vector; others are filter columns.");
  for (int i = 1; i < IndexRelationGetNumberOfKeyAttributes(relation); ++i)
    if (!OidIsValid(index_getprocid(relation, static_cast<AttrNumber>(i + 1), kFilterFunction)))
      RaiseColumn(relation, i, "is a vector, which only the first can be", "Make an index for each vector.");
}

void LayKeys(Relation relation, Meta* meta) {
  meta->key_columns = static_cast<uint32_t>(IndexRelationGetNumberOfKeyAttributes(relation) - 1);
  uint32_t offset = (meta->key_columns + 7) / 8;
  for (uint32_t i = 0; i < meta->key_columns; ++i) {
    const FilterClass filter_class = GetFilterClass(relation, static_cast<int>(i + 1));
    const FormData_pg_attribute& attribute = *TupleDescAttr(RelationGetDescr(relation), i + 1);
    const bool fits = filter_class.encoding == Encoding::kValue
                          ? attribute.attbyval && attribute.attlen == filter_class.size()
                          : filter_class.encoding != Encoding::kPrefix || attribute.attlen >= 8;
    if (!fits)
      RaiseColumn(relation, static_cast<int>(i + 1), "is of another form than its operator class is for",
                  "Use the operator class of its type.");
    meta->keys[i] = {static_cast<uint16_t>(offset), filter_class.size(), filter_class.encoding};
    offset += filter_class.size();
  }
  meta->key_bytes = static_cast<uint16_t>(offset);
}

bool HasKeysOf(Relation relation, const Meta& meta) {
  Meta wanted{};
  LayKeys(relation, &wanted);
  return meta.key_columns == wanted.key_columns && meta.key_bytes == wanted.key_bytes &&
         memcmp(meta.keys, wanted.keys, sizeof meta.keys) == 0;
}

FilterColumn* FilterColumns(Relation relation, const Meta& meta) {
  if (meta.key_columns == 0) return nullptr;
  FilterColumn* columns = static_cast<FilterColumn*>(palloc0(sizeof(FilterColumn) * meta.key_columns));
  for (uint32_t i = 0; i < meta.key_columns; ++i) {
    FilterColumn& column = columns[i];
    const FormData_pg_attribute& attribute = *TupleDescAttr(RelationGetDescr(relation), i + 1);
    column.place = meta.keys[i];
    column.form = GetFilterClass(relation, static_cast<int>(i + 1)).form;
    column.null_byte = static_cast<uint8_t>(i / 8), column.null_bit = static_cast<uint8_t>(1 << i % 8);
    column.type = relation->rd_opcintype[i + 1];
    column.collation = relation->rd_indcollation[i + 1];
    if (column.place.encoding == Encoding::kHash) column.hash = HashOf(column.type);
    if (column.place.encoding != Encoding::kSignature) continue;
    column.element = get_base_element_type(attribute.atttypid);
    column.hash = HashOf(column.element);
    get_typlenbyvalalign(column.element, &column.element_length, &column.element_by_value, &column.element_alignment);
  }
  return columns;
}

void EncodeKeys(const Meta& meta, const FilterColumn* columns, const Datum* values, const bool* is_null,
                uint8_t* keys) {
  memset(keys, 0, meta.key_bytes);
  for (uint32_t i = 0; i < meta.key_columns; ++i) {
    if (is_null[i + 1])
      keys[columns[i].null_byte] |= columns[i].null_bit;
    else
      EncodeValue(columns[i], values[i + 1], keys + columns[i].place.offset);
  }
}

void EncodeValue(const FilterColumn& column, Datum value, uint8_t* to) {
  switch (column.place.encoding) {
    case Encoding::kValue: {
      alignas(8) char bytes[sizeof(Datum)];
      store_att_byval(bytes, value, column.place.size);
      memcpy(to, bytes, column.place.size);
      return;
    }
    case Encoding::kPrefix: {
      uint64 prefix;
      memcpy(&prefix, DatumGetPointer(value), sizeof prefix);
      const int64 number = static_cast<int64>(pg_ntoh64(prefix) ^ uint64{1} << 63);
      memcpy(to, &number, sizeof number);
      return;
    }
    case Encoding::kHash: {
      const uint64 hash = HashValue(column, value);
      memcpy(to, &hash, sizeof hash);
      return;
    }
    case Encoding::kNumeric: {
      const double nearest = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
      memcpy(to, &nearest, sizeof nearest);
      return;
    }
    case Encoding::kSignature: {
      uint64 all = 0;
      hnsw::Array<uint64_t> signatures = Signatures(column, value);
      for (const uint64_t signature : signatures) all |= signature;
      memcpy(to, &all, sizeof all);
      return;
    }
  }
}

hnsw::Array<uint64_t> Signatures(const FilterColumn& column, Datum value) {
  Datum* elements;
  bool* is_null;
  int count;
  deconstruct_array(DatumGetArrayTypeP(value), column.element, column.element_length, column.element_by_value,
                    column.element_alignment, &elements, &is_null, &count);
  hnsw::Array<uint64_t> signatures{};
  for (int i = 0; i < count; ++i) {
    if (is_null[i]) continue;
    const uint64 hash = HashValue(column, elements[i]);
    signatures.Append(ServerMemory(),
                      uint64{1} << (hash & 63) | uint64{1} << (hash >> 6 & 63) | uint64{1} << (hash >> 12 & 63));
  }
  return signatures;
}

}  // namespace medvec::index

// A support function's result is a pointer into this library's constants.
#define MEDVEC_FILTER_CLASS(name, encoding, form)                               \
  MEDVEC_FUNCTION(name) {                                                       \
    static constexpr medvec::index::FilterClass constant = {encoding, form};    \
    return PointerGetDatum(const_cast<medvec::index::FilterClass*>(&constant)); \
  }                                                                             \
  static_assert(true)

using medvec::Form;
using medvec::index::Encoding;

MEDVEC_FILTER_CLASS(medvec_hnsw_byte_filter, Encoding::kValue, Form::kByte);
MEDVEC_FILTER_CLASS(medvec_hnsw_int2_filter, Encoding::kValue, Form::kInt16);
MEDVEC_FILTER_CLASS(medvec_hnsw_int4_filter, Encoding::kValue, Form::kInt32);
MEDVEC_FILTER_CLASS(medvec_hnsw_int8_filter, Encoding::kValue, Form::kInt64);
MEDVEC_FILTER_CLASS(medvec_hnsw_oid_filter, Encoding::kValue, Form::kUint32);
MEDVEC_FILTER_CLASS(medvec_hnsw_float4_filter, Encoding::kValue, Form::kFloat32);
MEDVEC_FILTER_CLASS(medvec_hnsw_float8_filter, Encoding::kValue, Form::kFloat64);
MEDVEC_FILTER_CLASS(medvec_hnsw_enum_filter, Encoding::kValue, Form::kOid);
MEDVEC_FILTER_CLASS(medvec_hnsw_uuid_filter, Encoding::kPrefix, Form::kInt64);
MEDVEC_FILTER_CLASS(medvec_hnsw_hash_filter, Encoding::kHash, Form::kInt64);
MEDVEC_FILTER_CLASS(medvec_hnsw_numeric_filter, Encoding::kNumeric, Form::kFloat64);
MEDVEC_FILTER_CLASS(medvec_hnsw_array_filter, Encoding::kSignature, Form::kInt64);
