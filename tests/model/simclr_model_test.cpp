#include "simclr/model/simclr_model.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/container/sequential.h>

#include <string>
#include <utility>

#include "simclr/model/resnet.h"
#include "tests/model/pattern.h"
#include "tests/support/expect_error.h"
#include "tests/support/torch_error.h"

namespace simclr {
namespace {

/// oneDNN may cut sums another way for another batch size or memory format.
constexpr double kOrderOfSums = 1e-5;

ModelSettings small() {
  ModelSettings settings;
  settings.width = 0.25;
  return settings;
}

TEST(SimclrModel, WidthScalesEveryLayerAndTheFeatures) {
  for (const double width : {0.25, 0.5, 1.0, 2.0, 4.0}) {
    ModelSettings settings;
    settings.width = width;
    const ResNetImpl encoder(settings);
    const auto features = static_cast<std::int64_t>(512 * width);
    EXPECT_EQ(encoder.feature_width(), features);
    const auto parameters = encoder.named_parameters();
    EXPECT_EQ(parameters["conv1.weight"].sizes(), at::IntArrayRef({features / 8, 3, 7, 7}));
    EXPECT_EQ(parameters["layer4.1.conv2.weight"].sizes(),
              at::IntArrayRef({features, features, 3, 3}));
  }
}

TEST(SimclrModel, FeaturesAndProjectionsHaveTheirWidths) {
  ModelSettings settings = small();
  settings.arch = Arch::kResNet50;
  settings.projection_dim = 9;
  SimclrModel model = SimclrModel::contrastive(settings, 0);
  EXPECT_EQ(model.feature_width(), 512);
  const at::Tensor h = model.encode(patterned_views(2, 32));
  EXPECT_EQ(h.sizes(), at::IntArrayRef({2, 512}));
  EXPECT_EQ(model.project(h).sizes(), at::IntArrayRef({2, 9}));
}

TEST(SimclrModel, OtherWidthsAreAnError) {
  ModelSettings settings;
  settings.width = 0.3;
  const Error error =
      expect_error(ExitCode::kUsage, [&] { SimclrModel::contrastive(settings, 0); });
  EXPECT_EQ(std::string(error.what()), "model.width is 0.3");
  EXPECT_EQ(error.hint(), "It must be 0.25, 0.5, 1, 2 or 4.");
}

TEST(SimclrModel, TakesTheSmallestViewsAndRefusesSmallerOnes) {
  for (const auto& [stem, name] : EnumNames<Stem>::table) {
    ModelSettings settings = small();
    settings.stem = stem;
    SimclrModel model = SimclrModel::contrastive(settings, 0);
    EXPECT_EQ(model.encode(patterned_views(2, 8)).size(1), 128) << name;
    EXPECT_TRUE(contains(torch_error_of([&] { model.encode(patterned_views(2, 7)); }),
                         "[encode] expected views [B, 3, S, S] with S >= 8, got [2, 3, 7, 7]"));
  }
}

TEST(SimclrModel, RefusesOtherShapes) {
  SimclrModel model = SimclrModel::contrastive(small(), 0);
  const auto refused = [&](const at::Tensor& views) {
    return contains(torch_error_of([&] { model.encode(views); }), "[encode] expected views");
  };
  EXPECT_TRUE(refused(at::zeros({3, 32, 32})));
  EXPECT_TRUE(refused(at::zeros({2, 1, 32, 32})));
  EXPECT_TRUE(refused(at::zeros({2, 3, 32, 16})));
  EXPECT_TRUE(contains(torch_error_of([&] {
                         model.project(at::zeros({2, 64}));
                       }),
                       "[project] expected features [B, 128], got [2, 64]"));
  EXPECT_TRUE(contains(torch_error_of([] { SimclrModel::supervised(small(), 0, 0); }),
                       "expected at least 1 class, got 0"));
}

TEST(SimclrModel, OneValuePerChannelCannotBeTrainedOn) {
  SimclrModel model = SimclrModel::contrastive(small(), 0);
  model.set_training(true);
  EXPECT_TRUE(contains(torch_error_of([&] { model.encode(patterned_views(1, 32)); }),
                       "more than 1 value per channel"));
}

TEST(SimclrModel, WithoutAHeadTheProjectionsAreTheFeatures) {
  ModelSettings settings = small();
  settings.head = Head::kNone;
  SimclrModel model = SimclrModel::contrastive(settings, 0);
  const at::Tensor h = model.encode(patterned_views(2, 32));
  EXPECT_TRUE(model.project(h).is_same(h));
}

TEST(SimclrModel, InEvalModeAnImageDoesNotSeeTheOthers) {
  SimclrModel model = SimclrModel::contrastive(small(), 0);
  model.set_training(false);
  const at::Tensor views = patterned_views(6, 32);
  const at::Tensor together = model.project(model.encode(views));
  for (std::int64_t i = 0; i < 6; ++i) {
    const at::Tensor alone = model.project(model.encode(views.narrow(0, i, 1)));
    EXPECT_TRUE(at::allclose(alone, together.narrow(0, i, 1), kOrderOfSums, kOrderOfSums));
  }
}

TEST(SimclrModel, InTrainingModeItDoes) {
  SimclrModel model = SimclrModel::contrastive(small(), 0);
  model.set_training(true);
  const at::Tensor views = patterned_views(6, 32);
  const at::Tensor three = model.encode(views.narrow(0, 0, 3));
  EXPECT_FALSE(at::allclose(three, model.encode(views).narrow(0, 0, 3), 1e-2, 1e-2));
}

TEST(SimclrModel, OnlyTrainingModeMovesTheStatistics) {
  SimclrModel model = SimclrModel::contrastive(small(), 0);
  const auto batches = [&] { return model.buffers()[2].tensor.item<std::int64_t>(); };
  ASSERT_EQ(model.buffers()[2].name, "encoder.bn1.num_batches_tracked");
  model.set_training(false);
  model.encode(patterned_views(4, 32));
  EXPECT_EQ(batches(), 0);
  EXPECT_TRUE(at::equal(model.buffers()[0].tensor, at::zeros({16})));
  model.set_training(true);
  model.encode(patterned_views(4, 32));
  model.encode(patterned_views(4, 32));
  EXPECT_EQ(batches(), 2);
  EXPECT_FALSE(at::equal(model.buffers()[0].tensor, at::zeros({16})));
}

TEST(SimclrModel, MemoryFormatOfTheViewsChangesNothing) {
  SimclrModel model = SimclrModel::contrastive(small(), 0);
  model.set_training(false);
  const at::Tensor views = patterned_views(4, 32);
  EXPECT_TRUE(at::equal(model.encode(views), model.encode(views.contiguous())));
}

TEST(SimclrModel, StaysChannelsLastThroughTheNetwork) {
  SimclrModel model = SimclrModel::contrastive(small(), 0);
  for (const auto& [name, tensor] : model.parameters()) {
    if (tensor.dim() != 4) continue;
    EXPECT_TRUE(tensor.is_contiguous(at::MemoryFormat::ChannelsLast)) << name;
  }
  ModelSettings settings = small();
  settings.stem = Stem::kCifar;
  const ResNet encoder(settings);
  at::Tensor x = patterned({4, 16, 32, 32}, 1).contiguous(at::MemoryFormat::ChannelsLast);
  for (const auto& child : encoder->named_children()) {
    auto* stage = child.value()->as<torch::nn::Sequential>();
    if (stage == nullptr) continue;
    x = stage->forward(x);
    EXPECT_TRUE(x.is_contiguous(at::MemoryFormat::ChannelsLast)) << child.key();
  }
  EXPECT_EQ(x.sizes(), at::IntArrayRef({4, 128, 4, 4}));
}

TEST(SimclrModel, AMovedModelIsTheSameModel) {
  SimclrModel first = SimclrModel::contrastive(small(), 0);
  const at::Tensor weight = first.parameters()[0].tensor;
  const SimclrModel second = std::move(first);
  EXPECT_TRUE(second.parameters()[0].tensor.is_same(weight));
}

}  // namespace
}  // namespace simclr
