#include "simclr/eval/evaluate_run.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "simclr/augment/presets.h"
#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/text.h"
#include "simclr/core/version.h"
#include "simclr/data/image_keys.h"
#include "simclr/eval/result_line.h"
#include "simclr/train/device.h"
#include "simclr/train/trainer.h"
#include "simclr/train/training_images.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

using Json = nlohmann::ordered_json;

/// Published sets have some images twice. Up to one test image in so many is taken for such a twin.
constexpr std::size_t kTestImagesPerTwin = 100;

std::int64_t classes_of(const DataSplits& data) {
  return static_cast<std::int64_t>(data.class_names.size());
}

bool trains_the_encoder(Protocol protocol, const Settings& settings) {
  return protocol == Protocol::kFinetune && settings.finetune.freeze == Freeze::kNone;
}

/// Whether a protocol draws anything: otherwise every seed gives one encoder the same result.
bool is_random(Protocol protocol, const Settings& settings) {
  if (protocol == Protocol::kLinear) return settings.linear.protocol == LinearProtocol::kSgd;
  return protocol == Protocol::kFinetune;
}

std::string views_words(FinetuneViews views, const Settings& settings) {
  std::string words(name_of(views));
  if (views == FinetuneViews::kCropFlip) words += crop_flip_note(settings.augment);
  return words;
}

/// "features", "projection", or "pixels".
std::string_view vectors_of(EncoderKind kind, Protocol protocol, const Settings& settings) {
  if (kind == EncoderKind::kPixels) return "pixels";
  return name_of(trains_the_encoder(protocol, settings) ? ScoredVectors::kFeatures
                                                        : settings.eval.on);
}

}  // namespace

RunEvaluator::RunEvaluator(EvaluationOptions options, EventSink& sink)
    : options_(std::move(options)),
      sink_(sink),
      run_(options_.encoder.run.empty() ? std::nullopt
                                        : std::optional(RunFolder::open(options_.encoder.run))),
      data_(open_data(options_.settings.data, sink)),
      device_(prepare_device(options_.settings.run)) {
  test_sha256_ = images_sha256(*data_.test);
  trained_on_ = test_images_trained_on();
  RunEncoder trained = load_run_encoder(options_.encoder, options_.settings, sink_);
  trained_.emplace(EncoderKind::kTrained, std::move(trained.model), trained.epoch);
  random_.emplace(EncoderKind::kRandom, initial_model(0), 0);
  if (options_.pixels) pixels_.emplace(EncoderKind::kPixels, std::nullopt, 0);
}

std::optional<std::size_t> RunEvaluator::test_images_trained_on() const {
  if (!run_ || !options_.encoder.weights.empty()) return std::nullopt;
  const std::optional<std::size_t> count = images_trained_on(*run_, *data_.test);
  if (!count || *count == 0) return count;
  const std::string what =
      fmt::format("{} of the {} test images are among those that {} was trained on",
                  with_commas(*count), with_commas(data_.test->size()), run_->path().string());
  const bool twins = *count * kTestImagesPerTwin <= data_.test->size();
  if (!twins && needs_labels(run_->settings())) {
    throw Error(ExitCode::kData, what + ", with their labels",
                "Put the images and the settings that split them (--test-percent, --split-seed) "
                "back as they were, score on other images by --data, or train anew.");
  }
  sink_.message(
      fmt::format("Careful: {}{}.", what,
                  twins ? "" : ", without labels: scores may be better than on new ones"));
  return count;
}

std::uint64_t RunEvaluator::probe_seed(std::int64_t seed_index) const {
  return options_.settings.train.seed + static_cast<std::uint64_t>(seed_index);
}

SimclrModel RunEvaluator::initial_model(std::int64_t seed_index) const {
  Settings settings = options_.settings;
  settings.train.seed = probe_seed(seed_index);
  SimclrModel model = make_model(settings, data_);
  model.to(device_);
  return model;
}

