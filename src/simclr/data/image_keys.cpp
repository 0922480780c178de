#include "simclr/data/image_keys.h"

#include <array>
#include <charconv>

#include "simclr/core/parallel.h"
#include "simclr/core/sha256.h"

namespace simclr {

std::string image_digest(const Image& image) {
  Sha256 sha256;
  const std::array<std::int32_t, 2> sides{image.height, image.width};
  sha256.update(sides.data(), sizeof(sides));
  sha256.update(image.pixels.data(), image.pixels.size());
  return sha256.hex_digest();
}

std::vector<std::int64_t> image_keys(const Dataset& images) {
  constexpr std::size_t kDigits = 16;  // of four bits
  std::vector<std::int64_t> keys(images.size());
  parallel_for(static_cast<std::int64_t>(images.size()), [&](std::int64_t i) {
    const auto index = static_cast<std::size_t>(i);
    const std::string digest = image_digest(images.get(index));
    std::uint64_t bits = 0;
    std::from_chars(digest.data(), digest.data() + kDigits, bits, 16);
    keys[index] = static_cast<std::int64_t>(bits >> 1U);
  });
  return keys;
}

std::string images_sha256(const Dataset& images) {
  return images_sha256(images, image_keys(images));
}

std::string images_sha256(const Dataset& images, const std::vector<std::int64_t>& keys) {
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < images.size(); ++i) labels.push_back(images.get(i).label);
  Sha256 sha256;
  sha256.update(keys.data(), keys.size() * sizeof(std::int64_t));
  sha256.update(labels.data(), labels.size() * sizeof(std::int32_t));
  return sha256.hex_digest();
}

}  // namespace simclr
