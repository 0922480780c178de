#include "simclr/formats/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/formats/safetensors_header.h"
#include "simclr/formats/whole_file.h"

namespace simclr {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

using OrderedJson = nlohmann::ordered_json;

constexpr std::size_t kSizeField = sizeof(std::uint64_t);
constexpr std::size_t kMaxHeader = 100'000'000;  // the reference implementation's limit
constexpr std::size_t kAlignment = 8;
constexpr const char* kMetadata = "__metadata__";

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 15> kDtypeBytes{{{"BOOL", 1},
                                                                                  {"U8", 1},
                                                                                  {"I8", 1},
                                                                                  {"F8_E4M3", 1},
                                                                                  {"F8_E5M2", 1},
                                                                                  {"I16", 2},
                                                                                  {"U16", 2},
                                                                                  {"F16", 2},
                                                                                  {"BF16", 2},
                                                                                  {"I32", 4},
                                                                                  {"U32", 4},
                                                                                  {"F32", 4},
                                                                                  {"I64", 8},
                                                                                  {"U64", 8},
                                                                                  {"F64", 8}}};

/// Bytes of one element, or nothing for a dtype the format does not have.
std::optional<std::uint64_t> element_bytes(std::string_view dtype) {
  for (const auto& [name, bytes] : kDtypeBytes)
    if (name == dtype) return bytes;
  return std::nullopt;
}

/// Bytes of a tensor, or nothing if the dtype is unknown, a side is negative or the product
/// overflows.
std::optional<std::uint64_t> tensor_bytes(const TensorEntry& entry) {
  const std::optional<std::uint64_t> element = element_bytes(entry.dtype);
  return element ? shape_bytes(entry.shape, *element) : std::nullopt;
}

using NamedEntry = std::pair<std::string, TensorEntry>;

/// Wide elements first, as the reference implementation does: every tensor is then aligned.
std::vector<NamedEntry> in_file_order(const std::map<std::string, TensorEntry>& tensors) {
  std::vector<NamedEntry> order(tensors.begin(), tensors.end());
  std::stable_sort(order.begin(), order.end(), [](const NamedEntry& a, const NamedEntry& b) {
    return element_bytes(a.second.dtype) > element_bytes(b.second.dtype);
  });
  return order;
}

std::string header_of(const std::filesystem::path& path, const std::vector<NamedEntry>& order,
                      const std::map<std::string, std::string>& metadata) {
  OrderedJson header = OrderedJson::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  std::size_t offset = 0;
  for (const auto& [name, entry] : order) {
    if (name == kMetadata || tensor_bytes(entry) != entry.bytes) {
      throw Error(
          ExitCode::kFailed,
          fmt::format("{}: cannot write tensor '{}': its name, dtype or size is not one the "
                      "format allows",
                      path.string(), name));
    }
    header[name] = {{"dtype", entry.dtype},
                    {"shape", entry.shape},
                    {"data_offsets", {offset, offset + entry.bytes}}};
    offset += entry.bytes;
  }
  std::string text = header.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  return text;
}

/// Turns a file's header into entries, and checks them.
class Parser {
 public:
  Parser(const std::filesystem::path& path, const std::vector<std::byte>& bytes)
      : path_(path), bytes_(bytes), header_size_(checked_header_size()) {}

  void read(std::map<std::string, TensorEntry>& tensors,
            std::map<std::string, std::string>& metadata) const {
    const char* text = reinterpret_cast<const char*>(bytes_.data()) + kSizeField;
    if (header_size_ == 0 || *text != '{') fail("its header does not begin with '{'");
    const auto keep = [this](auto& kept, const std::string& name, auto value) {
      if (!kept.emplace(name, std::move(value)).second)
        fail(fmt::format("its header has the name '{}' twice", name));
    };
    detail::read_safetensors_header(
        {text, header_size_},
        {.add = [&](const std::string& name,
                    detail::DescribedTensor tensor) { keep(tensors, name, entry(name, tensor)); },
         .add_metadata = [&](const std::string& key,
                             std::string value) { keep(metadata, key, std::move(value)); },
         .fail = [this](const std::string& what) { fail(what); }});
    check_coverage(tensors);
  }

