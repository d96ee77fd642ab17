// Bytes a second that each kernel gets through: one query against rows that lie one behind the other. Row sets of 16
// KiB, 256 KiB, 8 MiB and 256 MiB stay in the first, second and third cache and in none of them. Beside the kernels:
//   ReadSame   sums of the query and of the row, for each row: a plain read of the bytes the kernel reads
//   ReadRows   one sum of all rows: a plain read without the query, which a kernel of two operands cannot reach in
//   cache
// All count the rows' bytes only.
//
//   build/bench/test/bench/distance_bench --benchmark_enable_random_interleaving=true --benchmark_repetitions=9
//
// Columns: dimension, KiB of rows, bytes_per_second. Hamming and Overlap take the floats for strings of 32 bits each.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "core/bit_distance.hpp"
#include "core/distance.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/distance_bench.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace medvec {
namespace HWY_NAMESPACE {

float Read(const float* p, size_t count) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  size_t i = 0;
  for (; i + 8 * lanes <= count; i += 8 * lanes) {
    s0 = hn::Add(s0, hn::LoadU(d, p + i));
    s1 = hn::Add(s1, hn::LoadU(d, p + i + lanes));
    s2 = hn::Add(s2, hn::LoadU(d, p + i + 2 * lanes));
    s3 = hn::Add(s3, hn::LoadU(d, p + i + 3 * lanes));
    s4 = hn::Add(s4, hn::LoadU(d, p + i + 4 * lanes));
    s5 = hn::Add(s5, hn::LoadU(d, p + i + 5 * lanes));
    s6 = hn::Add(s6, hn::LoadU(d, p + i + 6 * lanes));
    s7 = hn::Add(s7, hn::LoadU(d, p + i + 7 * lanes));
  }
  for (; i + lanes <= count; i += lanes) s0 = hn::Add(s0, hn::LoadU(d, p + i));
  const auto sum = hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), hn::Add(hn::Add(s4, s5), hn::Add(s6, s7)));
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

}  // namespace HWY_NAMESPACE
}  // namespace medvec
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medvec {
HWY_EXPORT(Read);
namespace {

struct Rows {
  size_t dim, count;
  std::vector<float> query, data;

  explicit Rows(const benchmark::State& state)
      : dim(static_cast<size_t>(state.range(0))),
        count(static_cast<size_t>(state.range(1)) * 1024 / (dim * sizeof(float)) + 1),
        query(dim),
        data(dim * count) {
    std::minstd_rand random;
    for (float& x : query) x = static_cast<float>(random() % 1000) / 1000;
    for (float& x : data) x = static_cast<float>(random() % 1000) / 1000;
  }
};

template <class Kernel>
void Run(benchmark::State& state, Kernel kernel) {
  const Rows rows(state);
  for (auto _ : state)
    for (size_t i = 0; i < rows.count; ++i)
      benchmark::DoNotOptimize(kernel(rows.query.data(), rows.data.data() + i * rows.dim, rows.dim));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * rows.data.size() * sizeof(float)));
}

void ReadSame(benchmark::State& state) {
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());  // before the function is taken out of the table
  const auto read = HWY_DYNAMIC_DISPATCH(Read);
  Run(state, [read](const float* a, const float* b, size_t dim) { return read(a, dim) + read(b, dim); });
}
void ReadRows(benchmark::State& state) {
  const Rows rows(state);
  for (auto _ : state) benchmark::DoNotOptimize(HWY_DYNAMIC_DISPATCH(Read)(rows.data.data(), rows.data.size()));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * rows.data.size() * sizeof(float)));
}
void L2Squared(benchmark::State& state) { Run(state, GetDistanceKernels().l2_squared); }
void InnerProduct(benchmark::State& state) { Run(state, GetDistanceKernels().inner_product); }
void Cosine(benchmark::State& state) { Run(state, GetDistanceKernels().cosine); }
void L1(benchmark::State& state) { Run(state, GetDistanceKernels().l1); }

template <class Kernel>
void RunBits(benchmark::State& state, Kernel kernel) {
  Run(state, [kernel](const float* a, const float* b, size_t dim) {
    return kernel(reinterpret_cast<const uint8_t*>(a), reinterpret_cast<const uint8_t*>(b), dim * sizeof(float));
  });
}
void Hamming(benchmark::State& state) { RunBits(state, GetBitDistanceKernels().hamming); }
void Overlap(benchmark::State& state) { RunBits(state, GetBitDistanceKernels().overlap); }

void Settings(benchmark::internal::Benchmark* benchmark) {
  for (const int64_t kib : {16, 256, 8 << 10, 256 << 10})
    for (const int64_t dim : {128, 384, 1024, 1280, 2048, 25088}) benchmark->Args({dim, kib});
}

// 192, 1024, 2048 and 64,000 bits.
void BitSettings(benchmark::internal::Benchmark* benchmark) {
  for (const int64_t kib : {16, 256, 8 << 10, 256 << 10})
    for (const int64_t dim : {6, 32, 64, 2000}) benchmark->Args({dim, kib});
}

BENCHMARK(ReadSame)->Apply(Settings);
BENCHMARK(ReadRows)->Apply(Settings);
BENCHMARK(L2Squared)->Apply(Settings);
BENCHMARK(InnerProduct)->Apply(Settings);
BENCHMARK(Cosine)->Apply(Settings);
BENCHMARK(L1)->Apply(Settings);
BENCHMARK(Hamming)->Apply(BitSettings);
BENCHMARK(Overlap)->Apply(BitSettings);

}  // namespace
}  // namespace medvec
#endif