EvaluationPair RunEvaluator::evaluate(Protocol protocol) {
  require_labels(data_, name_of(protocol));
  if (trains_the_encoder(protocol, options_.settings) && options_.settings.finetune.batch_size == 1)
    throw Error(ExitCode::kUsage, "a network is not fine-tuned with batches of one image",
                "Batch norm has no statistics of one image: raise --batch-size.");
  const bool with_pixels = pixels_ && !trains_the_encoder(protocol, options_.settings);
  EvaluationPair pair;
  std::string lines;
  if (options_.random) {
    pair.random = score(*random_, protocol);
    lines += pair.random.json + "\n";
  }
  if (with_pixels) {
    pair.pixels = score(*pixels_, protocol);
    lines += pair.pixels->json + "\n";
  }
  pair.trained = score(*trained_, protocol);
  if (run_) append_line(run_->results(), lines + pair.trained.json);
  return pair;
}

std::vector<Outcome> RunEvaluator::run_seeds(Subject& subject, Protocol protocol) {
  std::vector<Outcome> outcomes;
  const bool random_encoder = subject.kind() == EncoderKind::kRandom;
  const bool once = !random_encoder && !is_random(protocol, options_.settings);
  const std::int64_t seeds = once ? 1 : options_.settings.eval.seeds;
  for (std::int64_t i = 0; i < seeds; ++i) {
    if (seeds > 1 || is_random(protocol, options_.settings))
      sink_.message(fmt::format("{}, seed {} of {}:", subject.title(), i + 1, seeds));
    const bool frozen_random =
        random_encoder && i > 0 && !trains_the_encoder(protocol, options_.settings);
    if (frozen_random) {
      Subject other(EncoderKind::kRandom, initial_model(i), 0);
      outcomes.push_back(run_once(other, protocol, i));
    } else {
      outcomes.push_back(run_once(subject, protocol, i));
    }
  }
  return outcomes;
}

Outcome RunEvaluator::run_once(Subject& subject, Protocol protocol, std::int64_t seed_index) {
  const Settings& settings = options_.settings;
  Outcome outcome;
  if (protocol == Protocol::kFinetune) {
    outcome = run_finetune(subject, seed_index);
  } else if (protocol == Protocol::kLinear && settings.linear.protocol == LinearProtocol::kSgd) {
    const LabelledImages all = labelled_images(data_, 1.0, settings.data.split_seed);
    const FrozenData frozen = subject.frozen_data(settings, data_, FinetuneViews::kCropFlip, all,
                                                  probe_seed(seed_index), sink_);
    outcome = score_linear_sgd(frozen, all.positions.numel(), settings.linear,
                               probe_seed(seed_index), crop_flip_note(settings.augment), sink_);
  } else {
    const FeatureSplits& features = subject.features(settings, data_, sink_);
    outcome = protocol == Protocol::kKnn
                  ? score_knn(features, classes_of(data_), settings.knn)
                  : score_linear_lbfgs(features, classes_of(data_), settings.linear, sink_);
  }
  subject.check_unmoved(std::string(name_of(protocol)));
  if (!trains_the_encoder(protocol, settings))
    outcome.words = subject.words(settings, data_) + "; " + outcome.words;
  return outcome;
}

Outcome RunEvaluator::run_finetune(Subject& subject, std::int64_t seed_index) {
  const Settings& settings = options_.settings;
  const FinetuneSettings& finetune = settings.finetune;
  const LabelledImages labelled = labelled_images(
      data_, finetune.labels, settings.data.split_seed + static_cast<std::uint64_t>(seed_index));
  Outcome outcome;
  if (finetune.freeze == Freeze::kNone) {
    outcome = run_finetune_whole(subject, labelled, seed_index);
  } else {
    const FinetuneViews views = views_of(finetune);
    const FrozenData frozen =
        subject.frozen_data(settings, data_, views, labelled, probe_seed(seed_index), sink_);
    if (views == FinetuneViews::kNone) {
      sink_.message(
          fmt::format("{}: its views do not change, so its features were computed once "
                      "and serve all {} epochs.",
                      subject.title(), finetune.epochs));
    }
    const std::string words =
        fmt::format("head Linear({}, {}), Adam {}, {} epochs of {} labelled images, views: {}",
                    frozen.validation.x.size(1), classes_of(data_), finetune.lr, finetune.epochs,
                    labelled.images->size(), views_words(views, settings));
    outcome = finetune_outcome(finetune_frozen(frozen, finetune, probe_seed(seed_index), sink_),
                               finetune, words);
  }
  outcome.details["labelled_images"] = labelled.images->size();
  outcome.details["labelled_sha256"] = labelled.sha256;
  return outcome;
}

