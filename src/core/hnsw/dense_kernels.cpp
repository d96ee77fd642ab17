#include "core/hnsw/dense_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

// The target with a population count of 64-bit lanes (Ice Lake, Zen 4 and later), which 1.0.3 leaves out unless asked.
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/hnsw/dense_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace medvec::hnsw {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Float = hn::CappedTag<float, 16>;
using Int = hn::Rebind<int32_t, Float>;
using FloatVec = hn::Vec<Float>;
using Byte = hn::CappedTag<uint8_t, 64>;
using Word = hn::CappedTag<uint64_t, 8>;
using WordVec = hn::Vec<Word>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// ---- Own vectors
// -----------------------------------------------------------------------------------------------------

// A stored vector as floats, unscaled. Load reads Lanes elements; the tail is copied first, for it ends with the block.
template <VectorCodec codec>
struct Elements;

template <>
struct Elements<VectorCodec::kFloat32> {
  static constexpr size_t kSize = 4;
  static HWY_INLINE FloatVec Load(Float d, const uint8_t* p) { return hn::LoadU(d, reinterpret_cast<const float*>(p)); }
};

template <>
struct Elements<VectorCodec::kFloat16> {
  static constexpr size_t kSize = 2;
  static HWY_INLINE FloatVec Load(Float d, const uint8_t* p) {
    const hn::Rebind<hwy::float16_t, Float> dh;
    return hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(p)));
  }
};

template <>
struct Elements<VectorCodec::kInt8> {
  static constexpr size_t kSize = 1;
  static HWY_INLINE FloatVec Load(Float d, const uint8_t* p) {
    const hn::Rebind<int8_t, Float> d8;
    return hn::ConvertTo(d, hn::PromoteTo(Int(), hn::LoadU(d8, reinterpret_cast<const int8_t*>(p))));
  }
};

// Calls step(i, elements i.. as a vector, sum) for all elements, zeros behind the last. Four sums take turns, so that
// no addition waits for the one before; returns their total.
template <VectorCodec codec, class Step>
HWY_INLINE FloatVec ForStored(const uint8_t* stored, size_t dim, Step step) {
  const Float d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  FloatVec sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (; i + 4 * lanes <= dim; i += 4 * lanes) {
    const uint8_t* p = stored + i * Elements<codec>::kSize;
    const size_t size = lanes * Elements<codec>::kSize;
    step(i, Elements<codec>::Load(d, p), sum0);
    step(i + lanes, Elements<codec>::Load(d, p + size), sum1);
    step(i + 2 * lanes, Elements<codec>::Load(d, p + 2 * size), sum2);
    step(i + 3 * lanes, Elements<codec>::Load(d, p + 3 * size), sum3);
  }
  for (; i + lanes <= dim; i += lanes) step(i, Elements<codec>::Load(d, stored + i * Elements<codec>::kSize), sum0);
  if (i < dim) {
    HWY_ALIGN uint8_t tail[64] = {};
    std::memcpy(tail, stored + i * Elements<codec>::kSize, (dim - i) * Elements<codec>::kSize);
    step(i, Elements<codec>::Load(d, tail), sum1);
  }
  return hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
}

// The same of levels and rests, by groups of 32 dimensions.
template <VectorCodec codec, class Step>
HWY_INLINE FloatVec ForFine(const uint8_t* stored, size_t dim, Step step) {
  const Float d;
  const hn::Rebind<int8_t, Float> d8;
  const size_t lanes = hn::Lanes(d);
  const auto unit = hn::Set(d, 1.0f / static_cast<float>(PartsOfLevel(codec)));
  const int8_t* levels = reinterpret_cast<const int8_t*>(stored);
  const int8_t* rests = levels + dim;
  const auto load = [&](const int8_t* p) HWY_ATTR { return hn::PromoteTo(Int(), hn::LoadU(d8, p)); };
  const auto join = [&](const int8_t* level, hn::Vec<Int> rest)
                        HWY_ATTR { return hn::MulAdd(hn::ConvertTo(d, rest), unit, hn::ConvertTo(d, load(level))); };
  HWY_ALIGN int8_t last_levels[32] = {}, last_rests[32] = {};
  FloatVec sum0 = hn::Zero(d), sum1 = sum0;
  for (size_t from = 0; from < dim; from += 32) {
    const int8_t *level = levels + from, *rest = rests + RestBytes(codec, from);
    if (from + 32 > dim) {
      std::memcpy(last_levels, level, dim - from);
      std::memcpy(last_rests, rest, RestBytes(codec, dim - from));
      level = last_levels, rest = last_rests;
    }
    for (size_t i = 0; i < 16 && from + i < dim; i += lanes) {
      auto rest0 = load(rest + i), rest1 = rest0;
      if constexpr (codec == VectorCodec::kInt12)
        rest0 = hn::ShiftRight<28>(hn::ShiftLeft<28>(rest0)), rest1 = hn::ShiftRight<4>(rest1);
      else
        rest1 = load(rest + 16 + i);
      step(from + i, join(level + i, rest0), sum0);
      if (from + 16 + i < dim) step(from + 16 + i, join(level + 16 + i, rest1), sum1);
    }
  }
  return hn::Add(sum0, sum1);
}

