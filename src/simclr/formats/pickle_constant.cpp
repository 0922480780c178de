#include "simclr/formats/pickle_constant.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace simclr::detail {
namespace {

constexpr std::uint32_t kLastCodePoint = 0x10FFFF;

/// Up to `most` digits of `base` at the start of `text`; how many there were.
std::size_t leading_digits(std::string_view text, std::size_t most, int base,
                           std::uint32_t& value) {
  const char* end = text.data() + std::min(most, text.size());
  const auto [stop, failure] = std::from_chars(text.data(), end, value, base);
  return failure == std::errc() ? static_cast<std::size_t>(stop - text.data()) : 0;
}

void append_utf8(std::uint32_t code, std::string& text) {
  const auto add = [&](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0 | (code >> 6));
    add(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    add(0xE0 | (code >> 12));
    add(0x80 | ((code >> 6) & 0x3F));
    add(0x80 | (code & 0x3F));
  } else {
    add(0xF0 | (code >> 18));
    add(0x80 | ((code >> 12) & 0x3F));
    add(0x80 | ((code >> 6) & 0x3F));
    add(0x80 | (code & 0x3F));
  }
}

/// The escape behind a backslash; how many characters it takes, 0 if it is broken.
std::size_t unescape(std::string_view rest, std::string& text) {
  if (rest.empty()) return 0;
  constexpr std::string_view kLetters = "\\'\"abfnrtv";
  constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
  if (const std::size_t at = kLetters.find(rest[0]); at != std::string_view::npos) {
    text.push_back(kMeanings[at]);
    return 1;
  }
  std::uint32_t value = 0;
  if (rest[0] == 'x') {
    if (leading_digits(rest.substr(1), 2, 16, value) != 2) return 0;
    text.push_back(static_cast<char>(value));
    return 3;
  }
  if (const std::size_t digits = leading_digits(rest, 3, 8, value); digits > 0) {
    text.push_back(static_cast<char>(value));
    return digits;
  }
  text.push_back('\\');  // no escape: Python keeps it as it is
  text.push_back(rest[0]);
  return 1;
}

/// Undoes Python 2's repr of a str: its quotes and escapes. False if it is none.
bool unquote(std::string_view line, std::string& text) {
  if (line.size() < 2 || line.front() != line.back()) return false;
  if (line.front() != '\'' && line.front() != '"') return false;
  line = line.substr(1, line.size() - 2);
  while (!line.empty()) {
    std::size_t used = 1;
    if (line[0] == '\\') {
      const std::size_t escape = unescape(line.substr(1), text);
      if (escape == 0) return false;
      used += escape;
    } else {
      text.push_back(line[0]);
    }
    line.remove_prefix(used);
  }
  return true;
}

/// Python's raw-unicode-escape (Latin-1 with \uXXXX and \UXXXXXXXX) as UTF-8. False if it is none.
bool decode_raw_unicode(std::string_view line, std::string& text) {
  while (!line.empty()) {
    std::uint32_t code = static_cast<std::uint8_t>(line[0]);
    std::size_t used = 1;
    const bool escape = line[0] == '\\' && line.size() > 1 && (line[1] == 'u' || line[1] == 'U');
    if (escape) {
      const std::size_t digits = line[1] == 'u' ? 4 : 8;
      if (leading_digits(line.substr(2), digits, 16, code) != digits) return false;
      if (code > kLastCodePoint) return false;
      used = 2 + digits;
    }
    append_utf8(code, text);
    line.remove_prefix(used);
  }
  return true;
}

std::string_view decoded(bool (*decode)(std::string_view line, std::string& text),
                         PickleInput& input, PickleArena& arena) {
  std::string text;
  if (!decode(input.line(), text)) input.fail("a text is malformed");
  return arena.keep(std::move(text));
}

std::optional<PickleValue> read_text(char opcode, PickleInput& input, PickleArena& arena) {
  switch (opcode) {
    case 'U':  // SHORT_BINSTRING
    case 'C':  // SHORT_BINBYTES
      return PickleBytes{input.counted(1)};
    case 'T':  // BINSTRING
    case 'B':  // BINBYTES
      return PickleBytes{input.counted(4)};
    case '\x8e':  // BINBYTES8
    case '\x96':  // BYTEARRAY8
      return PickleBytes{input.counted(8)};
    case '\x8c':  // SHORT_BINUNICODE
      return PickleText{input.counted(1)};
    case 'X':  // BINUNICODE
      return PickleText{input.counted(4)};
    case '\x8d':  // BINUNICODE8
      return PickleText{input.counted(8)};
    case 'S':  // STRING
      return PickleBytes{decoded(unquote, input, arena)};
    case 'V':  // UNICODE
      return PickleText{decoded(decode_raw_unicode, input, arena)};
    default:
      return std::nullopt;
  }
}

PickleValue integer_or_bool(PickleInput& input) {
  const std::size_t before = input.left();
  const std::int64_t value = input.integer_line();
  const bool two_digits = before - input.left() == 3;  // "00" or "01", and the newline
  if (two_digits && (value == 0 || value == 1)) return value == 1;
  return value;
}

}  // namespace

std::optional<PickleValue> read_constant(char opcode, PickleInput& input, PickleArena& arena) {
  switch (opcode) {
    case 'N':  // NONE
      return PickleValue();
    case '\x88':  // NEWTRUE
      return true;
    case '\x89':  // NEWFALSE
      return false;
    case 'I':  // INT, and protocol 0's way to write a bool
      return integer_or_bool(input);
    case 'L':  // LONG
      return input.integer_line();
    case 'J':  // BININT
      return input.signed_number(4);
    case 'K':  // BININT1
      return static_cast<std::int64_t>(input.unsigned_number(1));
    case 'M':  // BININT2
      return static_cast<std::int64_t>(input.unsigned_number(2));
    case '\x8a':  // LONG1
      return input.signed_number(input.unsigned_number(1));
    case '\x8b':  // LONG4
      return input.signed_number(input.unsigned_number(4));
    case 'F':  // FLOAT
      return input.double_line();
    case 'G':  // BINFLOAT
      return input.big_endian_double();
    default:
      return read_text(opcode, input, arena);
  }
}

}  // namespace simclr::detail
