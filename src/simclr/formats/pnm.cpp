// Netpbm's PBM, PGM and PPM, plain (P1 P2 P3) and raw (P4 P5 P6); the first picture of a file.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "simclr/formats/image_readers.h"

namespace simclr::detail {
namespace {

constexpr std::uint32_t kMaxNumber = 100'000'000;  // ten times as much still fits

bool is_space(std::uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/// The text half of these files: numbers between white space and comments.
class TextReader {
 public:
  TextReader(Bytes bytes, std::size_t at) : bytes_(bytes), at_(at) {}

  std::size_t at() const { return at_; }

  /// @param max_digits P1 may write its digits without space between them
  std::uint32_t number(int max_digits = std::numeric_limits<int>::max()) {
    skip_space();
    std::uint32_t value = 0;
    int digits = 0;
    for (; digits < max_digits && at_ < bytes_.size() && is_digit(bytes_[at_]); ++digits, ++at_) {
      value = value * 10 + (bytes_[at_] - std::uint32_t{'0'});
      if (value > kMaxNumber) throw bad_image("damaged PNM: a number too large");
    }
    if (digits > 0) return value;
    throw bad_image(at_ == bytes_.size() ? "truncated PNM" : "damaged PNM: not a number");
  }

 private:
  static bool is_digit(std::uint8_t byte) { return byte >= '0' && byte <= '9'; }

  void skip_space() {
    bool in_comment = false;
    for (; at_ < bytes_.size(); ++at_) {
      const std::uint8_t byte = bytes_[at_];
      if (byte == '#') in_comment = true;
      if (!in_comment && !is_space(byte)) return;
      if (byte == '\n' || byte == '\r') in_comment = false;
    }
  }

  Bytes bytes_;
  std::size_t at_;
};

struct Header {
  ImageSize size;
  std::size_t channels = 0;  ///< 1 or 3
  bool is_bitmap = false;    ///< one bit a pixel, 1 is black
  bool is_plain = false;
  std::uint32_t max_value = 1;
  std::size_t pixels_at = 0;

  std::size_t row_samples() const { return static_cast<std::size_t>(size.width) * channels; }
  std::size_t bytes_per_sample() const { return max_value > 255 ? 2 : 1; }
  std::size_t row_bytes() const {
    if (is_bitmap) return (row_samples() + 7) / 8;
    return row_samples() * bytes_per_sample();
  }
  /// After the header. A plain sample is a digit, and a space unless it is a bit.
  std::uint64_t least_bytes() const {
    const auto rows = static_cast<std::uint64_t>(size.height);
    if (!is_plain) return rows * row_bytes();
    return is_bitmap ? rows * row_samples() : 2 * rows * row_samples() - 1;
  }
};

Header read_header(Bytes bytes, const ImageOptions& options) {
  Header header;
  const int kind = bytes[1] - '0';
  header.is_plain = kind <= 3;
  header.is_bitmap = kind == 1 || kind == 4;
  header.channels = kind == 3 || kind == 6 ? 3 : 1;
  TextReader text(bytes, 2);
  const std::uint32_t width = text.number();
  header.size = checked_size(text.number(), width, options);
  if (!header.is_bitmap) {
    header.max_value = text.number();
    if (header.max_value < 1 || header.max_value > 65535) {
      throw bad_image(
          fmt::format("damaged PNM: a maximum of {}, not 1 to 65535", header.max_value));
    }
  }
  // One white space ends the header of a raw file.
  header.pixels_at = text.at();
  if (header.pixels_at == bytes.size()) throw bad_image("truncated PNM");
  if (!is_space(bytes[header.pixels_at])) throw bad_image("damaged PNM: no space after the header");
  ++header.pixels_at;
  return header;
}

/// Of 255, to the nearest.
std::uint8_t scaled(std::uint32_t value, const Header& header) {
  if (value > header.max_value) {
    throw bad_image(fmt::format("damaged PNM: a value of {}, more than its maximum {}", value,
                                header.max_value));
  }
  if (header.is_bitmap) return value == 0 ? 255 : 0;
  return static_cast<std::uint8_t>((value * 510 + header.max_value) / (2 * header.max_value));
}

/// Gives the samples one after another, 0 .. max_value.
class SampleReader {
 public:
  SampleReader(Bytes bytes, const Header& header)
      : bytes_(bytes), header_(header), text_(bytes, header.pixels_at) {}

  std::uint32_t sample(std::size_t row, std::size_t index) {
    if (header_.is_plain) return header_.is_bitmap ? text_.number(1) : text_.number();
    const std::size_t start = header_.pixels_at + row * header_.row_bytes();
    if (header_.is_bitmap)
      return (std::uint32_t{bytes_[start + index / 8]} >> (7 - index % 8)) & 1U;
    if (header_.bytes_per_sample() == 1) return bytes_[start + index];
    return std::uint32_t{bytes_[start + 2 * index]} << 8 | bytes_[start + 2 * index + 1];
  }

 private:
  Bytes bytes_;
  const Header& header_;
  TextReader text_;
};

}  // namespace

ImageSize pnm_size(Bytes bytes, const ImageOptions& options) {
  return read_header(bytes, options).size;
}

DecodedImage decode_pnm(Bytes bytes, const ImageOptions& options) {
  const Header header = read_header(bytes, options);
  DecodedImage image =
      blank_image(header.size, bytes, header.pixels_at + header.least_bytes(), "PNM");
  SampleReader reader(bytes, header);
  const int copies = header.channels == 3 ? 1 : 3;
  std::uint8_t* out = image.pixels.data();
  for (std::size_t y = 0; y < static_cast<std::size_t>(header.size.height); ++y) {
    for (std::size_t i = 0; i < header.row_samples(); ++i) {
      const std::uint8_t value = scaled(reader.sample(y, i), header);
      out = std::fill_n(out, copies, value);
    }
  }
  return image;
}

}  // namespace simclr::detail
