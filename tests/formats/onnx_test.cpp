#include "simclr/formats/onnx.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <functional>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <vector>

#include "simclr/core/files.h"
#include "simclr/core/version.h"
#include "simclr/formats/onnx_nodes.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

using Reader = protozero::pbf_reader;
using namespace std::string_literals;

/// A field of a message: its number and wire type, then a number or the count of bytes, and these.
std::string field(int number, const std::string& bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}
std::string field(int number, int value) {
  return {static_cast<char>(number << 3), static_cast<char>(value)};
}

/// y = relu(x + w), over rows of two.
OnnxGraph small_graph() {
  OnnxGraph graph;
  graph.name = "g";
  graph.inputs = {{"x", "F32", {"batch", std::int64_t{2}}}};
  onnx_constant(graph, "w", {2}, {1.0F, -2.0F});
  onnx_relu(graph, onnx_add(graph, "x", "w"));
  graph.nodes.back().outputs = {"y"};
  graph.outputs = {{"y", "F32", {"batch", std::int64_t{2}}}};
  graph.metadata = {{"k", "v"}};
  return graph;
}

std::string bytes_of(const OnnxGraph& graph) {
  const TempFolder folder;
  write_onnx(folder / "a.onnx", graph);
  return read_file(folder / "a.onnx");
}

/// All messages in a field of a message.
std::vector<Reader> all(Reader message, protozero::pbf_tag_type tag) {
  std::vector<Reader> found;
  while (message.next(tag)) found.push_back(message.get_message());
  return found;
}

std::vector<std::string> strings(Reader message, protozero::pbf_tag_type tag) {
  std::vector<std::string> found;
  while (message.next(tag)) found.push_back(message.get_string());
  return found;
}

std::vector<std::int64_t> numbers(Reader message, protozero::pbf_tag_type tag) {
  std::vector<std::int64_t> found;
  while (message.next(tag)) found.push_back(message.get_int64());
  return found;
}

/// What the file's only node says.
struct ReadNode {
  std::string op;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::map<std::string, Reader> attributes;
};

ReadNode node_of(const std::string& bytes) {
  const Reader graph = all(Reader(bytes), 7).at(0);
  const std::vector<Reader> nodes = all(graph, 1);
  EXPECT_EQ(nodes.size(), 1U);
  ReadNode node{strings(nodes[0], 4).at(0), strings(nodes[0], 1), strings(nodes[0], 2), {}};
  for (const Reader& attribute : all(nodes[0], 5))
    node.attributes.emplace(strings(attribute, 1).at(0), attribute);
  return node;
}

/// A graph of which everything that a node may take is an input.
OnnxGraph graph_of(const std::vector<std::string>& names) {
  OnnxGraph graph;
  graph.name = "g";
  for (const std::string& name : names) graph.inputs.push_back({name, "F32", {"batch"}});
  return graph;
}

TEST(Onnx, WritesTheBytesOfTheFormatWrittenByHand) {
  const std::string type =
      field(2, field(1, field(1, 1) + field(2, field(1, field(2, "batch"s)) +  //
                                                   field(1, field(1, 2)))));
  const std::string graph =
      field(1, field(1, "x"s) + field(1, "w"s) + field(2, "add_0"s) + field(3, "add_0"s) +
                   field(4, "Add"s)) +
      field(1, field(1, "add_0"s) + field(2, "y"s) + field(3, "y"s) + field(4, "Relu"s)) +
      field(2, "g"s) +
      field(5, field(1, 2) + field(2, 1) + field(8, "w"s) +
                   field(9, "\x00\x00\x80\x3f\x00\x00\x00\xc0"s)) +
      field(11, field(1, "x"s) + type) + field(12, field(1, "y"s) + type);

  EXPECT_EQ(bytes_of(small_graph()), field(1, 8) + field(2, "simclr"s) +
                                         field(3, std::string(version())) + field(8, field(2, 17)) +
                                         field(7, graph) +
                                         field(14, field(1, "k"s) + field(2, "v"s)));
}

