#include "tensor.hpp"

#include <gtest/gtest.h>

namespace medvec::decode {
namespace {

using embedder::Spec;

void Expect(const Placement& place, int64_t width, int64_t height, int64_t left, int64_t top) {
  EXPECT_EQ(place.width, width);
  EXPECT_EQ(place.height, height);
  EXPECT_EQ(place.left, left);
  EXPECT_EQ(place.top, top);
}

TEST(Place, CropAsTorchvision) {
  const Spec spec = Spec::Parse(R"({"shorter_side":256})");
  Expect(Place(1024, 768, 1, spec), 341, 256, 58, 16);  // 341.33 is truncated, 58.5 rounds to even
  Expect(Place(768, 1024, 1, spec), 256, 341, 16, 58);
  Expect(Place(256, 256, 1, spec), 256, 256, 16, 16);
  Expect(Place(100, 100, 1, Spec::Parse("")), 224, 224, 0, 0);
  Expect(Place(300, 100, 1, Spec::Parse(R"({"height":100,"width":150})")), 300, 100, 75, 0);
  Expect(Place(1000, 999, 1, Spec::Parse("")), 224, 224, 0, 0);
}

TEST(Place, LetterboxAndStretch) {
  Expect(Place(400, 200, 1, Spec::Parse(R"({"resize":"letterbox"})")), 224, 112, 0, -56);
  Expect(Place(1, 100000, 1, Spec::Parse(R"({"resize":"letterbox"})")), 1, 224, -111, 0);
  Expect(Place(400, 200, 1, Spec::Parse(R"({"resize":"stretch"})")), 224, 224, 0, 0);
}

TEST(Place, PixelsThatAreNotSquare) {
  // Twice as high as wide: 200 x 100 pixels are a square picture.
  Expect(Place(200, 100, 2, Spec::Parse("")), 224, 224, 0, 0);
  Expect(Place(200, 200, 2, Spec::Parse(R"({"resize":"letterbox"})")), 112, 224, -56, 0);
}

TEST(Tensor, ChannelsMeanAndDeviation) {
  Image colour(1, 1, 3, Sample::u8);
  colour.data()[0] = 255;
  const Spec three = Spec::Parse(R"({"height":1,"width":1,"mean":[0.5,0.25,0],"std":[0.5,0.5,1]})");
  EXPECT_EQ(MakeTensor(colour, three).values, (std::vector<float>{1, -0.5, 0}));
  const Spec one = Spec::Parse(R"({"height":1,"width":1,"channels":1,"mean":[0],"std":[1]})");
  EXPECT_FLOAT_EQ(MakeTensor(colour, one).values[0], 0.299f);
  Image grey(1, 1, 1, Sample::u16);
  grey.row<uint16_t>(0)[0] = 65535;
  EXPECT_EQ(MakeTensor(grey, three).values, (std::vector<float>{1, 1.5, 1}));
}

TEST(Tensor, LetterboxIsBlackAround) {
  Image white(4, 2, 1, Sample::u8);
  std::fill(white.data(), white.data() + 8, 255);
  const Spec spec = Spec::Parse(R"({"height":4,"width":4,"channels":1,"mean":[0.5],"std":[0.5],"resize":"letterbox"})");
  EXPECT_EQ(MakeTensor(white, spec).values,
            (std::vector<float>{-1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1}));
}

}  // namespace
}  // namespace medvec::decode
