#include <fmt/format.h>

#include <bit>
#include <set>
#include <string>
#include <string_view>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/text.h"
#include "simclr/formats/pytorch.h"
#include "simclr/formats/pytorch_dtype.h"
#include "simclr/formats/zip.h"

namespace simclr {
namespace {

static_assert(std::endian::native == std::endian::little, "the file says that it is little-endian");

using NamedEntry = std::pair<std::string, TensorEntry>;

constexpr std::size_t kAlignment = 64;  // PyTorch's own
constexpr std::string_view kFolder = "archive/";
constexpr std::string_view kEmptyDict = "ccollections\nOrderedDict\n)R";

/// The opcodes of a pickle of protocol 2, without a memo.
class PickleWriter {
 public:
  PickleWriter& raw(std::string_view opcodes) {
    text_ += opcodes;
    return *this;
  }

  PickleWriter& global(std::string_view module, std::string_view name) {
    text_ += fmt::format("c{}\n{}\n", module, name);
    return *this;
  }

  PickleWriter& text(std::string_view value) {
    text_ += 'X';
    little(value.size(), 4);
    text_ += value;
    return *this;
  }

  PickleWriter& number(std::uint64_t value) {
    if (value < 0x100) {
      text_ += 'K';
      little(value, 1);
    } else if (value < 0x8000'0000) {
      text_ += 'J';
      little(value, 4);
    } else {
      text_ += "\x8a\x08";
      little(value, 8);
    }
    return *this;
  }

  PickleWriter& tuple(const std::vector<std::int64_t>& values) {
    text_ += '(';
    for (const std::int64_t value : values) number(static_cast<std::uint64_t>(value));
    text_ += 't';
    return *this;
  }

  const std::string& str() const { return text_; }

 private:
  void little(std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) text_ += static_cast<char>((value >> (8 * i)) & 0xFF);
  }

  std::string text_;
};

/// Python's str holds nothing else.
std::string utf8(const std::string& text) { return is_utf8(text) ? text : printable(text); }

const detail::PytorchDtype& checked_dtype(const std::filesystem::path& path,
                                          const NamedEntry& tensor) {
  const auto& [name, entry] = tensor;
  const auto* dtype = detail::find_dtype(&detail::PytorchDtype::name, entry.dtype);
  if (dtype == nullptr || shape_bytes(entry.shape, dtype->bytes) != entry.bytes) {
    throw Error(ExitCode::kFailed,
                fmt::format("{}: cannot write tensor '{}': its dtype is none of PyTorch's, or its "
                            "size is not what its shape needs",
                            path.string(), name));
  }
  return *dtype;
}

std::vector<std::int64_t> contiguous_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t stride = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i] > 1 ? shape[i] : 1;
  }
  return strides;
}

/// _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks); v3, with the dtype
/// behind them, where storages have no type.
void put_tensor(PickleWriter& out, std::size_t key, const TensorEntry& entry,
                const detail::PytorchDtype& dtype) {
  const bool typed = !dtype.storage.empty();
  out.global("torch._utils", typed ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3");
  out.raw("((").text("storage");
  if (typed)
    out.global("torch", dtype.storage);
  else
    out.global("torch.storage", "UntypedStorage");
  out.text(std::to_string(key)).text("cpu").number(typed ? entry.bytes / dtype.bytes : entry.bytes);
  out.raw("tQ").number(0).tuple(entry.shape).tuple(contiguous_strides(entry.shape)).raw("\x89");
  out.raw(kEmptyDict);
  if (!typed) out.global("torch", dtype.torch);
  out.raw("tR");
}

std::string pickle_of(const std::filesystem::path& path, const std::vector<NamedEntry>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  PickleWriter out;
  out.raw("\x80\x02").raw(kEmptyDict).raw("(");
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, entry] = tensors[i];
    if (!names.insert(name).second) {
      throw Error(ExitCode::kFailed,
                  fmt::format("{}: cannot write two tensors '{}'", path.string(), name));
    }
    out.text(utf8(name));
    put_tensor(out, i, entry, checked_dtype(path, tensors[i]));
  }
  out.raw("u");
  if (!metadata.empty()) {
    out.raw("}").text("metadata").raw("}(");
    for (const auto& [key, value] : metadata) out.text(utf8(key)).text(utf8(value));
    out.raw("usb");
  }
  return out.raw(".").str();
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

void write_pytorch(const std::filesystem::path& path, const std::vector<NamedEntry>& tensors,
                   const std::map<std::string, std::string>& metadata) {
  const std::string pickle = pickle_of(path, tensors, metadata);
  const auto named = [](std::string_view name) { return fmt::format("{}{}", kFolder, name); };
  std::vector<ZipInput> entries{{named("data.pkl"), bytes_of(pickle)},
                                {named(".format_version"), bytes_of("1")},
                                {named(".storage_alignment"), bytes_of("64")},
                                {named("byteorder"), bytes_of("little")}};
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorEntry& entry = tensors[i].second;
    entries.push_back({named(fmt::format("data/{}", i)),
                       {static_cast<const std::uint8_t*>(entry.data), entry.bytes}});
  }
  entries.push_back({named("version"), bytes_of("3\n")});
  write_file_atomically(path,
                        [&](std::ostream& out) { write_stored_zip(out, entries, kAlignment); });
}

}  // namespace simclr
