// SQL functions of images: embed_image, embed_images, image_info, dicom_header, image_thumbnail.
#include "embed/connection.hpp"
#include "embed/model_registry.hpp"
#include "embed/reply.hpp"
#include "embed/request.hpp"
#include "embed/settings.hpp"
#include "pg/records.hpp"
#include "types/vector.hpp"

namespace medvec::embed {
namespace {

using protocol::Limits;
using protocol::RequestKind;

constexpr int32 kFrameOfSpec = -1;

Limits CurrentLimits(int32 frame) {
  return {static_cast<uint64_t>(settings::max_image_megapixels) * 1000000,
          static_cast<uint32_t>(settings::image_timeout_ms), frame};
}

// The payload of a request of one image: `head`, the image's length, the image itself, which is not copied.
Reply CallWithImage(RequestKind kind, StringInfo head, const bytea* image) {
  const uint32_t length = VARSIZE_ANY_EXHDR(image);
  AppendUint32(head, length);
  const iovec pieces[] = {Bytes(head), Bytes(VARDATA_ANY(image), length)};
  const Reply reply = Call(kind, pieces);
  RaiseIfError(reply, 1);
  return reply;
}

StringInfo HeadWithLimits(int32 frame) {
  StringInfo head = makeStringInfo();
  const Limits limits = CurrentLimits(frame);
  appendBinaryStringInfo(head, reinterpret_cast<const char*>(&limits), sizeof(limits));
  return head;
}

StringInfo EmbedHead(const Model& model, int32 frame, uint32_t count) {
  StringInfo head = HeadWithLimits(frame);
  AppendString(head, FindModelFile(model.file));
  AppendString(head, model.sha256);
  AppendString(head, model.spec);
  AppendUint32(head, model.dimensions);
  AppendUint32(head, count);
  return head;
}

// Checks the reply's shape against what was asked for; what follows in the reader are the vectors.
void ReadEmbedShape(PayloadReader& reader, uint32_t count, const Model& model) {
  const uint32_t got_count = reader.ReadUint32();
  const uint32_t got_dimensions = reader.ReadUint32();
  if (got_count != count || got_dimensions != static_cast<uint32_t>(model.dimensions))
    ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
                    errmsg("the medvec embedder answered with %u vectors of %u dimensions, not %u of %d", got_count,
                           got_dimensions, count, model.dimensions)));
}

Vector* ReadVector(PayloadReader& reader, int32 dimensions) {
  Vector* vector = NewVector(dimensions);
  memcpy(vector->x, reader.Take(sizeof(float) * dimensions), sizeof(float) * dimensions);
  return vector;
}

Vector* CopyVector(const Vector* vector) {
  return static_cast<Vector*>(memcpy(palloc(VARSIZE(vector)), vector, VARSIZE(vector)));
}

// The last embedding of one call site: ORDER BY embedding <=> embed_image($1) asks for the same one row after row.
struct LastEmbedding {
  bytea* image;
  char model[NAMEDATALEN];
  int32 frame;
  Vector* vector;
};

bool SameBytes(const bytea* a, const bytea* b) {
  return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
         memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

Datum EmbedImage(FunctionCallInfo fcinfo, const char* model_name, int32 frame) {
  bytea* image = PG_GETARG_BYTEA_PP(0);
  auto* last = static_cast<LastEmbedding*>(fcinfo->flinfo->fn_extra);
  if (last != nullptr && last->vector != nullptr && last->frame == frame && strcmp(last->model, model_name) == 0 &&
      SameBytes(last->image, image)) {
    FindModel(model_name);  // a model dropped meanwhile is an error all the same
    return PointerGetDatum(CopyVector(last->vector));
  }

  const Model& model = FindModel(model_name);
  const int32 dimensions = model.dimensions;
  PayloadReader reader(CallWithImage(RequestKind::embed, EmbedHead(model, frame, 1), image).payload);
  ReadEmbedShape(reader, 1, model);
  Vector* vector = ReadVector(reader, dimensions);

  MemoryContext before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
  if (last == nullptr) fcinfo->flinfo->fn_extra = last = static_cast<LastEmbedding*>(palloc0(sizeof(LastEmbedding)));
  if (last->vector != nullptr) {
    pfree(last->image);
    pfree(last->vector);
    last->vector = nullptr;
  }
  last->image = static_cast<bytea*>(palloc(VARSIZE_ANY(image)));
  memcpy(last->image, image, VARSIZE_ANY(image));
  CopyString(last->model, model_name);
  last->frame = frame;
  last->vector = CopyVector(vector);
  MemoryContextSwitchTo(before);
  return PointerGetDatum(vector);
}

int32 FrameArgument(int32 frame) {
  if (frame < 1)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("frame must be at least 1, not %d", frame)));
  return frame - 1;
}

}  // namespace
}  // namespace medvec::embed

using namespace medvec::embed;
using medvec::Vector;

// embed_image(image bytea) → vector, by the model of the setting medvec.default_model
MEDVEC_FUNCTION(medvec_embed_image_default) {
  return EmbedImage(fcinfo, medvec::settings::default_model, kFrameOfSpec);
}