template <VectorCodec codec, class Step>
HWY_INLINE FloatVec ForElements(const uint8_t* stored, size_t dim, Step step) {
  if constexpr (codec == VectorCodec::kInt12 || codec == VectorCodec::kInt16)
    return ForFine<codec>(stored, dim, step);
  else
    return ForStored<codec>(stored, dim, step);
}

// Runs body.operator()<codec>() for the geometry's codec.
template <class Body>
HWY_INLINE auto WithCodec(VectorCodec codec, Body body) {
  switch (codec) {
    case VectorCodec::kFloat32:
      return body.template operator()<VectorCodec::kFloat32>();
    case VectorCodec::kFloat16:
      return body.template operator()<VectorCodec::kFloat16>();
    case VectorCodec::kInt12:
      return body.template operator()<VectorCodec::kInt12>();
    case VectorCodec::kInt16:
      return body.template operator()<VectorCodec::kInt16>();
    default:
      return body.template operator()<VectorCodec::kInt8>();
  }
}

HWY_INLINE float Sum(FloatVec v) { return hn::GetLane(hn::SumOfLanes(Float(), v)); }
HWY_INLINE float Max(FloatVec v) { return hn::GetLane(hn::MaxOfLanes(Float(), v)); }

// ---- Bit planes
// ------------------------------------------------------------------------------------------------------

// Levels of 64 floats: rounded to int8 at `out`. Adds them to `sum`, their products with x to `product`, and the
// squares of x to `square`.
HWY_INLINE void Levels64(const float* x, FloatVec inverse, FloatVec low, FloatVec high, int8_t* out, hn::Vec<Int>& sum,
                         FloatVec& product, FloatVec& square) {
  const Float d;
  const hn::Rebind<int8_t, Float> d8;
  for (size_t i = 0; i < 64; i += hn::Lanes(d)) {
    const auto v = hn::Load(d, x + i);
    const auto level = hn::NearestInt(hn::Min(hn::Max(hn::Mul(v, inverse), low), high));
    sum = hn::Add(sum, level);
    product = hn::MulAdd(hn::ConvertTo(d, level), v, product);
    square = hn::MulAdd(v, v, square);
    hn::StoreU(hn::DemoteTo(d8, level), d8, out + i);
  }
}

// Bit `bit` of each of 64 bytes.
HWY_INLINE uint64_t Plane64(const int8_t* levels, int bit) {
  const Byte d;
  const size_t lanes = hn::Lanes(d);
  uint64_t word = 0;
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < 64; ++i) word |= static_cast<uint64_t>(levels[i] >> bit & 1) << i;
#else
  const auto wanted = hn::Set(d, static_cast<uint8_t>(1 << bit));
  for (size_t i = 0; i < 64; i += lanes) {
    uint8_t bits[8] = {};
    hn::StoreMaskBits(d, hn::TestBit(hn::LoadU(d, reinterpret_cast<const uint8_t*>(levels) + i), wanted), bits);
    std::memcpy(reinterpret_cast<uint8_t*>(&word) + i / 8, bits, lanes / 8);
  }
#endif
  (void)lanes;
  return word;
}

