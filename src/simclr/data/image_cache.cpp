#include "simclr/data/image_cache.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "simclr/core/error.h"

namespace simclr {
namespace {

static_assert(std::endian::native == std::endian::little, "the cache is little-endian");

using Json = nlohmann::ordered_json;
using Digits = std::array<char, 64>;

constexpr std::array<char, 8> kMagic{'s', 'i', 'm', 'c', 'l', 'r', 'I', 'C'};
constexpr std::uint32_t kVersion = 1;

Digits digits_of(const std::string& text) {
  assert(text.size() == std::tuple_size_v<Digits>);
  Digits digits{};
  std::copy_n(text.begin(), std::min(text.size(), digits.size()), digits.begin());
  return digits;
}

bool equal(const Digits& digits, const std::string& text) {
  return std::equal(digits.begin(), digits.end(), text.begin(), text.end());
}

[[noreturn]] void reject(const std::string& reason) { throw Error(ExitCode::kData, reason); }

Json to_json(const CacheInfo& info) {
  Json skipped = Json::array();
  for (const SkippedFile& file : info.skipped) skipped.push_back({file.name, file.reason});
  const SizeSummary& sizes = info.sizes;
  return {
      {"files", info.files},
      {"names", info.names},
      {"class_names", info.class_names},
      {"skipped", skipped},
      {"sizes",
       {sizes.smallest, sizes.largest, sizes.most_common, sizes.most_common_count, sizes.distinct}},
      {"image_size", info.image_size},
      {"complete", info.complete}};
}

CacheInfo from_json(const Json& json) {
  CacheInfo info;
  json.at("files").get_to(info.files);
  json.at("names").get_to(info.names);
  json.at("class_names").get_to(info.class_names);
  for (const Json& file : json.at("skipped"))
    info.skipped.push_back({file.at(0).get<std::string>(), file.at(1).get<std::string>()});
  const Json& sizes = json.at("sizes");
  sizes.at(0).get_to(info.sizes.smallest);
  sizes.at(1).get_to(info.sizes.largest);
  sizes.at(2).get_to(info.sizes.most_common);
  sizes.at(3).get_to(info.sizes.most_common_count);
  sizes.at(4).get_to(info.sizes.distinct);
  json.at("image_size").get_to(info.image_size);
  json.at("complete").get_to(info.complete);
  return info;
}

}  // namespace

struct ImageCache::Header {
  std::array<char, 8> magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t unused = 0;
  std::uint64_t images = 0;
  std::uint64_t payload_bytes = 0;
  std::uint64_t info_bytes = 0;
  Digits key{};
  Digits payload_sha256{};
  Digits rest_sha256{};  ///< of the header with zeros here, the index and the info
  std::array<char, 24> padding{};

  /// Index and info are the `rest` behind the payload.
  std::string digest_with(std::span<const std::uint8_t> rest) const {
    Header copy = *this;
    copy.rest_sha256 = {};
    Sha256 sha;
    sha.update(&copy, sizeof(copy));
    sha.update(rest.data(), rest.size());
    return sha.hex_digest();
  }

