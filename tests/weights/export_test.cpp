#include "simclr/weights/export.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <limits>

#include "simclr/core/files.h"

#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"
#include "tests/weights/encoder_files.h"

namespace simclr {
namespace {

constexpr double kSumTolerance = 1e-4;  // f32 sums in another order

/// A model with running statistics of its own.
SimclrModel trained(const ModelSettings& settings) {
  SimclrModel model = SimclrModel::contrastive(settings, 5);
  const c10::NoGradGuard no_grad;
  model.set_training(true);
  for (int i = 0; i < 3; ++i) model.project(model.encode(at::rand({8, 3, 32, 32})));
  model.set_training(false);
  return model;
}

EncoderInfo info_of(const ModelSettings& settings) {
  EncoderInfo info;
  info.model = settings;
  info.normalization = Normalization::kCifar10;
  info.image_size = 32;
  info.classes = {"cat", "d\xc3\xb6g", "\"quoted\""};
  info.epochs = 3;
  info.data = "shapes10";
  return info;
}

LinearClassifier classifier(std::int64_t features) {
  return {at::rand({3, features}) - 0.5, at::rand({3})};
}

TEST(Export, OpensAgainFromEachFormatWithEverythingThatItSays) {
  const TempFolder folder;
  for (const Stem stem : {Stem::kImageNet, Stem::kCifar, Stem::kCifarPool}) {
    SimclrModel model = trained(small_encoder(stem));
    for (const std::string ending : {".safetensors", ".pth", ".onnx"}) {
      const auto path = folder / ("a" + ending);
      ExportOptions options{.format = format_of_name(path)};
      options.classifier = classifier(128);
      const ExportResult result =
          export_encoder(path, model, info_of(small_encoder(stem)), options, {{"note", "x"}});
      EXPECT_LE(result.largest_difference, kSumTolerance * std::max(1.0, result.largest_value));
      EXPECT_GT(result.largest_value, 0.0);
      EXPECT_EQ(result.tensors, 122U);

      const OpenedEncoder opened = open_encoder(path);
      EXPECT_EQ(opened.info.model.stem, stem);
      EXPECT_EQ(opened.info.normalization, Normalization::kCifar10);
      EXPECT_EQ(opened.info.image_size, 32);
      EXPECT_EQ(opened.info.classes, info_of(small_encoder()).classes);
      EXPECT_EQ(opened.info.epochs, 3);
      EXPECT_EQ(opened.info.data, "shapes10");
      ASSERT_TRUE(opened.classifier.has_value());
      EXPECT_TRUE(at::equal(opened.classifier->weight, options.classifier->weight));
      const TensorFile file = TensorFile::read(path);
      EXPECT_EQ(file.metadata().at("note"), "x");
      const auto ours = encoder_state(model);
      const auto theirs = encoder_state(opened.model);
      for (const auto& [name, tensor] : ours) {
        if (ending == ".onnx" && name.ends_with("num_batches_tracked")) continue;
        EXPECT_TRUE(at::equal(tensor, theirs.at(name))) << name;
      }
    }
  }
}

TEST(Export, EqualModelsGiveEqualBytes) {
  const TempFolder folder;
  SimclrModel model = SimclrModel::contrastive(small_encoder(), 1);
  for (const std::string ending : {".safetensors", ".pth", ".onnx"}) {
    for (const std::string name : {"a", "b"})
      export_encoder(folder / (name + ending), model, info_of(small_encoder()),
                     {.format = format_of_name("a" + ending)});
    EXPECT_EQ(read_file(folder / ("a" + ending)), read_file(folder / ("b" + ending)));
  }
}

TEST(Export, HasAHeadOnlyWhereItIsAskedFor) {
  const TempFolder folder;
  SimclrModel model = trained(small_encoder());
  const auto path = folder / "a.safetensors";
  export_encoder(path, model, info_of(small_encoder()), {});
  EXPECT_EQ(TensorFile::read(path).tensors().size(), 120U);
  export_encoder(path, model, info_of(small_encoder()), {.head = true});
  EXPECT_TRUE(TensorFile::read(path).tensors().contains("head.3.weight"));
  for (const Head head : {Head::kMlpBn, Head::kMlp, Head::kLinear}) {
    ModelSettings settings = small_encoder();
    settings.head = head;
    SimclrModel other = trained(settings);
    const ExportResult result = export_encoder(folder / "a.onnx", other, info_of(settings),
                                               {.format = TensorFormat::kOnnx, .head = true});
    EXPECT_LE(result.largest_difference, kSumTolerance);
    const OnnxGraph graph = read_onnx(folder / "a.onnx");
    ASSERT_EQ(graph.outputs.size(), 2U);
    EXPECT_EQ(graph.outputs[1].name, "projections");
  }
}

TEST(Export, GivesASupervisedRunsClassifierAsFc) {
  const TempFolder folder;
  SimclrModel model = SimclrModel::supervised(small_encoder(), 4, 1);
  export_encoder(folder / "a.pth", model, info_of(small_encoder()),
                 {.format = TensorFormat::kPytorch, .head = true});
  EXPECT_EQ(open_encoder(folder / "a.pth").classifier->weight.size(0), 4);
}

TEST(Export, FoldsNormsAndTakesPixelsInOnnx) {
  const TempFolder folder;
  for (const Arch arch : {Arch::kResNet18, Arch::kResNet50}) {
    ModelSettings settings = small_encoder(Stem::kCifarPool);
    settings.arch = arch;
    SimclrModel model = trained(settings);
    const ExportResult result =
        export_encoder(folder / "a.onnx", model, info_of(settings),
                       {.format = TensorFormat::kOnnx, .fold_norms = true, .pixels = true});
    EXPECT_LE(result.largest_difference, kSumTolerance * std::max(1.0, result.largest_value));
    const OnnxGraph graph = read_onnx(folder / "a.onnx");
    EXPECT_EQ(graph.inputs.front().name, "pixels");
    EXPECT_EQ(graph.inputs.front().dtype, "U8");
    for (const OnnxNode& node : graph.nodes) EXPECT_NE(node.op, "BatchNormalization");
    expect_error(ExitCode::kData, "folded", [&] { open_encoder(folder / "a.onnx"); });
  }
}

TEST(Export, RefusesWhatAFormatDoesNotHave) {
  const TempFolder folder;
  SimclrModel model = SimclrModel::contrastive(small_encoder(), 1);
  expect_error(ExitCode::kUsage, "holds weights, not operations", [&] {
    export_encoder(folder / "a.pth", model, info_of(small_encoder()),
                   {.format = TensorFormat::kPytorch, .fold_norms = true});
  });
}

TEST(Export, LeavesTheOldFileIfTheOutputsDoNotAgree) {
  const TempFolder folder;
  SimclrModel model = SimclrModel::contrastive(small_encoder(), 1);
  export_encoder(folder / "a.pth", model, info_of(small_encoder()),
                 {.format = TensorFormat::kPytorch});
  const std::string before = read_file(folder / "a.pth");
  {
    const c10::NoGradGuard no_grad;
    model.parameters()[1].tensor.fill_(std::numeric_limits<float>::quiet_NaN());
  }
  for (const TensorFormat format :
       {TensorFormat::kPytorch, TensorFormat::kOnnx, TensorFormat::kSafetensors}) {
    const Error error = expect_error(ExitCode::kFailed, [&] {
      export_encoder(folder / "a.pth", model, info_of(small_encoder()), {.format = format});
    });
    EXPECT_FALSE(std::filesystem::exists(folder / "a.pth.unchecked"));
  }
  EXPECT_EQ(read_file(folder / "a.pth"), before);
}

TEST(OnnxRun, SaysWhatItDoesNotKnow) {
  OnnxGraph graph;
  graph.nodes = {{"Softmax", {"x"}, {"y"}, {}}};
  graph.outputs = {{"y", "F32", {}}};
  expect_error(ExitCode::kData, "'Softmax'", [&] { run_onnx(graph, {{"x", at::ones({2})}}); });
  graph.nodes[0].op = "Relu";
  expect_error(ExitCode::kData, "nothing gives 'x'", [&] { run_onnx(graph, {}); });
}

}  // namespace
}  // namespace simclr
