#include "simclr/formats/pickle_input.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <system_error>

#include "simclr/core/error.h"

namespace simclr::detail {
void PickleInput::fail(std::string_view what) const {
  throw Error(ExitCode::kData,
              fmt::format("{}: not a valid pickle: {} (at byte {})", name_, what, at_),
              "The file is damaged, cut short or of another kind: fetch it again.");
}

std::string_view PickleInput::take(std::uint64_t size) {
  if (size > left()) fail(fmt::format("it ends where {} bytes should follow", size));
  const std::string_view taken = bytes_.substr(at_, static_cast<std::size_t>(size));
  at_ += taken.size();
  return taken;
}

std::string_view PickleInput::line() {
  const std::size_t end = bytes_.find('\n', at_);
  if (end == std::string_view::npos) fail("it ends within a line");
  const std::string_view text = take(end - at_);
  ++at_;
  return text;
}

std::uint64_t PickleInput::unsigned_number(std::size_t bytes) {
  std::uint64_t value = 0;
  const std::string_view digits = take(bytes);
  for (std::size_t i = digits.size(); i-- > 0;) {
    value = (value << 8) | static_cast<std::uint8_t>(digits[i]);
  }
  return value;
}

std::int64_t PickleInput::signed_number(std::uint64_t bytes) {
  if (bytes > 8) fail("a number beyond 64 bits");
  if (bytes == 0) return 0;
  const auto shift = static_cast<int>(64 - 8 * bytes);
  return static_cast<std::int64_t>(unsigned_number(static_cast<std::size_t>(bytes)) << shift) >>
         shift;
}

double PickleInput::big_endian_double() {
  std::uint64_t bits = 0;
  for (const char byte : take(8)) bits = (bits << 8) | static_cast<std::uint8_t>(byte);
  return std::bit_cast<double>(bits);
}

std::int64_t PickleInput::integer_line() {
  std::string_view text = line();
  if (!text.empty() && text.back() == 'L') text.remove_suffix(1);
  std::int64_t value = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure == std::errc::result_out_of_range) fail("a number beyond 64 bits");
  if (failure != std::errc() || stop != text.data() + text.size()) fail("a number is malformed");
  return value;
}

double PickleInput::double_line() {
  const std::string_view text = line();
  double value = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || stop != text.data() + text.size()) fail("a number is malformed");
  return value;
}

}  // namespace simclr::detail
