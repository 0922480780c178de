#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <numeric>

#include "simclr/core/error.h"
#include "simclr/core/random.h"
#include "simclr/data/open.h"
#include "simclr/eval/finetune.h"
#include "simclr/loss/cross_entropy.h"
#include "simclr/weights/state.h"
#include "tests/support/expect_error.h"

namespace simclr {
namespace {

constexpr int kSide = 16;

/// Two classes that their brightness tells apart.
std::shared_ptr<const Dataset> bright_and_dark(std::size_t count, std::uint32_t sample,
                                               bool swapped = false) {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
  Random random(RandomKey{.seed = 9, .sample = sample});
  for (std::size_t i = 0; i < count; ++i) {
    const bool bright = i % 2 == 1;
    for (int p = 0; p < kSide * kSide * 3; ++p)
      pixels.push_back(static_cast<std::uint8_t>((bright ? 128 : 0) + random.below(128)));
    labels.push_back(bright != swapped ? 1 : 0);
  }
  return std::make_shared<ImageArray>(std::move(pixels), std::move(labels), kSide, kSide);
}

WholeData data_of(bool swapped_test = false) {
  return {bright_and_dark(65, 1),
          bright_and_dark(24, 2),
          bright_and_dark(31, 3, swapped_test),
          AugmentSettings{},
          kSide,
          2};
}

SimclrModel small_model() {
  ModelSettings settings;
  settings.width = 0.25;
  return SimclrModel::supervised(settings, 2, 1);
}

FinetuneSettings quick_settings() {
  FinetuneSettings settings;
  settings.freeze = Freeze::kNone;
  settings.epochs = 4;
  settings.batch_size = 16;  // 65 images: the last batch has 1
  return settings;
}

TrainingCurve finetune(const WholeData& data, const FinetuneSettings& settings = quick_settings(),
                       std::uint64_t seed = 1) {
  SimclrModel model = small_model();
  NullSink sink;
  return finetune_whole(model, data, settings, seed, 0, sink);
}

TEST(FinetuneWhole, LearnsWhatCanBeSeparated) {
  FinetuneSettings settings = quick_settings();
  settings.epochs = 15;  // running statistics follow slowly
  const TrainingCurve curve = finetune(data_of(), settings);
  EXPECT_EQ(curve.test.top1, 1.0);
  EXPECT_LT(curve.epochs.back().train_loss, curve.epochs.front().train_loss);
}

TEST(FinetuneWhole, ScoresEveryTestImageOfTheChosenEpoch) {
  const TrainingCurve curve = finetune(data_of());
  EXPECT_EQ(curve.test.confusion.sum().item<std::int64_t>(), 31);
  EXPECT_EQ(curve.test.top1, curve.epochs[curve.best_epoch].test_accuracy);
}

TEST(FinetuneWhole, ChoosesWithoutTestLabels) {
  const TrainingCurve a = finetune(data_of()), b = finetune(data_of(true));
  EXPECT_EQ(a.best_epoch, b.best_epoch);
  for (std::size_t e = 0; e < a.epochs.size(); ++e) {
    EXPECT_EQ(a.epochs[e].train_loss, b.epochs[e].train_loss);
    EXPECT_EQ(a.epochs[e].validation_accuracy, b.epochs[e].validation_accuracy);
    EXPECT_NEAR(a.epochs[e].test_accuracy, 1.0 - b.epochs[e].test_accuracy, 1e-12);
  }
}

TEST(FinetuneWhole, ScoresInEvalMode) {
  // The statistics of a batch would make each image's class depend on the images beside it.
  SimclrModel model = small_model();
  NullSink sink;
  const WholeData data = data_of();
  FinetuneSettings settings = quick_settings();
  settings.epochs = 1;
  const TrainingCurve curve = finetune_whole(model, data, settings, 1, 0, sink);
  model.set_training(false);
  std::int64_t right = 0;
  for (std::size_t i = 0; i < data.test->size(); ++i) {
    const Image image = data.test->get(i);
    at::Tensor x = at::empty({1, 3, kSide, kSide});
    for (int c = 0; c < 3; ++c)
      for (int p = 0; p < kSide * kSide; ++p)
        x.data_ptr<float>()[c * kSide * kSide + p] =
            static_cast<float>(image.pixels[static_cast<std::size_t>(3 * p + c)]) / 255.0F;
    right += model.project(model.encode(x)).argmax(1).item<std::int64_t>() == image.label ? 1 : 0;
  }
  EXPECT_DOUBLE_EQ(curve.test.top1, static_cast<double>(right) / 31.0);
}

TEST(FinetuneWhole, MovesTheWholeNetwork) {
  SimclrModel model = small_model();
  const std::map<std::string, at::Tensor> before = state_of(model);
  NullSink sink;
  finetune_whole(model, data_of(), quick_settings(), 1, 0, sink);
  for (const auto& [name, tensor] : state_of(model))
    EXPECT_FALSE(at::equal(tensor, before.at(name))) << name;
}

TEST(FinetuneWhole, GivesTheSameBitsForAnyWorkerCountAndTheSameSeedOnly) {
  NullSink sink;
  SimclrModel one = small_model(), other = small_model();
  const WholeData data = data_of();
  finetune_whole(one, data, quick_settings(), 1, 0, sink);
  finetune_whole(other, data, quick_settings(), 1, 2, sink);
  EXPECT_EQ(encoder_sha256(one), encoder_sha256(other));
  EXPECT_NE(finetune(data).epochs[0].train_loss,
            finetune(data, quick_settings(), 2).epochs[0].train_loss);
}

TEST(FinetuneWhole, SaysWhenItDiverges) {
  FinetuneSettings settings = quick_settings();
  settings.lr = 1e38;
  expect_error(ExitCode::kDiverged, "fine-tuning: the loss is not finite",
               [&] { finetune(data_of(), settings); });
}

TEST(ViewsOf, AreCropsWhereTheEncoderLearns) {
  FinetuneSettings settings;
  EXPECT_EQ(views_of(settings), FinetuneViews::kNone);
  settings.freeze = Freeze::kNone;
  EXPECT_EQ(views_of(settings), FinetuneViews::kCropFlip);
  settings.views = FinetuneViews::kNone;
  EXPECT_EQ(views_of(settings), FinetuneViews::kNone);
}

}  // namespace
}  // namespace simclr
