#include "simclr/eval/evaluate_run.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "simclr/augment/presets.h"
#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/version.h"
#include "simclr/eval/finetune.h"
#include "simclr/eval/knn.h"
#include "simclr/eval/linear_probe.h"
#include "simclr/train/checkpoint.h"
#include "simclr/train/device.h"
#include "simclr/train/trainer.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

using Json = nlohmann::ordered_json;

std::filesystem::path checkpoint_of(const RunFolder& run, const std::string& name) {
  const std::filesystem::path path = run.checkpoint(name);
  if (std::filesystem::exists(path)) return path;
  throw Error(ExitCode::kUsage, fmt::format("{}: there is no such checkpoint", path.string()),
              "Train first: `simclr pretrain --out` writes it after every epoch.");
}

std::int64_t classes_of(const DataSplits& data) {
  return static_cast<std::int64_t>(data.class_names.size());
}

/// What a protocol found, before it becomes a line.
struct Score {
  double test_accuracy = 0.0;
  double validation_accuracy = 0.0;
  Json details;
  std::string words;
  Json curves = Json::object();  ///< per epoch
};

Score score_knn(const FeatureSplits& features, std::int64_t classes, const KnnSettings& settings) {
  return {knn_accuracy(features.train, features.test, settings, classes),
          knn_accuracy(features.train, features.validation, settings, classes),
          Json{{"k", settings.k}, {"temperature", settings.temperature}},
          fmt::format("frozen encoder, batch norm in eval mode, whole images; cosine, k = {}, "
                      "votes exp(sim / {}); bank: "
                      "{} training images; nothing selected",
                      settings.k, settings.temperature, features.train.x.size(0))};
}

Score score_linear(const FeatureSplits& features, std::int64_t classes,
                   const LinearSettings& settings, EventSink& sink) {
  const LinearResult result = linear_probe(features, classes, settings, sink);
  return {
      result.test_accuracy, result.validation_accuracy,
      Json{{"l2", result.l2}, {"train_accuracy", result.train_accuracy}},
      fmt::format(
          "frozen encoder, batch norm in eval mode, whole images; features standardised; L-BFGS "
          "logistic "
          "regression on {} training images, L2 chosen on {} validation images, test scored once",
          features.train.x.size(0), features.validation.x.size(0))};
}

Score score_finetune(const FeatureSplits& features,
                     const std::function<Features(std::uint32_t)>& train_features,
                     std::int64_t classes, const Settings& settings, EventSink& sink) {
  const FinetuneSettings& finetune = settings.finetune;
  const FinetuneResult result =
      finetune_frozen(features, train_features, classes, finetune, settings.train.seed, sink);
  Score score;
  score.test_accuracy = result.test_accuracy();
  score.validation_accuracy = result.epochs[result.best_epoch].validation_accuracy;
  score.details = Json{{"epochs", finetune.epochs},
                       {"batch_size", finetune.batch_size},
                       {"lr", finetune.lr},
                       {"views", name_of(finetune.views)},
                       {"freeze", name_of(finetune.freeze)},
                       {"best_epoch", result.best_epoch + 1}};
  for (const FinetuneEpoch& epoch : result.epochs) {
    score.curves["train_loss_curve"].push_back(epoch.train_loss);
    score.curves["train_curve"].push_back(epoch.train_accuracy);
    score.curves["validation_curve"].push_back(epoch.validation_accuracy);
    score.curves["test_curve"].push_back(epoch.test_accuracy);
  }
  score.words = fmt::format(
      "frozen encoder, batch norm in eval mode; head Linear({}, {}), Adam {}, {} epochs of {} "
      "labelled images, views: {}; "
      "epoch chosen on {} validation images, test curve computed after the choice",
      features.train.x.size(1), classes, finetune.lr, finetune.epochs, features.train.x.size(0),
      name_of(finetune.views), features.validation.x.size(0));
  return score;
}

}  // namespace

