#include "simclr/formats/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "simclr/core/text.h"
#include "simclr/formats/bytes.h"
#include "simclr/formats/exif.h"
#include "simclr/formats/image_readers.h"

namespace simclr {
namespace {

using detail::Bytes;

struct Reader {
  ImageSize (*size)(Bytes, const ImageOptions&);
  DecodedImage (*decode)(Bytes, const ImageOptions&);
};

Reader reader_of(ImageFormat format) {
  switch (format) {
    case ImageFormat::kJpeg:
      return {detail::jpeg_size, detail::decode_jpeg};
    case ImageFormat::kPng:
      return {detail::png_size, detail::decode_png};
    case ImageFormat::kWebp:
      return {detail::webp_size, detail::decode_webp};
    case ImageFormat::kBmp:
      return {detail::bmp_size, detail::decode_bmp};
    case ImageFormat::kPnm:
      break;
  }
  return {detail::pnm_size, detail::decode_pnm};
}

/// An HTML page: what a download that went wrong often leaves under a picture's name.
bool is_html(Bytes bytes) {
  std::string start(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(
                                                       std::min<std::size_t>(bytes.size(), 256)));
  if (start.starts_with("\xEF\xBB\xBF")) start.erase(0, 3);
  start = lower_case(start.substr(std::min(start.find_first_not_of(" \t\r\n"), start.size())));
  return start.starts_with("<!doctype html") || start.starts_with("<html");
}

/// What is often met where a picture should be.
std::string describe_other(Bytes bytes) {
  constexpr std::string_view kOthers =
      "not an image this program reads (JPEG, PNG, WebP, BMP, PNM)";
  if (bytes.empty()) return "empty file";
  if (is_html(bytes)) return "an HTML page, not an image";
  if (stands_at(bytes, 0, "version https://git-lfs"))
    return "a Git LFS pointer, not the image itself";
  std::string_view name;
  if (stands_at(bytes, 0, "GIF8")) name = "GIF";
  if (stands_at(bytes, 0, "II*") || stands_at(bytes, 0, {"MM\0*", 4})) name = "TIFF";
  if (stands_at(bytes, 4, "ftyp")) name = "HEIC, AVIF or video";
  return name.empty() ? std::string(kOthers) : fmt::format("{}: {}", name, kOthers);
}

ImageFormat require_format(Bytes bytes) {
  if (const auto format = image_format(bytes)) return *format;
  throw detail::bad_image(describe_other(bytes));
}

int orientation_of(Bytes bytes, ImageFormat format, const ImageOptions& options) {
  return options.exif_orientation ? exif_orientation(bytes, format) : 1;
}

}  // namespace

std::optional<ImageFormat> image_format(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1A\n";
  if (stands_at(bytes, 0, "\xFF\xD8\xFF")) return ImageFormat::kJpeg;
  if (stands_at(bytes, 0, kPngSignature)) return ImageFormat::kPng;
  if (stands_at(bytes, 0, "RIFF") && stands_at(bytes, 8, "WEBP")) return ImageFormat::kWebp;
  if (stands_at(bytes, 0, "BM")) return ImageFormat::kBmp;
  const bool is_pnm = bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' &&
                      (std::isspace(bytes[2]) != 0 || bytes[2] == '#');
  return is_pnm ? std::optional(ImageFormat::kPnm) : std::nullopt;
}

bool has_image_suffix(const std::filesystem::path& name) {
  constexpr std::array<std::string_view, 9> kSuffixes = {".jpg", ".jpeg", ".png", ".webp", ".bmp",
                                                         ".ppm", ".pgm",  ".pbm", ".pnm"};
  return std::ranges::find(kSuffixes, lower_case(name.extension().string())) != kSuffixes.end();
}

DecodedImage decode_image(std::span<const std::uint8_t> bytes, const ImageOptions& options) {
  const ImageFormat format = require_format(bytes);
  return turned(reader_of(format).decode(bytes, options), orientation_of(bytes, format, options));
}

ImageSize image_size(std::span<const std::uint8_t> bytes, const ImageOptions& options) {
  const ImageFormat format = require_format(bytes);
  ImageSize size = reader_of(format).size(bytes, options);
  if (exchanges_sides(orientation_of(bytes, format, options))) std::swap(size.height, size.width);
  return size;
}

namespace detail {

Error bad_image(const std::string& reason) {
  return Error(ExitCode::kData, reason,
               "Fetch or export the picture again, or take it out of the data.");
}

ImageSize checked_size(std::int64_t height, std::int64_t width, const ImageOptions& options) {
  const std::string sides = fmt::format("{} x {} pixels", width, height);
  if (height < 1 || width < 1) throw bad_image(sides);
  if (std::max(height, width) > options.max_side) {
    throw bad_image(fmt::format("{}, more than {} a side", sides, options.max_side));
  }
  if (height * width > options.max_pixels) {
    throw bad_image(fmt::format("{}, more than {}", sides, options.max_pixels));
  }
  return {static_cast<int>(height), static_cast<int>(width)};
}

DecodedImage blank_image(const ImageSize& size, Bytes bytes, std::uint64_t least_bytes,
                         const std::string& format) {
  if (bytes.size() < least_bytes) {
    throw bad_image(fmt::format("truncated {}: {} bytes, of {} x {} pixels at least {}", format,
                                bytes.size(), size.width, size.height, least_bytes));
  }
  const std::size_t count =
      std::size_t{3} * static_cast<std::size_t>(size.height) * static_cast<std::size_t>(size.width);
  return {std::vector<std::uint8_t>(count), size.height, size.width};
}

}  // namespace detail
}  // namespace simclr
