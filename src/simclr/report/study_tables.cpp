#include "simclr/report/study_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "simclr/core/text.h"
#include "simclr/report/claims.h"
#include "simclr/report/curves.h"
#include "simclr/report/markup.h"
#include "simclr/report/statistics.h"

namespace simclr {
namespace {

using Cells = std::vector<std::string>;

// What can be compared comes first.
constexpr std::array kFigures{"finetune",    "linear",   "knn",        "common_top1",
                              "common_loss", "val_loss", "train_loss", "contrastive_top1"};
constexpr std::array kAccuracies{"knn", "linear", "finetune"};

std::string value_text(double value, const std::string& figure) {
  return is_share(figure) ? fmt::format("{:.2f}", 100 * value) : fmt::format("{:.3f}", value);
}

/// "12.34 ± 0.56", without the spread where there is one seed; "–" where there is nothing.
std::string spread_text(const std::vector<double>& values, const std::string& figure) {
  if (values.empty()) return "–";
  const std::string mean = value_text(mean_of(values), figure);
  const auto deviation = deviation_of(values);
  return deviation ? mean + " ± " + value_text(*deviation, figure) : mean;
}

std::string heading(const std::string& figure) {
  return figure_title(figure) + (is_share(figure) ? ", %" : "");
}

void add_csv(Table& table, const SubStudyRecord& sub, const std::string& arm,
             const std::string& figure, const std::vector<double>& values) {
  if (values.empty()) return;
  const auto deviation = deviation_of(values);
  std::string all;
  for (const double value : values) all += fmt::format("{}{}", all.empty() ? "" : " ", value);
  table.csv_rows.push_back({sub.name, arm, figure, fmt::format("{}", mean_of(values)),
                            deviation ? fmt::format("{}", *deviation) : "",
                            fmt::format("{}", values.size()), all});
}

/// What any of the arms has: the usual figures, then results of other protocols ("linear-sgd").
std::vector<std::string> figures_of(const StudyRecords& study, const SubStudyRecord& sub) {
  std::vector<std::string> names(kFigures.begin(), kFigures.end());
  for (const ArmRecord& arm : sub.arms) {
    for (const std::size_t i : arm.trials) {
      if (!study.trials[i].records) continue;
      for (const auto& [name, pair] : study.trials[i].records->results)
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  std::erase_if(names, [&](const std::string& figure) {
    return std::none_of(sub.arms.begin(), sub.arms.end(), [&](const ArmRecord& arm) {
      return !values_of(study, arm, figure).empty();
    });
  });
  return names;
}

/// One for all arms where they begin with the same encoder, else one for each.
void add_random_rows(Table& table, const StudyRecords& study, const SubStudyRecord& sub,
                     const std::vector<std::string>& figures) {
  using Values = std::function<std::vector<double>(const std::string&)>;
  const auto add = [&](const std::string& name, const Values& values_of_figure) {
    Cells row{name, ""};
    for (const std::string& figure : figures) {
      const std::vector<double> values = values_of_figure(figure);
      row.push_back(spread_text(values, figure));
      if (figure == "val_loss") row.emplace_back("–");
      add_csv(table, sub, name, figure, values);
    }
    table.rows.push_back(std::move(row));
  };
  const bool shared = std::all_of(figures.begin(), figures.end(), [&](const std::string& figure) {
    return shared_random_values(study, sub, figure);
  });
  if (shared) {
    add("random encoder",
        [&](const std::string& f) { return *shared_random_values(study, sub, f); });
    return;
  }
  for (const ArmRecord& arm : sub.arms)
    add("random encoder, " + arm.label,
        [&](const std::string& figure) { return values_of(study, arm, "random_" + figure); });
}

std::string chance_text(const StudyRecords& study, const ArmRecord& arm) {
  for (const std::size_t i : arm.trials) {
    const auto& records = study.trials[i].records;
    if (records && records->settings.train.objective == Objective::kContrastive)
      return fmt::format("{:.3f}", chance_loss(*records));
  }
  return "–";
}

std::string seeds_text(const StudyRecords& study, const ArmRecord& arm) {
  const auto done = std::count_if(arm.trials.begin(), arm.trials.end(),
                                  [&](std::size_t i) { return study.trials[i].stage == "done"; });
  if (std::cmp_equal(done, arm.trials.size())) return fmt::format("{}", done);
  const bool failed = std::any_of(arm.trials.begin(), arm.trials.end(),
                                  [&](std::size_t i) { return study.trials[i].stage == "failed"; });
  return fmt::format("{} of {}{}", done, arm.trials.size(), failed ? ", failed" : "");
}

/// The arm whose values are the base's own, or else the first that has results, of those that
/// count().
const ArmRecord* reference_of(const StudyRecords& study, const SubStudyRecord& sub) {
  const auto first_with = [&](const auto& is_wanted) -> const ArmRecord* {
    for (const ArmRecord& arm : sub.arms)
      if (std::any_of(arm.trials.begin(), arm.trials.end(), is_wanted)) return &arm;
    return nullptr;
  };
  const auto* base = first_with([&](std::size_t i) {
    return study.trials[i].name == "base" && counts(study, study.trials[i]);
  });
  if (base != nullptr) return base;
  const auto* scored = first_with([&](std::size_t i) {
    const TrialRecord& trial = study.trials[i];
    return trial.records && !trial.records->results.empty() && counts(study, trial);
  });
  return scored != nullptr ? scored : &sub.arms.front();
}

}  // namespace

Table arms_table(const StudyRecords& study, const SubStudyRecord& sub) {
  Table table;
  table.name = sub.file;
  table.head = {sub.title, "seeds"};
  table.csv_head = {"sub_study", "arm", "figure", "mean", "sd", "n", "by_seed"};
  const std::vector<std::string> figures = figures_of(study, sub);
  for (const std::string& figure : figures) {
    table.head.push_back(heading(figure));
    if (figure == "val_loss") table.head.emplace_back("chance");
  }
  for (const ArmRecord& arm : sub.arms) {
    Cells row{arm.label, seeds_text(study, arm)};
    for (const std::string& figure : figures) {
      const std::vector<double> values = values_of(study, arm, figure);
      row.push_back(spread_text(values, figure));
      if (figure == "val_loss") row.push_back(chance_text(study, arm));
      add_csv(table, sub, arm.label, figure, values);
    }
    table.rows.push_back(std::move(row));
  }
  add_random_rows(table, study, sub, figures);
  table.caption = fmt::format(
      "Losses and contrastive top-1 of the last epoch, each at its arm's own N and temperature; "
      "chance: the loss ln(2N-1) of an encoder that tells nothing apart; "
      "common: on the same validation views at N = {} and temperature {}. Accuracies on the test "
      "images. ±: standard deviation over seeds.",
      study.measure_batch_size, study.measure_temperature);
  return table;
}

Table differences_table(const StudyRecords& study, const SubStudyRecord& sub) {
  const ArmRecord* reference = reference_of(study, sub);
  Table table;
  table.name = sub.file + "-differences";
  table.head = {"less " + reference->label};
  for (const char* figure : kAccuracies) table.head.push_back(figure_title(figure) + ", points");
  for (const ArmRecord& arm : sub.arms) {
    if (&arm == reference) continue;
    Cells row{arm.label};
    for (const std::string figure : kAccuracies) {
      const auto interval = interval_of(paired_differences(study, arm, *reference, figure),
                                        noise_of(study, sub, figure), std::sqrt(2.0));
      row.push_back(interval ? fmt::format("{:+.2f} ± {:.2f} (n = {})", 100 * interval->value,
                                           100 * interval->half, interval->seeds)
                             : "–");
    }
    table.rows.push_back(std::move(row));
  }
  table.caption =
      "Differences in test accuracy, paired by seed, with 95 % intervals (Student's t over seeds; "
      "with n = 1 from the spread of arms with several seeds, else from the number of test images "
      "alone, which leaves the seed's own share out). An interval that holds 0 shows no "
      "difference.";
  return table;
}

Table curves_table(const StudyRecords& study, const SubStudyRecord& sub) {
  Table table;
  table.name = sub.file + "-curves";
  table.csv_head = {"arm",
                    "seed",
                    "epoch",
                    "train_loss",
                    "val_loss",
                    "train_accuracy",
                    "val_accuracy",
                    "finetune_train_accuracy",
                    "finetune_test_accuracy"};
  for (const ArmRecord& arm : sub.arms) {
    for (const std::size_t i : arm.trials) {
      const TrialRecord& trial = study.trials[i];
      if (!trial.records) continue;
      const ResultRecord* tuned = trial.records->result("finetune", true);
      const std::size_t tuned_epochs = tuned == nullptr ? 0 : tuned->test_curve.size();
      const auto& epochs = trial.records->epochs;
      for (std::size_t e = 0; e < std::max(epochs.size(), tuned_epochs); ++e) {
        Cells row{arm.label, fmt::format("{}", trial.seed), fmt::format("{}", e + 1)};
        if (e < epochs.size()) {
          for (const double value : {epochs[e].train_loss, epochs[e].val_loss,
                                     epochs[e].train_accuracy, epochs[e].val_accuracy})
            row.push_back(fmt::format("{}", value));
        } else {
          row.insert(row.end(), 4, "");
        }
        row.push_back(tuned != nullptr && e < tuned->train_curve.size()
                          ? fmt::format("{}", tuned->train_curve[e])
                          : "");
        row.push_back(e < tuned_epochs ? fmt::format("{}", tuned->test_curve[e]) : "");
        table.csv_rows.push_back(std::move(row));
      }
    }
  }
  return table;
}

Table claims_table(const StudyRecords& study) {
  Table table;
  table.name = "claims";
  table.head = {"no", "what is claimed", "verdict", "figure", "rule"};
  std::string before;
  int number = 0;
  for (const ClaimRecord& claim : study.claims) {
    const Judgement judgement = judge(study, claim);
    if (claim.text != before) ++number;  // one statement may be judged by several figures
    before = claim.text;
    std::string figure = judgement.figure.empty() ? "–" : judgement.figure;
    if (!judgement.caution.empty()) figure += "; " + judgement.caution;
    table.rows.push_back({fmt::format("{}", number), claim.text, verdict_text(judgement.verdict),
                          figure, judgement.rule});
  }
  table.caption =
      "Judged by rule, from 95 % intervals: supported if the whole interval is on the claimed "
      "side, contradicted if it is on the other, else not distinguishable.";
  return table;
}

Table trials_table(const StudyRecords& study) {
  Table table;
  table.name = "trials";
  table.head = {"no", "trial", "seed", "state", "epochs", "time", "views/s"};
  for (std::size_t i = 0; i < study.trials.size(); ++i) {
    const TrialRecord& trial = study.trials[i];
    std::string state = trial.stage.empty() ? (trial.records ? "begun" : "waiting") : trial.stage;
    if (!trial.reason.empty()) state += ": " + trial.reason;
    Cells row{fmt::format("{}", i + 1), trial.name, fmt::format("{}", trial.seed), state};
    if (trial.records && !trial.records->epochs.empty()) {
      std::vector<double> rates;
      for (const EpochMetrics& epoch : trial.records->epochs)
        rates.push_back(epoch.views_per_second);
      std::nth_element(rates.begin(), rates.begin() + std::ssize(rates) / 2, rates.end());
      row.push_back(fmt::format("{} of {}", trial.records->epochs.size(),
                                trial.records->settings.train.epochs));
      row.push_back(format_duration(trial.seconds));
      row.push_back(fmt::format("{:.0f}", rates[rates.size() / 2]));
    } else {
      row.insert(row.end(), {"–", "–", "–"});
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string aligned(const Table& table) {
  std::vector<Cells> rows{table.head};
  rows.insert(rows.end(), table.rows.begin(), table.rows.end());
  std::vector<std::size_t> widths(table.head.size());
  for (Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = one_line(row[i]);
      widths[i] = std::max(widths[i], character_count(row[i]));
    }
  }
  std::string text;
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - character_count(row[i]), ' ');
      text += i == 0 ? row[i] + padding : "  " + padding + row[i];
    }
    text += "\n";
  }
  return text;
}

}  // namespace simclr
