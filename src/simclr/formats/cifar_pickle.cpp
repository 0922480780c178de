#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "simclr/formats/cifar_layout.h"
#include "simclr/formats/pickle_numpy.h"

namespace simclr::detail {
namespace {

/// A file of the Python version: a dict, whose keys are bytes or texts.
class Batch {
 public:
  Batch(const CifarKind& kind, std::vector<std::uint8_t> bytes, const std::string& file)
      : kind_(kind), file_(file), size_(bytes.size()) {
    pickle_ = read_pickle(std::move(bytes), file, numpy_globals());
    if (pickle_.size != size_) {
      fail(fmt::format("{} bytes behind its end", size_ - pickle_.size));
    }
    PickleDict* const* dict = std::get_if<PickleDict*>(&pickle_.value);
    if (dict == nullptr) fail("not a dict");
    dict_ = *dict;
  }

  const PickleValue& at(std::string_view key) const {
    const PickleValue* value = pickle_find(*dict_, key);
    if (value == nullptr) fail(fmt::format("has no '{}'", key));
    return *value;
  }

  const std::vector<PickleValue>& list(std::string_view key) const {
    PickleList* const* list = std::get_if<PickleList*>(&at(key));
    if (list == nullptr) fail(fmt::format("its '{}' is not a list", key));
    return (*list)->items;
  }

  [[noreturn]] void fail(const std::string& what) const {
    fail_cifar(fmt::format("{}: {}", file_, what), kind_);
  }

 private:
  const CifarKind& kind_;
  const std::string& file_;
  std::size_t size_;
  Pickle pickle_;
  const PickleDict* dict_ = nullptr;
};

}  // namespace

CifarRecords unpickle_cifar_records(const CifarKind& kind, std::vector<std::uint8_t> bytes,
                                    std::size_t records, const std::string& file,
                                    std::vector<std::uint8_t>& pixels) {
  const Batch batch(kind, std::move(bytes), file);
  NpyArray array = numpy_array(batch.at("data"), fmt::format("{}: its 'data'", file));
  const std::vector<std::size_t> shape{records, kCifarPixelBytes};
  if (array.dtype != "u1" || array.shape != shape) {
    batch.fail(fmt::format("its 'data' is {} [{}], expected u1 [{}]", array.dtype,
                           fmt::join(array.shape, ", "), fmt::join(shape, ", ")));
  }
  CifarRecords result;
  for (const PickleValue& item : batch.list(kind.labels_key)) {
    const auto* label = std::get_if<std::int64_t>(&item);
    if (label == nullptr) batch.fail(fmt::format("its '{}' are not numbers", kind.labels_key));
    result.labels.push_back(*label);
  }
  if (result.labels.size() != records) {
    batch.fail(fmt::format("{} labels, expected {}", result.labels.size(), records));
  }
  pixels = std::move(array.bytes);
  result.planes = pixels.data();
  result.stride = kCifarPixelBytes;
  return result;
}

std::vector<std::string> unpickle_cifar_names(const CifarKind& kind,
                                              std::vector<std::uint8_t> bytes,
                                              const std::string& file) {
  const Batch batch(kind, std::move(bytes), file);
  std::vector<std::string> names;
  for (const PickleValue& item : batch.list(kind.names_key)) {
    const auto name = pickle_text(item);
    if (!name) batch.fail(fmt::format("its '{}' are not texts", kind.names_key));
    names.emplace_back(*name);
  }
  return names;
}

}  // namespace simclr::detail
