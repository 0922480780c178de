#include "simclr/report/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <functional>
#include <set>

namespace simclr {
namespace {

const SubStudyRecord* find_sub_study(const StudyRecords& study, const std::string& name) {
  for (const SubStudyRecord& sub : study.sub_studies)
    if (sub.name == name) return &sub;
  return nullptr;
}

/// The figure by seed.
std::map<std::uint64_t, double> by_seed(const StudyRecords& study, const ArmRecord& arm,
                                        const std::string& figure) {
  std::map<std::uint64_t, double> values;
  for (const std::size_t i : arm.trials) {
    const TrialRecord& trial = study.trials[i];
    if (!counts(study, trial)) continue;
    if (const auto value = figure_of(trial, figure)) values[trial.seed] = *value;
  }
  return values;
}

/// log2 of the arm's value where it is a positive number.
std::optional<double> position_of(const ArmRecord& arm) {
  double value = 0.0;
  const auto [end, error] =
      std::from_chars(arm.label.data(), arm.label.data() + arm.label.size(), value);
  if (error != std::errc() || end != arm.label.data() + arm.label.size() || value <= 0.0)
    return std::nullopt;
  return std::log2(value);
}

/// A weight for each arm: the value that a rule looks at is the weighted sum of the arms' figures.
struct Contrast {
  std::vector<const ArmRecord*> arms;
  std::vector<double> weights;

