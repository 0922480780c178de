#include "simclr/report/study_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "simclr/core/files.h"
#include "simclr/core/text.h"
#include "simclr/report/curves.h"
#include "simclr/report/markup.h"
#include "simclr/report/plot.h"
#include "simclr/report/run_records.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

constexpr std::array kProtocols{"knn", "linear", "finetune"};

constexpr const char* kCautions =
    "Losses at different temperatures or batch sizes are different quantities (chance is "
    "ln(2N-1) for N images per batch): compare arms by their accuracies.\n"
    "One seed per arm cannot tell noise from effect: read a difference between arms as a "
    "question, not as an answer.\n";

/// An arm and what its run holds; nothing if it was not run.
struct Arm {
  std::string value;
  std::optional<RunRecords> records;

  bool contrastive() const {
    return records && records->settings.train.objective == Objective::kContrastive;
  }
  const EpochMetrics* last_epoch() const {
    return records && !records->epochs.empty() ? &records->epochs.back() : nullptr;
  }
  std::optional<double> accuracy(const std::string& protocol, bool trained) const {
    return records ? records->accuracy(protocol, trained) : std::nullopt;
  }
  const std::optional<ResultRecord>& finetuned(bool trained) const {
    static const std::optional<ResultRecord> kNothing;
    if (!records) return kNothing;
    const auto found = records->results.find("finetune");
    if (found == records->results.end()) return kNothing;
    return trained ? found->second.trained : found->second.random;
  }
};

std::vector<Arm> read_arms(const std::vector<StudyArm>& arms) {
  std::vector<Arm> read;
  for (const StudyArm& arm : arms) {
    read.push_back({arm.value, std::nullopt});
    if (fs::exists(arm.run / "config.yaml")) read.back().records = read_run_records(arm.run);
  }
  return read;
}

// ---- pictures ----

Curve legend_entry(const std::string& label, Stroke stroke) {
  return {label, {}, {}, kGrey, stroke};
}

Plot loss_plot(const std::string& setting, const std::vector<Arm>& arms) {
  Plot plot{"Loss by " + setting, "epoch", "loss (natural log)", setting, {}, false};
  std::set<std::int64_t> batch_sizes;
  const RunRecords* longest = nullptr;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    if (!arms[i].records) continue;
    const RunRecords& records = *arms[i].records;
    const int color = static_cast<int>(i);
    plot.curves.push_back(
        epoch_curve(records, "", &EpochMetrics::train_loss, color, Stroke::kDashed));
    plot.curves.push_back(
        epoch_curve(records, arms[i].value, &EpochMetrics::val_loss, color, Stroke::kSolid));
    batch_sizes.insert(arms[i].contrastive() ? records.settings.train.batch_size : 0);
    if (longest == nullptr || longest->epochs.size() < records.epochs.size()) longest = &records;
  }
  plot.curves.push_back(legend_entry("validation", Stroke::kSolid));
  plot.curves.push_back(legend_entry("training", Stroke::kDashed));
  if (batch_sizes.size() == 1 && *batch_sizes.begin() > 0)
    plot.curves.push_back(chance_line(*longest));
  return plot;
}

/// Arms that share an initial encoder share its curve: it is drawn once.
Plot accuracy_plot(const std::string& setting, const std::vector<Arm>& arms) {
  Plot plot{"Fine-tuned accuracy by " + setting,
            "epoch of fine-tuning",
            "test accuracy",
            setting,
            {},
            true};
  std::set<std::vector<double>> drawn;
  std::vector<Curve> baselines;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    if (const auto& trained = arms[i].finetuned(true))
      plot.curves.push_back(test_curve(*trained, arms[i].value, static_cast<int>(i)));
    const auto& random = arms[i].finetuned(false);
    if (random && drawn.insert(random->test_curve).second)
      baselines.push_back(test_curve(*random, drawn.size() == 1 ? "random encoder" : "", kGrey));
  }
  plot.curves.insert(plot.curves.end(), baselines.begin(), baselines.end());
  return plot;
}

bool draw_pictures(const fs::path& folder, const std::string& setting,
                   const std::vector<Arm>& arms) {
  fs::create_directories(folder / "plots");
  return draw_plot(loss_plot(setting, arms), folder / "plots" / "loss") &&
         draw_plot(accuracy_plot(setting, arms), folder / "plots" / "accuracy");
}

// ---- tables ----

std::string csv_number(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : "";
}

