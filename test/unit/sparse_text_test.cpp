#include "core/sparse_text.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "guarded_buffer.hpp"

namespace medvec {
namespace {

using Elements = std::vector<std::pair<int, float>>;

struct Parsed {
  SparseError error;
  int dim;
  Elements elements;
  std::string token;
};

// Parses out of memory that ends with the text, into memory for as many elements as it may hold.
Parsed Parse(std::string_view text, size_t limit = kMaxSparseElements) {
  GuardedBuffer<char> buffer(text.size() + 1);
  const std::span<char> copy = buffer.Last(text.size());
  std::memcpy(copy.data(), text.data(), text.size());
  GuardedBuffer<SparseTextElement> elements(std::min(CountSparseElements(text), limit));
  const SparseText result = ParseSparseText({copy.data(), copy.size()}, elements.All());
  Parsed parsed{result.error, result.dim, {}, std::string(result.token)};
  if (result.error == SparseError::kNone)
    for (const SparseTextElement& element : elements.All().first(static_cast<size_t>(result.count)))
      parsed.elements.emplace_back(element.index, element.value);
  return parsed;
}

TEST(SparseText, Accepts) {
  EXPECT_EQ(Parse("{1:1.5,3:3.5}/5").elements, (Elements{{0, 1.5f}, {2, 3.5f}}));
  EXPECT_EQ(Parse("{1:1.5,3:3.5}/5").dim, 5);
  EXPECT_EQ(Parse("{}/7").dim, 7);
  EXPECT_EQ(Parse("{}/7").elements, Elements{});
  EXPECT_EQ(Parse(" \t\n\r\v\f{ 1 : 1 ,\n2 :2\t} /\v 3 ").elements, (Elements{{0, 1}, {1, 2}}));
  EXPECT_EQ(Parse("{5:1,2:2,4:3}/5").elements, (Elements{{1, 2}, {3, 3}, {4, 1}}));
  EXPECT_EQ(Parse("{+1:+1,2:-0x1p-3}/+2").elements, (Elements{{0, 1}, {1, -0.125f}}));
  EXPECT_EQ(Parse("{1:0,2:1,3:-0,9:0e5,0:0}/3").elements, (Elements{{1, 1}}));
  EXPECT_EQ(Parse("{2:0,2:1}/3").elements, (Elements{{1, 1}}));
  EXPECT_EQ(Parse("{000000000000000000000001:1}/0000000000000000000000003").elements, (Elements{{0, 1}}));
  EXPECT_EQ(Parse("{1000000000:1e-45}/1000000000").elements, (Elements{{999999999, 1e-45f}}));
}

TEST(SparseText, Refuses) {
  const auto error = [](std::string_view text) { return Parse(text).error; };
  for (const char* text : {"", " ", "1:1", "[1]", "}", "x{}/1"})
    EXPECT_EQ(error(text), SparseError::kNoOpeningBrace) << text;
  for (const char* text :
       {"{",       "{}",      "{} ",       "{}/",      "{}x",      "{,}/5",    "{1:1,}/5", "{1}/5",
        "{1:}/5",  "{:1}/5",  "{1:1}",     "{1:1",     "{1:1}//5", "{1:1}/-",  "{1:1}/x",  "{0x1:1}/5",
        "{1 1:1}", "{1:1 1}", "{1:1;2:1}", "{1.5:1}/", "{1:a}/1",  "{--1:1}/", "{1:1]/1",  "{+ 1:1}/1"})
    EXPECT_EQ(error(text), SparseError::kSyntax) << text;
  for (const char* text : {"{}/5x", "{1:1}/5.5", "{}/0x5", "{}/5 5", "{}/1e3"})
    EXPECT_EQ(error(text), SparseError::kTextBehindEnd) << text;
  EXPECT_EQ(error(std::string_view("{}/1\0", 5)), SparseError::kTextBehindEnd);
  for (const char* text : {"{1:4e38}/1", "{1:1e-46}/1", "{1:-1e-46}/1", "{1:1e500}/0", "{1:0x1p-151}/1"})
    EXPECT_EQ(error(text), SparseError::kOutOfRange) << text;
  for (const char* text : {"{1:nan}/1", "{1:-NaN,x"}) EXPECT_EQ(error(text), SparseError::kNotANumber) << text;
  for (const char* text : {"{1:inf}/1", "{1:-Infinity,x"}) EXPECT_EQ(error(text), SparseError::kInfinite) << text;
  for (const char* text : {"{}/0", "{}/-1", "{1:1}/-99999999999999999999"})
    EXPECT_EQ(error(text), SparseError::kNoDimensions) << text;
  for (const char* text : {"{}/1000000001", "{}/2147483648", "{}/4294967297", "{}/18446744073709551617"})
    EXPECT_EQ(error(text), SparseError::kTooManyDimensions) << text;
  for (const char* text : {"{0:1}/3", "{4:1}/3", "{-1:1}/3", "{4294967297:1}/3", "{18446744073709551617:1}/3",
                           "{-2147483648:1}/3", "{2147483648:1}/3", "{0:1,1:1,1:1}/3"})
    EXPECT_EQ(error(text), SparseError::kIndexOutOfBounds) << text;
  for (const char* text : {"{1:1,1:1}/3", "{3:1,1:1,3:2}/3", "{1:1,1:1,9:1}/3"})
    EXPECT_EQ(error(text), SparseError::kDuplicateIndices) << text;
}

TEST(SparseText, NamesThePlace) {
  EXPECT_EQ(Parse("{1:1,2:4e38,3:1}/3").token, "4e38");
  EXPECT_EQ(Parse("{1:1, x").token, "x");
  EXPECT_EQ(Parse("{1:1").token, "");
  EXPECT_EQ(Parse("{2:1, 9:1,1:1}/3").token, "9:1,1:1}/3");
  EXPECT_EQ(Parse("{2:1,1:1,2:5}/3").token, "2:5}/3");
}

TEST(SparseText, StopsAtCapacity) {
  EXPECT_EQ(Parse("{1:1,2:1,3:1}/3", 3).error, SparseError::kNone);
  EXPECT_EQ(Parse("{1:1,2:1,3:1}/3", 2).error, SparseError::kTooManyElements);
  EXPECT_EQ(Parse("{1:0,2:0,3:0}/3", 2).error, SparseError::kTooManyElements);
}

TEST(SparseText, MostElements) {
  std::string descending = "{";
  for (int i = kMaxSparseElements; i > 0; --i) descending += std::to_string(i) + ":1" + (i > 1 ? "," : "}/16000");
  const Parsed parsed = Parse(descending);
  ASSERT_EQ(parsed.error, SparseError::kNone);
  ASSERT_EQ(parsed.elements.size(), static_cast<size_t>(kMaxSparseElements));
  EXPECT_EQ(parsed.elements.front().first, 0);
  EXPECT_EQ(parsed.elements.back().first, kMaxSparseElements - 1);
}

// Whatever is read keeps the promises of SparseView.
TEST(SparseText, RandomCharacters) {
  std::mt19937 random(1);
  int read = 0;
  for (int i = 0; i < 100000; ++i) {
    std::string text = random() % 2 ? "{1:1,2:3" : "{";
    for (size_t length = random() % 12; length > 0; --length) text += "0123459:::,,{}}//.-e x"[random() % 22];
    if (random() % 2) text += "}/9";
    const Parsed parsed = Parse(text);
    if (parsed.error != SparseError::kNone) continue;
    ++read;
    int last = -1;
    for (const auto& [index, value] : parsed.elements) {
      ASSERT_GT(index, last) << text;
      ASSERT_NE(value, 0) << text;
      last = index;
    }
    ASSERT_LT(last, parsed.dim) << text;
  }
  EXPECT_GT(read, 500);
}

}  // namespace
}  // namespace medvec