  void check(std::size_t file_bytes, const std::string& wanted_key) const {
    if (magic != kMagic) reject("it is no cache of pictures");
    if (version != kVersion) reject("another version of this program wrote it");
    if (!equal(key, wanted_key)) reject("it belongs to other pictures or settings");
    std::uint64_t left = file_bytes - sizeof(Header);
    const bool fits = payload_bytes <= left && images <= (left -= payload_bytes) / sizeof(Entry) &&
                      info_bytes == left - images * sizeof(Entry);
    if (!fits) reject("it is cut short or too long");
  }
};

ImageCache::ImageCache(HeldBytes held, const std::string& key) : held_(std::move(held)) {
  static_assert(sizeof(Header) == 256 && std::is_trivially_copyable_v<Header>);
  static_assert(sizeof(Entry) == 24);
  Header header;
  if (held_.bytes.size() < sizeof(header)) reject("it is cut short");
  std::memcpy(&header, held_.bytes.data(), sizeof(header));
  header.check(held_.bytes.size(), key);
  payload_ = held_.bytes.subspan(sizeof(header), header.payload_bytes);
  payload_sha256_.assign(header.payload_sha256.begin(), header.payload_sha256.end());
  const auto rest = held_.bytes.subspan(sizeof(header) + header.payload_bytes);
  if (!equal(header.rest_sha256, header.digest_with(rest))) reject("its checksum differs");
  entries_.resize(header.images);
  const std::size_t index_bytes = entries_.size() * sizeof(Entry);
  if (index_bytes > 0) std::memcpy(entries_.data(), rest.data(), index_bytes);
  try {
    info_ =
        from_json(Json::parse(rest.begin() + static_cast<std::ptrdiff_t>(index_bytes), rest.end()));
  } catch (const Json::exception&) {
    reject("it is damaged");
  }
  for (const Entry& entry : entries_) {
    const bool sides = entry.height > 0 && entry.width > 0;
    const auto bytes =
        static_cast<std::uint64_t>(entry.height) * static_cast<std::uint64_t>(entry.width) * 3;
    if (!sides || bytes > payload_.size() || entry.offset > payload_.size() - bytes ||
        entry.part > static_cast<std::uint32_t>(SourcePart::kUnlabelled) || entry.label < -1 ||
        entry.label >= static_cast<std::int64_t>(info_.class_names.size()))
      reject("it is damaged");
  }
}

Image ImageCache::get(std::size_t index) const {
  const Entry& entry = entries_[index];
  const std::size_t bytes =
      static_cast<std::size_t>(entry.height) * static_cast<std::size_t>(entry.width) * 3;
  return {payload_.subspan(entry.offset, bytes), entry.height, entry.width, entry.label};
}

std::vector<std::size_t> ImageCache::indices_of(SourcePart part) const {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (entries_[i].part == static_cast<std::uint32_t>(part)) indices.push_back(i);
  return indices;
}

bool ImageCache::payload_is_whole() const {
  Sha256 sha;
  sha.update(payload_.data(), payload_.size());
  return sha.hex_digest() == payload_sha256_;
}

CacheWriter::CacheWriter(std::ostream& out, std::string key) : out_(out), key_(std::move(key)) {
  const ImageCache::Header place{};
  write(&place, sizeof(place));
}

void CacheWriter::write(const void* bytes, std::size_t size) {
  out_.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  if (out_) return;
  throw Error(ExitCode::kFailed, "the cache of decoded pictures cannot be written",
              "Free space on its disk, choose another folder with data.cache, or keep the pictures "
              "in memory with an empty one.");
}

void CacheWriter::add(std::size_t rank, const DecodedImage& image, SourcePart part,
                      std::int32_t label) {
  entries_.push_back(
      {rank, {payload_bytes_, image.height, image.width, label, static_cast<std::uint32_t>(part)}});
  write(image.pixels.data(), image.pixels.size());
  payload_sha256_.update(image.pixels.data(), image.pixels.size());
  payload_bytes_ += image.pixels.size();
}

void CacheWriter::finish(const CacheInfo& info) {
  std::sort(entries_.begin(), entries_.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  const std::string json = to_json(info).dump(-1, ' ', false, Json::error_handler_t::replace);
  std::vector<std::uint8_t> rest(entries_.size() * sizeof(ImageCache::Entry));
  for (std::size_t i = 0; i < entries_.size(); ++i)
    std::memcpy(rest.data() + i * sizeof(ImageCache::Entry), &entries_[i].second,
                sizeof(ImageCache::Entry));
  rest.insert(rest.end(), json.begin(), json.end());
  ImageCache::Header header;
  header.images = entries_.size();
  header.payload_bytes = payload_bytes_;
  header.info_bytes = json.size();
  header.key = digits_of(key_);
  header.payload_sha256 = digits_of(payload_sha256_.hex_digest());
  header.rest_sha256 = digits_of(header.digest_with(rest));
  write(rest.data(), rest.size());
  out_.seekp(0);
  write(&header, sizeof(header));
  out_.seekp(0, std::ios::end);
}

}  // namespace simclr
