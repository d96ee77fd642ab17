// The binary form of vector or halfvec (MEDVEC_ELEMENT), and behind a well-formed one the elements of a second, for
// distances.
#include "core/vector_text.hpp"
#include "core/vector_wire.hpp"
#include "reference_distance.hpp"
#include "reference_text.hpp"
#include "support.hpp"

using namespace medvec;
using namespace medvec::fuzz;
using Element = MEDVEC_ELEMENT;

namespace {

using Word = std::conditional_t<sizeof(Element) == 2, uint16_t, uint32_t>;

VectorWireError ReferenceElements(std::span<const uint8_t> bytes, std::vector<Element>& elements, size_t dim) {
  if (bytes.size() < dim * sizeof(Word)) return VectorWireError::kTooShort;
  for (size_t i = 0; i < dim; ++i) {
    const Element x = std::bit_cast<Element>(Take<Word>(bytes));
    const float value = ToFloat(x);
    if (std::isnan(value)) return VectorWireError::kNotANumber;
    if (std::isinf(value)) return VectorWireError::kInfinite;
    elements.push_back(x);
  }
  return VectorWireError::kNone;
}

// Parses them out of a block of their own; those of the reference, when both say that they are well-formed.
std::vector<Element> CheckElements(std::span<const uint8_t> bytes, size_t dim) {
  std::vector<Element> expected;
  const VectorWireError error = ReferenceElements(bytes, expected, dim);
  ExactBlock<uint8_t> block(bytes);
  ExactBlock<Element> elements(dim);
  Check(ParseVectorWireElements(std::span<const uint8_t>(block.span()), elements.span()) == error,
        "the error is the reference's");
  if (error != VectorWireError::kNone) return {};
  Check(std::ranges::equal(elements.span(), expected, kSameBits), "the elements are the reference's");
  return expected;
}

// Each instruction set converts as the formula for one number does, and that as the reference.
void CheckConversion(std::span<const Element> from) {
  std::vector<float> floats;
  for (const Element x : from) {
    floats.push_back(ToFloat(x));
    const Half nearest = NearestHalf(floats.back());
    Check(kSameBits(ToHalf(floats.back()), nearest), "a float becomes the nearest half");
    if constexpr (sizeof(Element) == 2) Check(kSameBits(x, nearest), "a half is one as float");
  }
  OfAllTargets([&] {
    ExactBlock<float> source{std::span<const float>(floats)};
    ExactBlock<Half> halves(floats.size());
    const bool finite = FloatsToHalves(source.span().data(), halves.span().data(), floats.size());
    Check(finite == std::ranges::all_of(halves.span(), [](Half x) { return IsFinite(x); }), "infinite halves are told");
    Check(std::ranges::equal(halves.span(), floats, kSameBits, {}, ToHalf), "floats become halves as one does");
    HalvesToFloats(halves.span().data(), source.span().data(), floats.size());
    Check(std::ranges::equal(source.span(), halves.span(), kSameBits, {}, [](Half x) { return ToFloat(x); }),
          "halves become floats as one does");
    return 0;
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> input(data, size);
  ExactBlock<uint8_t> block(input);
  const VectorWireHeader header = ParseVectorWireHeader(block.span());
  std::span<const uint8_t> rest = input;
  if (size < 4) {
    Check(header.error == VectorWireError::kTooShort, "a head is four bytes");
    return 0;
  }
  const int16_t dim = Take<int16_t>(rest), unused = Take<int16_t>(rest);
  Check(header.dim == dim && header.unused == unused, "the head is read as it stands");
  Check(header.error == (dim < 1       ? VectorWireError::kNoDimensions
                         : unused != 0 ? VectorWireError::kUnusedNotZero
                                       : VectorWireError::kNone),
        "the error is the reference's");
  if (header.error != VectorWireError::kNone) return 0;

  const std::vector<Element> a = CheckElements(rest, static_cast<size_t>(dim));
  if (a.empty()) return 0;
  std::string printed;
  for (const Element x : a) AppendNumber(printed += printed.empty() ? '[' : ',', ToFloat(x));
  printed += ']';
  ExactBlock<Element> again(CountElements(printed));
  Check(ParseVectorText(printed, again.span()).error == VectorTextError::kNone &&
            std::ranges::equal(again.span(), a, kSameBits),
        "printed and parsed it is the same");
  CheckConversion(a);

  std::vector<Element> b = CheckElements(rest.subspan(a.size() * sizeof(Word)), a.size());
  if (b.empty()) b.assign(a.rbegin(), a.rend());
  CheckDenseDistances<Element>(a, b);
  CheckDenseDistances<Element>(a, a);
  return 0;
}
