#include "simclr/formats/safetensors_header.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

namespace simclr::detail {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 3;            // header, entry, list of numbers
constexpr std::size_t kMostSides = 64;  // of a shape, as in PyTorch and NumPy
constexpr const char* kMetadataName = "__metadata__";

/// Follows the parser from value to value (nlohmann's SAX interface); a tree of a whole header
/// would need twenty times its bytes.
class Handler : public nlohmann::json_sax<Json> {
 public:
  explicit Handler(const SafetensorsHeaderSink& sink) : sink_(sink) {}

  bool null() override { return other_value(); }
  bool boolean(bool) override { return other_value(); }
  bool number_integer(number_integer_t) override { return other_value(); }
  bool number_float(number_float_t, const string_t&) override { return other_value(); }
  bool binary(binary_t&) override { return other_value(); }

  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ != 3 || !in_list()) return other_value();
    if (value > INT64_MAX) fail_list();
    if (key_ == "shape") {
      if (tensor_.shape.size() == kMostSides) fail_tensor("has a shape of more than 64 sides");
      tensor_.shape.push_back(static_cast<std::int64_t>(value));
    } else if (++offsets_ == 1) {
      tensor_.begin = value;
    } else if (offsets_ == 2) {
      tensor_.end = value;
    } else {
      fail_offsets();
    }
    return true;
  }

  bool string(string_t& value) override {
    if (depth_ != 2 || kind_ == Kind::kOther) return other_value();
    if (kind_ == Kind::kMetadata)
      sink_.add_metadata(key_, std::move(value));
    else if (key_ == "dtype")
      tensor_.dtype = std::move(value);
    else
      return other_value();
    return true;
  }

  bool start_object(std::size_t) override {
    if (depth_ == 1) {
      kind_ = name_ == kMetadataName ? Kind::kMetadata : Kind::kTensor;
      tensor_ = {};
      offsets_ = 0;
      keys_.clear();
      return open();
    }
    return depth_ == 0 ? open() : open_other();
  }

  bool start_array(std::size_t) override {
    if (depth_ == 1) {
      kind_ = Kind::kOther;
      return open();
    }
    return depth_ == 2 && in_list() ? open() : open_other();
  }

  bool key(string_t& key) override {
    if (depth_ == 1) {
      name_ = key;
      if (name_ == kMetadataName && std::exchange(metadata_seen_, true)) fail_twice(name_);
    } else if (depth_ == 2) {
      key_ = key;
      if (kind_ == Kind::kTensor && !keys_.insert(key).second) fail_twice(key);
    }
    return true;
  }

  bool end_object() override {
    if (--depth_ != 1) return true;
    if (kind_ == Kind::kTensor) finish_tensor();
    return true;
  }

  bool end_array() override {
    if (--depth_ == 1) return other_value();
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return false;  // read_safetensors_header says so
  }

 private:
  enum class Kind { kTensor, kMetadata, kOther };

  bool in_list() const {
    return kind_ == Kind::kTensor && (key_ == "shape" || key_ == "data_offsets");
  }

  bool open() {
    if (++depth_ > kMaxDepth) sink_.fail("its header is nested too deeply");
    return true;
  }

  bool open_other() {
    if (depth_ == kMaxDepth) return open();
    return other_value() && open();
  }

  /// A value that is none of those the format has: an error where one of them should stand.
  bool other_value() {
    if (depth_ == 1) {
      if (name_ == kMetadataName) sink_.fail("its __metadata__ is not a map of strings");
      fail_tensor("lacks dtype, shape or data_offsets");
    }
    if (depth_ < 2 || kind_ == Kind::kOther) return true;
    if (kind_ == Kind::kMetadata)
      sink_.fail(fmt::format("its __metadata__ '{}' is not a string", key_));
    if (key_ == "dtype") fail_tensor("has a dtype that is not a string");
    if (in_list()) fail_list();
    return true;
  }

  void finish_tensor() {
    if (!keys_.contains("dtype") || !keys_.contains("shape") || !keys_.contains("data_offsets"))
      fail_tensor("lacks dtype, shape or data_offsets");
    if (offsets_ != 2) fail_offsets();
    sink_.add(name_, std::move(tensor_));
  }

  void fail_offsets() const {
    fail_tensor("has data_offsets that are no range within the file's data");
  }
  void fail_list() const {
    fail_tensor(fmt::format("has a {} that is no list of whole numbers >= 0", key_));
  }
  void fail_twice(const std::string& name) const {
    sink_.fail(fmt::format("its header has the name '{}' twice", name));
  }
  void fail_tensor(const std::string& what) const {
    sink_.fail(fmt::format("its tensor '{}' {}", name_, what));
  }

  const SafetensorsHeaderSink& sink_;
  int depth_ = 0;               ///< objects and lists that are open
  Kind kind_ = Kind::kOther;    ///< of the object at depth 2
  std::string name_;            ///< at depth 1
  std::string key_;             ///< at depth 2
  std::set<std::string> keys_;  ///< of the open tensor
  DescribedTensor tensor_;
  int offsets_ = 0;  ///< read of the open tensor
  bool metadata_seen_ = false;
};

}  // namespace

void read_safetensors_header(std::string_view text, const SafetensorsHeaderSink& sink) {
  Handler handler(sink);
  if (!Json::sax_parse(text.begin(), text.end(), &handler))
    sink.fail("its header is not valid JSON");
}

}  // namespace simclr::detail