// Planes of `x` (PaddedDim floats, zeros behind dim), given its square and its greatest magnitude. A step of 0.335
// standard deviations is the best for 16 levels of a Gaussian; few dimensions may be far from one, so that at least
// 5/8 of the greatest value stays in range.
HWY_INLINE void Quantise(const Geometry& g, Query& query, const float* x, float square, float greatest) {
  const size_t words = PaddedDim(g.code_dim) / 64;
  const float step = std::max(0.335f * std::sqrt(square / static_cast<float>(g.dim)), greatest * (1.0f / 12));
  const float inverse = 1 / step;
  query.step = step, query.sum = 0, query.length = std::sqrt(square);
  if (!(inverse < kInfinity) || !(inverse > 0)) {  // all zero, or too long or too short to say
    std::memset(query.planes, 0, kQueryPlanes * words * sizeof(uint64_t));
    query.step = 0, query.length = 0;
    return;
  }
  const Float d;
  const auto factor = hn::Set(d, inverse), low = hn::Set(d, -8.0f), high = hn::Set(d, 7.0f);
  auto sum = hn::Zero(Int());
  auto product = hn::Zero(d), coded_square = product;
  HWY_ALIGN int8_t levels[64];
  for (size_t w = 0; w < words; ++w) {
    Levels64(x + 64 * w, factor, low, high, levels, sum, product, coded_square);
    for (int bit = 0; bit < kQueryPlanes; ++bit) query.planes[bit * words + w] = Plane64(levels, bit);
  }
  query.sum = hn::GetLane(hn::SumOfLanes(Int(), sum));
  // Rounding and cutting off shorten y a little; this step keeps the part along y, without which close neighbours in
  // y's direction would be taken for farther ones.
  const float along = Sum(product);
  query.step = along > 0 ? Sum(coded_square) / along : 0;
}

void QuantiseQuery(const Geometry& g, Query& query) {
  const Float d;
  auto square = hn::Zero(d), greatest = square;
  for (size_t i = 0; i < PaddedDim(g.dim); i += hn::Lanes(d)) {
    const auto v = hn::Load(d, query.vector + i);
    square = hn::MulAdd(v, v, square);
    greatest = hn::Max(greatest, hn::Abs(v));
  }
  Quantise(g, query, query.vector, Sum(square), Max(greatest));
}

// ---- Visiting a node
// -------------------------------------------------------------------------------------------------

template <VectorCodec codec>
HWY_INLINE Distances VisitAs(const Geometry& g, Query& query, const uint8_t* block) {
  const Float d;
  const uint8_t* stored = Vector(g, block);
  const float scale_value = Header(block).scale;
  const auto scale = hn::Set(d, scale_value);
  if (g.metric == Metric::kInnerProduct) {
    const auto dot = ForElements<codec>(stored, g.dim, [&](size_t i, FloatVec v, FloatVec& sum) HWY_ATTR {
      sum = hn::MulAdd(v, hn::Load(d, query.vector + i), sum);
    });
    const float product = -scale_value * Sum(dot);
    return {product, product};
  }
  auto greatest = hn::Zero(d), l1 = greatest;
  const auto squares = ForElements<codec>(stored, g.dim, [&](size_t i, FloatVec v, FloatVec& sum) HWY_ATTR {
    const auto r = hn::NegMulAdd(v, scale, hn::Load(d, query.vector + i));
    hn::Store(r, d, query.residual + i);
    greatest = hn::Max(greatest, hn::Abs(r));
    sum = hn::MulAdd(r, r, sum);
  });
  if (g.metric == Metric::kL1) {
    for (size_t i = 0; i < g.dim; i += hn::Lanes(d)) l1 = hn::Add(l1, hn::Abs(hn::Load(d, query.residual + i)));
    query.rotation->Apply(query.residual);
    greatest = hn::Zero(d);
    for (size_t i = 0; i < g.dim; i += hn::Lanes(d))
      greatest = hn::Max(greatest, hn::Abs(hn::Load(d, query.residual + i)));
  }
  const float square = Sum(squares);
  Quantise(g, query, query.residual, square, Max(greatest));
  return {square, g.metric == Metric::kL1 ? Sum(l1) : square};
}

Distances Visit(const Geometry& g, Query& query, const uint8_t* block) {
  return WithCodec(g.codec, [&]<VectorCodec codec>() HWY_ATTR { return VisitAs<codec>(g, query, block); });
}

// ---- Estimates
// -------------------------------------------------------------------------------------------------------

// Weighted count of one register of code against the planes.
HWY_INLINE WordVec Weigh(WordVec code, WordVec p0, WordVec p1, WordVec p2, WordVec p3) {
  const auto c0 = hn::PopulationCount(hn::And(code, p0));
  const auto c1 = hn::PopulationCount(hn::And(code, p1));
  const auto c2 = hn::PopulationCount(hn::And(code, p2));
  const auto c3 = hn::PopulationCount(hn::And(code, p3));
  const auto low = hn::Add(c0, hn::Add(c1, c1));
  const auto high = hn::Sub(c2, hn::Add(c3, c3));
  return hn::Add(low, hn::ShiftLeft<2>(high));
}

