#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simclr/data/dataset.h"

namespace simclr {

/// SHA-256 of an image's size and pixels, as hexadecimal digits.
std::string image_digest(const Image& image);

/// The first 63 bits of each image's digest, in order: by these an image is known again wherever it
/// stands, and whatever its file is called. Every pixel is read once.
std::vector<std::int64_t> image_keys(const Dataset& images);

/// SHA-256 of the keys and labels of all images, in order: equal for the same images alone.
std::string images_sha256(const Dataset& images);
/// @param keys  of `images`, where they are known already
std::string images_sha256(const Dataset& images, const std::vector<std::int64_t>& keys);

}  // namespace simclr
