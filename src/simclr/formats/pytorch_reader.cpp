#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string_view>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/formats/bytes.h"
#include "simclr/formats/pickle.h"
#include "simclr/formats/pytorch.h"
#include "simclr/formats/pytorch_tensor.h"
#include "simclr/formats/whole_file.h"
#include "simclr/formats/zip.h"

namespace simclr {
namespace {

using namespace std::string_view_literals;
using Json = nlohmann::json;
using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kMaxDepth = 100;     // of dicts and lists within each other
constexpr std::size_t kMaxExpansion = 16;  // characters of names and texts per byte of the pickle
constexpr std::size_t kFreeExpansion = 4096;
constexpr std::string_view kDictClass = "collections.OrderedDict";

constexpr std::string_view kDamaged =
    "The file is damaged or of another kind: copy it again or save it anew, as "
    "torch.save(model.state_dict(), path).";

[[noreturn]] void fail(const std::string& file, std::string_view what,
                       std::string_view hint = kDamaged) {
  throw Error(ExitCode::kData, fmt::format("{}: {}", file, what), std::string(hint));
}

/// Dicts and lists within each other, made flat: tensors and plain values by dotted names.
class Flattener {
 public:
  Flattener(const std::string& file, std::size_t pickle_bytes, detail::TensorReader reader,
            std::map<std::string, TensorEntry>& tensors,
            std::map<std::string, std::string>& metadata)
      : file_(file),
        left_(kFreeExpansion + kMaxExpansion * pickle_bytes),
        reader_(reader),
        tensors_(tensors),
        metadata_(metadata) {}

  void add_root(const PickleValue& root) {
    const PickleDict* dict = dict_of(root);
    if (dict == nullptr) {
      fail(file_, "holds no dict of tensors",
           "Save the tensors by name, as torch.save(model.state_dict(), path).");
    }
    if (PickleObject* const* object = std::get_if<PickleObject*>(&root)) {
      // Of an OrderedDict's own attributes, `metadata` is ours, `_metadata` PyTorch's versions.
      const PickleDict* attributes = dict_of((*object)->state);
      const PickleValue* ours =
          attributes == nullptr ? nullptr : pickle_find(*attributes, "metadata");
      if (ours != nullptr) add("", *ours, 0);
    }
    add("", root, 0);
  }

 private:
  static const PickleDict* dict_of(const PickleValue& value) {
    if (PickleDict* const* dict = std::get_if<PickleDict*>(&value)) return *dict;
    PickleObject* const* object = std::get_if<PickleObject*>(&value);
    return object != nullptr && (*object)->global == kDictClass ? &(*object)->entries : nullptr;
  }

  static const std::vector<PickleValue>* list_of(const PickleValue& value) {
    if (PickleList* const* list = std::get_if<PickleList*>(&value)) return &(*list)->items;
    if (PickleTuple* const* tuple = std::get_if<PickleTuple*>(&value)) return &(*tuple)->items;
    return nullptr;
  }

  void add(const std::string& name, const PickleValue& value, std::size_t depth) {
    spend(name, 1 + name.size(), depth);
    if (const PickleDict* dict = dict_of(value)) {
      for (const auto& [key, item] : dict->items)
        add(joined(name, key_of(name, key)), item, depth + 1);
      return;
    }
    PickleObject* const* object = std::get_if<PickleObject*>(&value);
    if (object != nullptr && detail::is_tensor(**object)) {
      claim(name);
      tensors_.emplace(name, reader_.read(name, **object));
    } else if (const std::optional<Json> plain = plain_of(name, value, depth)) {
      claim(name);
      const auto replace = Json::error_handler_t::replace;
      metadata_.emplace(name, plain->is_string() ? plain->get<std::string>()
                                                 : plain->dump(-1, ' ', false, replace));
    } else if (const auto* items = list_of(value)) {
      for (std::size_t i = 0; i < items->size(); ++i)
        add(joined(name, std::to_string(i)), (*items)[i], depth + 1);
    } else {
      fail(file_, fmt::format("its '{}' is neither a tensor nor a plain value", printable(name)));
    }
  }

  /// The value as JSON, if it is a number, a text, None or a list of such.
  std::optional<Json> plain_of(const std::string& name, const PickleValue& value,
                               std::size_t depth) {
    spend(name, 1, depth);
    if (std::holds_alternative<std::monostate>(value)) return Json();
    if (const auto* truth = std::get_if<bool>(&value)) return Json(*truth);
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return Json(*whole);
    if (const auto* real = std::get_if<double>(&value)) return plain_real(*real);
    if (const auto* global = std::get_if<PickleGlobal>(&value)) return Json(global->name);
    if (const auto text = pickle_text(value)) {
      spend(name, text->size(), depth);
      return Json(*text);
    }
    const auto* items = list_of(value);
    if (items == nullptr) return std::nullopt;
    Json list = Json::array();
    for (const PickleValue& item : *items) {
      std::optional<Json> plain = plain_of(name, item, depth + 1);
      if (!plain) return std::nullopt;
      list.push_back(std::move(*plain));
    }
    return list;
  }