HWY_INLINE int32_t Total(WordVec v) { return static_cast<int32_t>(hn::GetLane(hn::SumOfLanes(Word(), v))); }

// Code planes of `kRegisters` registers each (the last may be partly filled), with the query's planes held in
// registers.
template <size_t kRegisters>
HWY_INLINE void LongPlanes(const uint8_t* codes, size_t count, size_t bytes, const uint64_t* planes, size_t words,
                           int32_t* sums) {
  const Word d;
  const size_t lanes = hn::Lanes(d);
  const size_t last = (kRegisters - 1) * lanes;
  const auto mask = hn::FirstN(d, (bytes + 7) / 8 - last);
  WordVec p0[kRegisters], p1[kRegisters], p2[kRegisters], p3[kRegisters];
  for (size_t r = 0; r < kRegisters; ++r) {
    HWY_ALIGN uint64_t padded[kQueryPlanes][8] = {};
    const size_t here = std::min(lanes, words - r * lanes);
    for (int b = 0; b < kQueryPlanes; ++b)
      std::memcpy(padded[b], planes + b * words + r * lanes, here * sizeof(uint64_t));
    p0[r] = hn::Load(d, padded[0]), p1[r] = hn::Load(d, padded[1]);
    p2[r] = hn::Load(d, padded[2]), p3[r] = hn::Load(d, padded[3]);
  }
  for (size_t i = 0; i < count; ++i, codes += bytes) {
    const uint64_t* code = reinterpret_cast<const uint64_t*>(codes);
    auto sum = Weigh(hn::MaskedLoad(mask, d, code + last), p0[kRegisters - 1], p1[kRegisters - 1], p2[kRegisters - 1],
                     p3[kRegisters - 1]);
    for (size_t r = 0; r + 1 < kRegisters; ++r)
      sum = hn::Add(sum, Weigh(hn::LoadU(d, code + r * lanes), p0[r], p1[r], p2[r], p3[r]));
    sums[i] = Total(sum);
  }
}

// Any length, with the query's planes in memory.
HWY_INLINE void AnyPlanes(const uint8_t* codes, size_t count, size_t bytes, const uint64_t* planes, size_t words,
                          int32_t* sums) {
  const Word d;
  const size_t lanes = hn::Lanes(d), code_words = (bytes + 7) / 8;
  const uint64_t *p0 = planes, *p1 = planes + words, *p2 = p1 + words, *p3 = p2 + words;
  for (size_t i = 0; i < count; ++i, codes += bytes) {
    auto sum = hn::Zero(d);
    size_t w = 0;
    for (; w + lanes <= code_words; w += lanes)
      sum = hn::Add(sum, Weigh(hn::LoadU(d, reinterpret_cast<const uint64_t*>(codes) + w), hn::LoadU(d, p0 + w),
                               hn::LoadU(d, p1 + w), hn::LoadU(d, p2 + w), hn::LoadU(d, p3 + w)));
    int32_t total = Total(sum);
    for (; w < code_words; ++w) {
      uint64_t code;
      std::memcpy(&code, codes + 8 * w, sizeof code);
      total += hwy::PopCount(code & p0[w]) + 2 * hwy::PopCount(code & p1[w]) + 4 * hwy::PopCount(code & p2[w]) -
               8 * hwy::PopCount(code & p3[w]);
    }
    sums[i] = total;
  }
}

// Four codes of two words each, without a detour through memory: a wide load just behind narrow stores would wait.
#if HWY_TARGET <= HWY_AVX3
HWY_INLINE void Planes16(const uint8_t* codes, size_t count, size_t bytes, const uint64_t* planes, size_t words,
                         int32_t* sums) {
  const Word d;
  const hn::Half<Word> d4;
  const hn::Half<decltype(d4)> d2;
  WordVec p[kQueryPlanes];
  for (int b = 0; b < kQueryPlanes; ++b) {
    const auto one = hn::Set(d4, planes[b * words]), two = hn::Set(d4, words > 1 ? planes[b * words + 1] : 0);
    const auto both = hn::InterleaveLower(d4, one, two);
    p[b] = hn::Combine(d, both, both);
  }
  HWY_ALIGN uint64_t parts[8];
  const auto load = [&](size_t i) HWY_ATTR {
    return hn::LoadU(d2, reinterpret_cast<const uint64_t*>(codes + std::min(i, count - 1) * bytes));
  };
  for (size_t i = 0; i < count; i += 4) {
    const auto code = hn::Combine(d, hn::Combine(d4, load(i + 3), load(i + 2)), hn::Combine(d4, load(i + 1), load(i)));
    hn::Store(Weigh(code, p[0], p[1], p[2], p[3]), d, parts);
    for (size_t k = 0; k < 4; ++k) sums[i + k] = static_cast<int32_t>(parts[2 * k] + parts[2 * k + 1]);
  }
}
#endif

