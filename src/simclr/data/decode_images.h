#pragma once

#include <cstdint>
#include <span>

#include "simclr/data/image_cache.h"

namespace simclr {

struct DecodeOptions {
  ImageOptions image;
  int stored_side = 0;  ///< shorter sides longer than this are shrunk to it; at least 1
  bool strict = false;  ///< the first file that fails is an error
  int threads = 1;      ///< that decode, at least 1; never changes the result
  /// Bytes to pixels; tests have another.
  DecodedImage (*decode)(std::span<const std::uint8_t>, const ImageOptions&) = decode_image;
};

/// Reads, decodes and shrinks every picture, and writes those that succeed; the others go into
/// info.skipped. Sets names, files, sizes and complete of `info`: complete is false if a failure
/// may pass, as a lack of memory does. Memory: a few pictures a thread.
/// @throws Error(kData) if none succeeds, or at the first failure if strict
void decode_images(const ImageFiles& images, const DecodeOptions& options, CacheInfo& info,
                   CacheWriter& writer, EventSink& sink);

/// The side of views that suits these pictures, told by the headers of the first 64 that can be
/// read: their own if they are equal squares of at most 96 pixels, else 64.
int natural_image_size(const ImageFiles& images, const ImageOptions& options);
int natural_image_size(int height, int width);  ///< likewise, all pictures being of this size

}  // namespace simclr
