// Bytes a second (read and written) of conversions between halves and floats, beside memcpy of the same number of
// bytes: reading r and writing w bytes, it copies (r + w) / 2. Sets of 16 KiB to 96 MiB on both sides together stay in
// the first, second and third cache and in none of them. Then the distance kernels on halves and on floats of the same
// dimensions, as in distance_bench.cpp: bytes of the rows, so at the same rate halves are twice as many rows.
//
//   build/bench/test/bench/half_bench --benchmark_enable_random_interleaving=true --benchmark_repetitions=9
//
// Columns: elements, or dimension and KiB of rows; bytes_per_second.
#include <benchmark/benchmark.h>

#include <cstring>
#include <random>
#include <vector>

#include "core/distance.hpp"
#include "core/half.hpp"

namespace medvec {
namespace {

constexpr size_t kBytesPerElement = sizeof(float) + sizeof(Half);

void SetBytes(benchmark::State& state, size_t bytes) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(bytes));
}

void ToFloats(benchmark::State& state) {
  const size_t count = static_cast<size_t>(state.range(0));
  const std::vector<Half> halves(count, Half{0x3c00});
  std::vector<float> floats(count);
  for (auto _ : state) {
    HalvesToFloats(halves.data(), floats.data(), count);
    benchmark::ClobberMemory();
  }
  SetBytes(state, count * kBytesPerElement);
}

void ToHalves(benchmark::State& state) {
  const size_t count = static_cast<size_t>(state.range(0));
  const std::vector<float> floats(count, 1.5f);
  std::vector<Half> halves(count);
  for (auto _ : state) {
    benchmark::DoNotOptimize(FloatsToHalves(floats.data(), halves.data(), count));
    benchmark::ClobberMemory();
  }
  SetBytes(state, count * kBytesPerElement);
}

void Memcpy(benchmark::State& state) {
  const size_t bytes = static_cast<size_t>(state.range(0)) * kBytesPerElement / 2;
  const std::vector<char> from(bytes, 'x');
  std::vector<char> to(bytes);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), bytes);
    benchmark::ClobberMemory();
  }
  SetBytes(state, 2 * bytes);
}

template <class Element>
void L2(benchmark::State& state) {
  const size_t dim = static_cast<size_t>(state.range(0));
  const size_t count = static_cast<size_t>(state.range(1)) * 1024 / (dim * sizeof(Element)) + 1;
  std::minstd_rand random;
  std::vector<float> floats(dim * (count + 1));
  for (float& x : floats) x = static_cast<float>(random() % 1000) / 1000;
  std::vector<Element> rows(floats.size());
  if constexpr (sizeof(Element) == sizeof(Half))
    FloatsToHalves(floats.data(), rows.data(), rows.size());
  else
    rows = floats;
  const auto kernel = GetDistanceKernels<Element>().l2_squared;
  for (auto _ : state)
    for (size_t i = 1; i <= count; ++i) benchmark::DoNotOptimize(kernel(rows.data(), rows.data() + i * dim, dim));
  SetBytes(state, count * dim * sizeof(Element));
}

void Counts(benchmark::internal::Benchmark* benchmark) {
  for (const int64_t elements : {768, 1 << 11, 1 << 15, 1 << 20, 1 << 24}) benchmark->Arg(elements);
}

void Rows(benchmark::internal::Benchmark* benchmark) {
  for (const int64_t kib : {16, 256, 256 << 10})
    for (const int64_t dim : {384, 1024, 1280}) benchmark->Args({dim, kib});
}

BENCHMARK(Memcpy)->Apply(Counts);
BENCHMARK(ToFloats)->Apply(Counts);
BENCHMARK(ToHalves)->Apply(Counts);
BENCHMARK(L2<float>)->Apply(Rows);
BENCHMARK(L2<Half>)->Apply(Rows);

}  // namespace
}  // namespace medvec