  double spread() const {
    double squares = 0.0;
    for (const double weight : weights) squares += weight * weight;
    return std::sqrt(squares);
  }
};

/// The contrast in every seed that all its arms have.
std::vector<double> values_of(const StudyRecords& study, const Contrast& contrast,
                              const std::string& figure) {
  std::vector<std::map<std::uint64_t, double>> columns;
  for (const ArmRecord* arm : contrast.arms) columns.push_back(by_seed(study, *arm, figure));
  std::vector<double> values;
  for (const auto& [seed, first] : columns.front()) {
    double sum = 0.0;
    bool whole = true;
    for (std::size_t i = 0; i < columns.size() && whole; ++i) {
      const auto found = columns[i].find(seed);
      whole = found != columns[i].end();
      if (whole) sum += contrast.weights[i] * found->second;
    }
    if (whole) values.push_back(sum);
  }
  return values;
}

/// Least-squares slope over the arms' positions.
std::optional<Contrast> slope_of(const SubStudyRecord& sub) {
  Contrast contrast;
  std::vector<double> positions;
  const bool numbers = std::all_of(sub.arms.begin(), sub.arms.end(),
                                   [](const ArmRecord& arm) { return position_of(arm); });
  for (std::size_t i = 0; i < sub.arms.size(); ++i) {
    contrast.arms.push_back(&sub.arms[i]);
    positions.push_back(numbers ? *position_of(sub.arms[i]) : static_cast<double>(i));
  }
  const double middle = mean_of(positions);
  double squares = 0.0;
  for (const double x : positions) squares += (x - middle) * (x - middle);
  if (squares == 0.0) return std::nullopt;
  for (const double x : positions) contrast.weights.push_back((x - middle) / squares);
  return contrast;
}

/// The first of `names` less the mean of the others.
std::optional<Contrast> difference_of(const SubStudyRecord& sub,
                                      const std::vector<std::string>& names) {
  Contrast contrast;
  for (const std::string& name : names) {
    const auto arm = std::find_if(sub.arms.begin(), sub.arms.end(),
                                  [&](const ArmRecord& a) { return a.label == name; });
    if (arm == sub.arms.end()) return std::nullopt;
    contrast.arms.push_back(&*arm);
    contrast.weights.push_back(
        contrast.weights.empty() ? 1.0 : -1.0 / static_cast<double>(names.size() - 1));
  }
  if (contrast.arms.size() < 2) return std::nullopt;
  return contrast;
}

/// The mean of the inner arms less the first (or the last) arm.
std::optional<Contrast> extreme_of(const SubStudyRecord& sub, bool last) {
  if (sub.arms.size() < 3) return std::nullopt;
  Contrast contrast;
  for (std::size_t i = 1; i + 1 < sub.arms.size(); ++i) {
    contrast.arms.push_back(&sub.arms[i]);
    contrast.weights.push_back(1.0 / static_cast<double>(sub.arms.size() - 2));
  }
  contrast.arms.push_back(last ? &sub.arms.back() : &sub.arms.front());
  contrast.weights.push_back(-1.0);
  return contrast;
}

std::string number_text(double value, const std::string& figure) {
  return is_share(figure) ? fmt::format("{:+.2f} points", 100.0 * value)
                          : fmt::format("{:+.4f}", value);
}

std::string interval_text(const Interval& interval, const std::string& figure) {
  const double scale = is_share(figure) ? 100.0 : 1.0;
  return fmt::format("{} (95 %: {:+.2f} to {:+.2f}, n = {})", number_text(interval.value, figure),
                     scale * interval.low(), scale * interval.high(), interval.seeds);
}

/// 1: on the claimed side, -1: on the other, 0: the interval holds the limit.
int side(const Interval& interval) {
  return interval.above(0.0) ? 1 : interval.below(0.0) ? -1 : 0;
}

Verdict verdict_of(int side) {
  return side > 0   ? Verdict::kSupported
         : side < 0 ? Verdict::kContradicted
                    : Verdict::kNotDistinguishable;
}

/// How a curve's last third wobbles about its own trend from epoch to epoch.
std::optional<double> wobble_of(const TrialRecord& trial, const std::string& figure) {
  if (!trial.records || trial.records->epochs.size() < 6) return std::nullopt;
  const auto& epochs = trial.records->epochs;
  const auto value = [&](std::size_t i) {
    return figure == "train_loss" ? epochs[i].train_loss : epochs[i].val_loss;
  };
  double squares = 0.0;
  double count = 0.0;
  for (std::size_t i = std::max<std::size_t>(epochs.size() * 2 / 3, 1); i + 1 < epochs.size();
       ++i) {
    // A value less the mean of its neighbours has 1.5 times the variance of a value.
    const double off = value(i) - (value(i - 1) + value(i + 1)) / 2.0;
    squares += off * off / 1.5;
    count += 1.0;
  }
  if (count == 0.0) return std::nullopt;
  return std::sqrt(squares / count);
}

/// The images that the common measure was taken on, those of one batch if it does not say. Not the
/// views: where one of a pair finds the other, that one mostly finds it too.
double measured_images(const StudyRecords& study, const TrialRecord& trial) {
  return static_cast<double>(trial.measure_images > 0 ? trial.measure_images
                                                      : study.measure_batch_size);
}

/// How far one trial's figure may be off by what it was measured on; nothing if that is not known.
std::optional<double> uncertainty_of(const StudyRecords& study, const TrialRecord& trial,
                                     const std::string& figure, double value) {
  const auto of_share = [&](double count) { return std::sqrt(value * (1.0 - value) / count); };
  if (trial.records && trial.records->results.contains(figure))
    return of_share(trial.records->test_images(figure).value_or(10000.0));
  if (figure == "common_top1" || figure == "common_feature_top1")
    return of_share(measured_images(study, trial));
  if (figure != "val_loss" && figure != "train_loss" && figure != "loss_fall") return std::nullopt;
  const std::optional<double> wobble = wobble_of(trial, figure);
  if (!wobble || figure != "loss_fall") return wobble;
  return *wobble * (1.0 - value) / trial.records->epochs.back().val_loss;
}

}  // namespace

std::optional<Noise> noise_of(const StudyRecords& study, const SubStudyRecord& sub,
                              const std::string& figure) {
  std::vector<std::vector<double>> groups;
  std::set<std::vector<std::size_t>> seen;
  for (const SubStudyRecord& any : study.sub_studies) {
    for (const ArmRecord& arm : any.arms)
      if (seen.insert(arm.trials).second) groups.push_back(values_of(study, arm, figure));
  }
  if (auto noise = pooled_noise(groups)) return noise;
  double squares = 0.0;
  double count = 0.0;
  for (const ArmRecord& arm : sub.arms) {
    for (const std::size_t i : arm.trials) {
      const TrialRecord& trial = study.trials[i];
      const auto value = figure_of(trial, figure);
      if (!value || !counts(study, trial)) continue;
      const auto deviation = uncertainty_of(study, trial, figure, *value);
      if (!deviation) continue;
      squares += *deviation * *deviation;
      count += 1.0;
    }
  }
  if (count == 0.0) return std::nullopt;
  const bool accuracy = figure == "knn" || figure == "linear" || figure == "finetune";
  return Noise{std::sqrt(squares / count), 0.0,
               accuracy ? "the number of test images" : "the curve's own wobble or the images"};
}

std::vector<double> paired_differences(const StudyRecords& study, const ArmRecord& first,
                                       const ArmRecord& second, const std::string& figure) {
  return values_of(study, Contrast{{&first, &second}, {1.0, -1.0}}, figure);
}

Judgement judge(const StudyRecords& study, const ClaimRecord& claim) {
  Judgement judgement;
  const SubStudyRecord* sub = find_sub_study(study, claim.sub_study);
  if (sub == nullptr) return judgement;
  const std::optional<Noise> noise = noise_of(study, *sub, claim.figure);
  const std::string title = figure_title(claim.figure);
  std::size_t fewest_seeds = SIZE_MAX;
  const auto interval = [&](const std::optional<Contrast>& contrast) -> std::optional<Interval> {
    if (!contrast) return std::nullopt;
    const auto found =
        interval_of(values_of(study, *contrast, claim.figure), noise, contrast->spread());
    if (found) fewest_seeds = std::min(fewest_seeds, found->seeds);
    return found;
  };
  if (claim.rule == "rises" || claim.rule == "falls") {
    judgement.rule = fmt::format(
        "{}: slope over {}, per doubling (or per arm where values are no "
        "numbers), {} 0",
        title, sub->title, claim.rule == "rises" ? "above" : "below");
    if (const auto slope = interval(slope_of(*sub))) {
      judgement.verdict = verdict_of(claim.rule == "rises" ? side(*slope) : -side(*slope));
      judgement.figure = interval_text(*slope, claim.figure);
    }
  } else if (claim.rule == "extremes-worse") {
    judgement.rule = fmt::format(
        "{}: mean of the inner arms less the first and less the last, "
        "both above 0",
        title);
    const auto first = interval(extreme_of(*sub, false));
    const auto last = interval(extreme_of(*sub, true));
    if (first && last) {
      judgement.verdict = verdict_of(std::min(side(*first), side(*last)));
      judgement.figure = fmt::format("{}: {}; {}: {}", sub->arms.front().label,
                                     interval_text(*first, claim.figure), sub->arms.back().label,
                                     interval_text(*last, claim.figure));
    }
  } else if (const auto difference = interval(difference_of(*sub, claim.arms))) {
    judgement.figure = interval_text(*difference, claim.figure);
    if (claim.rule == "greater") {
      judgement.verdict = verdict_of(side(*difference));
    } else {
      const bool inside = difference->above(-claim.within) && difference->below(claim.within);
      const bool outside = difference->above(claim.within) || difference->below(-claim.within);
      judgement.verdict = verdict_of(inside ? 1 : outside ? -1 : 0);
    }
  }
  if (claim.rule == "greater" || claim.rule == "same") {
    std::string others;
    for (std::size_t i = 1; i < claim.arms.size(); ++i)
      others += (others.empty() ? "" : ", ") + claim.arms[i];
    judgement.rule =
        fmt::format("{}: {} less {}{}, {}", title, claim.arms.empty() ? "" : claim.arms[0],
                    claim.arms.size() > 2 ? "the mean of " : "", others,
                    claim.rule == "greater" ? "above 0" : fmt::format("within +-{}", claim.within));
  }
  if (judgement.verdict != Verdict::kNotRun && fewest_seeds == 1 && noise)
    judgement.caution = fmt::format("one seed; spread taken from {}", noise->origin);
  return judgement;
}

std::string verdict_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSupported:
      return "supported";
    case Verdict::kContradicted:
      return "contradicted";
    case Verdict::kNotDistinguishable:
      return "not distinguishable";
    case Verdict::kNotRun:
      break;
  }
  return "not run";
}

}  // namespace simclr
