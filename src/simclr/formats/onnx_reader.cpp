#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <protozero/pbf_reader.hpp>
#include <set>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/formats/onnx.h"
#include "simclr/formats/onnx_schema.h"
#include "simclr/formats/whole_file.h"

namespace simclr {
namespace {

using protozero::data_view;
using protozero::pbf_wire_type;
using namespace detail;  // the fields' numbers

constexpr std::size_t kMaxSides = 64;

/// What is wrong with a model, before the file's name is put before it.
struct Fault {
  std::string what;
};

[[noreturn]] void fail(const std::string& what) { throw Fault{what}; }

/// Fields of a message, one after the other. protozero takes for granted that a value has the type
/// that it is asked for; here one that has not is a fault.
class Reader {
 public:
  Reader(const char* data, std::size_t size) : fields_(data, size) {}

  bool next() { return fields_.next(); }
  bool next(std::uint32_t tag) { return fields_.next(tag); }
  std::uint32_t tag() const { return fields_.tag(); }
  bool is_bytes() const { return fields_.has_wire_type(pbf_wire_type::length_delimited); }
  void skip() { fields_.skip(); }

  Reader get_message() { return Reader(as(pbf_wire_type::length_delimited).get_message()); }
  std::string get_string() { return as(pbf_wire_type::length_delimited).get_string(); }
  data_view get_view() { return as(pbf_wire_type::length_delimited).get_view(); }
  auto get_packed_int64() { return as(pbf_wire_type::length_delimited).get_packed_int64(); }
  std::int64_t get_int64() { return as(pbf_wire_type::varint).get_int64(); }
  std::int32_t get_int32() { return as(pbf_wire_type::varint).get_int32(); }
  std::int32_t get_enum() { return as(pbf_wire_type::varint).get_enum(); }
  float get_float() { return as(pbf_wire_type::fixed32).get_float(); }

 private:
  explicit Reader(protozero::pbf_reader fields) : fields_(fields) {}

  protozero::pbf_reader& as(pbf_wire_type type) {
    if (!fields_.has_wire_type(type)) fail(fmt::format("field {} is of another type", tag()));
    return fields_;
  }

  protozero::pbf_reader fields_;
};

std::string text_of(const data_view& view) { return {view.data(), view.size()}; }

/// Repeated whole numbers, one by one or packed.
void add_numbers(Reader& message, std::vector<std::int64_t>& numbers, std::size_t most) {
  if (message.is_bytes()) {
    for (const std::int64_t number : message.get_packed_int64()) {
      numbers.push_back(number);
      if (numbers.size() > most) fail(fmt::format("a list of more than {} numbers", most));
    }
    return;
  }
  numbers.push_back(message.get_int64());
  if (numbers.size() > most) fail(fmt::format("a list of more than {} numbers", most));
}

const OnnxDtype& dtype_of(std::int32_t number, const std::string& name) {
  const auto* const found =
      std::find_if(kOnnxDtypes.begin(), kOnnxDtypes.end(),
                   [&](const OnnxDtype& dtype) { return dtype.number == number; });
  if (found == kOnnxDtypes.end())
    fail(fmt::format("'{}' has the dtype {}, which is not read", printable(name), number));
  return *found;
}

/// Reads one model; initializers point into `bytes`.
class ModelReader {
 public:
  explicit ModelReader(std::shared_ptr<const std::vector<std::byte>> bytes)
      : bytes_(std::move(bytes)) {}

  OnnxGraph read() {
    bool found = false;
    Reader model(reinterpret_cast<const char*>(bytes_->data()), bytes_->size());
    while (model.next()) {
      if (model.tag() == kGraph) {
        if (std::exchange(found, true)) fail("it has two graphs");
        read_graph(model.get_message());
      } else if (model.tag() == kMetadataProps) {
        read_property(model.get_message());
      } else {
        model.skip();
      }
    }
    if (!found) fail("it has no graph");
    return std::move(graph_);
  }

 private:
  void read_property(Reader property) {
    std::string key;
    std::string value;
    while (property.next()) {
      if (property.tag() == kPropertyKey)
        key = property.get_string();
      else if (property.tag() == kPropertyValue)
        value = property.get_string();
      else
        property.skip();
    }
    if (!graph_.metadata.emplace(key, value).second)
      fail(fmt::format("its metadata has '{}' twice", printable(key)));
  }

  void read_graph(Reader graph) {
    while (graph.next()) {
      switch (graph.tag()) {
        case kGraphNode:
          graph_.nodes.push_back(node_of(graph.get_message()));
          break;
        case kGraphName:
          graph_.name = graph.get_string();
          break;
        case kGraphInitializer:
          read_initializer(graph.get_message());
          break;
        case kGraphInput:
          graph_.inputs.push_back(value_of(graph.get_message()));
          break;
        case kGraphOutput:
          graph_.outputs.push_back(value_of(graph.get_message()));
          break;
        default:
          graph.skip();
      }
    }
  }

