#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "simclr/core/files.h"
#include "simclr/formats/onnx.h"
#include "simclr/formats/onnx_nodes.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

/// A model with every kind of attribute, dimension and two tensors.
OnnxGraph sample() {
  OnnxGraph graph;
  graph.name = "encoder";
  graph.inputs = {{"x", "F32", {"batch", std::int64_t{3}, std::int64_t{8}, std::int64_t{8}}}};
  const std::string weight = onnx_constant(graph, "w", {2, 3, 1, 1}, {1, 2, 3, 4, 5, 6});
  std::string x = onnx_conv(graph, "x", weight, "", {.kernel = 1, .stride = 2, .padding = 0});
  const std::string ones = onnx_constant(graph, "ones", {2}, {1, 1});
  x = onnx_batch_normalization(graph, x, {ones, ones, ones, ones, 1e-3F});
  graph.nodes.back().outputs = {"y"};
  graph.outputs = {{"y", "F32", {"batch", std::int64_t{2}, std::int64_t{4}, std::int64_t{4}}}};
  graph.metadata = {{"stem", "cifar"}, {"classes", "\xc3\xa9\n\"b\""}};
  return graph;
}

bool equal(const OnnxNode& a, const OnnxNode& b) {
  return a.op == b.op && a.inputs == b.inputs && a.outputs == b.outputs &&
         a.attributes == b.attributes;
}

TEST(ReadOnnx, GivesBackWhatWasWritten) {
  const TempFolder folder;
  const OnnxGraph written = sample();
  write_onnx(folder / "a.onnx", written);
  const OnnxGraph read = read_onnx(folder / "a.onnx");
  EXPECT_EQ(read.name, written.name);
  EXPECT_EQ(read.metadata, written.metadata);
  ASSERT_EQ(read.nodes.size(), written.nodes.size());
  for (std::size_t i = 0; i < read.nodes.size(); ++i)
    EXPECT_TRUE(equal(read.nodes[i], written.nodes[i])) << i;
  for (const auto& [found, expected] :
       {std::pair{read.inputs, written.inputs}, {read.outputs, written.outputs}}) {
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].name, expected[0].name);
    EXPECT_EQ(found[0].dtype, expected[0].dtype);
    EXPECT_EQ(found[0].shape, expected[0].shape);
  }
  ASSERT_EQ(read.initializers.size(), 2U);
  const TensorEntry& weight = read.initializers.at("w").tensor;
  EXPECT_EQ(weight.dtype, "F32");
  EXPECT_EQ(weight.shape, (std::vector<std::int64_t>{2, 3, 1, 1}));
  EXPECT_EQ(std::memcmp(weight.data, written.initializers.at("w").tensor.data, weight.bytes), 0);
}

TEST(ReadOnnx, WritesTheSameBytesAgain) {
  const TempFolder folder;
  write_onnx(folder / "a.onnx", sample());
  write_onnx(folder / "b.onnx", read_onnx(folder / "a.onnx"));
  EXPECT_EQ(read_file(folder / "a.onnx"), read_file(folder / "b.onnx"));
}

TEST(ReadOnnx, SurvivesBeingCutAnywhere) {
  const TempFolder folder;
  write_onnx(folder / "a.onnx", sample());
  const std::string whole = read_file(folder / "a.onnx");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_file_atomically(folder / "b.onnx", whole.substr(0, size));
    // Fields are optional and come in any order: what ends between two of them may be a model.
    try {
      read_onnx(folder / "b.onnx");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kData);
      EXPECT_TRUE(contains(error.what(), "b.onnx: not an ONNX model that is read"));
    }
  }
}

TEST(ReadOnnx, SurvivesAnyByteOverwritten) {
  const TempFolder folder;
  write_onnx(folder / "a.onnx", sample());
  const std::string whole = read_file(folder / "a.onnx");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string damaged = whole;
      damaged[at] = value;
      write_file_atomically(folder / "b.onnx", damaged);
      try {
        read_onnx(folder / "b.onnx");
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kData);
      }
    }
  }
}

TEST(ReadOnnx, RefusesShapesThatItsBytesDoNotFill) {
  const TempFolder folder;
  OnnxGraph graph;
  onnx_constant(graph, "w", {5}, {1, 2, 3, 4, 5});
  write_onnx(folder / "a.onnx", graph);
  std::string bytes = read_file(folder / "a.onnx");
  const std::string side{'\x08', '\x05', '\x10'};  // dims: 5, then the dtype
  const std::size_t at = bytes.find(side);
  ASSERT_NE(at, std::string::npos);
  bytes[at + 1] = '\x7f';
  write_file_atomically(folder / "a.onnx", bytes);
  expect_error(ExitCode::kData, "its tensor 'w' has 20 bytes of raw data where its shape needs 508",
               [&] { read_onnx(folder / "a.onnx"); });
}

TEST(ReadOnnx, SaysThatAFileIsNotThereOrHasNoGraph) {
  const TempFolder folder;
  expect_error(ExitCode::kData, "none.onnx", [&] { read_onnx(folder / "none.onnx"); });
  write_file_atomically(folder / "empty.onnx", "");
  expect_error(ExitCode::kData, "it has no graph", [&] { read_onnx(folder / "empty.onnx"); });
}

}  // namespace
}  // namespace simclr
