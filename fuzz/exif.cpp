// EXIF blocks, bare and within the segments of pictures.
#include "simclr/formats/exif.h"

#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using simclr::ImageFormat;
  const simclr::fuzz::Bytes bytes(data, size);
  const int bare = simclr::tiff_orientation(bytes);
  simclr::fuzz::require(bare >= 1 && bare <= 8);
  for (const ImageFormat format : {ImageFormat::kJpeg, ImageFormat::kPng, ImageFormat::kWebp}) {
    const int orientation = simclr::exif_orientation(bytes, format);
    simclr::fuzz::require(orientation >= 1 && orientation <= 8);
  }
  return 0;
}
