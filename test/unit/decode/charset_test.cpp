#include "dicom/charset.hpp"

#include <gtest/gtest.h>

namespace medvec::decode::dicom {
namespace {

// The examples of PS3.5 annexes H, I, J and K.
TEST(Charset, Japanese) {
  EXPECT_EQ(Charset("\\ISO 2022 IR 87")
                .ToUtf8("Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^"
                        "\x1b$B$?$m$&\x1b(B"),
            "Yamada^Tarou=山田^太郎=やまだ^たろう");
  EXPECT_EQ(Charset("ISO 2022 IR 13\\ISO 2022 IR 87")
                .ToUtf8("\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J"),
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎");
  EXPECT_EQ(Charset("\\ISO 2022 IR 159").ToUtf8("\x1b$(D0!\x1b(B"), "丂");
}

TEST(Charset, KoreanAndChinese) {
  EXPECT_EQ(Charset("\\ISO 2022 IR 149")
                .ToUtf8("Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf"),
            "Hong^Gildong=洪^吉洞=홍^길동");
  EXPECT_EQ(Charset("GB18030").ToUtf8("Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab="), "Wang^XiaoDong=王^小东=");
  EXPECT_EQ(Charset("GBK").ToUtf8("\x81\x5c\\A"), "乗\\A");  // a second byte that is a backslash
  EXPECT_EQ(Charset("\\ISO 2022 IR 58").ToUtf8("Zhang=\x1b$)A\xd5\xc5"), "Zhang=张");
}

TEST(Charset, Latin) {
  EXPECT_EQ(Charset("ISO_IR 100").ToUtf8("\xc4neas"), "Äneas");
  EXPECT_EQ(Charset("ISO_IR 144").ToUtf8("\xbb\xee\xda"), "Люк");
  EXPECT_EQ(Charset("ISO 2022 IR 100\\ISO 2022 IR 144").ToUtf8("\xc4\x1b-L\xbb\\\xc4"),
            "ÄЛ\\Ä");  // reset by the delimiter
  EXPECT_EQ(Charset("ISO_IR 192").ToUtf8("Ä"), "Ä");
}

TEST(Charset, BrokenTextDoesNotStopIt) {
  EXPECT_EQ(Charset("GB18030").ToUtf8("\xff\xff"
                                      "A"),
            "\xef\xbf\xbd\xef\xbf\xbd"
            "A");
  EXPECT_EQ(Charset("\\ISO 2022 IR 87").ToUtf8("\x1b$B;"), "\xef\xbf\xbd");
  EXPECT_EQ(Charset("\\ISO 2022 IR 87").ToUtf8("\x1b"), "");
  EXPECT_EQ(Charset("no such set").ToUtf8("abc"), "abc");
  EXPECT_EQ(Charset("").ToUtf8("abc"), "abc");
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    all += static_cast<char>(i * 7 + i / 256);
  }
  for (const char* set : {"ISO_IR 13", "GBK", "GB18030", "ISO_IR 166", "\\ISO 2022 IR 149", "ISO_IR 109"}) {
    EXPECT_FALSE(Charset(set).ToUtf8(all).empty());
  }
}

}  // namespace
}  // namespace medvec::decode::dicom