#if HWY_TARGET != HWY_SCALAR
// Code planes of at most half a register: several of them side by side, `kWords` words for each.
template <size_t kWords>
HWY_INLINE void ShortPlanes(const uint8_t* codes, size_t count, size_t bytes, const uint64_t* planes, size_t words,
                            int32_t* sums) {
  const Word d;
  const size_t lanes = hn::Lanes(d), together = lanes / kWords;
  HWY_ALIGN uint64_t packed[8], parts[8];
  WordVec p[kQueryPlanes];
  for (int b = 0; b < kQueryPlanes; ++b) {
    for (size_t l = 0; l < lanes; ++l) packed[l] = l % kWords < words ? planes[b * words + l % kWords] : 0;
    p[b] = hn::Load(d, packed);
  }
  std::memset(packed, 0, sizeof packed);
  for (size_t i = 0; i < count; i += together) {
    const size_t here = std::min(together, count - i);
    for (size_t k = 0; k < here; ++k) std::memcpy(packed + k * kWords, codes + (i + k) * bytes, kWords * 8);
    hn::Store(Weigh(hn::Load(d, packed), p[0], p[1], p[2], p[3]), d, parts);
    for (size_t k = 0; k < here; ++k) {
      uint64_t sum = parts[k * kWords];
      for (size_t w = 1; w < kWords; ++w) sum += parts[k * kWords + w];
      sums[i + k] = static_cast<int32_t>(sum);
    }
  }
}
#endif

void SumPlanes(const uint8_t* codes, size_t count, size_t bytes, const uint64_t* planes, size_t words, int32_t* sums) {
  const size_t lanes = hn::Lanes(Word());
#if HWY_TARGET != HWY_SCALAR
#if HWY_TARGET <= HWY_AVX3
  if (bytes <= 16 && count > 0) return Planes16(codes, count, bytes, planes, words, sums);
#endif
  if (bytes <= 8) return ShortPlanes<1>(codes, count, bytes, planes, words, sums);
  if (bytes <= 16 && lanes >= 2) return ShortPlanes<2>(codes, count, bytes, planes, words, sums);
#if HWY_TARGET <= HWY_AVX3
  const size_t registers = ((bytes + 7) / 8 + lanes - 1) / lanes;
  if (registers == 1) return LongPlanes<1>(codes, count, bytes, planes, words, sums);
  if (registers == 2) return LongPlanes<2>(codes, count, bytes, planes, words, sums);
  if (registers == 3) return LongPlanes<3>(codes, count, bytes, planes, words, sums);
  if (registers == 4) return LongPlanes<4>(codes, count, bytes, planes, words, sums);
#endif
#endif
  (void)lanes;
  AnyPlanes(codes, count, bytes, planes, words, sums);
}