SimclrModel RunEvaluator::classifier(const Subject& subject, std::int64_t seed_index) const {
  SimclrModel model =
      SimclrModel::supervised(options_.settings.model, classes_of(data_), probe_seed(seed_index));
  if (subject.kind() == EncoderKind::kTrained) {
    const std::map<std::string, at::Tensor> state = state_of(*subject.model());
    std::map<std::string, TensorEntry> entries;
    for (const auto& [name, tensor] : state)
      if (name.starts_with("encoder.")) entries[name] = to_entry(tensor);
    load_strictly(model, entries, "", Part::kEncoder);
  }
  model.to(device_);
  return model;
}

Outcome RunEvaluator::run_finetune_whole(const Subject& subject, const LabelledImages& labelled,
                                         std::int64_t seed_index) {
  const Settings& settings = options_.settings;
  SimclrModel model = classifier(subject, seed_index);
  const std::string before = encoder_sha256(model);
  const WholeData whole{labelled.images,  data_.validation, data_.test,
                        settings.augment, data_.image_size, classes_of(data_)};
  const bool trained = subject.kind() == EncoderKind::kTrained;
  const std::string words = fmt::format(
      "whole network trained with labels, {}; head Linear({}, {}), Adam {}, {} epochs of {} "
      "labelled images, views: {}",
      trained ? "from the pretrained encoder" : "from scratch (supervised)", model.feature_width(),
      classes_of(data_), settings.finetune.lr, settings.finetune.epochs, labelled.images->size(),
      views_words(views_of(settings.finetune), settings));
  Outcome outcome =
      finetune_outcome(finetune_whole(model, whole, settings.finetune, probe_seed(seed_index),
                                      settings.run.workers, sink_),
                       settings.finetune, words);
  const std::string after = encoder_sha256(model);
  if (before == after) {
    throw Error(ExitCode::kFailed,
                "finetune: the whole network was to be trained, but its encoder "
                "did not move");
  }
  outcome.details["encoder_sha256_start"] = before;
  outcome.details["encoder_sha256_trained"] = after;
  return outcome;
}

EvaluationResult RunEvaluator::score(Subject& subject, Protocol protocol) {
  const Settings& settings = options_.settings;
  const std::vector<Outcome> outcomes = run_seeds(subject, protocol);
  const MergedOutcome merged = merge(outcomes, data_.class_names);
  const std::string name = result_name(protocol, settings);
  const std::string encoder(name_of(subject.kind()));
  const std::filesystem::path table =
      std::filesystem::path("evaluations") / fmt::format("{}-{}.csv", name, encoder);
  if (run_) write_confusion(run_->path() / table, merged, data_.class_names);
  const bool trained = subject.kind() == EncoderKind::kTrained;
  const RunEncoderOptions& encoder_of = options_.encoder;
  std::string words = outcomes.front().words;
  if (outcomes.size() > 1) {
    words +=
        fmt::format("; mean of {} seeds, what was chosen being the first one's", outcomes.size());
  }
  if (trained && trained_on_.value_or(0) > 0)
    words += fmt::format("; {} of the test images were trained on", *trained_on_);
  Json line{{"protocol", name},
            {"encoder", encoder},
            {"epoch", subject.epoch()},
            {"test_images", data_.test->size()},
            {"test_sha256", test_sha256_},
            {"test_images_trained_on", trained && trained_on_ ? Json(*trained_on_) : Json(nullptr)},
            {"protocol_text", words},
            {"frozen", !trains_the_encoder(protocol, settings)},
            {"vectors", vectors_of(subject.kind(), protocol, settings)},
            {"encoder_sha256", subject.sha256()},
            {"encoder_sha256_after", subject.sha256()},  // or check_unmoved had thrown
            {"seed", settings.train.seed},
            {"seeds", outcomes.size()},
            {"data", settings.data.source},
            {"checkpoint",
             encoder_of.weights.empty() ? encoder_of.checkpoint : encoder_of.weights.string()},
            {"weights", trained && encoder_of.average ? "ema" : "as trained"},
            {"confusion_file", run_ ? table.string() : ""},
            {"commit", commit()},
            {"command", options_.command}};
  line.update(merged.fields);
  return {name,
          subject.kind(),
          merged.test.mean,
          outcomes.size() > 1 ? std::optional(merged.test.deviation) : std::nullopt,
          merged.test_top5.mean,
          merged.validation_accuracy,
          line.dump()};
}

}  // namespace simclr
