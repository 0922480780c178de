#include "simclr/formats/onnx.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <protozero/pbf_writer.hpp>
#include <set>
#include <string_view>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/version.h"
#include "simclr/formats/onnx_schema.h"

namespace simclr {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

using Writer = protozero::pbf_writer;
using namespace detail;  // the fields' numbers

constexpr std::uint64_t kMostBytes = (std::uint64_t{1} << 31) - 1;
constexpr std::uint64_t kMostOverhead = 4096;  // of one tensor: its name, shape and lengths

[[noreturn]] void fail(const std::string& what, const std::string& hint = "") {
  throw Error(ExitCode::kFailed, fmt::format("cannot write an ONNX model: {}", what), hint);
}

const OnnxDtype& find_dtype(const std::string& name) {
  const auto* const found =
      std::find_if(kOnnxDtypes.begin(), kOnnxDtypes.end(),
                   [&](const OnnxDtype& dtype) { return dtype.name == name; });
  if (found == kOnnxDtypes.end()) fail(fmt::format("it has no dtype '{}'", name));
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
