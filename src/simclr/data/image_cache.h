#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "simclr/core/events.h"
#include "simclr/core/sha256.h"
#include "simclr/data/dataset.h"
#include "simclr/data/held_bytes.h"
#include "simclr/data/image_files.h"
#include "simclr/data/statistics.h"
#include "simclr/formats/image.h"

namespace simclr {

/// What is known of a source's pictures besides their pixels. Every text may be shown as it is.
struct CacheInfo {
  std::size_t files = 0;           ///< looked at: images and skipped ones
  std::vector<std::string> names;  ///< of the images; empty if they have none
  std::vector<std::string> class_names;
  std::vector<SkippedFile> skipped;
  SizeSummary sizes;     ///< before pictures were shrunk
  int image_size = 0;    ///< side of the views
  bool complete = true;  ///< false: a file could not be read this time, try again
};

/// Decoded, resized pictures: one file, mapped, or the same bytes in memory. get() returns spans
/// into them. The file, little-endian:
///   header   256 bytes: magic, version, counts, key, SHA-256 of the payload, SHA-256 of the rest
///   payload  u8 [height, width, 3] of every image, without gaps
///   index    24 bytes an image: u64 offset in the payload, i32 height, width, label, u32 part
///   info     CacheInfo as JSON
class ImageCache final : public Dataset {
 public:
  /// Checks everything but the payload, of which it checks the size.
  /// @throws Error(kData, reason) if this is not a whole cache with this key
  ImageCache(HeldBytes held, const std::string& key);

  std::size_t size() const override { return entries_.size(); }
  Image get(std::size_t index) const override;

  const CacheInfo& info() const { return info_; }
  std::vector<std::size_t> indices_of(SourcePart part) const;
  bool payload_is_whole() const;  ///< compares its SHA-256: reads all of it

 private:
  friend class CacheWriter;
  struct Entry {
    std::uint64_t offset = 0;
    std::int32_t height = 0;
    std::int32_t width = 0;
    std::int32_t label = -1;
    std::uint32_t part = 0;
  };
  struct Header;

  HeldBytes held_;
  std::span<const std::uint8_t> payload_;
  std::string payload_sha256_;
  std::vector<Entry> entries_;
  CacheInfo info_;
};

/// Writes a cache image by image.
class CacheWriter {
 public:
  /// @param out  empty, and able to seek  @param key  64 characters
  CacheWriter(std::ostream& out, std::string key);

  /// @param rank  its place among the images: they may come in any order, their payloads stay in it
  void add(std::size_t rank, const DecodedImage& image, SourcePart part, std::int32_t label);

  /// Call once, last. `info.names` are those of the added images, by rank.
  void finish(const CacheInfo& info);

  std::size_t images() const { return entries_.size(); }

 private:
  void write(const void* bytes, std::size_t size);

  std::ostream& out_;
  std::string key_;
  Sha256 payload_sha256_;
  std::uint64_t payload_bytes_ = 0;
  std::vector<std::pair<std::size_t, ImageCache::Entry>> entries_;  ///< rank, entry
};

/// Where a cache lies and how it is come by.
struct CachePlace {
  std::filesystem::path folder;  ///< "": in memory, made anew every time
  std::string key;               ///< SHA-256, hexadecimal, of all that decides its content
  bool rebuild = false;          ///< make it anew even if it is there
};

/// The cache of that key: the file in the folder if it is whole (every byte is read, every checksum
/// compared) and complete, else `build` writes it, beside and renamed. A process that finds another
/// one at it waits for that one's; where locks do not reach, both write, and the last one's stays.
/// @throws Error(kFailed) if the file cannot be written; what `build` throws
std::shared_ptr<const ImageCache> open_or_build(const CachePlace& place,
                                                const std::function<void(CacheWriter&)>& build,
                                                EventSink& sink);

}  // namespace simclr
