#include "simclr/report/study_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <set>

#include "simclr/report/curves.h"
#include "simclr/report/statistics.h"
#include "simclr/report/study_tables.h"

namespace simclr {
namespace {

constexpr std::array kProtocols{"finetune", "linear", "knn"};

using Series = std::function<std::vector<double>(const TrialRecord&)>;

/// The mean of a series over the arm's trials, as far as all of them go.
Curve mean_curve(const StudyRecords& study, const ArmRecord& arm, const std::string& label,
                 int color, Stroke stroke, const Series& series) {
  std::vector<std::vector<double>> all;
  std::size_t length = SIZE_MAX;
  for (const std::size_t i : arm.trials) {
    std::vector<double> values = series(study.trials[i]);
    if (values.empty()) continue;
    length = std::min(length, values.size());
    all.push_back(std::move(values));
  }
  Curve curve{label, {}, {}, color, stroke};
  for (std::size_t e = 0; !all.empty() && e < length; ++e) {
    double sum = 0.0;
    for (const auto& values : all) sum += values[e];
    curve.x.push_back(static_cast<double>(e + 1));
    curve.y.push_back(sum / static_cast<double>(all.size()));
  }
  return curve;
}

Series epochs_of(double EpochMetrics::*column) {
  return [column](const TrialRecord& trial) {
    std::vector<double> values;
    if (trial.records) {
      for (const EpochMetrics& epoch : trial.records->epochs) values.push_back(epoch.*column);
    }
    return values;
  };
}

Curve key_entry(const std::string& label, Stroke stroke) { return {label, {}, {}, kGrey, stroke}; }

bool is_contrastive(const TrialRecord& trial) {
  return trial.records && trial.records->settings.train.objective == Objective::kContrastive;
}

std::optional<double> number(const std::string& text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Where arms stand along x, and which of several lines each belongs to: of two settings the last
/// is x, the other names the line.
struct Layout {
  std::vector<std::string> lines;
  std::vector<int> line;  ///< of each arm
  std::vector<double> x;  ///< of each arm
  std::vector<std::string> names;
  bool log_x = false;
  std::string x_label;
};

std::string value_in(const ArmRecord& arm, const std::string& key) {
  const auto found = arm.values.find(key);
  return found == arm.values.end() ? arm.label : found->second;
}

int index_in(std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  const auto index = found - names.begin();
  if (found == names.end()) names.push_back(name);
  return static_cast<int>(index);
}

Layout layout_of(const SubStudyRecord& sub) {
  Layout layout;
  const bool two = sub.keys.size() == 2;
  const bool one = sub.keys.size() == 1;
  layout.x_label = two ? sub.keys.back() : one ? sub.keys.front() : sub.title;
  std::vector<std::string> texts;
  for (const ArmRecord& arm : sub.arms) {
    texts.push_back(two ? value_in(arm, sub.keys.back()) : arm.label);
    layout.line.push_back(two ? index_in(layout.lines, value_in(arm, sub.keys.front())) : 0);
  }
  if (layout.lines.empty()) layout.lines = {""};
  const bool numbers = std::all_of(texts.begin(), texts.end(), [](const std::string& text) {
    return number(text).value_or(-1.0) > 0.0;
  });
  for (const std::string& text : texts)
    layout.x.push_back(numbers ? *number(text) : index_in(layout.names, text));
  if (numbers) {
    const auto [low, high] = std::minmax_element(layout.x.begin(), layout.x.end());
    layout.log_x = *high > 4.0 * *low;
  }
  return layout;
}

/// A figure as a line over the setting.
struct FigureLine {
  std::string figure;
  std::string label;
  int color = 0;
  Stroke stroke = Stroke::kSolid;
};

/// A curve for each line of the layout, in rising x.
void add_curves(Plot& plot, const StudyRecords& study, const SubStudyRecord& sub,
                const Layout& layout, const FigureLine& line) {
  for (std::size_t l = 0; l < layout.lines.size(); ++l) {
    Curve curve{layout.lines[l].empty() ? line.label : line.label + ", " + layout.lines[l],
                {},
                {},
                line.color + 3 * static_cast<int>(l),
                line.stroke,
                {}};
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < sub.arms.size(); ++i)
      if (std::cmp_equal(layout.line[i], l)) order.push_back(i);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return layout.x[a] < layout.x[b]; });
    for (const std::size_t i : order) {
      const std::vector<double> values = values_of(study, sub.arms[i], line.figure);
      if (values.empty()) continue;
      curve.x.push_back(layout.x[i]);
      curve.y.push_back(mean_of(values));
      curve.error.push_back(deviation_of(values).value_or(0.0));
    }
    if (!curve.x.empty()) plot.curves.push_back(std::move(curve));
  }
}