void Estimate(const Geometry& g, const Query& query, const uint8_t* block, float navigation, float* estimates,
              float* deviations) {
  const size_t degree = std::min<size_t>(Header(block).degree, g.max_degree);
  const size_t bits = g.code_bits;
  HWY_ALIGN int32_t sums[kMaxDegree * 4 + 16];
  SumPlanes(block + g.codes, degree * bits, g.plane_bytes, query.planes, PaddedDim(g.code_dim) / 64, sums);
  if (bits == 2)
    for (size_t i = 0; i < degree; ++i) sums[i] = sums[2 * i] + 2 * sums[2 * i + 1];
  else if (bits == 4)
    for (size_t i = 0; i < degree; ++i)
      sums[i] = sums[4 * i] + 2 * sums[4 * i + 1] + 4 * sums[4 * i + 2] + 8 * sums[4 * i + 3];

  const Float d;
  const Int di;
  const size_t lanes = hn::Lanes(d);
  const bool inner_product = g.metric == Metric::kInnerProduct;
  const float low = RescaleMin(g), width = (RescaleMax(g) - low) / 255;
  const float unit = query.step / std::sqrt(static_cast<float>(g.dim)) * (inner_product ? 1.0f : 2.0f);
  const auto centre = hn::Set(d, 0.5f * static_cast<float>((1 << bits) - 1) * static_cast<float>(query.sum));
  const auto own = hn::Set(d, navigation), norm_factor = hn::Set(d, inner_product ? 0.0f : 1.0f);
  const auto rescale_low = hn::Set(d, low * unit), rescale_step = hn::Set(d, width * unit);
  const auto deviation = hn::Set(d, (inner_product ? 1.0f : 2.0f) * std::sqrt(RelativeVariance(g)) * query.length /
                                        std::sqrt(static_cast<float>(g.dim)));
  const auto infinity = hn::Set(d, kInfinity);
  const hn::Rebind<uint16_t, Float> d16;
  const hn::Rebind<uint8_t, Float> d8;
  for (size_t i = 0; i < degree; i += lanes) {
    const uint16_t* norms = reinterpret_cast<const uint16_t*>(block + g.norms) + i;
    const uint8_t* rescales = block + g.rescales + i;
    HWY_ALIGN uint16_t norm_tail[16] = {};
    HWY_ALIGN uint8_t rescale_tail[16] = {};
    if (i + lanes > degree) {
      std::memcpy(norm_tail, norms, (degree - i) * sizeof(uint16_t));
      std::memcpy(rescale_tail, rescales, degree - i);
      norms = norm_tail, rescales = rescale_tail;
    }
    const auto norm_bits = hn::And(hn::PromoteTo(di, hn::LoadU(d16, norms)), hn::Set(di, 0x7fff));
    const auto norm = hn::BitCast(d, hn::ShiftLeft<16>(norm_bits));
    const auto steps = hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(d8, rescales)));
    const auto scale = hn::Mul(hn::Sqrt(norm), hn::MulAdd(steps, rescale_step, rescale_low));
    const auto product = hn::Mul(scale, hn::Sub(hn::ConvertTo(d, hn::LoadU(di, sums + i)), centre));
    const auto estimate = hn::Sub(hn::MulAdd(norm, norm_factor, own), product);
    hn::StoreU(hn::Mul(hn::Sqrt(norm), deviation), d, deviations + i);
    hn::StoreU(hn::IfThenElse(hn::Eq(estimate, estimate), estimate, infinity), d, estimates + i);
  }
}

// ---- Encoding
// --------------------------------------------------------------------------------------------------------

EncodedLink EncodeLink(const Geometry& g, const float* r, uint8_t* code) {
  const Float d;
  const size_t lanes = hn::Lanes(d), padded = PaddedDim(g.dim), bits = g.code_bits;
  auto square_sum = hn::Zero(d);
  for (size_t i = 0; i < padded; i += lanes) {
    const auto v = hn::LoadU(d, r + i);
    square_sum = hn::MulAdd(v, v, square_sum);
  }
  const float square = Sum(square_sum);
  // Best steps for a Gaussian of 2, 4 and 16 levels; one bit is the sign alone.
  const float deviation = std::sqrt(square / static_cast<float>(g.dim));
  const float step = (bits == 1 ? 1.6f : bits == 2 ? 0.9957f : 0.3352f) * deviation;
  const float inverse = 1 / step;
  std::memset(code, 0, g.code_size());
  if (!(inverse < kInfinity) || !(inverse > 0)) {
    const uint32_t norm_word = square < kInfinity ? 0 : 0x7f7f0000;  // equal to the node, or farther than can be said
    return {static_cast<uint16_t>(norm_word >> 16), 0};
  }
  const float half = static_cast<float>(1 << (bits - 1));  // level = floor(r / step) + half, cut off
  const auto factor = hn::Set(d, inverse), low = hn::Set(d, -half), high = hn::Set(d, half - 1);
  auto product = hn::Zero(d);
  HWY_ALIGN int8_t levels[64];
  const hn::Rebind<int8_t, Float> d8;
  for (size_t w = 0; w < PaddedDim(g.code_dim) / 64; ++w) {
    for (size_t i = 0; i < 64; i += lanes) {
      const auto v = hn::LoadU(d, r + 64 * w + i);
      const auto level = hn::Min(hn::Max(hn::Floor(hn::Mul(v, factor)), low), high);
      product = hn::MulAdd(hn::Add(level, hn::Set(d, 0.5f)), v, product);
      hn::StoreU(hn::DemoteTo(d8, hn::NearestInt(hn::Add(level, hn::Set(d, half)))), d8, levels + i);
    }
    const size_t here = std::min<size_t>(8, g.plane_bytes - 8 * w);
    uint64_t keep = ~uint64_t{0};
    if (64 * w + 64 > g.dim) keep = (uint64_t{1} << (g.dim - 64 * w)) - 1;
    for (size_t bit = 0; bit < bits; ++bit) {
      const uint64_t word = Plane64(levels, static_cast<int>(bit)) & keep;
      std::memcpy(code + bit * g.plane_bytes + 8 * w, &word, here);
    }
  }
  const float ratio = std::sqrt(square) * std::sqrt(static_cast<float>(g.dim)) / Sum(product);
  const float position = (ratio - RescaleMin(g)) * 255 / (RescaleMax(g) - RescaleMin(g));
  uint32_t word;
  const float norm = std::min(square, 3.38e38f);
  std::memcpy(&word, &norm, sizeof word);
  word += 0x7fff + (word >> 16 & 1);  // to nearest even
  const float rescale = position >= 0 ? std::min(position + 0.5f, 255.0f) : 0.0f;
  return {static_cast<uint16_t>(word >> 16), static_cast<uint8_t>(rescale)};
}

