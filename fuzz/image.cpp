// Pictures of every format, told by their first bytes.
#include "simclr/formats/image.h"

#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const simclr::fuzz::Bytes bytes(data, size);
  simclr::ImageOptions options;
  options.exif_orientation = true;
  options.max_pixels = 1 << 18;  // keeps one execution short
  options.max_scans = 20;
  simclr::fuzz::survives([&] {
    const simclr::DecodedImage image = simclr::decode_image(bytes, options);
    const simclr::ImageSize stated = simclr::image_size(bytes, options);
    const auto pixels =
        static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.width);
    simclr::fuzz::require(image.height == stated.height && image.width == stated.width);
    simclr::fuzz::require(image.height > 0 && image.width > 0);
    simclr::fuzz::require(image.pixels.size() == 3 * pixels && pixels <= 1 << 18);
  });
  return 0;
}