RunEvaluator::RunEvaluator(EvaluationOptions options, EventSink& sink)
    : options_(std::move(options)),
      sink_(sink),
      run_(RunFolder::open(options_.run)),
      data_(open_data(options_.settings.data, sink)),
      random_{make_model(options_.settings, data_), false, 0, "", std::nullopt},
      trained_{make_model(options_.settings, data_), true, 0, "", std::nullopt} {
  const c10::Device device = prepare_device(options_.settings.run);
  const std::filesystem::path checkpoint = checkpoint_of(run_, options_.checkpoint);
  trained_.epoch = load_model(checkpoint, trained_.model,
                              options_.average ? Weights::kAverage : Weights::kTrained);
  for (Subject* subject : {&random_, &trained_}) {
    subject->sha256 = encoder_sha256(subject->model);
    subject->model.to(device);
  }
  sink_.message(fmt::format("{}: {} tensors, epoch {}, encoder {}", checkpoint.string(),
                            trained_.model.parameters().size() + trained_.model.buffers().size(),
                            trained_.epoch, trained_.sha256.substr(0, 12)));
}

EvaluationPair RunEvaluator::evaluate(Protocol protocol) {
  require_labels(data_, name_of(protocol));
  EvaluationPair pair{score(random_, protocol), score(trained_, protocol)};
  append_line(run_.results(), pair.random.json + "\n" + pair.trained.json);
  return pair;
}

const FeatureSplits& RunEvaluator::features(Subject& subject) {
  if (!subject.features) {
    subject.features =
        extract_splits(subject.model, data_, options_.settings.augment.normalization,
                       options_.settings.run.workers,
                       subject.trained ? "trained encoder" : "random encoder", sink_);
  }
  return *subject.features;
}

EvaluationResult RunEvaluator::score(Subject& subject, Protocol protocol) {
  const FeatureSplits& splits = features(subject);
  const Settings& settings = options_.settings;
  const auto train_features = [&](std::uint32_t epoch) {
    if (settings.finetune.views == FinetuneViews::kNone) return splits.train;
    const BatchPlan plan{.kind = ViewKind::kOneRandom,
                         .augment = crop_flip(settings.augment),
                         .side = data_.image_size,
                         .seed = settings.train.seed,
                         .epoch = epoch};
    return extract_features(subject.model, data_.train, plan, settings.run.workers,
                            fmt::format("views of epoch {}", epoch + 1), sink_);
  };
  Score found;
  switch (protocol) {
    case Protocol::kKnn:
      found = score_knn(splits, classes_of(data_), settings.knn);
      break;
    case Protocol::kLinear:
      found = score_linear(splits, classes_of(data_), settings.linear, sink_);
      break;
    case Protocol::kFinetune:
      found = score_finetune(splits, train_features, classes_of(data_), settings, sink_);
      break;
  }
  const std::string sha256_after = encoder_sha256(subject.model);
  if (sha256_after != subject.sha256) {
    throw Error(ExitCode::kFailed, fmt::format("{}: the frozen encoder moved from {} to {}",
                                               name_of(protocol), subject.sha256, sha256_after));
  }
  Json line{{"protocol", name_of(protocol)},
            {"encoder", subject.trained ? "trained" : "random"},
            {"epoch", subject.epoch},
            {"test_accuracy", found.test_accuracy},
            {"validation_accuracy", found.validation_accuracy},
            {"test_images", data_.test->size()},
            {"protocol_text", found.words},
            {"details", found.details},
            {"encoder_sha256", subject.sha256},
            {"encoder_sha256_after", sha256_after},
            {"seed", settings.train.seed},
            {"data", settings.data.source},
            {"checkpoint", options_.checkpoint},
            {"weights", subject.trained && options_.average ? "ema" : "as trained"},
            {"commit", commit()},
            {"command", options_.command}};
  line.update(found.curves);
  return {protocol, subject.trained, found.test_accuracy, found.validation_accuracy, line.dump()};
}

}  // namespace simclr
