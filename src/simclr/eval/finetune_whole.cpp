#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "simclr/augment/presets.h"
#include "simclr/eval/finetune.h"
#include "simclr/loss/cross_entropy.h"
#include "simclr/optim/optimizer.h"
#include "simclr/train/checkpoint.h"
#include "simclr/train/step.h"

namespace simclr {
namespace {

std::unique_ptr<Optimizer> adam_for(const SimclrModel& model) {
  OptimSettings settings;
  settings.optimizer = OptimizerKind::kAdam;
  std::vector<OptimizedParameter> parameters;
  for (const auto& [name, tensor] : model.parameters()) parameters.push_back({name, tensor});
  return make_optimizer(settings, std::move(parameters));
}

/// Trains, and says what it thinks of whole images.
class WholeTrainer {
 public:
  WholeTrainer(SimclrModel& model, const WholeData& data, const FinetuneSettings& settings,
               std::uint64_t seed, std::int64_t workers)
      : model_(model),
        data_(data),
        settings_(settings),
        seed_(seed),
        workers_(workers),
        optimizer_(adam_for(model)) {
    classifier_.name = "network";
    classifier_.vectors_of = [&model](const at::Tensor& views) {
      model.set_training(false);
      return model.project(model.encode(views));
    };
    classifier_.width = data.classes;
    classifier_.side = data.side;
    classifier_.device = model.parameters().front().tensor.device();
  }

  ProbeEpoch train_epoch(std::uint32_t epoch, EventSink& sink) {
    BatchLoader loader(data_.train, plan(epoch), workers_);
    model_.set_training(true);
    RunningMean sums;
    std::int64_t done = 0;
    while (auto batch = loader.next()) {
      // Batch norm cannot take one image alone where a map has shrunk to one pixel.
      if (batch->images == 1 && data_.train->size() > 1) continue;
      const StepResult step = train_step({model_, *optimizer_}, {Objective::kSupervised, {}},
                                         views_tensor(*batch, data_.side, classifier_.device),
                                         batch->labels, settings_.lr);
      check_finite(step.bad_gradient.empty() ? step.loss : std::nan(""), epoch);
      sums.add(step.loss, step.accuracy, batch->images);
      sink.progress(fmt::format("Fine-tuning, epoch {}/{}", epoch + 1, settings_.epochs), ++done,
                    loader.batches(), fmt::format("loss {:.3f}", sums.loss()));
    }
    return {sums.loss(), sums.accuracy(), 0.0, 0.0};
  }

  /// f32 [n, classes], and the labels.
  Features scores_of(const std::shared_ptr<const Dataset>& images, const char* name,
                     EventSink& sink) const {
    return extract_features(classifier_, images,
                            whole_images(classifier_, data_.augment.normalization), workers_, name,
                            sink);
  }

 private:
  BatchPlan plan(std::uint32_t epoch) const {
    const bool whole = views_of(settings_) == FinetuneViews::kNone;
    return {.kind = whole ? ViewKind::kWholeImage : ViewKind::kOneRandom,
            .augment = crop_flip(data_.augment),
            .batch_size = settings_.batch_size,
            .side = data_.side,
            .shuffle = true,
            .seed = seed_,
            .epoch = epoch};
  }

  SimclrModel& model_;
  const WholeData& data_;
  const FinetuneSettings& settings_;
  std::uint64_t seed_;
  std::int64_t workers_;
  std::unique_ptr<Optimizer> optimizer_;
  Embedding classifier_;
};

}  // namespace

TrainingCurve finetune_whole(SimclrModel& model, const WholeData& data,
                             const FinetuneSettings& settings, std::uint64_t seed,
                             std::int64_t workers, EventSink& sink) {
  WholeTrainer trainer(model, data, settings, seed, workers);
  TrainingCurve curve;
  std::vector<at::Tensor> named;  // the class that each epoch's network gives each test image
  Features chosen;                // the best epoch's scores
  for (std::uint32_t e = 0; e < settings.epochs; ++e) {
    ProbeEpoch epoch = trainer.train_epoch(e, sink);
    const Features validation = trainer.scores_of(data.validation, "validation images", sink);
    epoch.validation_accuracy = accuracy(validation.x, validation.labels);
    curve.add(epoch);
    const Features test = trainer.scores_of(data.test, "test images", sink);
    named.push_back(test.x.argmax(1));
    if (curve.best_is_last()) chosen = test;
    sink.message(fmt::format("Epoch {}/{}  Train Loss: {:.6f}, Train Acc: {:.6f} | Val Acc: {:.6f}",
                             e + 1, settings.epochs, epoch.train_loss, epoch.train_accuracy,
                             epoch.validation_accuracy));
  }
  for (std::size_t e = 0; e < named.size(); ++e)
    curve.epochs[e].test_accuracy =
        named[e].eq(chosen.labels).to(at::kDouble).mean().item<double>();
  curve.test = score_classes(chosen.x, chosen.labels);
  return curve;
}

}  // namespace simclr