Plot setting_plot(const SubStudyRecord& sub, const Layout& layout, const std::string& title) {
  Plot plot{title + " by " + sub.title, layout.x_label, "test accuracy", "", {}, true};
  plot.log_x = layout.log_x;
  plot.x_names = layout.names;
  return plot;
}

/// A level across all curves so far, dotted. Arms without results have no place there.
void add_level(Plot& plot, const std::string& label, double y, int color) {
  std::vector<double> x;
  for (const Curve& curve : plot.curves) x.insert(x.end(), curve.x.begin(), curve.x.end());
  if (x.empty()) return;
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  plot.curves.push_back({label, {*low, *high}, {y, y}, color, Stroke::kDotted});
}

/// What was fine-tuned: the head alone, the whole network, or the one or the other by arm.
std::string finetune_caption(const StudyRecords& study, const SubStudyRecord& sub) {
  constexpr const char* kFrozen =
      "The encoder is frozen, a new linear head is trained with labels. Dotted: the same with a "
      "random encoder.";
  constexpr const char* kWhole =
      "The whole network is trained with labels, from the arm's encoder with a new linear head. "
      "Dotted: from random weights, as supervised training is.";
  constexpr const char* kEither =
      "With labels a new linear head is trained, and in some arms the encoder too (finetune.freeze "
      "none). Dotted: the same from a random encoder.";
  bool frozen = false;
  bool whole = false;
  for (const ArmRecord& arm : sub.arms) {
    for (const std::size_t i : arm.trials) {
      const auto& records = study.trials[i].records;
      const ResultRecord* result = records ? records->result("finetune", true) : nullptr;
      if (result == nullptr) continue;
      (result->protocol.starts_with("finetune-whole") ? whole : frozen) = true;
    }
  }
  return whole && frozen ? kEither : whole ? kWhole : kFrozen;
}

/// Of the random encoder: a level where all arms have the same, else a dotted line over the
/// setting.
void add_random(Plot& plot, const StudyRecords& study, const SubStudyRecord& sub,
                const Layout& layout, const FigureLine& line) {
  const auto shared = shared_random_values(study, sub, line.figure);
  if (!shared) {
    add_curves(plot, study, sub, layout,
               {"random_" + line.figure, line.label, line.color, Stroke::kDotted});
  } else if (!shared->empty()) {
    add_level(plot, line.label, mean_of(*shared), line.color);
  }
}

}  // namespace

Figure loss_figure(const StudyRecords& study, const SubStudyRecord& sub) {
  Plot plot{"Loss by " + sub.title, "epoch", "loss (natural log)", "", {}, false};
  std::map<double, std::pair<std::int64_t, double>> chances;  // level -> N, last epoch
  for (std::size_t a = 0; a < sub.arms.size(); ++a) {
    const ArmRecord& arm = sub.arms[a];
    const int color = static_cast<int>(a);
    plot.curves.push_back(
        mean_curve(study, arm, "", color, Stroke::kDashed, epochs_of(&EpochMetrics::train_loss)));
    plot.curves.push_back(mean_curve(study, arm, arm.label, color, Stroke::kSolid,
                                     epochs_of(&EpochMetrics::val_loss)));
    for (const std::size_t i : arm.trials) {
      const TrialRecord& trial = study.trials[i];
      if (!is_contrastive(trial) || trial.records->epochs.empty()) continue;
      auto& [n, last] = chances[chance_loss(*trial.records)];
      n = trial.records->settings.train.batch_size;
      last = std::max(last, static_cast<double>(trial.records->epochs.size()));
    }
  }
  for (const auto& [level, where] : chances) {
    const std::string label = chances.size() == 1 ? fmt::format("chance, {:.2f}", level)
                                                  : fmt::format("chance, N {}", where.first);
    plot.curves.push_back(
        {label, {1.0, std::max(where.second, 1.0)}, {level, level}, kGrey, Stroke::kDotted});
  }
  plot.curves.push_back(key_entry("validation", Stroke::kSolid));
  plot.curves.push_back(key_entry("training", Stroke::kDashed));
  return {sub.file + "-loss", plot.title,
          "Dotted: ln(2N-1), the loss of projections that tell nothing apart. Losses at different "
          "temperatures or batch sizes are different quantities.",
          plot};
}

