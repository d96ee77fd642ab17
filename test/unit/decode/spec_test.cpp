#include "spec.hpp"

#include <gtest/gtest.h>

namespace medvec::embedder {
namespace {

TEST(Spec, DefaultsAreWrittenOut) {
  for (const char* text : {"", " \n", "{}"}) {
    EXPECT_EQ(
        Spec::Parse(text).ToJson(),
        R"({"channels":3,"height":224,"width":224,"resize":"crop","shorter_side":null,"interpolation":"bilinear",)"
        R"("mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225],"window":null,"frame":"first","pool":"none",)"
        R"("l2_normalize":false,"metric":"cosine"})");
  }
  EXPECT_EQ(Spec::Parse(R"({"channels":1})").mean, std::vector<double>{0.449});
}

TEST(Spec, RoundTrip) {
  const std::string text =
      R"({"channels":1,"height":512,"width":384,"resize":"letterbox","shorter_side":null,"interpolation":"bicubic",)"
      R"("mean":[0.5],"std":[0.25],"window":{"center":40.0,"width":400.0},"frame":"middle","pool":"average",)"
      R"("l2_normalize":true,"metric":"inner_product"})";
  EXPECT_EQ(Spec::Parse(text).ToJson(), text);
  EXPECT_EQ(Spec::Parse(Spec::Parse(R"({"shorter_side":256})").ToJson()).shorter_side, 256);
}

TEST(Spec, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"[]",
                           "1",
                           "null",
                           "{",
                           "{\"a\":1}",
                           R"({"height":1,"height":1})",
                           R"({"channels":2})",
                           R"({"channels":"3"})",
                           R"({"height":0})",
                           R"({"height":4097})",
                           R"({"height":1.5})",
                           R"({"height":-1})",
                           R"({"height":18446744073709551615})",
                           R"({"resize":"fit"})",
                           R"({"resize":1})",
                           R"({"shorter_side":100})",
                           R"({"resize":"stretch","shorter_side":256})",
                           R"({"mean":[0]})",
                           R"({"mean":[0,0,"0"]})",
                           R"({"mean":0})",
                           R"({"mean":[0,0,1e999]})",
                           R"({"std":[1,1,0]})",
                           R"({"std":[1,1,-1]})",
                           R"({"window":[1,2]})",
                           R"({"window":{"center":1}})",
                           R"({"window":{"center":1,"width":0}})",
                           R"({"window":{"center":1,"width":1,"x":1}})",
                           R"({"window":{"center":1,"center":1,"width":1}})",
                           R"({"frame":"last"})",
                           R"({"l2_normalize":1})",
                           R"({"metric":"l1"})",
                           R"({"pool":null})",
                           "{}{}"}) {
    EXPECT_THROW(Spec::Parse(text), SpecError) << text;
  }
  EXPECT_THROW(Spec::Parse(std::string(100'000, ' ')), SpecError);
  EXPECT_THROW(Spec::Parse(std::string(60'000, '[')), SpecError);
}

TEST(Spec, MessagesNameTheKeyAndHoldNoControlCharacters) {
  try {
    Spec::Parse("{\"evil\\nkey\":1}");
    FAIL();
  } catch (const SpecError& error) {
    EXPECT_STREQ(error.what(), "model spec: unknown key \"evil?key\"");
  }
}

}  // namespace
}  // namespace medvec::embedder
