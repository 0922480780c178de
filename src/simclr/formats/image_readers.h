#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "simclr/core/error.h"
#include "simclr/formats/image.h"

/// What image.cpp chooses from: per format one reader of the size and one of the whole picture, as
/// stored (EXIF is image.cpp's affair). All throw as decode_image does.
namespace simclr::detail {

using Bytes = std::span<const std::uint8_t>;

ImageSize jpeg_size(Bytes bytes, const ImageOptions& options);
DecodedImage decode_jpeg(Bytes bytes, const ImageOptions& options);
ImageSize png_size(Bytes bytes, const ImageOptions& options);
DecodedImage decode_png(Bytes bytes, const ImageOptions& options);
ImageSize webp_size(Bytes bytes, const ImageOptions& options);
DecodedImage decode_webp(Bytes bytes, const ImageOptions& options);
ImageSize bmp_size(Bytes bytes, const ImageOptions& options);
DecodedImage decode_bmp(Bytes bytes, const ImageOptions& options);
ImageSize pnm_size(Bytes bytes, const ImageOptions& options);
DecodedImage decode_pnm(Bytes bytes, const ImageOptions& options);

/// What all readers throw: kData, with a hint.
Error bad_image(const std::string& reason);

/// The size if it is within the limits. @throws bad_image, "70000 x 2 pixels, more than 65000 a
/// side"
ImageSize checked_size(std::int64_t height, std::int64_t width, const ImageOptions& options);

/// A picture of that size, still black. @param least_bytes what a whole file of the size has at the
/// least: fewer are an error ("truncated PNG: ...") before anything is allocated, so that a few
/// bytes cannot claim a lot of memory
DecodedImage blank_image(const ImageSize& size, Bytes bytes, std::uint64_t least_bytes,
                         const std::string& format);

}  // namespace simclr::detail
