#include "simclr/report/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "simclr/core/files.h"
#include "simclr/core/text.h"
#include "simclr/report/curves.h"
#include "simclr/report/markup.h"
#include "simclr/report/plot.h"
#include "simclr/report/run_records.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

bool contrastive(const RunRecords& records) {
  return records.settings.train.objective == Objective::kContrastive;
}

// ---- pictures ----

Plot loss_plot(const RunRecords& records) {
  Plot plot;
  plot.title = contrastive(records) ? "Contrastive loss" : "Cross-entropy loss";
  plot.x_label = "epoch";
  plot.y_label = contrastive(records) ? "NT-Xent (natural log)" : "cross-entropy (natural log)";
  plot.curves = {epoch_curve(records, "training", &EpochMetrics::train_loss, 0, Stroke::kDashed),
                 epoch_curve(records, "validation", &EpochMetrics::val_loss, 0, Stroke::kSolid)};
  if (contrastive(records)) plot.curves.push_back(chance_line(records));
  return plot;
}

Plot accuracy_plot(const RunRecords& records) {
  Plot plot;
  plot.title = contrastive(records) ? "Contrastive accuracy" : "Accuracy";
  plot.x_label = "epoch";
  plot.y_label = contrastive(records) ? "the other view is nearest" : "label is right";
  plot.percent = true;
  plot.curves = {
      epoch_curve(records, "training", &EpochMetrics::train_accuracy, 0, Stroke::kDashed),
      epoch_curve(records, "validation", &EpochMetrics::val_accuracy, 0, Stroke::kSolid)};
  return plot;
}

Plot finetune_plot(const ResultPair& pair) {
  Plot plot;
  plot.title = "Fine-tuning with the encoder frozen";
  plot.x_label = "epoch of fine-tuning";
  plot.y_label = "test accuracy";
  plot.legend_title = "encoder";
  plot.percent = true;
  if (pair.trained) plot.curves.push_back(test_curve(*pair.trained, "trained", 0));
  if (pair.random) plot.curves.push_back(test_curve(*pair.random, "random", kGrey));
  return plot;
}

/// Draws what the run has and returns the Markdown that shows it; nothing if gnuplot is missing.
std::optional<std::string> draw_pictures(const RunRecords& records, const fs::path& run) {
  fs::create_directories(run / "plots");
  std::string markdown;
  const auto draw = [&](const Plot& plot, const std::string& name) {
    if (!draw_plot(plot, run / "plots" / name)) return false;
    markdown += picture_link(plot.title, name);
    return true;
  };
  if (!draw(loss_plot(records), "loss") || !draw(accuracy_plot(records), "accuracy"))
    return std::nullopt;
  const auto finetune = records.results.find("finetune");
  if (finetune != records.results.end()) draw(finetune_plot(finetune->second), "finetune");
  return markdown;
}

// ---- words ----

std::string what_was_run(const RunRecords& records) {
  const Settings& s = records.settings;
  const auto row = [](const std::string& name, const std::string& value) {
    return table_row({name, escape_markdown(value)});
  };
  std::string table = table_row({"", ""}) + "| :-- | :-- |\n";
  table += row("images", fmt::format("{}, {:.4g} % of the training images, {:.4g} % of these for "
                                     "validation",
                                     s.data.source, 100 * s.data.train_percent,
                                     100 * s.data.validation_percent));
  table += row("encoder", fmt::format("{}, width {}, {} stem", name_of(s.model.arch), s.model.width,
                                      name_of(s.model.stem)));
  if (contrastive(records)) {
    table += row("head",
                 fmt::format("{}, projection {}", name_of(s.model.head), s.model.projection_dim));
    table += row("temperature", fmt::format("{}", s.loss.temperature));
  }
  table += row("batch", fmt::format("{} images", s.train.batch_size));
  table += row("optimizer", fmt::format("{}, learning rate {}, {}", name_of(s.optim.optimizer),
                                        s.optim.lr, name_of(s.optim.schedule)));
  table += row("epochs", fmt::format("{} of {}", records.epochs.size(), s.train.epochs));
  return table + row("seed", fmt::format("{}", s.train.seed));
}

std::string results_table(const RunRecords& records) {
  if (records.results.empty()) return "Not evaluated yet.\n";
  std::string text =
      table_row({"protocol", "random encoder", "trained encoder", "difference"}) + table_rule(4);
  std::string notes;
  for (const auto& [protocol, pair] : records.results) {
    const auto random = records.accuracy(protocol, false);
    const auto trained = records.accuracy(protocol, true);
    const std::string title = escape_markdown(protocol_title(protocol));
    text += table_row(
        {title, percent_text(random), "**" + percent_text(trained) + "**",
         random && trained ? fmt::format("{:+.2f} points", 100 * (*trained - *random)) : "–"});
    const ResultRecord& result = pair.trained ? *pair.trained : *pair.random;
    notes += fmt::format("- **{}**: {}; checkpoint {}, epoch {}, encoder `{}`.\n", title,
                         escape_markdown(result.protocol_text), escape_markdown(result.checkpoint),
                         result.epoch, escape_markdown(result.encoder_sha256.substr(0, 12)));
  }
  return text +
         "\nTest accuracy. The random encoder is this run's own network before training.\n\n" +
         notes;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string speed(const RunRecords& records) {
  if (records.epochs.empty()) return "No epoch was finished.\n";
  std::vector<double> rates;
  double seconds = 0.0;
  for (const EpochMetrics& epoch : records.epochs) {
    rates.push_back(epoch.views_per_second);
    seconds += epoch.epoch_seconds;
  }
  return fmt::format("{:.0f} views/s in training (median of {} epochs); {} in all.\n",
                     median(rates), rates.size(), format_duration(seconds));
}

std::string machine(const RunRecords& records) {
  if (records.environment.empty()) return "";
  std::string table = table_row({"", ""}) + "| :-- | :-- |\n";
  for (const auto& [key, value] : records.environment) {
    table += table_row({escape_markdown(key), escape_markdown(value)});
  }
  return "\n" + table;
}

std::string repeat(const RunRecords& records) {
  std::string commands = records.command;
  for (const auto& [protocol, pair] : records.results) {
    const ResultRecord& result = pair.trained ? *pair.trained : *pair.random;
    if (commands.find(one_line(result.command)) == std::string::npos)
      commands += one_line(result.command) + "\n";
  }
  return commands.empty() ? "" : "\n## To repeat it\n\n" + code_block(commands, "sh");
}

}  // namespace

std::string write_run_report(const fs::path& run) {
  const RunRecords records = read_run_records(run);
  const std::optional<std::string> pictures = draw_pictures(records, run);
  const std::string name =
      fs::absolute(run / ".").lexically_normal().parent_path().filename().string();
  std::string report =
      fmt::format("# {}\n\n{} pretraining of an image encoder.\n\n", escape_markdown(name),
                  contrastive(records) ? "Contrastive (SimCLR)" : "Supervised");
  report += "## Results\n\n" + results_table(records);
  report += "\n## Curves\n\n" + pictures.value_or(std::string(kNoGnuplot) + "\n");
  report += "\n## What was run\n\n" + what_was_run(records);
  report += "\n<details>\n<summary>All settings</summary>\n\n" +
            code_block(records.config_yaml, "yaml") + "\n</details>\n";
  report += "\n## Machine and speed\n\n" + speed(records) + machine(records) + repeat(records);
  write_file_atomically(run / "report.md", report);
  return pictures ? "" : kNoGnuplot;
}

}  // namespace simclr
