// Which models are let in, and what comes out of them. The files are made by make_models.py.
#include "model.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "model_registry.hpp"
#include "operator_allowlist.hpp"
#include "sha256.hpp"

namespace medvec::embedder {
namespace {

using protocol::ErrorCode;

constexpr InputShape kSmall{3, 8, 8};
const std::string kData = MEDVEC_TEST_DATA;

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::shared_ptr<Model> LoadText(const std::string& text) { return Model::Load(std::as_bytes(std::span(text)), kSmall); }
std::shared_ptr<Model> LoadData(const std::string& name) { return LoadText(ReadAll(kData + "/" + name + ".pt")); }

RequestError ErrorOf(auto function) {
  try {
    function();
  } catch (const RequestError& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return {ErrorCode::internal, ""};
}

Spec SmallSpec(const std::string& more = "") { return Spec::Parse(R"({"height": 8, "width": 8)" + more + "}"); }

std::vector<float> Ramp() {
  std::vector<float> input(kSmall.size());
  for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i % 17) / 8 - 1;
  return input;
}

struct Environment : ::testing::Environment {
  void SetUp() override { InitTorch(); }
};
const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new Environment);

TEST(Sha256, KnownDigest) {
  EXPECT_EQ(Sha256Hex(std::as_bytes(std::span("abc", 3))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Allowlist, Operators) {
  EXPECT_EQ(PermissionOf("aten::conv2d", false), Permission::allowed);
  EXPECT_EQ(PermissionOf("prim::If", false), Permission::allowed);
  EXPECT_EQ(PermissionOf("prim::SetAttr", true), Permission::allowed);
  EXPECT_EQ(PermissionOf("aten::bernoulli_", false), Permission::by_chance);
  for (const char* name :
       {"aten::from_file", "aten::save", "aten::set_", "aten::as_strided", "prim::PythonOp", "prim::Print",
        "prim::fork", "prim::SetAttr", "prim::CppOp", "my::op", "aten::", "", "conv2d"}) {
    EXPECT_EQ(PermissionOf(name, false), Permission::refused) << name;
  }
}

struct Hostile {
  const char* file;
  const char* operation;
};
class HostileModel : public ::testing::TestWithParam<Hostile> {};

TEST_P(HostileModel, IsRefusedBeforeItRuns) {
  const char* kTrace = "/tmp/medvec-hostile-model";  // where make_models.py lets them write
  std::remove(kTrace);
  RequestError error = ErrorOf([] { LoadData(GetParam().file); });
  EXPECT_EQ(error.code, ErrorCode::model_refused);
  EXPECT_NE(error.detail.find(std::string("\"") + GetParam().operation + "\""), std::string::npos) << error.detail;
  EXPECT_FALSE(std::filesystem::exists(kTrace));
}

INSTANTIATE_TEST_SUITE_P(All, HostileModel,
                         ::testing::Values(Hostile{"reads_file", "aten::from_file"},
                                           Hostile{"writes_file", "aten::save"},
                                           Hostile{"hides_in_function", "aten::save"},
                                           Hostile{"hides_in_submodule", "aten::from_file"},
                                           Hostile{"hides_in_setstate", "aten::save"}, Hostile{"random", "aten::rand"},
                                           Hostile{"remembers", "prim::SetAttr"}, Hostile{"prints", "prim::Print"}),
                         [](const auto& info) { return info.param.file; });

TEST(Model, GivesTheSameVectorOnAnyThread) {
  std::shared_ptr<Model> model = LoadData("good");
  std::vector<float> expected = model->Run(Ramp(), SmallSpec());
  ASSERT_EQ(expected.size(), 4u);
  EXPECT_NE(expected, model->Run(std::vector<float>(kSmall.size()), SmallSpec()));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k) EXPECT_EQ(model->Run(Ramp(), SmallSpec()), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Model, PoolsAndNormalises) {
  std::shared_ptr<Model> spatial = LoadData("spatial");
  EXPECT_EQ(spatial->Run(Ramp(), SmallSpec()).size(), 4u * 8 * 8);
  std::vector<float> pooled = spatial->Run(Ramp(), SmallSpec(R"(, "pool": "average")"));
  std::vector<float> expected = LoadData("good")->Run(Ramp(), SmallSpec());
  ASSERT_EQ(pooled.size(), expected.size());
  for (size_t i = 0; i < pooled.size(); ++i) EXPECT_NEAR(pooled[i], expected[i], 1e-6);

  std::vector<float> unit = spatial->Run(Ramp(), SmallSpec(R"(, "pool": "average", "l2_normalize": true)"));
  double squares = 0;
  for (float value : unit) squares += double{value} * value;
  EXPECT_NEAR(squares, 1, 1e-6);

  RequestError error = ErrorOf([&] { LoadData("good")->Run(Ramp(), SmallSpec(R"(, "pool": "average")")); });
  EXPECT_EQ(error.code, ErrorCode::model_failed);
}

TEST(Model, RunsAHarmlessSetState) { EXPECT_EQ(LoadData("harmless_setstate")->Run(Ramp(), SmallSpec()).size(), 3u); }

TEST(Model, ChanceInTrainingOnlyIsFine) {
  EXPECT_EQ(LoadData("random_in_training")->Run(Ramp(), SmallSpec()).size(), 3u);
}

TEST(Model, MayChangeItsInput) {
  std::shared_ptr<Model> model = LoadData("in_place");
  std::vector<float> input = Ramp();
  std::vector<float> first = model->Run(input, SmallSpec());
  EXPECT_EQ(input, Ramp());
  EXPECT_EQ(model->Run(input, SmallSpec()), first);
}

TEST(Model, OtherThanOneTensorIsRefused) {
  EXPECT_EQ(ErrorOf([] { LoadData("tuple"); }).code, ErrorCode::model_refused);
}

TEST(Model, ValuesThatAreNotFinite) {
  RequestError error = ErrorOf([] { LoadData("infinite")->Run(Ramp(), SmallSpec()); });
  EXPECT_EQ(error.code, ErrorCode::model_failed);
}

TEST(Model, DamagedFilesAreRefused) {
  const std::string good = ReadAll(kData + "/good.pt");
  for (const std::string& text : {std::string(), std::string("PK\3\4"), std::string("#!/bin/sh\n"),
                                  good.substr(0, 5000), good.substr(0, good.size() - 1), good.substr(1)}) {
    EXPECT_EQ(ErrorOf([&] { LoadText(text); }).code, ErrorCode::model_refused);
  }
  // A byte changed here and there: refused, or a network with other numbers, never a crash.
  for (size_t i = 0; i < good.size(); i += 61) {
    std::string text = good;
    text[i] ^= 0x55;
    try {
      LoadText(text);
    } catch (const RequestError& error) {
      EXPECT_EQ(error.code, ErrorCode::model_refused) << i << error.message;
    }
  }
}

class Registry : public ::testing::Test {
 protected:
  Registry() : directory_(::testing::TempDir() + "medvec-models-" + std::to_string(getpid())) {
    std::filesystem::create_directories(directory_);
  }
  ~Registry() override { std::filesystem::remove_all(directory_); }

  std::string Copy(const std::string& name, const std::string& as) {
    std::string path = directory_ + "/" + as;
    std::filesystem::copy_file(kData + "/" + name + ".pt", path, std::filesystem::copy_options::overwrite_existing);
    return path;
  }
  ModelRegistry Make(size_t max_models = 8) { return {ModelDirectories({directory_}), max_models, watchdog_}; }
  static std::string HashOf(const std::string& path) {
    std::string text = ReadAll(path);
    return Sha256Hex(std::as_bytes(std::span(text)));
  }

  std::string directory_;
  Watchdog watchdog_;
};

TEST_F(Registry, InspectsByTheSpecGivenOrStored) {
  ModelRegistry registry = Make();
  std::string path = Copy("good", "good.pt");
  ModelRegistry::Inspection stored = registry.Inspect(path, "");
  EXPECT_EQ(stored.sha256, HashOf(path));
  EXPECT_EQ(stored.dimensions, 4u);
  EXPECT_EQ(stored.spec.height, 8);
  EXPECT_EQ(registry.Inspect(path, R"({"height": 16, "width": 16})").spec.width, 16);

  std::string spatial = Copy("spatial", "spatial.pt");
  RequestError error = ErrorOf([&] { registry.Inspect(spatial, " "); });
  EXPECT_EQ(error.code, ErrorCode::model_refused);
  EXPECT_FALSE(error.hint.empty());
  EXPECT_EQ(ErrorOf([&] { registry.Inspect(spatial, R"({"hight": 8})"); }).code, ErrorCode::model_refused);
  // 200,704 numbers without pooling
  EXPECT_NE(ErrorOf([&] { registry.Inspect(spatial, "{}"); }).hint.find("pool"), std::string::npos);
}

TEST_F(Registry, RefusesModelsThatRememberOrOverflow) {
  ModelRegistry registry = Make();
  EXPECT_EQ(ErrorOf([&] { registry.Inspect(Copy("remembers_in_place", "r.pt"), "{}"); }).code,
            ErrorCode::model_refused);
  EXPECT_EQ(ErrorOf([&] { registry.Inspect(Copy("infinite", "i.pt"), "{}"); }).code, ErrorCode::model_refused);
}

TEST_F(Registry, OneCopyUntilTheFileChanges) {
  ModelRegistry registry = Make();
  std::string path = Copy("good", "model.pt");
  std::string hash = HashOf(path);
  std::vector<std::shared_ptr<Model>> models(8);
  std::vector<std::thread> threads;
  for (auto& model : models) threads.emplace_back([&] { model = registry.Get(path, hash, kSmall); });
  for (std::thread& thread : threads) thread.join();
  for (auto& model : models) EXPECT_EQ(model, models[0]);
  EXPECT_EQ(registry.List().size(), 1u);

  // The same bytes anew are the same network.
  std::filesystem::remove(path);
  Copy("good", "model.pt");
  EXPECT_EQ(registry.Get(path, hash, kSmall), models[0]);

  Copy("spatial", "model.pt");
  EXPECT_EQ(ErrorOf([&] { registry.Get(path, hash, kSmall); }).code, ErrorCode::model_changed);
  std::filesystem::remove(path);
  EXPECT_EQ(ErrorOf([&] { registry.Get(path, hash, kSmall); }).code, ErrorCode::model_missing);
  Copy("good", "model.pt");
  EXPECT_EQ(registry.Get(path, hash, kSmall), models[0]);
}

TEST_F(Registry, TheLeastRecentlyUsedLeaves) {
  ModelRegistry registry = Make(2);
  std::vector<std::string> paths = {Copy("good", "1.pt"), Copy("good", "2.pt"), Copy("good", "3.pt")};
  std::string hash = HashOf(paths[0]);
  registry.Get(paths[0], hash, kSmall);
  registry.Get(paths[1], hash, kSmall);
  registry.Get(paths[0], hash, kSmall);
  registry.Get(paths[2], hash, kSmall);
  std::vector<ModelRegistry::Loaded> loaded = registry.List();
  ASSERT_EQ(loaded.size(), 2u);
  EXPECT_EQ(loaded[0].path, paths[0]);
  EXPECT_EQ(loaded[1].path, paths[2]);
}

TEST_F(Registry, OnlyFilesInsideTheDirectories) {
  ModelRegistry registry = Make();
  std::string outside = kData + "/good.pt";
  std::string link = directory_ + "/link.pt";
  std::filesystem::create_symlink(outside, link);
  for (const std::string& path : {outside, link, directory_ + "/../" + "x.pt", directory_, std::string("/dev/zero")}) {
    EXPECT_EQ(ErrorOf([&] { registry.Inspect(path, "{}"); }).code, ErrorCode::model_missing) << path;
  }
}

}  // namespace
}  // namespace medvec::embedder
