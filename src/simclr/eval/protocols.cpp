#include "simclr/eval/protocols.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "simclr/eval/knn.h"
#include "simclr/eval/linear_probe.h"
#include "simclr/eval/linear_sgd.h"
#include "simclr/loss/cross_entropy.h"

namespace simclr {
namespace {

using Json = nlohmann::ordered_json;

Json curves_of(const TrainingCurve& curve) {
  Json curves = Json::object();
  for (const ProbeEpoch& epoch : curve.epochs) {
    curves["train_loss_curve"].push_back(epoch.train_loss);
    curves["train_curve"].push_back(epoch.train_accuracy);
    curves["validation_curve"].push_back(epoch.validation_accuracy);
    curves["test_curve"].push_back(epoch.test_accuracy);
  }
  return curves;
}

/// The same with no more neighbours than there are, each number once.
KnnSettings within_bank(KnnSettings settings, std::int64_t images) {
  std::vector<std::int64_t> numbers;
  for (const std::int64_t asked : settings.k) {
    const std::int64_t k = std::min(asked, images);
    if (std::find(numbers.begin(), numbers.end(), k) == numbers.end()) numbers.push_back(k);
  }
  settings.k = std::move(numbers);
  return settings;
}

}  // namespace

std::string result_name(Protocol protocol, const Settings& settings) {
  const FinetuneSettings& finetune = settings.finetune;
  std::string name(name_of(protocol));
  const bool whole = protocol == Protocol::kFinetune && finetune.freeze == Freeze::kNone;
  if (whole) name += "-whole";
  if (protocol == Protocol::kLinear && settings.linear.protocol == LinearProtocol::kSgd)
    name += "-sgd";
  if (!whole && settings.eval.on == ScoredVectors::kProjection) name += "-projection";
  if (protocol == Protocol::kFinetune && finetune.labels < 1.0)
    name += fmt::format("-{:g}%", 100 * finetune.labels);
  return name;
}

Outcome score_knn(const FeatureSplits& features, std::int64_t classes, const KnnSettings& asked) {
  const KnnSettings settings = within_bank(asked, features.train.x.size(0));
  const std::vector<at::Tensor> validation =
      knn_votes(features.train, features.validation, settings, classes);
  std::vector<double> accuracies;
  for (const at::Tensor& votes : validation)
    accuracies.push_back(accuracy(votes, features.validation.labels));
  const auto chosen = static_cast<std::size_t>(
      std::max_element(accuracies.begin(), accuracies.end()) - accuracies.begin());

  const std::vector<at::Tensor> test = knn_votes(features.train, features.test, settings, classes);
  Outcome outcome;
  Json by_k = Json::object();
  for (std::size_t i = 0; i < settings.k.size(); ++i) {
    const ClassScores scores = score_classes(test[i], features.test.labels);
    by_k[fmt::format("{}", settings.k[i])] = {{"test_accuracy", scores.top1},
                                              {"test_top5", scores.top5},
                                              {"validation_accuracy", accuracies[i]}};
    if (i == chosen) outcome.test = scores;
  }
  outcome.validation_accuracy = accuracies[chosen];
  outcome.details = {{"k", settings.k[chosen]},
                     {"temperature", settings.temperature},
                     {"by_k", std::move(by_k)},
                     {"bank_images", features.train.x.size(0)}};
  outcome.words =
      fmt::format("whole images; cosine, votes exp(sim / {}), k = {}{}; bank: {} training images",
                  settings.temperature, settings.k[chosen],
                  settings.k.size() == 1
                      ? ", nothing selected"
                      : fmt::format(" of {} chosen on {} validation images",
                                    fmt::join(settings.k, ", "), features.validation.x.size(0)),
                  features.train.x.size(0));
  return outcome;
}

Outcome score_linear_lbfgs(const FeatureSplits& features, std::int64_t classes,
                           const LinearSettings& settings, EventSink& sink) {
  LinearResult result = linear_probe(features, classes, settings, sink);
  Outcome outcome;
  outcome.test = std::move(result.test);
  outcome.validation_accuracy = result.validation_accuracy;
  outcome.details = {{"l2", result.l2}, {"train_accuracy", result.train_accuracy}};
  outcome.words = fmt::format(
      "whole images; standardised, L-BFGS logistic regression on {} training images, L2 chosen on "
      "{} validation images, test scored once",
      features.train.x.size(0), features.validation.x.size(0));
  return outcome;
}

Outcome score_linear_sgd(const FrozenData& data, std::int64_t images,
                         const LinearSettings& settings, std::uint64_t seed,
                         const std::string& note, EventSink& sink) {
  LinearSgdResult result = linear_sgd(data, settings, seed, sink);
  Outcome outcome;
  outcome.curves = curves_of(result.curve);
  outcome.validation_accuracy = result.curve.validation_accuracy();
  outcome.details = {{"lr", result.lr},
                     {"epochs", settings.epochs},
                     {"batch_size", settings.batch_size},
                     {"views", name_of(FinetuneViews::kCropFlip)},
                     {"best_epoch", result.curve.best_epoch + 1}};
  outcome.test = std::move(result.curve.test);
  outcome.words = fmt::format(
      "linear classifier on random crops and flips{} of {} training images, SGD with Nesterov's "
      "momentum, cosine, no weight decay, {} epochs; rate {:g} x {} / 256 and epoch {} chosen on "
      "{} validation images, test curve computed after the choice, on whole images",
      note, images, settings.epochs, result.lr, settings.batch_size, result.curve.best_epoch + 1,
      data.validation.x.size(0));
  return outcome;
}

Outcome finetune_outcome(TrainingCurve curve, const FinetuneSettings& settings,
                         const std::string& words) {
  Outcome outcome;
  outcome.curves = curves_of(curve);
  outcome.validation_accuracy = curve.validation_accuracy();
  outcome.details = {{"epochs", settings.epochs},
                     {"batch_size", settings.batch_size},
                     {"lr", settings.lr},
                     {"views", name_of(views_of(settings))},
                     {"freeze", name_of(settings.freeze)},
                     {"labels", settings.labels},
                     {"best_epoch", curve.best_epoch + 1}};
  outcome.words = fmt::format(
      "{}; epoch {} chosen on validation images, test curve computed after "
      "the choice, on whole images",
      words, curve.best_epoch + 1);
  outcome.test = std::move(curve.test);
  return outcome;
}

}  // namespace simclr
