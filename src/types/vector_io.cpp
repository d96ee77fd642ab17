// Text and binary input and output.
#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "core/vector_text.hpp"
#include "pg/numbers.hpp"
#include "pg/wire.hpp"
#include "types/vector.hpp"

using namespace medvec;

namespace {

// An error names the place and never quotes the vector: embeddings are personal data, and error texts go to logs. The
// one number quoted is one that no vector can hold.
void ReportTextError(Node* escontext, std::string_view text, const VectorText& parsed) {
  const int position = static_cast<int>(parsed.token.data() - text.data()) + 1;
  switch (parsed.error) {
    case VectorTextError::kNone:
      break;
    case VectorTextError::kNoOpeningBracket:
      errsave(escontext, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("invalid input syntax for type vector"),
                          errdetail("Vector contents must start with \"[\".")));
      break;
    case VectorTextError::kSyntax:
      errsave(escontext, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("invalid input syntax for type vector"),
                          parsed.token.empty() ? errdetail("Unexpected end of input.")
                                               : errdetail("Unexpected text at character %d.", position)));
      break;
    case VectorTextError::kTextBehindEnd:
      errsave(escontext, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("invalid input syntax for type vector"),
                          errdetail("Junk after closing right brace.")));
      break;
    case VectorTextError::kNoDimensions:
      errsave(escontext, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("vector must have at least 1 dimension")));
      break;
    case VectorTextError::kTooManyDimensions:
      errsave(escontext, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                          errmsg("vector cannot have more than %d dimensions", kMaxVectorDim)));
      break;
    case VectorTextError::kNotANumber:
      errsave(escontext, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("NaN not allowed in vector")));
      break;
    case VectorTextError::kInfinite:
      errsave(escontext, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("infinite value not allowed in vector")));
      break;
    case VectorTextError::kOutOfRange: {
      constexpr size_t kLongestQuote = 60;
      errsave(escontext, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                          errmsg("\"%.*s%s\" is out of range for type vector",
                                 static_cast<int>(std::min(parsed.token.size(), kLongestQuote)), parsed.token.data(),
                                 parsed.token.size() > kLongestQuote ? "..." : "")));
      break;
    }
  }
}

}  // namespace

MEDVEC_FUNCTION(medvec_vector_in) {
  const std::string_view text = PG_GETARG_CSTRING(0);
  const int32 typmod = PG_GETARG_INT32(2);
  Node* escontext = fcinfo->context;

  const size_t capacity = std::min<size_t>(CountElements(text), kMaxVectorDim);
  Vector* vector = NewVector(static_cast<int>(capacity));
  const VectorText parsed = ParseVectorText(text, vector->elements());
  if (parsed.error != VectorTextError::kNone) {
    ReportTextError(escontext, text, parsed);
    return 0;
  }
  Assert(parsed.dim == vector->dim);
  if (typmod != -1 && typmod != parsed.dim) {
    errsave(escontext, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected %d dimensions, not %d", typmod, parsed.dim)));
    return 0;
  }
  PG_RETURN_POINTER(vector);
}

MEDVEC_FUNCTION(medvec_vector_out) {
  Vector* vector = GetVectorArg(fcinfo, 0);
  // FLOAT_SHORTEST_DECIMAL_LEN counts a terminator, whose place the separator takes; then the brackets and the end.
  char* text = static_cast<char*>(palloc(FLOAT_SHORTEST_DECIMAL_LEN * vector->dim + 3));
  char* p = text;
  *p++ = '[';
  for (const float element : vector->elements()) {
    p += float_to_shortest_decimal_bufn(element, p);
    *p++ = ',';
  }
  p[-1] = ']';
  *p = '\0';
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_CSTRING(text);
}

// int16 dimensions, int16 zero, float32 elements, all big-endian.
MEDVEC_FUNCTION(medvec_vector_recv) {
  StringInfo message = reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0));
  const int16 dim = static_cast<int16>(pq_getmsgint(message, sizeof(int16)));
  const int16 unused = static_cast<int16>(pq_getmsgint(message, sizeof(int16)));
  CheckDim(dim);
  CheckTypmod(PG_GETARG_INT32(2), dim);
  if (unused != 0) ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected unused to be 0, not %d", unused)));

  const char* wire = pq_getmsgbytes(message, static_cast<int>(sizeof(float)) * dim);
  Vector* vector = NewVector(dim);
  for (float& element : vector->elements()) {
    uint32 bits;
    std::memcpy(&bits, wire, sizeof bits);
    element = std::bit_cast<float>(pg_ntoh32(bits));
    wire += sizeof bits;
  }
  CheckFinite(vector->elements());
  PG_RETURN_POINTER(vector);
}

MEDVEC_FUNCTION(medvec_vector_send) {
  Vector* vector = GetVectorArg(fcinfo, 0);
  StringInfoData message;
  pq_begintypsend(&message);
  enlargeStringInfo(&message, static_cast<int>(VectorSize(vector->dim)));
  pq_writeint16(&message, static_cast<uint16>(vector->dim));
  pq_writeint16(&message, static_cast<uint16>(vector->unused));
  for (const float element : vector->elements()) pq_writeint32(&message, std::bit_cast<uint32>(element));
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}
