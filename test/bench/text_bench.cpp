// Elements a second that the parser of vectors reads, beside strtof on the same text.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "core/vector_text.hpp"

namespace {

constexpr size_t kDim = 1280;

// Elements as embeddings print them: `digits` significant digits.
std::string Text(int digits) {
  std::minstd_rand random;
  std::normal_distribution<float> normal;
  std::string text = "[";
  for (size_t i = 0; i < kDim; ++i) {
    char number[32];
    std::snprintf(number, sizeof number, "%s%.*g", i == 0 ? "" : ",", digits, normal(random));
    text += number;
  }
  return text + "]";
}

void ParseVector(benchmark::State& state) {
  const std::string text = Text(static_cast<int>(state.range(0)));
  std::vector<float> elements(kDim);
  for (auto _ : state) benchmark::DoNotOptimize(medvec::ParseVectorText(text, std::span<float>(elements)).dim);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kDim));
}

void Strtof(benchmark::State& state) {
  const std::string text = Text(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    const char* p = text.c_str() + 1;
    for (size_t i = 0; i < kDim; ++i) {
      char* end;
      benchmark::DoNotOptimize(std::strtof(p, &end));
      p = end + 1;
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kDim));
}

BENCHMARK(ParseVector)->Arg(4)->Arg(8)->Arg(9)->Arg(17);
BENCHMARK(Strtof)->Arg(4)->Arg(8)->Arg(9)->Arg(17);

}  // namespace
