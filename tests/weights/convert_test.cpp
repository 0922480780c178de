#include "simclr/weights/convert.h"

#include <gtest/gtest.h>

#include "simclr/formats/onnx_nodes.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"
#include "tests/weights/encoder_files.h"

namespace simclr {
namespace {

/// An encoder as another program writes it: no word on how its images were normalised.
std::filesystem::path foreign_file(const TempFolder& folder) {
  const SimclrModel model = SimclrModel::contrastive(small_encoder(), 7);
  const auto same = [](const std::string& name) { return name; };
  write_state(folder / "a.pth", TensorFormat::kPytorch, encoder_state(model), same);
  return folder / "a.pth";
}

std::string normalization_of(const std::filesystem::path& path) {
  const TensorFile file = TensorFile::read(path);
  const auto found = file.metadata().find("normalization");
  return found == file.metadata().end() ? "" : found->second;
}

TEST(Convert, PixelsAreNotNormalisedByGuess) {
  const TempFolder folder;
  const auto from = foreign_file(folder);
  const auto to = folder / "a.onnx";
  ConvertOptions options;
  options.pixels = true;
  const Error error = expect_error(ExitCode::kUsage, [&] { convert_file(from, to, options); });
  EXPECT_TRUE(contains(error.what(), "how its images were normalised, the file does not say"));
  EXPECT_TRUE(contains(error.hint(), "--normalization imagenet"));
  EXPECT_FALSE(std::filesystem::exists(to));
  options.normalization = Normalization::kImageNet;
  convert_file(from, to, options);
  EXPECT_EQ(normalization_of(to), "imagenet");
  // What it says by now is not said otherwise.
  options.normalization = Normalization::kCifar10;
  expect_error(ExitCode::kUsage, "normalised as imagenet, not cifar10",
               [&] { convert_file(to, folder / "b.onnx", options); });
  options.normalization = std::nullopt;
  convert_file(to, folder / "b.onnx", options);
  EXPECT_EQ(normalization_of(folder / "b.onnx"), "imagenet");
}

TEST(Convert, ImagesThatAreNormalisedOutsideNeedNoWord) {
  const TempFolder folder;
  convert_file(foreign_file(folder), folder / "a.onnx", {});
  EXPECT_EQ(normalization_of(folder / "a.onnx"), "");
}

TEST(Convert, LeavesOutTheConstantsOfOurOwnModelsAlone) {
  const TempFolder folder;
  ConvertOptions options;
  options.pixels = true;
  options.normalization = Normalization::kCifar10;
  convert_file(foreign_file(folder), folder / "ours.onnx", options);
  convert_file(folder / "ours.onnx", folder / "ours.safetensors");
  const TensorFile ours = TensorFile::read(folder / "ours.safetensors");
  EXPECT_FALSE(ours.tensors().contains("pixel_scale"));
  EXPECT_FALSE(ours.tensors().contains("pixel_shift"));
  EXPECT_TRUE(ours.tensors().contains("conv1.weight"));

  OnnxGraph graph;
  graph.name = "theirs";
  graph.inputs = {{"x", "F32", {std::int64_t{1}}}};
  onnx_add(graph, "x", onnx_constant(graph, "pixel_scale", {1}, {2.0F}));
  onnx_constant(graph, "pixel_embedding.weight", {1}, {3.0F});
  graph.nodes.back().outputs = {"y"};
  graph.outputs = {{"y", "F32", {std::int64_t{1}}}};
  write_onnx(folder / "theirs.onnx", graph);
  EXPECT_EQ(convert_file(folder / "theirs.onnx", folder / "theirs.safetensors").tensors, 2U);
}

TEST(Convert, WeightsAloneTakeNoPreparation) {
  const TempFolder folder;
  ConvertOptions options;
  options.normalization = Normalization::kNone;
  expect_error(ExitCode::kUsage, "will hold weights, not operations",
               [&] { convert_file(foreign_file(folder), folder / "a.safetensors", options); });
}

}  // namespace
}  // namespace simclr
