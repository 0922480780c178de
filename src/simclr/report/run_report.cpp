#include "simclr/report/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "simclr/config/schema.h"
#include "simclr/core/text.h"
#include "simclr/report/curves.h"
#include "simclr/report/markup.h"
#include "simclr/report/run_pictures.h"
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

std::vector<Block> curves(const RunRecords& records) {
  std::vector<Block> blocks;
  const auto add = [&](const Plot& plot, const std::string& name) {
    blocks.emplace_back(Figure{name, plot.title, "", plot});
  };
  add(loss_plot(records), "loss");
  add(accuracy_plot(records), "accuracy");
  const auto finetune = records.results.find("finetune");
  if (finetune != records.results.end()) add(finetune_plot(finetune->second), "finetune");
  return blocks;
}

// ---- tables ----

Table what_was_run(const RunRecords& records) {
  const Settings& s = records.settings;
  Table table{"", "", {"setting", "value"}, {}};
  const auto row = [&](const std::string& name, const std::string& value) {
    table.rows.push_back({name, value});
  };
  row("images",
      fmt::format("{}, {:.4g} % of the training images, {:.4g} % of these for "
                  "validation",
                  s.data.source, 100 * s.data.train_percent, 100 * s.data.validation_percent));
  row("encoder", fmt::format("{}, width {}, {} stem", name_of(s.model.arch), s.model.width,
                             name_of(s.model.stem)));
  if (contrastive(records)) {
    row("head", fmt::format("{}, projection {}", name_of(s.model.head), s.model.projection_dim));
    row("temperature", fmt::format("{}", s.loss.temperature));
  }
  row("batch", fmt::format("{} images", s.train.batch_size));
  row("optimizer", fmt::format("{}, learning rate {}, {}", name_of(s.optim.optimizer), s.optim.lr,
                               name_of(s.optim.schedule)));
  row("epochs", fmt::format("{} of {}", records.epochs.size(), s.train.epochs));
  row("seed", fmt::format("{}", s.train.seed));
  return table;
}

/// Settings that are not the defaults: what a reader looks for first.
Table differing_settings(const RunRecords& records) {
  Table table{"", "Settings that differ from the program's defaults.", {"key", "value"}, {}};
  for (const std::string& key : differing_keys(Settings{}, records.settings))
    table.rows.push_back({key, find_field(key).get(records.settings)});
  return table;
}

std::vector<Block> results(const RunRecords& records) {
  if (records.results.empty()) return {Paragraph{"Not evaluated yet."}};
  Table table{"results",
              "Test accuracy. The random encoder is the same network with random weights.",
              {"protocol", "random encoder", "trained encoder", "difference"},
              {}};
  BulletList notes;
  for (const auto& [protocol, pair] : records.results) {
    const auto random = records.accuracy(protocol, false);
    const auto trained = records.accuracy(protocol, true);
    const std::string title = protocol_title(protocol);
    table.rows.push_back(
        {title, percent_text(random), percent_text(trained),
         random && trained ? fmt::format("{:+.2f} points", 100 * (*trained - *random)) : "–"});
    const ResultRecord& result = pair.trained ? *pair.trained : *pair.random;
    notes.items.push_back(fmt::format("{}: {}; checkpoint {}, epoch {}, encoder {}", title,
                                      result.protocol_text, result.checkpoint, result.epoch,
                                      result.encoder_sha256.substr(0, 12)));
  }
  return {table, notes};
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string speed(const RunRecords& records) {
  if (records.epochs.empty()) return "No epoch was finished.";
  std::vector<double> rates;
  double seconds = 0.0;
  for (const EpochMetrics& epoch : records.epochs) {
    rates.push_back(epoch.views_per_second);
    seconds += epoch.epoch_seconds;
  }
  return fmt::format("{:.0f} views/s in training (median of {} epochs); {} in all.", median(rates),
                     rates.size(), format_duration(seconds));
}

std::vector<Block> machine(const RunRecords& records) {
  std::vector<Block> blocks{Paragraph{speed(records)}};
  if (records.environment.empty()) return blocks;
  Table table{"", "", {"machine", ""}, {}};
  for (const auto& [key, value] : records.environment) table.rows.push_back({key, value});
  blocks.emplace_back(table);
  return blocks;
}

std::string commands_of(const RunRecords& records) {
  std::string commands = records.command;
  for (const auto& [protocol, pair] : records.results) {
    const ResultRecord& result = pair.trained ? *pair.trained : *pair.random;
    if (commands.find(one_line(result.command)) == std::string::npos)
      commands += one_line(result.command) + "\n";
  }
  return commands;
}

}  // namespace

Document run_document(const fs::path& run) {
  const RunRecords records = read_run_records(run);
  const std::string name =
      fs::absolute(run / ".").lexically_normal().parent_path().filename().string();
  Document document{name,
                    fmt::format("{} pretraining of an image encoder.",
                                contrastive(records) ? "Contrastive (SimCLR)" : "Supervised"),
                    {}};
  document.sections.push_back({"Results", results(records)});
  document.sections.push_back({"Curves", curves(records)});
  std::vector<Block> pictures = run_pictures(records, run, run, "");
  if (!pictures.empty())
    document.sections.push_back({"Pictures of the encoder", std::move(pictures)});
  document.sections.push_back({"What was run",
                               {differing_settings(records), what_was_run(records),
                                CodeBlock{records.config_yaml, "yaml", "All settings"}}});
  document.sections.push_back({"Machine and speed", machine(records)});
  const std::string commands = commands_of(records);
  if (!commands.empty())
    document.sections.push_back({"To repeat it", {CodeBlock{commands, "sh", ""}}});
  return document;
}

std::string write_run_report(const fs::path& run) { return write_document(run_document(run), run); }

}  // namespace simclr
