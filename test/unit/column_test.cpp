// Ranges in columns, on every instruction set that was compiled and that this machine has, against values read one by
// one.
#include "core/column.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "guarded_buffer.hpp"
#include "target_fixture.hpp"

namespace medvec {
namespace {

constexpr Form kForms[] = {Form::kByte,   Form::kUint16,  Form::kInt16,   Form::kInt32, Form::kInt64,
                           Form::kUint32, Form::kFloat32, Form::kFloat64, Form::kOid};

class ColumnTest : public TargetTest {
 protected:
  // Bytes at random; and numbers that are special in one form or another, of which some are neighbours.
  void Fill(Form form, std::span<uint8_t> bytes) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const double doubles[] = {0.0, -0.0, 1.5, -1.5, kInfinity, -kInfinity, std::nan(""), -std::nan(""), 5e-324, 1e308};
    const float floats[] = {
        0.0f,          -0.0f,          1.5f,   -1.5f, static_cast<float>(kInfinity), static_cast<float>(-kInfinity),
        std::nanf(""), -std::nanf(""), 1e-45f, 3e38f};
    const int64_t integers[] = {0, 1, -1, INT64_MAX, INT64_MIN, 2, -2, 100, INT32_MIN, INT32_MAX};
    const size_t size = SizeOf(form);
    for (size_t i = 0; i + size <= bytes.size(); i += size) {
      const uint64_t drawn = random_();
      std::memcpy(&bytes[i], &drawn, size);
      const size_t special = random_() % 20;
      if (special >= 10) continue;
      if (form == Form::kFloat64)
        std::memcpy(&bytes[i], &doubles[special], size);
      else if (form == Form::kFloat32)
        std::memcpy(&bytes[i], &floats[special], size);
      else
        std::memcpy(&bytes[i], &integers[special], size);
    }
  }

  void Check(Form form, std::span<const uint8_t> column, Number low, Number high) {
    const size_t size = SizeOf(form), count = column.size() / size, words = (count + 63) / 64;
    std::vector<uint64_t> set(words + 1, ~uint64_t{0}), before;
    for (size_t i = 0; i < words; ++i) set[i] = random_() % 4 == 0 ? 0 : random_() | random_();
    before = set;
    SelectRange(form, column.data(), count, low, high, set.data());
    for (size_t i = 0; i < 64 * words; ++i) {
      bool wanted = i < count && (before[i / 64] >> i % 64 & 1);
      if (wanted) {
        const Number number = ReadNumber(form, column.data() + i * size);
        wanted = number >= low && number <= high;
      }
      ASSERT_EQ(set[i / 64] >> i % 64 & 1, wanted) << "value " << i << " of " << count << ", form " << int(form);
    }
    EXPECT_EQ(set[words], ~uint64_t{0});
  }

