#include <hnswlib/hnswlib.h>

#include "engine.hpp"

namespace medvec::bench {
namespace {

// L1, which hnswlib does not know, by our kernel.
class L1Space : public hnswlib::SpaceInterface<float> {
 public:
  explicit L1Space(size_t dim) : dim_(dim) {}
  size_t get_data_size() override { return dim_ * sizeof(float); }
  hnswlib::DISTFUNC<float> get_dist_func() override {
    return [](const void* a, const void* b, const void* dim) {
      return GetDistanceKernels().l1(static_cast<const float*>(a), static_cast<const float*>(b),
                                     *static_cast<const size_t*>(dim));
    };
  }
  void* get_dist_func_param() override { return &dim_; }

 private:
  size_t dim_;
};

// 0.6.2 knows L2 and inner product; its L2 is the squared one.
struct Hnswlib : Engine {
  const Set& set;
  std::unique_ptr<hnswlib::SpaceInterface<float>> space;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> graph;

  Hnswlib(const Set& set, const std::string& cache, size_t efc) : set(set) {
    name = "hnswlib";
    if (set.metric == Metric::kInnerProduct)
      space = std::make_unique<hnswlib::InnerProductSpace>(set.dim);
    else if (set.metric == Metric::kL1)
      space = std::make_unique<L1Space>(set.dim);
    else
      space = std::make_unique<hnswlib::L2Space>(set.dim);
    const std::string path = cache + "-" + std::to_string(static_cast<int>(set.metric)) + "-" +
                             std::to_string(set.count) + "-" + std::to_string(efc) + ".hnswlib";
    if (FILE* file = std::fopen((path + ".cpu").c_str(), "r")) {
      if (std::fscanf(file, "%lf", &build) != 1) build = 0;
      std::fclose(file);
      graph = std::make_unique<hnswlib::HierarchicalNSW<float>>(space.get(), path, false, set.count);
    } else {
      graph = std::make_unique<hnswlib::HierarchicalNSW<float>>(space.get(), set.count, 16, efc);
      const double start = CpuSeconds();
      for (size_t i = 0; i < set.count; ++i) graph->addPoint(set.Row(i), i);
      build = CpuSeconds() - start;
      graph->saveIndex(path);
      FILE* out = std::fopen((path + ".cpu").c_str(), "w");
      std::fprintf(out, "%f", build);
      std::fclose(out);
    }
    bytes = static_cast<double>(4 * set.dim + 32 * 4 + 4 + 8) + 16 * 4 / 15.0;
  }
  size_t Search(size_t query, size_t k, size_t ef, std::vector<uint32_t>* found) override {
    graph->setEf(std::max(ef, k));
    auto result = graph->searchKnn(set.Query(query), k);
    for (; !result.empty(); result.pop()) found->push_back(static_cast<uint32_t>(result.top().second));
    return 0;
  }
};

}  // namespace

std::unique_ptr<Engine> MakeHnswlib(const Set& set, const std::string& cache, size_t ef_construction) {
  return std::make_unique<Hnswlib>(set, cache, ef_construction);
}

}  // namespace medvec::bench