  static Json plain_real(double value) {
    if (std::isfinite(value)) return value;
    if (std::isnan(value)) return "NaN";
    return value > 0 ? "Infinity" : "-Infinity";
  }

  std::string key_of(const std::string& name, const PickleValue& key) const {
    if (const auto text = pickle_text(key)) return std::string(*text);
    if (const auto* whole = std::get_if<std::int64_t>(&key)) return std::to_string(*whole);
    fail(file_, fmt::format("its dict '{}' has a key that is neither a text nor a whole number",
                            printable(name)));
  }

  static std::string joined(const std::string& name, const std::string& key) {
    return name.empty() ? key : name + "." + key;
  }

  /// A few bytes can name one list in a thousand places, and lists of lists of it: what is made of
  /// them must stay in proportion to the file.
  void spend(const std::string& name, std::size_t characters, std::size_t depth) {
    if (depth > kMaxDepth) {
      fail(file_, fmt::format("more than {} dicts and lists within each other at '{}'", kMaxDepth,
                              printable(name.substr(0, kMaxDepth))));
    }
    if (characters > left_) fail(file_, "its values outgrow it");
    left_ -= characters;
  }

  void claim(const std::string& name) const {
    if (tensors_.contains(name) || metadata_.contains(name))
      fail(file_, fmt::format("has the name '{}' twice", printable(name)));
  }

  const std::string& file_;
  std::size_t left_;
  detail::TensorReader reader_;
  std::map<std::string, TensorEntry>& tensors_;
  std::map<std::string, std::string>& metadata_;
};

/// What people call .pth and is none of PyTorch's zip archives.
void refuse_other_kinds(const std::string& file, Bytes bytes) {
  // torch.save's magic number 0x1950a86a20f9469cfc6c as a pickle of protocol 2.
  constexpr std::string_view kLegacy =
      "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."sv;
  constexpr std::size_t kTarMagic = 257;
  if (stands_at(bytes, 0, kLegacy) || stands_at(bytes, kTarMagic, "ustar")) {
    fail(file, "is in PyTorch's format from before 1.6, which is not read",
         "Convert it once with PyTorch: torch.save(torch.load(path, map_location=\"cpu\", "
         "weights_only=True), path)");
  }
  if (!stands_at(bytes, 0, "PK")) {
    fail(file, "is not a file that torch.save wrote: no zip archive",
         "Give a .pth or .pt file as torch.save(model.state_dict(), path) writes it.");
  }
  // Asked before the archive is read, as its program is packed.
  const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  if (text.find("/constants.pkl") != std::string_view::npos) {
    fail(file, "is a TorchScript program, not a dict of tensors",
         "Convert it with PyTorch: torch.save(torch.jit.load(path).state_dict(), path)");
  }
}

/// "archive/", whatever it is called in this file.
std::string folder_of(const std::string& file, const ZipEntries& entries) {
  constexpr std::string_view kPickle = "/data.pkl";
  std::string folder;
  for (const auto& [name, bytes] : entries) {
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos || std::string_view(name).substr(slash) != kPickle) continue;
    if (!folder.empty()) fail(file, "has more than one data.pkl");
    folder = name.substr(0, slash + 1);
  }
  if (folder.empty()) fail(file, "has no data.pkl: a zip archive, but not of torch.save");
  const auto order = entries.find(folder + "byteorder");
  if (order != entries.end() &&
      !(order->second.size() == 6 && stands_at(order->second, 0, "little")))
    fail(file, "is not little-endian", "Save it on a little-endian machine.");
  return folder;
}

}  // namespace

PytorchFile PytorchFile::read(const std::filesystem::path& path) {
  PytorchFile file;
  file.bytes_ = read_whole_file(path, "a .pth or .pt file");
  const std::string name = path.string();
  const Bytes bytes{reinterpret_cast<const std::uint8_t*>(file.bytes_.data()), file.bytes_.size()};
  refuse_other_kinds(name, bytes);
  const ZipEntries entries = read_stored_zip(bytes, name);
  const std::string folder = folder_of(name, entries);
  const Bytes pickled = entries.at(folder + "data.pkl");
  const Pickle pickle =
      read_pickle({pickled.begin(), pickled.end()}, name + ": data.pkl", detail::pytorch_globals());
  if (pickle.size != pickled.size())
    fail(name, fmt::format("{} bytes behind its pickle's end", pickled.size() - pickle.size));
  const detail::TensorReader reader(entries, folder, name, bytes.size(), file.copies_);
  Flattener(name, pickled.size(), reader, file.tensors_, file.metadata_).add_root(pickle.value);
  return file;
}

}  // namespace simclr