// embed_image(image bytea, model text) → vector
MEDVEC_FUNCTION(medvec_embed_image) { return EmbedImage(fcinfo, text_to_cstring(PG_GETARG_TEXT_PP(1)), kFrameOfSpec); }

// embed_image(image bytea, model text, frame integer) → vector; frames count from 1, as DICOM's frame numbers do
MEDVEC_FUNCTION(medvec_embed_image_frame) {
  return EmbedImage(fcinfo, text_to_cstring(PG_GETARG_TEXT_PP(1)), FrameArgument(PG_GETARG_INT32(2)));
}

// embed_images(images bytea[], model text) → vector[]; NULL elements give NULL elements, the shape is kept
MEDVEC_FUNCTION(medvec_embed_images) {
  ArrayType* images = PG_GETARG_ARRAYTYPE_P(0);
  const Model& model = FindModel(text_to_cstring(PG_GETARG_TEXT_PP(1)));
  const int32 dimensions = model.dimensions;

  Datum* values;
  bool* nulls;
  int length;
  deconstruct_array(images, BYTEAOID, -1, false, TYPALIGN_INT, &values, &nulls, &length);
  int count = 0;
  for (int i = 0; i < length; i++) count += !nulls[i];

  // One piece for the head, then two for each image: its length and its bytes, which are not copied.
  auto* pieces = static_cast<iovec*>(palloc((2 * count + 1) * sizeof(iovec)));
  auto* lengths = static_cast<uint32_t*>(palloc(Max(count, 1) * sizeof(uint32_t)));
  pieces[0] = Bytes(EmbedHead(model, kFrameOfSpec, count));
  for (int i = 0, j = 0; i < length; i++) {
    if (nulls[i]) continue;
    bytea* image = DatumGetByteaPP(values[i]);
    lengths[j] = VARSIZE_ANY_EXHDR(image);
    pieces[2 * j + 1] = Bytes(&lengths[j], sizeof(uint32_t));
    pieces[2 * j + 2] = Bytes(VARDATA_ANY(image), lengths[j]);
    j++;
  }

  auto* vectors = static_cast<Datum*>(palloc0(Max(length, 1) * sizeof(Datum)));
  if (count > 0) {
    const Reply reply = Call(RequestKind::embed, {pieces, static_cast<size_t>(2 * count + 1)});
    RaiseIfError(reply, count);
    PayloadReader reader(reply.payload);
    ReadEmbedShape(reader, count, model);
    for (int i = 0; i < length; i++)
      if (!nulls[i]) vectors[i] = PointerGetDatum(ReadVector(reader, dimensions));
  }

  const Oid vector_type = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
  int16 type_length;
  bool by_value;
  char alignment;
  get_typlenbyvalalign(vector_type, &type_length, &by_value, &alignment);
  PG_RETURN_ARRAYTYPE_P(construct_md_array(vectors, nulls, ARR_NDIM(images), ARR_DIMS(images), ARR_LBOUND(images),
                                           vector_type, type_length, by_value, alignment));
}

// image_info(image bytea, OUT format, width, height, channels, bits, frames, modality, transfer_syntax)
MEDVEC_FUNCTION(medvec_image_info) {
  TupleDesc descriptor;
  if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE ||
      descriptor->natts != medvec::protocol::kImageInfoFields)
    elog(ERROR, "image_info must return %d columns", medvec::protocol::kImageInfoFields);
  PayloadReader reader(
      CallWithImage(RequestKind::image_info, HeadWithLimits(kFrameOfSpec), PG_GETARG_BYTEA_PP(0)).payload);
  char* values[medvec::protocol::kImageInfoFields];
  for (char*& value : values) {
    value = reader.ReadString();
    if (value[0] == '\0') value = nullptr;
  }
  PG_RETURN_DATUM(HeapTupleGetDatum(BuildTupleFromCStrings(TupleDescGetAttInMetadata(descriptor), values)));
}

// dicom_header(image bytea) → jsonb
MEDVEC_FUNCTION(medvec_dicom_header) {
  PayloadReader reader(
      CallWithImage(RequestKind::dicom_header, HeadWithLimits(kFrameOfSpec), PG_GETARG_BYTEA_PP(0)).payload);
  const auto json = reader.ReadBlob();
  // The decoder writes UTF-8.
  char* text = pg_any_to_server(pnstrdup(json.data(), json.size()), static_cast<int>(json.size()), PG_UTF8);
  PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

// image_thumbnail(image bytea, size integer) → bytea, a PNG
MEDVEC_FUNCTION(medvec_image_thumbnail) {
  const int32 size = PG_GETARG_INT32(1);
  if (size < 1 || size > 4096)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("thumbnail size must be between 1 and 4096 pixels, not %d", size)));
  StringInfo head = HeadWithLimits(kFrameOfSpec);
  AppendUint32(head, size);
  PayloadReader reader(CallWithImage(RequestKind::thumbnail, head, PG_GETARG_BYTEA_PP(0)).payload);
  const auto png = reader.ReadBlob();
  auto* result = static_cast<bytea*>(palloc(VARHDRSZ + png.size()));
  SET_VARSIZE(result, VARHDRSZ + png.size());
  memcpy(VARDATA(result), png.data(), png.size());
  PG_RETURN_BYTEA_P(result);
}
