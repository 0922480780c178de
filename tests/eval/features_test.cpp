#include "simclr/eval/features.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "simclr/core/error.h"
#include "simclr/core/random.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

constexpr int kSide = 16;
constexpr double kTolerance = 1e-5;  // f32 through 18 layers, other batch sizes

std::shared_ptr<const Dataset> noise_images(std::int32_t count, std::uint32_t sample) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count * kSide * kSide * 3));
  Random random(RandomKey{.seed = 9, .sample = sample});
  for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(random.below(256));
  std::vector<std::int32_t> labels;
  for (std::int32_t i = 0; i < count; ++i) labels.push_back(i % 3);
  return std::make_shared<ImageArray>(std::move(pixels), std::move(labels), kSide, kSide);
}

std::shared_ptr<const Subset> all_of(std::shared_ptr<const Dataset> images) {
  std::vector<std::size_t> indices(images->size());
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  return std::make_shared<Subset>(std::move(images), std::move(indices));
}

DataSplits noise_splits() {
  return {all_of(noise_images(505, 1)),
          all_of(noise_images(4, 2)),
          all_of(noise_images(3, 3)),
          {"a", "b", "c"},
          kSide};
}

SimclrModel small_model() {
  ModelSettings settings;
  settings.width = 0.25;
  return SimclrModel::contrastive(settings, 1);
}

BatchPlan whole_images(std::int64_t batch_size) {
  BatchPlan plan;
  plan.kind = ViewKind::kWholeImage;
  plan.batch_size = batch_size;
  plan.side = kSide;
  return plan;
}

Embedding features_of(SimclrModel& model) {
  return embedding_of(model, ScoredVectors::kFeatures, kSide, "trained encoder");
}

Features features_of(SimclrModel& model, const std::shared_ptr<const Dataset>& dataset,
                     const BatchPlan& plan, std::int64_t workers = 0) {
  NullSink sink;
  return extract_features(model, dataset, plan, workers, "features", sink);
}

/// Pixels in [0, 1], one image.
at::Tensor tensor_of(const Image& image) {
  at::Tensor x = at::empty({1, 3, kSide, kSide}, at::kFloat);
  for (int c = 0; c < 3; ++c)
    for (int i = 0; i < kSide * kSide; ++i)
      x.data_ptr<float>()[c * kSide * kSide + i] =
          static_cast<float>(image.pixels[static_cast<std::size_t>(3 * i + c)]) / 255.0F;
  return x;
}

TEST(ExtractFeatures, EqualsTheEncoderImageByImage) {
  const auto dataset = noise_images(5, 1);
  SimclrModel model = small_model();
  const Features features = features_of(model, dataset, whole_images(2));
  ASSERT_EQ(features.x.size(0), 5);
  ASSERT_EQ(features.x.size(1), model.feature_width());
  EXPECT_TRUE(at::equal(features.labels, at::tensor({0, 1, 2, 0, 1}, at::kLong)));
  model.set_training(false);
  for (std::int64_t i = 0; i < 5; ++i) {
    const at::Tensor alone = model.encode(tensor_of(dataset->get(static_cast<std::size_t>(i))));
    EXPECT_LT((features.x[i] - alone[0]).abs().max().item<double>(), kTolerance);
  }
}

TEST(ExtractFeatures, GivesTheSameBitsForAnyWorkerCount) {
  const auto dataset = noise_images(9, 1);
  SimclrModel model = small_model();
  const Features alone = features_of(model, dataset, whole_images(4), 0);
  const Features three = features_of(model, dataset, whole_images(4), 3);
  EXPECT_TRUE(at::equal(alone.x, three.x));
  EXPECT_TRUE(at::equal(alone.labels, three.labels));
}

TEST(ExtractFeatures, TakesRunningStatisticsAndLeavesThemAlone) {
  SimclrModel model = small_model();
  model.set_training(true);
  const std::map<std::string, at::Tensor> before = state_of(model);
  const Features features = features_of(model, noise_images(8, 1), whole_images(8));
  for (const auto& [name, tensor] : state_of(model))
    EXPECT_TRUE(at::equal(tensor, before.at(name))) << name;
  EXPECT_FALSE(features.x.requires_grad());
  const at::Tensor image = tensor_of(noise_images(8, 1)->get(0));
  EXPECT_TRUE(at::equal(model.encode(image), model.encode(image)));  // still in eval mode
  EXPECT_LT((model.encode(image)[0] - features.x[0]).abs().max().item<double>(), kTolerance);
}

TEST(ExtractFeatures, DependsOnTheNormalisation) {
  SimclrModel model = small_model();
  BatchPlan plan = whole_images(4);
  const Features plain = features_of(model, noise_images(4, 1), plan);
  plan.augment.normalization = Normalization::kCifar10;
  const Features normalised = features_of(model, noise_images(4, 1), plan);
  EXPECT_FALSE(at::allclose(plain.x, normalised.x));
}