  std::mt19937_64 random_{20261120};
};

TEST_P(ColumnTest, RangesOfEachForm) {
  for (const Form form : kForms) {
    const size_t size = SizeOf(form);
    for (const size_t count : {size_t{1}, size_t{7}, size_t{63}, size_t{64}, size_t{65}, size_t{130}, size_t{577}}) {
      GuardedBuffer<uint8_t> buffer(count * size);
      const std::span<uint8_t> column = buffer.Last(count * size);
      Fill(form, column);
      const auto any = [&] { return ReadNumber(form, &column[random_() % count * size]); };
      for (int round = 0; round < 20; ++round) {
        const Number a = any(), b = any();
        Check(form, column, std::min(a, b), std::max(a, b));
        Check(form, column, a, a);
        if (a != kGreatestNumber) Check(form, column, a + 1, kGreatestNumber);
        if (a != kLeastNumber) Check(form, column, kLeastNumber, a - 1);
      }
      Check(form, column, kLeastNumber, kGreatestNumber);
      Check(form, column, 1, 0);
      Check(form, column, kGreatestNumber, kGreatestNumber);
      Check(form, column, kLeastNumber, kLeastNumber);
      Check(form, column, int64_t{1} << 40, int64_t{1} << 50);
      Check(form, column, -(int64_t{1} << 50), -(int64_t{1} << 40));
    }
  }
}

TEST_P(ColumnTest, AllOfSomeBits) {
  for (const size_t count : {size_t{1}, size_t{64}, size_t{65}, size_t{174}}) {
    GuardedBuffer<uint8_t> buffer(count * sizeof(uint64_t));
    const std::span<uint8_t> column = buffer.Last(count * sizeof(uint64_t));
    const size_t words = (count + 63) / 64;
    for (int round = 0; round < 40; ++round) {
      for (uint8_t& byte : column) byte = static_cast<uint8_t>(random_() | random_());
      const uint64_t bits = round == 0 ? 0 : random_() & random_() & random_() & random_();
      std::vector<uint64_t> set(words + 1, ~uint64_t{0}), before;
      for (size_t i = 0; i < words; ++i) set[i] = random_() % 4 == 0 ? 0 : random_() | random_();
      before = set;
      SelectBits(column.data(), count, bits, set.data());
      for (size_t i = 0; i < 64 * words; ++i) {
        const bool wanted =
            i < count && (before[i / 64] >> i % 64 & 1) && (ReadAs<uint64_t>(&column[i * sizeof bits]) & bits) == bits;
        ASSERT_EQ(set[i / 64] >> i % 64 & 1, wanted) << "value " << i << " of " << count;
      }
      EXPECT_EQ(set[words], ~uint64_t{0});
    }
  }
}

TEST_P(ColumnTest, EndsOfWords) {
  for (const size_t count : {size_t{1}, size_t{63}, size_t{64}, size_t{65}, size_t{200}, size_t{815}}) {
    GuardedBuffer<uint8_t> buffer(count * sizeof(uint32_t));
    const std::span<uint8_t> column = buffer.Last(count * sizeof(uint32_t));
    const size_t words = (count + 63) / 64;
    for (int round = 0; round < 40; ++round) {
      Fill(Form::kUint32, column);
      std::vector<uint64_t> set(words);
      for (uint64_t& word : set) word = round % 4 == 0 ? ~uint64_t{0} : round % 4 == 1 ? 0 : random_() & random_();
      std::vector<Ends> ends(words + 1, Ends{7, 7});
      FindEnds(column.data(), count, set.data(), ends.data());
      for (size_t word = 0; word < words; ++word) {
        Ends wanted{UINT32_MAX, 0};
        for (size_t i = 64 * word; i < std::min(64 * (word + 1), count); ++i) {
          const uint32_t value = ReadAs<uint32_t>(&column[i * sizeof value]);
          if (set[word] >> i % 64 & 1) wanted = {std::min(wanted.least, value), std::max(wanted.greatest, value)};
        }
        ASSERT_EQ(ends[word].least, wanted.least) << "word " << word << " of " << count << " values";
        ASSERT_EQ(ends[word].greatest, wanted.greatest) << "word " << word << " of " << count << " values";
      }
      EXPECT_EQ(ends[words].least, 7u);
    }
  }
}

TEST_P(ColumnTest, PairsAmongPairs) {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{17}, size_t{63}, size_t{64}}) {
    GuardedBuffer<uint8_t> first_buffer(count * sizeof(uint32_t)), second_buffer(count * sizeof(uint16_t));
    const std::span<uint8_t> firsts = first_buffer.All(), seconds = second_buffer.All();
    // Few values, so that many pairs share one of theirs; 0 is one of them.
    const auto draw = [&] { return Pair{static_cast<uint32_t>(random_() % 5), static_cast<uint16_t>(random_() % 4)}; };
    for (int round = 0; round < 100; ++round) {
      for (size_t i = 0; i < count; ++i) {
        const Pair pair = draw();
        std::memcpy(&firsts[i * sizeof pair.first], &pair.first, sizeof pair.first);
        std::memcpy(&seconds[i * sizeof pair.second], &pair.second, sizeof pair.second);
      }
      std::vector<Pair> wanted(random_() % 6);
      for (Pair& pair : wanted) pair = draw();
      uint64_t expected = 0;
      for (size_t i = 0; i < count; ++i)
        for (const Pair& pair : wanted)
          if (ReadAs<uint32_t>(&firsts[i * sizeof pair.first]) == pair.first &&
              ReadAs<uint16_t>(&seconds[i * sizeof pair.second]) == pair.second)
            expected |= uint64_t{1} << i;
      ASSERT_EQ(FindPairs(firsts.data(), seconds.data(), count, wanted), expected) << count << " pairs";
    }
  }
}

MEDVEC_TEST_ON_TARGETS(ColumnTest);

TEST(FloatNumberTest, OrderedAsTheValues) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double ascending[] = {-kInfinity, -1e308, -1, -5e-324, 0, 5e-324, 1, 1e308, kInfinity, std::nan("")};
  for (size_t i = 1; i < std::size(ascending); ++i) EXPECT_LT(FloatNumber(ascending[i - 1]), FloatNumber(ascending[i]));
  EXPECT_EQ(FloatNumber(0.0), FloatNumber(-0.0));
  EXPECT_EQ(FloatNumber(std::nan("")), FloatNumber(-std::nan("")));
}

}  // namespace
}  // namespace medvec
