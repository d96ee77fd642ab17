#include "resize.hpp"

#include <gtest/gtest.h>

#include <random>

namespace medvec::decode {
namespace {

using embedder::Interpolation;

Image Noise(int width, int height, int channels) {
  Image image(width, height, channels, Sample::f32);
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform(0, 1);
  for (size_t i = 0; i < image.row_samples() * height; ++i) {
    image.row<float>(0)[i] = uniform(random);
  }
  return image;
}

TEST(Resize, SameSizeIsTheSame) {
  const Image image = Noise(13, 7, 3);
  for (Interpolation interpolation : {Interpolation::bilinear, Interpolation::bicubic}) {
    const std::vector<float> out = Resample(image, 13, 7, {0, 0, 13, 7}, interpolation);
    for (size_t i = 0; i < out.size(); ++i) {
      EXPECT_FLOAT_EQ(out[i], image.row<float>(0)[i]);
    }
  }
}

TEST(Resize, HandComputed) {
  Image image(4, 1, 1, Sample::u8);
  const uint8_t values[] = {0, 51, 102, 255};
  std::copy(values, values + 4, image.data());
  // Halving with a triangle two pixels to each side: weights 1/8 3/8 3/8 1/8, cut and normalised at the borders.
  const std::vector<float> half = Resample(image, 2, 1, {0, 0, 2, 1}, Interpolation::bilinear);
  EXPECT_NEAR(half[0], (3 * 0 + 3 * 0.2 + 1 * 0.4) / 7, 1e-6);
  EXPECT_NEAR(half[1], (1 * 0.2 + 3 * 0.4 + 3 * 1.0) / 7, 1e-6);
  // Doubling interpolates between centres, a quarter off.
  const std::vector<float> twice = Resample(image, 8, 1, {0, 0, 8, 1}, Interpolation::bilinear);
  EXPECT_NEAR(twice[0], 0, 1e-6);
  EXPECT_NEAR(twice[1], 0.05, 1e-6);
  EXPECT_NEAR(twice[2], 0.15, 1e-6);
}

TEST(Resize, BoxIsThePartOfTheWhole) {
  const Image image = Noise(57, 91, 3);
  for (Interpolation interpolation : {Interpolation::bilinear, Interpolation::bicubic}) {
    for (const auto& [w, h] : {std::pair{20, 30}, {200, 100}, {20, 300}}) {
      const std::vector<float> whole = Resample(image, w, h, {0, 0, w, h}, interpolation);
      const Box box = {3, 5, w - 10, h - 7};
      const std::vector<float> part = Resample(image, w, h, box, interpolation);
      for (int y = 0; y < box.height; ++y) {
        for (int x = 0; x < box.width * 3; ++x) {
          ASSERT_EQ(part[y * box.width * 3 + x], whole[((y + box.y) * w + box.x) * 3 + x]);
        }
      }
    }
  }
}

TEST(Resize, KeepsAConstant) {
  Image image(301, 17, 1, Sample::f32);
  std::fill(image.row<float>(0), image.row<float>(0) + 301 * 17, 0.7f);
  for (const auto& [w, h] : {std::pair{1, 1}, {7, 100}, {1000, 3}}) {
    for (float value : Resample(image, w, h, {0, 0, w, h}, Interpolation::bicubic)) {
      ASSERT_NEAR(value, 0.7f, 1e-5);
    }
  }
}

TEST(Resize, ExtremeStripsCostOnlyTheBox) {
  const Image image(200'000, 1, 1, Sample::u8);
  EXPECT_EQ(Resample(image, 44'800'000, 224, {22'000'000, 0, 224, 224}, Interpolation::bicubic).size(), 224u * 224);
}

}  // namespace
}  // namespace medvec::decode
