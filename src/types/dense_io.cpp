// Text and binary input and output.
#include <algorithm>
#include <bit>
#include <string_view>

#include "core/vector_text.hpp"
#include "core/vector_wire.hpp"
#include "pg/numbers.hpp"
#include "pg/wire.hpp"
#include "types/dense.hpp"

using namespace medvec;

namespace {

// An error names the place and never quotes the vector: embeddings are personal data, and error texts go to logs. The
// one number quoted is one that no vector can hold.
void ReportTextError(Node* escontext, const char* type, std::string_view text, const VectorText& parsed) {
  const int position = static_cast<int>(parsed.token.data() - text.data()) + 1;
  switch (parsed.error) {
    case VectorTextError::kNone:
      break;
    case VectorTextError::kNoOpeningBracket:
      errsave(escontext,
              (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("invalid input syntax for type %s", type),
               errdetail("Vector contents must start with \"[\".")));
      break;
    case VectorTextError::kSyntax:
      errsave(escontext,
              (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("invalid input syntax for type %s", type),
               parsed.token.empty() ? errdetail("Unexpected end of input.")
                                    : errdetail("Unexpected text at character %d.", position)));
      break;
    case VectorTextError::kTextBehindEnd:
      errsave(escontext,
              (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("invalid input syntax for type %s", type),
               errdetail("Junk after closing right brace.")));
      break;
    case VectorTextError::kNoDimensions:
      errsave(escontext, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("%s must have at least 1 dimension", type)));
      break;
    case VectorTextError::kTooManyDimensions:
      errsave(escontext, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                          errmsg("%s cannot have more than %d dimensions", type, kMaxVectorDim)));
      break;
    case VectorTextError::kNotANumber:
      errsave(escontext, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("NaN not allowed in %s", type)));
      break;
    case VectorTextError::kInfinite:
      errsave(escontext, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("infinite value not allowed in %s", type)));
      break;
    case VectorTextError::kOutOfRange: {
      constexpr size_t kLongestQuote = 60;
      errsave(escontext, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                          errmsg("\"%.*s%s\" is out of range for type %s",
                                 static_cast<int>(std::min(parsed.token.size(), kLongestQuote)), parsed.token.data(),
                                 parsed.token.size() > kLongestQuote ? "..." : "", type)));
      break;
    }
  }
}

template <class Element>
Datum In(FunctionCallInfo fcinfo) {
  const std::string_view text = PG_GETARG_CSTRING(0);
  const int32 typmod = PG_GETARG_INT32(2);
  Node* escontext = fcinfo->context;

  const size_t capacity = std::min<size_t>(CountElements(text), kMaxVectorDim);
  auto* vector = NewDense<Element>(static_cast<int>(capacity));
  const VectorText parsed = ParseVectorText(text, vector->elements());
  if (parsed.error != VectorTextError::kNone) {
    ReportTextError(escontext, vector->kType, text, parsed);
    return 0;
  }
  Assert(parsed.dim == vector->dim);
  if (typmod != -1 && typmod != parsed.dim) {
    errsave(escontext, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected %d dimensions, not %d", typmod, parsed.dim)));
    return 0;
  }
  PG_RETURN_POINTER(vector);
}

template <class Element>
Datum Out(FunctionCallInfo fcinfo) {
  auto* vector = GetDenseArg<Element>(fcinfo, 0);
  // FLOAT_SHORTEST_DECIMAL_LEN counts a terminator, whose place the separator takes; then the brackets and the end.
  char* text = static_cast<char*>(palloc(FLOAT_SHORTEST_DECIMAL_LEN * vector->dim + 3));
  char* p = text;
  *p++ = '[';
  for (const Element element : vector->elements()) {
    p += float_to_shortest_decimal_bufn(ToFloat(element), p);
    *p++ = ',';
  }
  p[-1] = ']';
  *p = '\0';
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_CSTRING(text);
}

// What is left of a message; pq_getmsgbytes, which takes bytes out of it, raises an error where there are too few.
std::span<const uint8> Rest(StringInfo message) {
  return {reinterpret_cast<const uint8*>(message->data) + message->cursor,
          static_cast<size_t>(message->len - message->cursor)};
}

template <class Element>
Datum Recv(FunctionCallInfo fcinfo) {
  using Dense = DenseVector<Element>;
  StringInfo message = reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0));
  const VectorWireHeader header = ParseVectorWireHeader(Rest(message));
  pq_getmsgbytes(message, kVectorWireHeaderSize);
  CheckDim<Element>(header.dim);
  CheckTypmod(PG_GETARG_INT32(2), header.dim);
  if (header.error == VectorWireError::kUnusedNotZero)
    ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected unused to be 0, not %d", header.unused)));

  Dense* vector = NewDense<Element>(header.dim);
  const VectorWireError error = ParseVectorWireElements(Rest(message), vector->elements());
  pq_getmsgbytes(message, static_cast<int>(sizeof(Element)) * header.dim);
  if (error != VectorWireError::kNone) RaiseNotFinite(Dense::kType, error == VectorWireError::kNotANumber);
  PG_RETURN_POINTER(vector);
}

void WriteWire(StringInfo message, float element) { pq_writeint32(message, std::bit_cast<uint32>(element)); }
void WriteWire(StringInfo message, Half element) { pq_writeint16(message, element.bits); }

template <class Element>
Datum Send(FunctionCallInfo fcinfo) {
  auto* vector = GetDenseArg<Element>(fcinfo, 0);
  StringInfoData message;
  pq_begintypsend(&message);
  enlargeStringInfo(&message, static_cast<int>(DenseSize<Element>(vector->dim)));
  pq_writeint16(&message, static_cast<uint16>(vector->dim));
  pq_writeint16(&message, static_cast<uint16>(vector->unused));
  for (const Element element : vector->elements()) WriteWire(&message, element);
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

}  // namespace

MEDVEC_FUNCTION(medvec_vector_in) { return In<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_vector_out) { return Out<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_vector_recv) { return Recv<float>(fcinfo); }
MEDVEC_FUNCTION(medvec_vector_send) { return Send<float>(fcinfo); }

MEDVEC_FUNCTION(medvec_halfvec_in) { return In<Half>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_out) { return Out<Half>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_recv) { return Recv<Half>(fcinfo); }
MEDVEC_FUNCTION(medvec_halfvec_send) { return Send<Half>(fcinfo); }