/// Keeps the tasks it hears of, and how far each came.
class Tasks final : public EventSink {
 public:
  void message(std::string_view /*line*/) override {}
  void progress(std::string_view task, std::int64_t done, std::int64_t /*total*/,
                std::string_view /*rate_text*/) override {
    done_of[std::string(task)] = done;
  }
  std::map<std::string, std::int64_t> done_of;
};

TEST(ExtractSplits, TakesEveryImageOfEveryPart) {
  SimclrModel model = small_model();
  Tasks tasks;
  const FeatureSplits splits =
      extract_splits(features_of(model), noise_splits(), Normalization::kNone, 0, tasks);
  EXPECT_EQ(splits.train.x.size(0), 505);  // one batch of 500 and one of 5
  EXPECT_EQ(splits.validation.x.size(0), 4);
  EXPECT_EQ(splits.test.x.size(0), 3);
  EXPECT_EQ(splits.train.labels.size(0), 505);
  const std::map<std::string, std::int64_t> expected{{"trained encoder, training images", 505},
                                                     {"trained encoder, validation images", 4},
                                                     {"trained encoder, test images", 3}};
  EXPECT_EQ(tasks.done_of, expected);
}

TEST(ExtractSplits, LeavesTheEncoderAsItWas) {
  SimclrModel model = small_model();
  const std::string before = encoder_sha256(model);
  NullSink sink;
  extract_splits(features_of(model), noise_splits(), Normalization::kNone, 0, sink);
  EXPECT_EQ(encoder_sha256(model), before);
}

/// Moves a weight of the encoder whenever an image is asked for.
class MeddlingDataset final : public Dataset {
 public:
  MeddlingDataset(std::shared_ptr<const Dataset> images, at::Tensor weight)
      : images_(std::move(images)), weight_(std::move(weight)) {}
  std::size_t size() const override { return images_->size(); }
  Image get(std::size_t index) const override {
    at::Tensor(weight_).detach().add_(1e-3);
    return images_->get(index);
  }

 private:
  std::shared_ptr<const Dataset> images_;
  at::Tensor weight_;
};

TEST(ExtractSplits, RefusesAnEncoderThatMoves) {
  SimclrModel model = small_model();
  DataSplits data = noise_splits();
  data.test =
      all_of(std::make_shared<MeddlingDataset>(data.test, model.parameters().front().tensor));
  NullSink sink;
  try {
    extract_splits(features_of(model), data, Normalization::kNone, 0, sink);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kFailed);
    EXPECT_NE(std::string(error.what())
                  .find("trained encoder: the encoder changed while its features were taken"),
              std::string::npos);
    EXPECT_NE(std::string(error.what()).find(encoder_sha256(model)), std::string::npos);
    EXPECT_FALSE(error.hint().empty());
  }
}

TEST(EmbeddingOf, ProjectsThroughTheHead) {
  SimclrModel model = small_model();
  const Embedding h = embedding_of(model, ScoredVectors::kFeatures, kSide, "h");
  const Embedding z = embedding_of(model, ScoredVectors::kProjection, kSide, "z");
  const at::Tensor image = tensor_of(noise_images(1, 1)->get(0));
  EXPECT_EQ(z.width, ModelSettings{}.projection_dim);
  EXPECT_EQ(z.vectors_of(image).size(1), z.width);
  EXPECT_TRUE(at::equal(z.vectors_of(image), model.project(h.vectors_of(image))));
}

TEST(EmbeddingOf, IsAsWideAsTheFeaturesWithoutAHead) {
  ModelSettings settings;
  settings.width = 0.25;
  settings.head = Head::kNone;
  SimclrModel model = SimclrModel::contrastive(settings, 1);
  EXPECT_EQ(embedding_of(model, ScoredVectors::kProjection, kSide, "z").width,
            model.feature_width());
}

TEST(RawPixels, AreThePixelsShrunkToThirtyTwo) {
  const Embedding small = raw_pixels(kSide);
  const auto dataset = noise_images(2, 1);
  NullSink sink;
  BatchPlan plan = whole_images(4);
  const Features pixels = extract_features(small, dataset, plan, 0, "pixels", sink);
  EXPECT_LT((pixels.x[1] - tensor_of(dataset->get(1)).flatten()).abs().max().item<double>(), 1e-6);
  EXPECT_EQ(raw_pixels(96).side, 32);
  EXPECT_EQ(raw_pixels(96).width, 3 * 32 * 32);
  EXPECT_EQ(small.fingerprint(), "");
}

}  // namespace
}  // namespace simclr