void DecodeVector(const Geometry& g, Stored stored, float* out) {
  const Float d;
  const size_t lanes = hn::Lanes(d);
  WithCodec(g.codec, [&]<VectorCodec codec>() HWY_ATTR {
    ForElements<codec>(stored.bytes, g.dim, [&](size_t i, FloatVec v, FloatVec&) HWY_ATTR {
      v = hn::Mul(v, hn::Set(d, stored.scale));
      if (i + lanes <= g.dim) return hn::StoreU(v, d, out + i);
      HWY_ALIGN float tail[16];
      hn::Store(v, d, tail);
      std::memcpy(out + i, tail, (g.dim - i) * sizeof(float));
    });
  });
}

void EncodeVector(const Geometry& g, const float* vector, uint8_t* block) {
  float greatest = 0;
  for (size_t i = 0; i < g.dim; ++i) greatest = std::max(greatest, std::abs(vector[i]));
  BlockHeader& header = Header(block);
  uint8_t* out = block + g.vector;
  if (g.codec == VectorCodec::kFloat32) {
    header.scale = 1, header.error = 0;
    std::memcpy(out, vector, g.vector_size());
    return;
  }
  const int parts_of_level = PartsOfLevel(g.codec);
  uint8_t* rests = out + g.dim;
  if (g.has_levels()) std::memset(rests, 0, RestBytes(g.codec, g.dim));
  // float16 gets the greatest value near 1: neither overflow nor loss of small vectors.
  float scale = g.has_levels() ? greatest / 127 : greatest;
  float inverse = 1 / scale;
  if (!(inverse < kInfinity)) scale = 0, inverse = 0;
  header.scale = scale;
  double error = 0;
  for (size_t i = 0; i < g.dim; ++i) {
    float back;
    if (g.has_levels()) {
      // The nearest level, at most 127, and what is left.
      const int parts = static_cast<int>(std::lrintf(vector[i] * inverse * static_cast<float>(parts_of_level)));
      const int level = (parts + parts_of_level / 2) & -parts_of_level;
      out[i] = static_cast<uint8_t>(level / parts_of_level);
      if (g.codec == VectorCodec::kInt16) rests[i] = static_cast<uint8_t>(parts - level);
      if (g.codec == VectorCodec::kInt12)
        rests[i / 32 * 16 + i % 16] |= static_cast<uint8_t>(((parts - level) & 15) << (i & 16) / 4);
      back = static_cast<float>(parts) * (1.0f / static_cast<float>(parts_of_level)) * scale;
    } else {
      const hn::CappedTag<float, 1> d1;
      const hn::Rebind<hwy::float16_t, hn::CappedTag<float, 1>> dh1;
      const auto half = hn::DemoteTo(dh1, hn::Set(d1, vector[i] * inverse));
      hn::StoreU(half, dh1, reinterpret_cast<hwy::float16_t*>(out) + i);
      back = hn::GetLane(hn::PromoteTo(d1, half)) * scale;
    }
    const double difference = static_cast<double>(vector[i]) - back;
    error += difference * difference;
  }
  header.error = static_cast<float>(std::sqrt(error) * (1 + 1e-6));
}

