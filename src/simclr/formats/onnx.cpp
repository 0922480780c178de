#include "simclr/formats/onnx.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <protozero/pbf_writer.hpp>
#include <set>
#include <string_view>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/version.h"

namespace simclr {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

using Writer = protozero::pbf_writer;

constexpr std::uint64_t kMostBytes = (std::uint64_t{1} << 31) - 1;
constexpr std::uint64_t kMostOverhead = 4096;  // of one tensor: its name, shape and lengths

/// The fields' numbers, from onnx.proto.
enum ModelField : protozero::pbf_tag_type {
  kIrVersion = 1,
  kProducerName = 2,
  kProducerVersion = 3,
  kGraph = 7,
  kOpsetImport = 8,
  kMetadataProps = 14
};
enum OpsetField : protozero::pbf_tag_type { kOpsetVersion = 2 };
enum PropertyField : protozero::pbf_tag_type { kPropertyKey = 1, kPropertyValue = 2 };
enum GraphField : protozero::pbf_tag_type {
  kGraphNode = 1,
  kGraphName = 2,
  kGraphInitializer = 5,
  kGraphInput = 11,
  kGraphOutput = 12
};
enum NodeField : protozero::pbf_tag_type {
  kNodeInput = 1,
  kNodeOutput = 2,
  kNodeName = 3,
  kNodeOp = 4,
  kNodeAttribute = 5
};
enum AttributeField : protozero::pbf_tag_type {
  kAttributeName = 1,
  kAttributeFloat = 2,
  kAttributeInt = 3,
  kAttributeString = 4,
  kAttributeInts = 8,
  kAttributeType = 20
};
enum AttributeType : std::int32_t { kFloat = 1, kInt = 2, kString = 3, kInts = 7 };
enum TensorField : protozero::pbf_tag_type {
  kTensorDims = 1,
  kTensorDtype = 2,
  kTensorName = 8,
  kTensorRawData = 9
};
enum ValueField : protozero::pbf_tag_type { kValueName = 1, kValueType = 2 };
enum TypeField : protozero::pbf_tag_type { kTypeTensor = 1 };
enum TensorTypeField : protozero::pbf_tag_type { kElementType = 1, kShape = 2 };
enum ShapeField : protozero::pbf_tag_type { kDimension = 1 };
enum DimensionField : protozero::pbf_tag_type { kDimensionSize = 1, kDimensionName = 2 };

struct Dtype {
  std::string_view name;
  std::int32_t number;
  std::uint64_t bytes;
};
constexpr std::array<Dtype, 15> kDtypes{{{"F32", 1, 4},
                                         {"U8", 2, 1},
                                         {"I8", 3, 1},
                                         {"U16", 4, 2},
                                         {"I16", 5, 2},
                                         {"I32", 6, 4},
                                         {"I64", 7, 8},
                                         {"BOOL", 9, 1},
                                         {"F16", 10, 2},
                                         {"F64", 11, 8},
                                         {"U32", 12, 4},
                                         {"U64", 13, 8},
                                         {"BF16", 16, 2},
                                         {"F8_E4M3", 17, 1},
                                         {"F8_E5M2", 19, 1}}};

[[noreturn]] void fail(const std::string& what, const std::string& hint = "") {
  throw Error(ExitCode::kFailed, fmt::format("cannot write an ONNX model: {}", what), hint);
}

const Dtype& find_dtype(const std::string& name) {
  const auto* const found = std::find_if(kDtypes.begin(), kDtypes.end(),
                                         [&](const Dtype& dtype) { return dtype.name == name; });
  if (found == kDtypes.end()) fail(fmt::format("it has no dtype '{}'", name));
  return *found;
}

void check_tensor(const std::string& name, const TensorEntry& tensor) {
  const auto bytes = shape_bytes(tensor.shape, find_dtype(tensor.dtype).bytes);
  if (!bytes) fail(fmt::format("the shape of '{}' is not one", name));
  if (*bytes != tensor.bytes)
    fail(fmt::format("'{}' has {} bytes where its shape needs {}", name, tensor.bytes, *bytes));
}

/// Every value is given once, and before it is taken.
void check_names(const OnnxGraph& graph) {
  std::set<std::string_view> known;
  const auto give = [&](const std::string& name) {
    if (name.empty()) fail("a value has no name");
    if (!known.insert(name).second) fail(fmt::format("'{}' is given twice", name));
  };
  const auto take = [&](const std::string& name, const std::string& who) {
    if (!name.empty() && !known.contains(name))
      fail(fmt::format("{} takes '{}', which nothing before it gives", who, name));
  };
  for (const OnnxValue& input : graph.inputs) give(input.name);
  for (const auto& [name, initializer] : graph.initializers) give(name);
  for (const OnnxNode& node : graph.nodes) {
    for (const std::string& input : node.inputs) take(input, node.op);
    for (const std::string& output : node.outputs) give(output);
  }
  for (const OnnxValue& output : graph.outputs) take(output.name, "the model's output");
}

void check_size(const OnnxGraph& graph) {
  std::uint64_t bytes = 0;
  for (const auto& [name, initializer] : graph.initializers) {
    check_tensor(name, initializer.tensor);
    bytes += initializer.tensor.bytes + kMostOverhead;
    if (bytes > kMostBytes)
      fail("its tensors pass 2 GB, the most that an .onnx file holds", "Write safetensors.");
  }
}

struct AttributeWriter {
  void operator()(std::int64_t value) {
    out.add_int64(kAttributeInt, value);
    out.add_enum(kAttributeType, kInt);
  }
  void operator()(float value) {
    out.add_float(kAttributeFloat, value);
    out.add_enum(kAttributeType, kFloat);
  }
  void operator()(const std::string& value) {
    out.add_bytes(kAttributeString, value);
    out.add_enum(kAttributeType, kString);
  }
  void operator()(const std::vector<std::int64_t>& values) {
    for (const std::int64_t value : values) out.add_int64(kAttributeInts, value);
    out.add_enum(kAttributeType, kInts);
  }
  Writer& out;
};

void add_node(Writer& graph, const OnnxNode& node) {
  Writer out(graph, kGraphNode);
  for (const std::string& input : node.inputs) out.add_string(kNodeInput, input);
  for (const std::string& output : node.outputs) out.add_string(kNodeOutput, output);
  if (!node.outputs.empty()) out.add_string(kNodeName, node.outputs.front());
  out.add_string(kNodeOp, node.op);
  for (const auto& [name, value] : node.attributes) {
    Writer attribute(out, kNodeAttribute);
    attribute.add_string(kAttributeName, name);
    std::visit(AttributeWriter{attribute}, value);
  }
}

void add_initializer(Writer& graph, const std::string& name, const TensorEntry& tensor) {
  Writer out(graph, kGraphInitializer);
  for (const std::int64_t side : tensor.shape) out.add_int64(kTensorDims, side);
  out.add_int32(kTensorDtype, find_dtype(tensor.dtype).number);
  out.add_string(kTensorName, name);
  out.add_bytes(kTensorRawData, static_cast<const char*>(tensor.data), tensor.bytes);
}

void add_value(Writer& graph, GraphField field, const OnnxValue& value) {
  Writer out(graph, field);
  out.add_string(kValueName, value.name);
  Writer type(out, kValueType);
  Writer tensor(type, kTypeTensor);
  tensor.add_enum(kElementType, find_dtype(value.dtype).number);
  Writer shape(tensor, kShape);
  for (const OnnxDimension& side : value.shape) {
    Writer dimension(shape, kDimension);
    if (const auto* size = std::get_if<std::int64_t>(&side))
      dimension.add_int64(kDimensionSize, *size);
    else
      dimension.add_string(kDimensionName, std::get<std::string>(side));
  }
}

void add_graph(Writer& model, const OnnxGraph& graph) {
  Writer out(model, kGraph);
  for (const OnnxNode& node : graph.nodes) add_node(out, node);
  out.add_string(kGraphName, graph.name);
  for (const auto& [name, initializer] : graph.initializers)
    add_initializer(out, name, initializer.tensor);
  for (const OnnxValue& input : graph.inputs) add_value(out, kGraphInput, input);
  for (const OnnxValue& output : graph.outputs) add_value(out, kGraphOutput, output);
}

}  // namespace

void write_onnx(const std::filesystem::path& path, const OnnxGraph& graph) {
  check_names(graph);
  check_size(graph);
  std::string bytes;
  Writer model(bytes);
  model.add_int64(kIrVersion, kOnnxIrVersion);
  model.add_string(kProducerName, "simclr");
  model.add_string(kProducerVersion, std::string(version()));
  {
    Writer opset(model, kOpsetImport);
    opset.add_int64(kOpsetVersion, kOnnxOpset);
  }
  add_graph(model, graph);
  for (const auto& [key, value] : graph.metadata) {
    Writer property(model, kMetadataProps);
    property.add_string(kPropertyKey, key);
    property.add_string(kPropertyValue, value);
  }
  write_file_atomically(path, bytes);
}

std::int64_t onnx_dtype(const std::string& dtype) { return find_dtype(dtype).number; }

}  // namespace simclr
