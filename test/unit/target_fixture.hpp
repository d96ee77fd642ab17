// Tests of kernels, on every instruction set that was compiled and that this machine has.
#pragma once

#include <gtest/gtest.h>

#include <hwy/highway.h>
#include <string>

namespace medvec {

// In a test kernels are of the instruction set that is the parameter.
class TargetTest : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { Use(GetParam()); }
  void TearDown() override { Use(0); }
  // 0: the machine's own.
  static void Use(int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

inline std::string TargetName(const testing::TestParamInfo<int64_t>& info) { return hwy::TargetName(info.param); }

}  // namespace medvec

#define MEDVEC_TEST_ON_TARGETS(suite) \
  INSTANTIATE_TEST_SUITE_P(Targets, suite, testing::ValuesIn(hwy::SupportedAndGeneratedTargets()), medvec::TargetName)