// ---- Between stored vectors
// ------------------------------------------------------------------------------------------

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE int32_t IntegerProduct(const int8_t* a, const int8_t* b, size_t dim) {
  int32_t sum = 0;
  for (size_t i = 0; i < dim; ++i) sum += a[i] * b[i];
  return sum;
}
#else
HWY_INLINE int32_t IntegerProduct(const int8_t* a, const int8_t* b, size_t dim) {
  const hn::CappedTag<int16_t, 32> d16;
  const hn::Rebind<int8_t, decltype(d16)> d8;
  const hn::RepartitionToWide<decltype(d16)> d32;
  const size_t lanes = hn::Lanes(d16);
  auto sum0 = hn::Zero(d32), sum1 = sum0;
  size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    const auto x = hn::PromoteTo(d16, hn::LoadU(d8, a + i)), y = hn::PromoteTo(d16, hn::LoadU(d8, b + i));
    sum0 = hn::ReorderWidenMulAccumulate(d32, x, y, sum0, sum1);
  }
  int32_t sum = hn::GetLane(hn::SumOfLanes(d32, hn::Add(sum0, sum1)));
  for (; i < dim; ++i) sum += a[i] * b[i];
  return sum;
}
#endif

template <VectorCodec codec>
HWY_INLINE float FloatBetween(const Geometry& g, const uint8_t* a, float scale_a, const uint8_t* b, float scale_b) {
  const Float d;
  const size_t lanes = hn::Lanes(d);
  const auto sa = hn::Set(d, scale_a), sb = hn::Set(d, scale_b);
  auto dot = hn::Zero(d), square = dot;
  const auto add = [&](FloatVec x, FloatVec y) HWY_ATTR {
    x = hn::Mul(x, sa), y = hn::Mul(y, sb);
    dot = hn::MulAdd(x, y, dot);
    const auto difference = hn::Sub(x, y);
    square = hn::MulAdd(difference, difference, square);
  };
  size_t i = 0;
  for (; i + lanes <= g.dim; i += lanes)
    add(Elements<codec>::Load(d, a + i * Elements<codec>::kSize),
        Elements<codec>::Load(d, b + i * Elements<codec>::kSize));
  if (i < g.dim) {
    HWY_ALIGN uint8_t tail_a[64] = {}, tail_b[64] = {};
    std::memcpy(tail_a, a + i * Elements<codec>::kSize, (g.dim - i) * Elements<codec>::kSize);
    std::memcpy(tail_b, b + i * Elements<codec>::kSize, (g.dim - i) * Elements<codec>::kSize);
    add(Elements<codec>::Load(d, tail_a), Elements<codec>::Load(d, tail_b));
  }
  return g.metric == Metric::kInnerProduct ? -Sum(dot) : Sum(square);
}

float Between(const Geometry& g, const uint8_t* a, float scale_a, float norm_a, const uint8_t* b, float scale_b,
              float norm_b) {
  if (g.has_levels()) {  // without the rests
    const double dot = static_cast<double>(scale_a) * scale_b *
                       IntegerProduct(reinterpret_cast<const int8_t*>(a), reinterpret_cast<const int8_t*>(b), g.dim);
    if (g.metric == Metric::kInnerProduct) return static_cast<float>(-dot);
    return static_cast<float>(std::max(0.0, static_cast<double>(norm_a) + norm_b - 2 * dot));
  }
  if (g.codec == VectorCodec::kFloat16) return FloatBetween<VectorCodec::kFloat16>(g, a, scale_a, b, scale_b);
  return FloatBetween<VectorCodec::kFloat32>(g, a, scale_a, b, scale_b);
}

float Norm(const Geometry& g, const uint8_t* stored, float scale) {
  if (!g.has_levels()) {
    const auto squares = WithCodec(g.codec, [&]<VectorCodec codec>() HWY_ATTR {
      return ForElements<codec>(stored, g.dim,
                                [&](size_t, FloatVec v, FloatVec& sum) HWY_ATTR { sum = hn::MulAdd(v, v, sum); });
    });
    return scale * scale * Sum(squares);
  }
  const int8_t* v = reinterpret_cast<const int8_t*>(stored);
  return static_cast<float>(static_cast<double>(scale) * scale * IntegerProduct(v, v, g.dim));
}

const DenseKernels* TargetKernels() {
  static constexpr DenseKernels kernels = {Visit,        Estimate,   QuantiseQuery, EncodeVector,
                                           DecodeVector, EncodeLink, Between,       Norm};
  return &kernels;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace medvec::hnsw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medvec::hnsw {

HWY_EXPORT(TargetKernels);

const DenseKernels& GetDenseKernels() { return *HWY_DYNAMIC_DISPATCH(TargetKernels)(); }

}  // namespace medvec::hnsw
#endif