  static OnnxNode node_of(Reader message) {
    OnnxNode node;
    while (message.next()) {
      if (message.tag() == kNodeInput)
        node.inputs.push_back(message.get_string());
      else if (message.tag() == kNodeOutput)
        node.outputs.push_back(message.get_string());
      else if (message.tag() == kNodeOp)
        node.op = message.get_string();
      else if (message.tag() == kNodeAttribute)
        add_attribute(node, message.get_message());
      else
        message.skip();
    }
    return node;
  }

  static void add_attribute(OnnxNode& node, Reader message) {
    std::string name;
    std::int32_t type = 0;
    float real = 0.0F;
    std::int64_t whole = 0;
    std::string text;
    std::vector<std::int64_t> numbers;
    while (message.next()) {
      switch (message.tag()) {
        case kAttributeName:
          name = message.get_string();
          break;
        case kAttributeFloat:
          real = message.get_float();
          break;
        case kAttributeInt:
          whole = message.get_int64();
          break;
        case kAttributeString:
          text = text_of(message.get_view());
          break;
        case kAttributeInts:
          add_numbers(message, numbers, kMaxSides);
          break;
        case kAttributeType:
          type = message.get_enum();
          break;
        default:
          message.skip();
      }
    }
    if (type == kFloat) node.attributes[name] = real;
    if (type == kInt) node.attributes[name] = whole;
    if (type == kString) node.attributes[name] = text;
    if (type == kInts) node.attributes[name] = numbers;
  }

  void read_initializer(Reader message) {
    std::string name;
    std::int32_t dtype = 0;
    OnnxInitializer initializer{{}, bytes_};
    TensorEntry& tensor = initializer.tensor;
    data_view raw;
    while (message.next()) {
      switch (message.tag()) {
        case kTensorDims:
          add_numbers(message, tensor.shape, kMaxSides);
          break;
        case kTensorDtype:
          dtype = message.get_int32();
          break;
        case kTensorName:
          name = message.get_string();
          break;
        case kTensorRawData:
          raw = message.get_view();
          break;
        default:
          message.skip();  // values in other fields, or in another file: too few bytes below
      }
    }
    const OnnxDtype& found = dtype_of(dtype, name);
    const auto bytes = shape_bytes(tensor.shape, found.bytes);
    if (!bytes || *bytes != raw.size()) {
      fail(fmt::format("its tensor '{}' has {} bytes of raw data where its shape needs {}",
                       printable(name), raw.size(), bytes ? fmt::format("{}", *bytes) : "more"));
    }
    tensor.dtype = found.name;
    tensor.data = raw.data();
    tensor.bytes = raw.size();
    if (!graph_.initializers.emplace(name, std::move(initializer)).second)
      fail(fmt::format("it has two tensors '{}'", printable(name)));
  }

  static OnnxValue value_of(Reader message) {
    OnnxValue value;
    while (message.next()) {
      if (message.tag() == kValueName) {
        value.name = message.get_string();
      } else if (message.tag() == kValueType) {
        Reader type = message.get_message();
        while (type.next()) {
          if (type.tag() != kTypeTensor) fail("an input or output that is no tensor");
          read_tensor_type(value, type.get_message());
        }
      } else {
        message.skip();
      }
    }
    return value;
  }

  static void read_tensor_type(OnnxValue& value, Reader tensor) {
    while (tensor.next()) {
      if (tensor.tag() == kElementType) {
        value.dtype = dtype_of(tensor.get_enum(), value.name).name;
      } else if (tensor.tag() == kShape) {
        Reader shape = tensor.get_message();
        while (shape.next(kDimension)) {
          value.shape.push_back(dimension_of(shape.get_message()));
          if (value.shape.size() > kMaxSides) fail("a value of more than 64 axes");
        }
      } else {
        tensor.skip();
      }
    }
  }

  static OnnxDimension dimension_of(Reader message) {
    OnnxDimension side = std::string();
    while (message.next()) {
      if (message.tag() == kDimensionSize)
        side = message.get_int64();
      else if (message.tag() == kDimensionName)
        side = message.get_string();
      else
        message.skip();
    }
    return side;
  }

  std::shared_ptr<const std::vector<std::byte>> bytes_;
  OnnxGraph graph_;
};

}  // namespace

OnnxGraph read_onnx(const std::filesystem::path& path) {
  const auto bytes =
      std::make_shared<const std::vector<std::byte>>(read_whole_file(path, "an .onnx file"));
  std::string what;
  try {
    return ModelReader(bytes).read();
  } catch (const Fault& fault) {
    what = fault.what;
  } catch (const protozero::exception& error) {
    what = fmt::format("damaged or cut short ({})", error.what());
  }
  throw Error(ExitCode::kData,
              fmt::format("{}: not an ONNX model that is read: {}", path.string(), what),
              "Copy it again, or export it anew.");
}

}  // namespace simclr