 private:
  TensorEntry entry(const std::string& name, detail::DescribedTensor& tensor) const {
    TensorEntry entry{std::move(tensor.dtype), std::move(tensor.shape), nullptr, 0};
    if (!element_bytes(entry.dtype))
      fail_entry(name, fmt::format("has the unknown dtype '{}'", entry.dtype));
    const std::optional<std::uint64_t> expected = tensor_bytes(entry);
    if (!expected) fail_entry(name, "has a shape too large to address");
    if (tensor.begin > tensor.end || tensor.end > data_size())
      fail_entry(name, "has data_offsets that are no range within the file's data");
    if (tensor.end - tensor.begin != *expected) {
      fail_entry(name, fmt::format("has {} bytes where its dtype and shape need {}",
                                   tensor.end - tensor.begin, *expected));
    }
    entry.data = data() + tensor.begin;
    entry.bytes = *expected;
    return entry;
  }

  /// Every byte of the data must belong to exactly one tensor.
  void check_coverage(const std::map<std::string, TensorEntry>& tensors) const {
    std::vector<std::pair<std::size_t, std::size_t>> ranges;  // begin, end
    for (const auto& [name, entry] : tensors) {
      const auto begin =
          static_cast<std::size_t>(static_cast<const std::byte*>(entry.data) - data());
      ranges.emplace_back(begin, begin + entry.bytes);
    }
    std::sort(ranges.begin(), ranges.end());
    std::size_t end = 0;
    for (const auto& [begin, next] : ranges) {
      if (begin < end) fail(fmt::format("its tensors overlap at byte {} of the data", begin));
      if (begin > end) fail(fmt::format("no tensor covers byte {} of the data", end));
      end = next;
    }
    if (end != data_size())
      fail(fmt::format("it has {} bytes behind its last tensor", data_size() - end));
  }

  std::size_t checked_header_size() const {
    if (bytes_.size() < kSizeField)
      fail(fmt::format("it has {} bytes, too few for a header", bytes_.size()));
    std::uint64_t size = 0;
    std::memcpy(&size, bytes_.data(), kSizeField);
    if (size > kMaxHeader)
      fail(fmt::format("its header claims {} bytes, more than the {} allowed", size, kMaxHeader));
    if (size > bytes_.size() - kSizeField) {
      fail(fmt::format("its header claims {} bytes, but only {} follow", size,
                       bytes_.size() - kSizeField));
    }
    return static_cast<std::size_t>(size);
  }

  const std::byte* data() const { return bytes_.data() + kSizeField + header_size_; }
  std::size_t data_size() const { return bytes_.size() - kSizeField - header_size_; }

  [[noreturn]] void fail_entry(const std::string& name, const std::string& what) const {
    fail(fmt::format("its tensor '{}' {}", name, what));
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(
        ExitCode::kData, fmt::format("{}: not a valid safetensors file: {}", path_.string(), what),
        "The file is damaged, cut short or of another kind: copy it again or make it anew.");
  }

  const std::filesystem::path& path_;
  const std::vector<std::byte>& bytes_;
  std::size_t header_size_;
};

}  // namespace

void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorEntry>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::vector<NamedEntry> order = in_file_order(tensors);
  const std::string header = header_of(path, order, metadata);
  write_file_atomically(path, [&](std::ostream& out) {
    const std::uint64_t size = header.size();
    out.write(reinterpret_cast<const char*>(&size), sizeof size);
    out.write(header.data(), static_cast<std::streamsize>(header.size()));
    for (const auto& [name, entry] : order) {
      out.write(static_cast<const char*>(entry.data), static_cast<std::streamsize>(entry.bytes));
    }
  });
}

SafetensorsFile SafetensorsFile::read(const std::filesystem::path& path) {
  SafetensorsFile file;
  file.bytes_ = read_whole_file(path, "a .safetensors file");
  Parser(path, file.bytes_).read(file.tensors_, file.metadata_);
  return file;
}

}  // namespace simclr
