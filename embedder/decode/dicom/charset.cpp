#include "charset.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace medvec::decode::dicom {
namespace {

// Codings of runs of bytes. What has an escape sequence can stand in G1 (bytes from 0x80 up) or, Japanese, in G0.
struct Coding {
  const char* term;   // last part of the defined term: "ISO_IR " or "ISO 2022 IR " before it
  const char* iconv;  // null: not by iconv
  std::string_view escape;
};

enum : int { kRaw, kKatakana = 12, kKanji, kSupplementary, kKorean, kChinese, kGb18030, kGbk, kUtf8, kCodings };

constexpr std::array<Coding, kCodings> kTable = {{
    {"6", nullptr, "(B"},        {"100", "ISO-8859-1", "-A"}, {"101", "ISO-8859-2", "-B"},  {"109", "ISO-8859-3", "-C"},
    {"110", "ISO-8859-4", "-D"}, {"144", "ISO-8859-5", "-L"}, {"127", "ISO-8859-6", "-G"},  {"126", "ISO-8859-7", "-F"},
    {"138", "ISO-8859-8", "-H"}, {"148", "ISO-8859-9", "-M"}, {"203", "ISO-8859-15", "-b"}, {"166", "TIS-620", "-T"},
    {"13", nullptr, ")I"},       {"87", "EUC-JP", "$B"},      {"159", "EUC-JP", "$(D"},     {"149", "EUC-KR", "$)C"},
    {"58", "EUC-CN", "$)A"},     {nullptr, "GB18030", ""},    {nullptr, "GBK", ""},         {"192", nullptr, ""},
}};

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr char kEscape = '\x1b';

std::array<iconv_t, kCodings>& Converters() {
  static std::array<iconv_t, kCodings> converters = [] {
    std::array<iconv_t, kCodings> opened;
    for (int i = 0; i < kCodings; ++i) {
      opened[i] = kTable[i].iconv != nullptr ? iconv_open("UTF-8", kTable[i].iconv) : reinterpret_cast<iconv_t>(-1);
    }
    return opened;
  }();
  return converters;
}

void AppendConverted(int coding, std::string_view text, std::string& out) {
  if (coding == kKatakana) {  // JIS X 0201: A1..DF are U+FF61..U+FF9F
    for (char c : text) {
      const unsigned byte = static_cast<uint8_t>(c);
      if (byte >= 0xa1 && byte <= 0xdf) {
        const unsigned code = 0xff61 + byte - 0xa1;
        out += {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3f)),
                static_cast<char>(0x80 | (code & 0x3f))};
      } else {
        out += kReplacement;
      }
    }
    return;
  }
  const iconv_t converter = Converters()[coding];
  if (converter == reinterpret_cast<iconv_t>(-1)) {
    out += text;  // raw; the writer replaces what is not UTF-8
    return;
  }
  iconv(converter, nullptr, nullptr, nullptr, nullptr);
  char* in = const_cast<char*>(text.data());
  size_t left = text.size();
  while (left > 0) {
    char buffer[1024];
    char* to = buffer;
    size_t room = sizeof buffer;
    const size_t before = left;
    const size_t status = iconv(converter, &in, &left, &to, &room);
    out.append(buffer, to - buffer);
    const bool full = status == static_cast<size_t>(-1) && room < 8 && left < before;
    if (status == static_cast<size_t>(-1) && !full) {
      out += kReplacement;
      ++in;
      --left;
    }
  }
}

bool HighBit(char c) { return (static_cast<uint8_t>(c) & 0x80) != 0; }

bool Delimiter(char c) { return c == '\\' || c == '^' || c == '=' || (c >= '\t' && c <= '\r'); }

}  // namespace

void OpenConverters() { Converters(); }

Charset::Charset(std::string_view terms) {
  std::string_view first = terms.substr(0, terms.find('\\'));
  while (!first.empty() && first.back() == ' ') {
    first.remove_suffix(1);
  }
  if (first == "GB18030" || first == "GBK") {
    initial_ = first == "GBK" ? kGbk : kGb18030;
    whole_ = true;
    return;
  }
  for (std::string_view prefix : {"ISO_IR ", "ISO 2022 IR "}) {
    for (int i = 0; i < kCodings && first.starts_with(prefix); ++i) {
      if (kTable[i].term != nullptr && first.substr(prefix.size()) == kTable[i].term) {
        initial_ = i == kUtf8 ? kRaw : i;
      }
    }
  }
}

std::string Charset::ToUtf8(std::string_view text) const {
  std::string out;
  if (whole_) {
    AppendConverted(initial_, text, out);
    return out;
  }
  int g0 = kRaw;
  int g1 = initial_;
  while (!text.empty()) {
    if (text[0] == kEscape) {
      text.remove_prefix(1);
      if (text.starts_with("(J") || text.starts_with("(B")) {  // JIS X 0201 Roman: ASCII but for two signs
        g0 = kRaw;
        text.remove_prefix(2);
        continue;
      }
      for (int i = 1; i < kCodings; ++i) {
        const std::string_view escape = kTable[i].escape;
        if (!escape.empty() && text.starts_with(escape)) {
          (i == kKanji || i == kSupplementary ? g0 : g1) = i;
          text.remove_prefix(escape.size());
          break;
        }
      }
      continue;
    }
    size_t run = 1;
    if (HighBit(text[0])) {
      while (run < text.size() && HighBit(text[run])) {
        ++run;
      }
      g1 == kRaw ? void(out += text.substr(0, run)) : AppendConverted(g1, text.substr(0, run), out);
    } else if (g0 == kRaw || text[0] <= ' ') {
      if (Delimiter(text[0])) {
        g0 = kRaw;
        g1 = initial_;
      }
      out += text[0];
    } else {  // two bytes a character; EUC-JP has them with the high bits set
      run = std::min<size_t>(2, text.size());
      std::string pair(g0 == kSupplementary ? "\x8f" : "");
      for (char c : text.substr(0, run)) {
        pair += static_cast<char>(c | 0x80);
      }
      AppendConverted(g0, pair, out);
    }
    text.remove_prefix(run);
  }
  return out;
}

}  // namespace medvec::decode::dicom
