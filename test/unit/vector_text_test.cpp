#include "core/vector_text.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "guarded_buffer.hpp"

namespace medvec {
namespace {

struct Parsed {
  VectorTextError error;
  std::vector<float> elements;
  std::string token;
};

// Parses out of memory that ends with the text.
Parsed Parse(std::string_view text, size_t capacity = 100) {
  GuardedBuffer<char> buffer(text.size() + 1);
  const std::span<char> copy = buffer.Last(text.size());
  std::memcpy(copy.data(), text.data(), text.size());
  GuardedBuffer<float> elements(capacity);
  const VectorText result = ParseVectorText({copy.data(), copy.size()}, elements.All());
  const std::span<float> read = elements.All().first(static_cast<size_t>(result.dim));
  return {result.error, {read.begin(), read.end()}, std::string(result.token)};
}

TEST(VectorText, Accepts) {
  EXPECT_EQ(Parse("[1,2.5,-3e-4]").elements, (std::vector<float>{1, 2.5f, -3e-4f}));
  EXPECT_EQ(Parse(" \t\n\r\v\f[ 1 ,\n2\t] ").elements, (std::vector<float>{1, 2}));
  EXPECT_EQ(Parse("[0x1p3,1.,.5,+1]").elements, (std::vector<float>{8, 1, 0.5f, 1}));
  EXPECT_EQ(Parse("[1]", 1).error, VectorTextError::kNone);
  EXPECT_TRUE(std::signbit(Parse("[-1e-46]").elements.at(0)));
}

TEST(VectorText, Refuses) {
  const auto error = [](std::string_view text) { return Parse(text).error; };
  for (const char* text : {"", " ", "1,2", "{1}", "]", "x[1]"})
    EXPECT_EQ(error(text), VectorTextError::kNoOpeningBracket) << text;
  for (const char* text : {"[]", "[ ]", " [ ] x"}) EXPECT_EQ(error(text), VectorTextError::kNoDimensions) << text;
  for (const char* text : {"[", "[ ", "[,", "[,]", "[1", "[1,", "[1,]", "[1,,2]", "[1 2]", "[1;2]", "[a]", "[1a]",
                           "[[1]]", "[1e]", "[--1]"})
    EXPECT_EQ(error(text), VectorTextError::kSyntax) << text;
  for (const char* text : {"[1]x", "[1] ]", "[1][2]", "[1],"})
    EXPECT_EQ(error(text), VectorTextError::kTextBehindEnd) << text;
  EXPECT_EQ(error(std::string_view("[1]\0", 4)), VectorTextError::kTextBehindEnd);
  EXPECT_EQ(error(std::string_view("[1\0]", 4)), VectorTextError::kSyntax);
  for (const char* text : {"[nan]", "[1,-NaN", "[nan(x)]"})
    EXPECT_EQ(error(text), VectorTextError::kNotANumber) << text;
  for (const char* text : {"[inf]", "[1,-Infinity,x"}) EXPECT_EQ(error(text), VectorTextError::kInfinite) << text;
}

TEST(VectorText, NamesThePlace) {
  EXPECT_EQ(Parse("[1,4e38,2]").token, "4e38");
  EXPECT_EQ(Parse("[1,4e38,2]").error, VectorTextError::kOutOfRange);
  EXPECT_EQ(Parse("[1, x]").token, "x]");
  EXPECT_EQ(Parse("[1,2").token, "");
}

TEST(VectorText, Halves) {
  const auto parse = [](std::string_view text) {
    GuardedBuffer<Half> elements(3);
    const VectorText result = ParseVectorText(text, elements.All());
    std::vector<uint16_t> bits;
    for (const Half half : elements.All().first(static_cast<size_t>(result.dim))) bits.push_back(half.bits);
    return std::tuple(result.error, bits, std::string(result.token));
  };
  using Bits = std::vector<uint16_t>;
  EXPECT_EQ(parse("[1,-2,65504]"), std::tuple(VectorTextError::kNone, Bits{0x3c00, 0xc000, 0x7bff}, ""));
  EXPECT_EQ(parse("[65519.99,2.9802322e-8,-1e-50]"), std::tuple(VectorTextError::kNone, Bits{0x7bff, 0, 0x8000}, ""));
  EXPECT_EQ(parse("[1,65520,2]"), std::tuple(VectorTextError::kOutOfRange, Bits{0x3c00}, "65520"));
  EXPECT_EQ(parse("[-1e5]"), std::tuple(VectorTextError::kOutOfRange, Bits{}, "-1e5"));
  EXPECT_EQ(parse("[1e39]"), std::tuple(VectorTextError::kOutOfRange, Bits{}, "1e39"));
  EXPECT_EQ(std::get<0>(parse("[nan]")), VectorTextError::kNotANumber);
  EXPECT_EQ(std::get<0>(parse("[inf]")), VectorTextError::kInfinite);
  EXPECT_EQ(std::get<0>(parse("[1,2,3,4]")), VectorTextError::kTooManyDimensions);
}

TEST(VectorText, StopsAtCapacity) {
  EXPECT_EQ(Parse("[1,2,3]", 3).error, VectorTextError::kNone);
  EXPECT_EQ(Parse("[1,2,3]", 2).error, VectorTextError::kTooManyDimensions);
  EXPECT_EQ(Parse("[1,2,x]", 2).error, VectorTextError::kTooManyDimensions);
}

TEST(VectorText, CountsElements) {
  EXPECT_EQ(CountElements("[1]"), 1u);
  EXPECT_EQ(CountElements("[1,2,3]"), 3u);
  EXPECT_EQ(CountElements(""), 1u);
}

}  // namespace
}  // namespace medvec