std::string csv_row(const std::string& setting, const Arm& arm) {
  std::vector<std::optional<double>> numbers(3);
  if (const EpochMetrics* last = arm.last_epoch()) {
    numbers[0] = last->train_loss;
    numbers[1] = last->val_loss;
    if (arm.contrastive()) numbers[2] = last->val_accuracy;
  }
  for (const bool trained : {true, false}) {
    for (const char* protocol : kProtocols) numbers.push_back(arm.accuracy(protocol, trained));
  }
  std::string row = fmt::format("{},{}", csv_cell(setting), csv_cell(arm.value));
  for (const auto& number : numbers) row += fmt::format(",{}", csv_number(number));
  return row + "\n";
}

std::string csv(const std::string& setting, const std::vector<Arm>& arms) {
  std::string text =
      "setting,value,final_train_loss,final_val_loss,contrastive_accuracy,knn,linear,finetune,"
      "random_knn,random_linear,random_finetune\n";
  for (const Arm& arm : arms) text += csv_row(setting, arm);
  return text;
}

using Cells = std::vector<std::string>;

std::string cell(const Arm& arm, const std::string& protocol) {
  const auto trained = arm.accuracy(protocol, true);
  const auto random = arm.accuracy(protocol, false);
  if (!trained && !random) return "–";
  return fmt::format("{} ({})", percent_text(trained), percent_text(random));
}

std::vector<Cells> table(const std::string& setting, const std::vector<Arm>& arms) {
  std::vector<Cells> rows{{one_line(setting), "train loss", "val loss", "chance", "contrastive",
                           "kNN (random)", "linear (random)", "fine-tune (random)"}};
  for (const Arm& arm : arms) {
    const EpochMetrics* last = arm.last_epoch();
    Cells row{one_line(arm.value)};
    row.push_back(last == nullptr ? "–" : fmt::format("{:.4f}", last->train_loss));
    row.push_back(last == nullptr ? "–" : fmt::format("{:.4f}", last->val_loss));
    row.push_back(arm.contrastive() ? fmt::format("{:.4f}", chance_loss(*arm.records)) : "–");
    row.push_back(last != nullptr && arm.contrastive() ? percent_text(last->val_accuracy) : "–");
    for (const char* protocol : kProtocols) row.push_back(cell(arm, protocol));
    rows.push_back(row);
  }
  return rows;
}

std::string markdown(const std::vector<Cells>& rows) {
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Cells cells;
    for (const std::string& text_cell : rows[i]) cells.push_back(escape_markdown(text_cell));
    text += table_row(cells);
    if (i == 0) text += table_rule(cells.size());
  }
  return text;
}

std::string aligned(const std::vector<Cells>& rows) {
  std::vector<std::size_t> widths(rows[0].size());
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], character_count(row[i]));
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

std::string protocols_in_words(const std::vector<Arm>& arms) {
  std::string text;
  for (const char* protocol : kProtocols) {
    for (const Arm& arm : arms) {
      if (!arm.accuracy(protocol, true)) continue;
      const ResultRecord& result = *arm.records->results.at(protocol).trained;
      text += fmt::format("- **{}**: {}.\n", protocol_title(protocol),
                          escape_markdown(result.protocol_text));
      break;
    }
  }
  return text;
}

std::string failures_in_words(const std::vector<StudyArm>& arms) {
  std::string text;
  for (const StudyArm& arm : arms) {
    if (arm.failure.empty()) continue;
    text += fmt::format("{} failed: {}\n", one_line(arm.value), one_line(arm.failure));
  }
  return text;
}

}  // namespace

std::string write_study_report(const fs::path& folder, const std::string& setting,
                               const std::vector<StudyArm>& arms) {
  const std::vector<Arm> read = read_arms(arms);
  const std::vector<Cells> rows = table(setting, read);
  const bool pictures = draw_pictures(folder, setting, read);
  std::string report = fmt::format("# Study of {}\n\n", escape_markdown(setting));
  report += markdown(rows) +
            "\nLosses of the last epoch. Accuracies on the test part; in brackets the arm's own "
            "network before training. A dash: not run.\n\n";
  const std::string failures = failures_in_words(arms);
  report +=
      escape_markdown(failures) + protocols_in_words(read) + "\n" + kCautions + "\n## Curves\n\n";
  report += pictures ? picture_link("Loss", "loss") + picture_link("Accuracy", "accuracy")
                     : std::string(kNoGnuplot) + "\n";
  write_file_atomically(folder / "study.csv", csv(setting, read));
  write_file_atomically(folder / "report.md", report);
  return aligned(rows) + failures + "\n" + kCautions +
         (pictures ? "" : std::string(kNoGnuplot) + "\n");
}

}  // namespace simclr
