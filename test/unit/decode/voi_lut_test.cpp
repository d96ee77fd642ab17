#include "dicom/voi_lut.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace medvec::decode::dicom {
namespace {

// The worked examples of PS3.3 C.11.2.1.2.1, notes 1 to 4, for an output of 0..1.
TEST(Window, LinearExamplesOfTheStandard) {
  const VoiWindow full = {2048, 4096, WindowFunction::linear};
  EXPECT_EQ(ApplyWindow(full, 0), 0);
  EXPECT_EQ(ApplyWindow(full, 4095.5), 1);
  EXPECT_DOUBLE_EQ(ApplyWindow(full, 1000), (1000 - 2047.5) / 4095 + 0.5);
  EXPECT_DOUBLE_EQ(ApplyWindow(full, 4095), 1);

  const VoiWindow step = {2048, 1, WindowFunction::linear};
  EXPECT_EQ(ApplyWindow(step, 2047.5), 0);
  EXPECT_EQ(ApplyWindow(step, 2047.6), 1);

  const VoiWindow around_zero = {0, 100, WindowFunction::linear};
  EXPECT_EQ(ApplyWindow(around_zero, -50), 0);
  EXPECT_EQ(ApplyWindow(around_zero, 49.5), 1);
  EXPECT_DOUBLE_EQ(ApplyWindow(around_zero, 10), (10 + 0.5) / 99 + 0.5);

  const VoiWindow sign = {0, 1, WindowFunction::linear};
  EXPECT_EQ(ApplyWindow(sign, -0.5), 0);
  EXPECT_EQ(ApplyWindow(sign, 0), 1);
}

TEST(Window, LinearExact) {  // C.11.2.1.3.2
  const VoiWindow window = {40, 400, WindowFunction::linear_exact};
  EXPECT_EQ(ApplyWindow(window, -160), 0);
  EXPECT_EQ(ApplyWindow(window, 240.5), 1);
  EXPECT_DOUBLE_EQ(ApplyWindow(window, 40), 0.5);
  EXPECT_DOUBLE_EQ(ApplyWindow(window, 140), 0.75);
  const VoiWindow narrow = {0.5, 0.25, WindowFunction::linear_exact};
  EXPECT_DOUBLE_EQ(ApplyWindow(narrow, 0.5625), 0.75);
}

TEST(Window, Sigmoid) {  // C.11.2.1.3.1
  const VoiWindow window = {100, 50, WindowFunction::sigmoid};
  EXPECT_DOUBLE_EQ(ApplyWindow(window, 100), 0.5);
  EXPECT_DOUBLE_EQ(ApplyWindow(window, 125), 1 / (1 + std::exp(-2.0)));
  EXPECT_EQ(ApplyWindow(window, -1e9), 0);
  EXPECT_EQ(ApplyWindow(window, 1e9), 1);
}

TEST(Lut, ClampsAtBothEnds) {
  const Lut lut = {-2, {10, 20, 30}, 255};
  EXPECT_EQ(lut(-100), 10);
  EXPECT_EQ(lut(-2), 10);
  EXPECT_EQ(lut(-1), 20);
  EXPECT_EQ(lut(0), 30);
  EXPECT_EQ(lut(1e12), 30);
}

TEST(GreyTransform, OrderOfSteps) {
  GreyTransform transform;
  transform.slope = 2;
  transform.intercept = -100;
  transform.low = -100;
  transform.high = 100;
  EXPECT_EQ(transform.Modality(50), 0);
  EXPECT_DOUBLE_EQ(transform.Display(50), 0.5);
  transform.window = {0, 200, WindowFunction::linear_exact};
  EXPECT_DOUBLE_EQ(transform.Display(75), 0.75);
  transform.inverted = true;  // after the window
  EXPECT_DOUBLE_EQ(transform.Display(75), 0.25);
  transform.voi_lut = Lut{0, {0, 51, 255}, 255};  // goes before the window
  EXPECT_DOUBLE_EQ(transform.Display(50.5), 1 - 0.2);
  transform.modality_lut = Lut{0, {2}, 255};  // goes before slope and intercept
  EXPECT_DOUBLE_EQ(transform.Display(50.5), 0);
}

TEST(GreyTransform, ConstantImageIsBlack) {
  GreyTransform transform;
  transform.low = transform.high = 7;
  EXPECT_EQ(transform.Display(7), 0);
}

}  // namespace
}  // namespace medvec::decode::dicom