Figure finetune_figure(const StudyRecords& study, const SubStudyRecord& sub) {
  Plot plot{
      "Fine-tuned accuracy by " + sub.title, "epoch of fine-tuning", "accuracy", "", {}, true};
  const auto tuned = [](bool trained, bool test) -> Series {
    return [trained, test](const TrialRecord& trial) {
      const ResultRecord* result =
          trial.records ? trial.records->result("finetune", trained) : nullptr;
      if (result == nullptr) return std::vector<double>{};
      return test ? result->test_curve : result->train_curve;
    };
  };
  for (std::size_t a = 0; a < sub.arms.size(); ++a) {
    const ArmRecord& arm = sub.arms[a];
    const int color = static_cast<int>(a);
    Curve train = mean_curve(study, arm, "", color, Stroke::kDashed, tuned(true, false));
    Curve test = mean_curve(study, arm, arm.label, color, Stroke::kSolid, tuned(true, true));
    if (!train.x.empty()) plot.curves.push_back(std::move(train));
    if (!test.x.empty()) plot.curves.push_back(std::move(test));
  }
  // Arms that share an initial encoder share its curve: it is drawn once.
  std::set<std::vector<double>> drawn;
  for (const ArmRecord& arm : sub.arms) {
    Curve random = mean_curve(study, arm, drawn.empty() ? "random encoder" : "", kGrey,
                              Stroke::kDotted, tuned(false, true));
    if (!random.y.empty() && drawn.insert(random.y).second)
      plot.curves.push_back(std::move(random));
  }
  plot.curves.push_back(key_entry("test", Stroke::kSolid));
  plot.curves.push_back(key_entry("training", Stroke::kDashed));
  return {sub.file + "-finetune", plot.title, finetune_caption(study, sub), plot};
}

Figure accuracy_figure(const StudyRecords& study, const SubStudyRecord& sub) {
  const Layout layout = layout_of(sub);
  Plot plot = setting_plot(sub, layout, "Test accuracy");
  int color = 0;
  for (const std::string protocol : kProtocols) {
    const std::string title = protocol_title(protocol);
    add_curves(plot, study, sub, layout, {protocol, title, color});
    add_random(plot, study, sub, layout, {protocol, "random encoder, " + protocol, color});
    ++color;
  }
  return {sub.file + "-accuracy", plot.title,
          "Final test accuracy; bars: standard deviation over seeds. Dotted: the random encoder "
          "under the same protocol.",
          plot};
}

Figure common_figure(const StudyRecords& study, const SubStudyRecord& sub) {
  const Layout layout = layout_of(sub);
  Plot plot = setting_plot(sub, layout, "Common measure");
  plot.y_label = "the other view is nearest";
  add_curves(plot, study, sub, layout, {"common_top1", "projections", 0});
  add_random(plot, study, sub, layout, {"common_top1", "random, projections", 0});
  add_curves(plot, study, sub, layout, {"common_feature_top1", "features", 1});
  add_random(plot, study, sub, layout, {"common_feature_top1", "random, features", 1});
  add_level(plot, "chance", 1.0 / (2.0 * static_cast<double>(study.measure_batch_size) - 1.0),
            kGrey);
  return {sub.file + "-common", plot.title,
          fmt::format("Contrastive top-1 among {} other views of the same validation images: the "
                      "measure by which arms of different temperatures and batch sizes can be "
                      "compared. Dotted: the random encoder.",
                      2 * study.measure_batch_size - 1),
          plot};
}

}  // namespace simclr