TEST(Onnx, EqualGraphsGiveEqualBytesAndACopyOwnsItsConstants) {
  std::string copied;
  {
    const OnnxGraph copy = [] { return small_graph(); }();
    copied = bytes_of(copy);
  }
  EXPECT_EQ(bytes_of(small_graph()), copied);
}

TEST(Onnx, InitializersOfEveryDtypeComeAsRawBytes) {
  const std::array<std::uint8_t, 16> bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  const std::map<std::string, std::pair<std::int64_t, std::size_t>> known{
      {"F32", {1, 4}},   {"U8", {2, 1}},       {"I8", {3, 1}},      {"U16", {4, 2}},
      {"I16", {5, 2}},   {"I32", {6, 4}},      {"I64", {7, 8}},     {"BOOL", {9, 1}},
      {"F16", {10, 2}},  {"F64", {11, 8}},     {"U32", {12, 4}},    {"U64", {13, 8}},
      {"BF16", {16, 2}}, {"F8_E4M3", {17, 1}}, {"F8_E5M2", {19, 1}}};
  for (const auto& [dtype, what] : known) {
    OnnxGraph graph = graph_of({"x"});
    graph.initializers["w"] = {{dtype, {1, 2}, bytes.data(), what.second * 2}, nullptr};
    const std::string file = bytes_of(graph);
    const Reader tensor = all(all(Reader(file), 7).at(0), 5).at(0);
    EXPECT_EQ(numbers(tensor, 1), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(numbers(tensor, 2), (std::vector<std::int64_t>{what.first})) << dtype;
    EXPECT_EQ(onnx_dtype(dtype), what.first);
    const auto* first = reinterpret_cast<const char*>(bytes.data());
    EXPECT_EQ(strings(tensor, 9).at(0), std::string(first, what.second * 2)) << dtype;
  }
}

TEST(Onnx, EmptyAndZeroDimensionalTensorsAreWritten) {
  const float value = 3.0F;
  OnnxGraph graph = graph_of({"x"});
  graph.initializers["empty"] = {{"F32", {0, 4}, nullptr, 0}, nullptr};
  graph.initializers["single"] = {{"F32", {}, &value, 4}, nullptr};
  const std::string file = bytes_of(graph);
  const auto tensors = all(all(Reader(file), 7).at(0), 5);
  ASSERT_EQ(tensors.size(), 2U);
  EXPECT_EQ(numbers(tensors[0], 1), (std::vector<std::int64_t>{0, 4}));
  EXPECT_EQ(strings(tensors[0], 9).at(0), "");
  EXPECT_TRUE(numbers(tensors[1], 1).empty());
}

TEST(OnnxNodes, WindowsAreSquareAndPaddedOnEverySide) {
  for (const bool pool : {false, true}) {
    OnnxGraph graph = graph_of({"x", "w"});
    const OnnxWindow window{.kernel = 7, .stride = 2, .padding = 3};
    const std::string name =
        pool ? onnx_max_pool(graph, "x", window) : onnx_conv(graph, "x", "w", "", window);
    EXPECT_EQ(name, pool ? "max_pool_0" : "conv_0");
    const std::string bytes = bytes_of(graph);
    const ReadNode node = node_of(bytes);
    EXPECT_EQ(node.op, pool ? "MaxPool" : "Conv");
    EXPECT_EQ(numbers(node.attributes.at("kernel_shape"), 8), (std::vector<std::int64_t>{7, 7}));
    EXPECT_EQ(numbers(node.attributes.at("strides"), 8), (std::vector<std::int64_t>{2, 2}));
    EXPECT_EQ(numbers(node.attributes.at("pads"), 8), (std::vector<std::int64_t>{3, 3, 3, 3}));
    EXPECT_EQ(numbers(node.attributes.at("pads"), 20), (std::vector<std::int64_t>{7}));  // INTS
  }
}

TEST(OnnxNodes, AnOptionalBiasMayBeLeftOut) {
  for (const bool bias : {false, true}) {
    OnnxGraph conv = graph_of({"x", "w", "b"});
    onnx_conv(conv, "x", "w", bias ? "b" : "", {});
    OnnxGraph gemm = graph_of({"x", "w", "b"});
    onnx_gemm(gemm, "x", "w", bias ? "b" : "");
    const std::vector<std::string> expected =
        bias ? std::vector<std::string>{"x", "w", "b"} : std::vector<std::string>{"x", "w"};
    EXPECT_EQ(node_of(bytes_of(conv)).inputs, expected);
    EXPECT_EQ(node_of(bytes_of(gemm)).inputs, expected);
  }
}

TEST(OnnxNodes, LinearLayersHaveTheirWeightAsPyTorchHasIt) {
  OnnxGraph graph = graph_of({"x", "w"});
  onnx_gemm(graph, "x", "w", "");
  const std::string bytes = bytes_of(graph);
  const ReadNode node = node_of(bytes);
  EXPECT_EQ(node.op, "Gemm");
  EXPECT_EQ(numbers(node.attributes.at("transB"), 3), (std::vector<std::int64_t>{1}));
}

TEST(OnnxNodes, BatchNormTakesItsTensorsInOnnxsOrder) {
  OnnxGraph graph = graph_of({"x", "s", "b", "m", "v"});
  onnx_batch_normalization(
      graph, "x", {.scale = "s", .bias = "b", .mean = "m", .variance = "v", .epsilon = 0.25F});
  const std::string bytes = bytes_of(graph);
  const ReadNode node = node_of(bytes);
  EXPECT_EQ(node.op, "BatchNormalization");
  EXPECT_EQ(node.inputs, (std::vector<std::string>{"x", "s", "b", "m", "v"}));
  EXPECT_EQ(node.outputs, (std::vector<std::string>{"batch_normalization_0"}));
  Reader epsilon = node.attributes.at("epsilon");
  ASSERT_TRUE(epsilon.next(2));
  EXPECT_EQ(epsilon.get_float(), 0.25F);
}

TEST(OnnxNodes, EveryOtherOperationHasItsNameAndInputs) {
  using Call = std::function<std::string(OnnxGraph&)>;
  const std::vector<std::tuple<std::string, Call, std::size_t>> calls{
      {"Relu", [](OnnxGraph& g) { return onnx_relu(g, "x"); }, 1},
      {"GlobalAveragePool", [](OnnxGraph& g) { return onnx_global_average_pool(g, "x"); }, 1},
      {"Flatten", [](OnnxGraph& g) { return onnx_flatten(g, "x"); }, 1},
      {"Add", [](OnnxGraph& g) { return onnx_add(g, "x", "y"); }, 2},
      {"Sub", [](OnnxGraph& g) { return onnx_sub(g, "x", "y"); }, 2},
      {"Mul", [](OnnxGraph& g) { return onnx_mul(g, "x", "y"); }, 2},
      {"Div", [](OnnxGraph& g) { return onnx_div(g, "x", "y"); }, 2},
      {"Cast", [](OnnxGraph& g) { return onnx_cast(g, "x", "F16"); }, 1},
      {"Transpose",
       [](OnnxGraph& g) {
         return onnx_transpose(g, "x", {0, 3, 1, 2});
       },
       1}};
  for (const auto& [op, call, inputs] : calls) {
    OnnxGraph graph = graph_of({"x", "y"});
    const std::string name = call(graph);
    const std::string bytes = bytes_of(graph);
    const ReadNode node = node_of(bytes);
    EXPECT_EQ(node.op, op);
    EXPECT_EQ(node.inputs.size(), inputs) << op;
    EXPECT_EQ(node.outputs, std::vector<std::string>{name});
  }
}

TEST(OnnxNodes, CastSaysItsDtypeAndTransposeItsOrder) {
  OnnxGraph cast = graph_of({"x"});
  onnx_cast(cast, "x", "F16");
  const std::string cast_bytes = bytes_of(cast);
  EXPECT_EQ(numbers(node_of(cast_bytes).attributes.at("to"), 3), (std::vector<std::int64_t>{10}));
  OnnxGraph transpose = graph_of({"x"});
  onnx_transpose(transpose, "x", {0, 3, 1, 2});
  const std::string transpose_bytes = bytes_of(transpose);
  EXPECT_EQ(numbers(node_of(transpose_bytes).attributes.at("perm"), 8),
            (std::vector<std::int64_t>{0, 3, 1, 2}));
}

TEST(Onnx, AttributesOfTextAreWritten) {
  OnnxGraph graph = graph_of({"x"});
  graph.nodes.push_back({"Conv", {"x"}, {"y"}, {{"auto_pad", "VALID"s}}});
  const std::string bytes = bytes_of(graph);
  const Reader attribute = node_of(bytes).attributes.at("auto_pad");
  EXPECT_EQ(strings(attribute, 4), (std::vector<std::string>{"VALID"}));
  EXPECT_EQ(numbers(attribute, 20), (std::vector<std::int64_t>{3}));
}

struct Mistake {
  std::function<void(OnnxGraph&)> make;
  std::string complaint;
};

TEST(Onnx, RefusesAGraphThatNoReaderCouldRun) {
  static const float value = 1.0F;
  const auto initializer = [](OnnxGraph& g, TensorEntry tensor) {
    g.initializers["v"] = {std::move(tensor), nullptr};
  };
  const std::vector<Mistake> mistakes{
      {[](OnnxGraph& g) { onnx_relu(g, "nowhere"); },
       "Relu takes 'nowhere', which nothing before it gives"},
      {[](OnnxGraph& g) { std::swap(g.nodes[0], g.nodes[1]); }, "Relu takes 'add_0'"},
      {[](OnnxGraph& g) { g.outputs[0].name = "z"; }, "the model's output takes 'z'"},
      {[](OnnxGraph& g) { g.nodes[0].outputs = {"x"}; }, "'x' is given twice"},
      {[](OnnxGraph& g) {
         g.inputs.push_back({"w", "F32", {}});
       },
       "'w' is given twice"},
      {[](OnnxGraph& g) { g.nodes[1].outputs = {""}; }, "a value has no name"},
      {[](OnnxGraph& g) { g.inputs[0].dtype = "F33"; }, "it has no dtype 'F33'"},
      {[&](OnnxGraph& g) {
         initializer(g, {"C64", {}, &value, 8});
       },
       "it has no dtype 'C64'"},
      {[&](OnnxGraph& g) {
         initializer(g, {"F32", {2}, &value, 4});
       },
       "'v' has 4 bytes where its shape needs 8"},
      {[&](OnnxGraph& g) {
         initializer(g, {"F32", {-1}, &value, 4});
       },
       "the shape of 'v'"},
      {[&](OnnxGraph& g) {
         initializer(g, {"F32", {INT64_MAX, INT64_MAX}, &value, 4});
       },
       "the shape of 'v'"},
      {[&](OnnxGraph& g) {
         initializer(g, {"F32", {1 << 29}, &value, std::size_t{1} << 31});
       },
       "its tensors pass 2 GB"}};
  const TempFolder folder;
  write_file_atomically(folder / "a.onnx", "old");
  for (const Mistake& mistake : mistakes) {
    OnnxGraph graph = small_graph();
    mistake.make(graph);
    expect_error(ExitCode::kFailed, mistake.complaint,
                 [&] { write_onnx(folder / "a.onnx", graph); });
    EXPECT_EQ(read_file(folder / "a.onnx"), "old");
  }
  expect_error(ExitCode::kFailed, "an ONNX graph has two tensors 'w'", [] {
    OnnxGraph graph = small_graph();
    onnx_constant(graph, "w", {1}, {1.0F});
  });
  expect_error(ExitCode::kFailed, "cannot write",
               [&] { write_onnx(folder / "no/where", small_graph()); });
}

}  // namespace
}  // namespace simclr
