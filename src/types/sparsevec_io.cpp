// Text and binary input and output.
#include <algorithm>
#include <bit>
#include <string_view>

#include "core/sparse_text.hpp"
#include "core/sparse_wire.hpp"
#include "pg/numbers.hpp"
#include "pg/wire.hpp"
#include "types/sparsevec.hpp"

using namespace medvec;

namespace {

// An error names the place and never quotes the vector. The one number quoted is one that no vector can hold.
void ReportTextError(Node* escontext, std::string_view text, const SparseText& parsed) {
  const int position = static_cast<int>(parsed.token.data() - text.data()) + 1;
  switch (parsed.error) {
    case SparseError::kNoOpeningBrace:
      return ReportSparseError(escontext, parsed.error, "Vector contents must start with \"{\".");
    case SparseError::kTextBehindEnd:
      return ReportSparseError(escontext, parsed.error, "Junk after closing.");
    case SparseError::kSyntax:
      return ReportSparseError(
          escontext, parsed.error,
          parsed.token.empty() ? "Unexpected end of input." : psprintf("Unexpected text at character %d.", position));
    case SparseError::kOutOfRange: {
      constexpr size_t kLongestQuote = 60;
      errsave(escontext, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                          errmsg("\"%.*s%s\" is out of range for type sparsevec",
                                 static_cast<int>(std::min(parsed.token.size(), kLongestQuote)), parsed.token.data(),
                                 parsed.token.size() > kLongestQuote ? "..." : "")));
      return;
    }
    default:
      return ReportSparseError(escontext, parsed.error,
                               parsed.token.empty() ? nullptr : psprintf("At character %d.", position));
  }
}

}  // namespace

MEDVEC_FUNCTION(medvec_sparsevec_in) {
  const std::string_view text = PG_GETARG_CSTRING(0);
  const int32 typmod = PG_GETARG_INT32(2);
  Node* escontext = fcinfo->context;

  const size_t capacity = std::min<size_t>(CountSparseElements(text), kMaxSparseElements);
  SparseTextElement* elements = static_cast<SparseTextElement*>(palloc(capacity * sizeof *elements));
  const SparseText parsed = ParseSparseText(text, {elements, capacity});
  if (parsed.error != SparseError::kNone) {
    ReportTextError(escontext, text, parsed);
    return 0;
  }
  if (typmod != -1 && typmod != parsed.dim) {
    errsave(escontext, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected %d dimensions, not %d", typmod, parsed.dim)));
    return 0;
  }
  SparseVec* vector = NewSparseVec(parsed.dim, parsed.count);
  std::ranges::transform(elements, elements + parsed.count, vector->index, &SparseTextElement::index);
  std::ranges::transform(elements, elements + parsed.count, vector->values().data(), &SparseTextElement::value);
  pfree(elements);
  PG_RETURN_POINTER(vector);
}

MEDVEC_FUNCTION(medvec_sparsevec_out) {
  SparseVec* vector = GetSparseVecArg(fcinfo, 0);
  // FLOAT_SHORTEST_DECIMAL_LEN counts a terminator, whose place the separator takes.
  constexpr Size kIndexLength = sizeof("1000000000:") - 1, kRestLength = sizeof("{}/1000000000");
  char* text = static_cast<char*>(palloc((kIndexLength + FLOAT_SHORTEST_DECIMAL_LEN) * vector->nnz + kRestLength));
  char* p = text;
  *p++ = '{';
  const std::span<const float> values = vector->values();
  for (int i = 0; i < vector->nnz; ++i) {
    if (i > 0) *p++ = ',';
    p += pg_ltoa(vector->index[i] + 1, p);
    *p++ = ':';
    p += float_to_shortest_decimal_bufn(values[i], p);
  }
  *p++ = '}';
  *p++ = '/';
  p += pg_ltoa(vector->dim, p);
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_CSTRING(text);
}

// int32 dimensions, int32 elements that are not 0, int32 zero, then what core/sparse_wire.hpp says.
MEDVEC_FUNCTION(medvec_sparsevec_recv) {
  StringInfo message = reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0));
  const int32 dim = static_cast<int32>(pq_getmsgint(message, sizeof(int32)));
  const int32 nnz = static_cast<int32>(pq_getmsgint(message, sizeof(int32)));
  const int32 unused = static_cast<int32>(pq_getmsgint(message, sizeof(int32)));
  CheckSparse(CheckSparseShape(dim, nnz));
  CheckTypmod(PG_GETARG_INT32(2), dim);
  if (unused != 0) ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected unused to be 0, not %d", unused)));

  const char* wire = pq_getmsgbytes(message, static_cast<int>(kSparseWireElement) * nnz);
  SparseVec* vector = NewSparseVec(dim, nnz);
  const SparseWire read = ReadSparseWire(wire, dim, vector->indices(), vector->values());
  if (read.error != SparseError::kNone)
    ReportSparseError(nullptr, read.error, psprintf("At element %d of %d.", read.element + 1, nnz));
  PG_RETURN_POINTER(vector);
}

MEDVEC_FUNCTION(medvec_sparsevec_send) {
  SparseVec* vector = GetSparseVecArg(fcinfo, 0);
  StringInfoData message;
  pq_begintypsend(&message);
  enlargeStringInfo(&message, static_cast<int>(SparseVecSize(vector->nnz)));
  pq_writeint32(&message, static_cast<uint32>(vector->dim));
  pq_writeint32(&message, static_cast<uint32>(vector->nnz));
  pq_writeint32(&message, static_cast<uint32>(vector->unused));
  for (const int32 index : vector->indices()) pq_writeint32(&message, static_cast<uint32>(index));
  for (const float value : vector->values()) pq_writeint32(&message, std::bit_cast<uint32>(value));
  PG_FREE_IF_COPY(vector, 0);
  PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}
