#include "simclr/report/study_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "simclr/config/schema.h"
#include "simclr/core/files.h"
#include "simclr/core/text.h"
#include "simclr/report/curves.h"
#include "simclr/report/run_pictures.h"
#include "simclr/report/study_plots.h"
#include "simclr/report/study_tables.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLossCaution =
    "Losses at different temperatures or batch sizes are different quantities (chance is ln(2N-1) "
    "for N images per batch): compare arms by the common measure and by their accuracies.";
constexpr const char* kSeedCaution =
    "One seed per arm cannot tell noise from effect: read a difference between arms as a question, "
    "not as an answer.";

bool any_done(const StudyRecords& study, const SubStudyRecord& sub) {
  return std::any_of(sub.arms.begin(), sub.arms.end(), [&](const ArmRecord& arm) {
    return std::any_of(arm.trials.begin(), arm.trials.end(), [&](std::size_t i) {
      return study.trials[i].records && !study.trials[i].records->epochs.empty();
    });
  });
}

bool has_figure(const StudyRecords& study, const SubStudyRecord& sub, const std::string& figure) {
  return std::any_of(sub.arms.begin(), sub.arms.end(),
                     [&](const ArmRecord& arm) { return !values_of(study, arm, figure).empty(); });
}

std::size_t fewest_seeds(const StudyRecords& study) {
  std::size_t fewest = SIZE_MAX;
  for (const SubStudyRecord& sub : study.sub_studies) {
    for (const ArmRecord& arm : sub.arms) {
      const auto seeds = std::count_if(arm.trials.begin(), arm.trials.end(), [&](std::size_t i) {
        return counts(study, study.trials[i]);
      });
      fewest = std::min(fewest, static_cast<std::size_t>(seeds));
    }
  }
  return fewest;
}

Section sub_study_section(const StudyRecords& study, const SubStudyRecord& sub) {
  Section section{sub.title, {}};
  section.blocks.emplace_back(arms_table(study, sub));
  if (!any_done(study, sub)) return section;
  if (const Figure accuracy = accuracy_figure(study, sub); !accuracy.plot->curves.empty())
    section.blocks.emplace_back(accuracy);
  section.blocks.emplace_back(loss_figure(study, sub));
  if (has_figure(study, sub, "common_top1")) section.blocks.emplace_back(common_figure(study, sub));
  if (has_figure(study, sub, "finetune")) section.blocks.emplace_back(finetune_figure(study, sub));
  if (sub.arms.size() > 1) section.blocks.emplace_back(differences_table(study, sub));
  return section;
}

/// Trials whose encoder can be shown.
std::vector<const TrialRecord*> pictured_trials(const StudyRecords& study) {
  std::vector<const TrialRecord*> trials;
  for (const TrialRecord& trial : study.trials)
    if (trial.records && counts(study, trial) && fs::exists(trial.run / "pictures.json"))
      trials.push_back(&trial);
  return trials;
}

/// By a protocol, on validation images; below 0 if it was not run.
double validation_accuracy(const TrialRecord& trial, const std::string& protocol) {
  const ResultRecord* result = trial.records->result(protocol, true);
  return result == nullptr ? -1.0 : result->validation_accuracy.value_or(-1.0);
}

/// "Trial X, seed 0: the best by kNN on validation images", so that none is chosen by test; the
/// first trial where no protocol was run. @return also the trial
std::pair<const TrialRecord*, std::string> choose_trial(
    const std::vector<const TrialRecord*>& trials) {
  const TrialRecord* best = trials.front();
  std::string why;
  for (const char* protocol : {"linear", "finetune", "knn"}) {
    const auto is_worse = [&](const TrialRecord* a, const TrialRecord* b) {
      return validation_accuracy(*a, protocol) < validation_accuracy(*b, protocol);
    };
    best = *std::max_element(trials.begin(), trials.end(), is_worse);  // ties: the first
    if (validation_accuracy(*best, protocol) < 0.0) continue;
    why = fmt::format(": the best by {} on validation images", protocol_title(protocol));
    break;
  }
  return {best, fmt::format("Trial {}, seed {}{}", best->name, best->seed, why)};
}

Section pictures_section(const StudyRecords& study, const fs::path& folder) {
  Section section{"Pictures of an encoder", {}};
  const std::vector<const TrialRecord*> trials = pictured_trials(study);
  if (trials.empty()) return section;
  const auto [trial, words] = choose_trial(trials);
  section.blocks.emplace_back(
      Paragraph{words + ". simclr report of any other trial's folder shows that one."});
  for (Block& block : run_pictures(*trial->records, trial->run, folder, ""))
    section.blocks.push_back(std::move(block));
  return section;
}

Section protocols_section(const StudyRecords& study) {
  BulletList list;
  std::set<std::string> seen;
  for (const TrialRecord& trial : study.trials) {
    if (!trial.records) continue;
    for (const auto& [protocol, pair] : trial.records->results) {
      const ResultRecord& result = pair.trained ? *pair.trained : *pair.random;
      const std::string words =
          fmt::format("{}: {}", protocol_title(protocol), result.protocol_text);
      if (seen.insert(words).second) list.items.push_back(words);
    }
  }
  if (!study.base_yaml.empty())
    list.items.push_back(fmt::format(
        "common measure: NT-Xent and top-1 among 2N - 1 of the checkpoint with the best validation "
        "loss, batch norm in eval mode, over the same views of the validation images for every "
        "arm, N = {}, temperature {}; the random encoder's is of the same network with its "
        "random weights",
        study.measure_batch_size, study.measure_temperature));
  return {"Protocols", {list}};
}

/// How the study's own initial weights were made.
std::string source_words(const TrialRecord& trial) {
  std::string words = fmt::format(
      "Arms with init 'source' start from weights that this study made itself, not from another "
      "program's: trial {}",
      trial.name);
  if (!trial.records) return words + ", which has not begun.";
  const Settings& s = trial.records->settings;
  words +=
      fmt::format(", {}, {} epochs on {}", name_of(s.train.objective), s.train.epochs,
                  s.data.train_rest
                      ? fmt::format("the {:.4g} % of the training images that the arms do not use",
                                    100 * (1 - s.data.train_percent))
                      : fmt::format("{:.4g} % of the training images", 100 * s.data.train_percent));
  if (!trial.records->epochs.empty() && s.train.objective == Objective::kSupervised)
    words += fmt::format("; {} of its own validation images right at the end",
                         percent_text(trial.records->epochs.back().val_accuracy));
  return words + ".";
}

/// Where arms start that do not start from random weights.
std::vector<Block> starts(const StudyRecords& study) {
  std::vector<Block> blocks;
  std::set<std::string> files;
  for (const TrialRecord& trial : study.trials) {
    if (study.source == trial.name) blocks.emplace_back(Paragraph{source_words(trial)});
    if (trial.init != "random" && trial.init != "source") files.insert(trial.init);
  }
  for (const std::string& file : files)
    blocks.emplace_back(Paragraph{fmt::format("Some arms start from the file {}.", file)});
  return blocks;
}

Table differing_settings(const StudyRecords& study) {
  Table table{"",
              "Every arm changes these settings of the base and no other.",
              {"sub-study", "settings that differ", "arms"},
              {}};
  for (const SubStudyRecord& sub : study.sub_studies) {
    std::string keys;
    for (const std::string& key : sub.keys) keys += (keys.empty() ? "" : ", ") + key;
    std::string arms;
    for (const ArmRecord& arm : sub.arms) arms += (arms.empty() ? "" : " | ") + arm.label;
    table.rows.push_back({sub.name, keys, arms});
  }
  return table;
}

Section settings_section(const StudyRecords& study) {
  Section section{"What was run", {differing_settings(study)}};
  for (Block& block : starts(study)) section.blocks.push_back(std::move(block));
  if (!study.chosen.empty()) {
    std::string list;
    for (const std::string& key : study.chosen)
      list +=
          fmt::format("{}{} = {}", list.empty() ? "" : "; ", key, find_field(key).get(study.base));
    section.blocks.emplace_back(
        Paragraph{"Left open by the experiment's description, and chosen here: " + list + "."});
  }
  const std::string yaml = study.base_yaml.empty() ? to_yaml(study.base) : study.base_yaml;
  section.blocks.emplace_back(CodeBlock{yaml, "yaml", "All settings of the base"});
  return section;
}

Section machine_section(const StudyRecords& study) {
  Section section{"Trials, machine and speed", {trials_table(study)}};
  std::set<std::vector<std::pair<std::string, std::string>>> machines;
  for (const TrialRecord& trial : study.trials) {
    if (trial.records && !trial.records->environment.empty())
      machines.insert(trial.records->environment);
  }
  for (const auto& machine : machines) {
    Table table{"", "", {"machine", ""}, {}};
    for (const auto& [key, value] : machine) table.rows.push_back({key, value});
    section.blocks.emplace_back(table);
  }
  return section;
}

Section repeat_section(const StudyRecords& study) {
  std::string commands = study.command;
  if (commands.empty()) {
    for (const TrialRecord& trial : study.trials)
      if (trial.records) commands += trial.records->command;
  }
  return {"To repeat it", {CodeBlock{commands, "sh", ""}}};
}

std::string lead_of(const StudyRecords& study) {
  std::size_t done = 0;
  std::size_t failed = 0;
  double seconds = 0.0;
  for (const TrialRecord& trial : study.trials) {
    done += trial.stage == "done" ? 1 : 0;
    failed += trial.stage == "failed" ? 1 : 0;
    seconds += trial.seconds;
  }
  return fmt::format("{} trials: {} done, {} failed, {} not finished; {} of work.",
                     study.trials.size(), done, failed, study.trials.size() - done - failed,
                     format_duration(seconds));
}

std::string failures(const StudyRecords& study) {
  std::string text;
  for (const TrialRecord& trial : study.trials)
    if (trial.stage == "failed") text += fmt::format("{} failed: {}\n", trial.name, trial.reason);
  return text;
}

}  // namespace

Document study_document(const StudyRecords& study, const fs::path& folder) {
  Document document{study.title, lead_of(study), {settings_section(study)}};
  BulletList cautions{{kLossCaution}};
  if (fewest_seeds(study) < 2) cautions.items.emplace_back(kSeedCaution);
  document.sections.push_back({"How to read this", {cautions}});
  if (!study.claims.empty()) document.sections.push_back({"Claims", {claims_table(study)}});
  for (const SubStudyRecord& sub : study.sub_studies) {
    document.sections.push_back(sub_study_section(study, sub));
  }
  if (Section pictures = pictures_section(study, folder); !pictures.blocks.empty())
    document.sections.push_back(std::move(pictures));
  if (Section protocols = protocols_section(study);
      !std::get<BulletList>(protocols.blocks.front()).items.empty())
    document.sections.push_back(std::move(protocols));
  document.sections.push_back(machine_section(study));
  document.sections.push_back(repeat_section(study));
  return document;
}

std::string write_comparison(const StudyRecords& study, const fs::path& folder) {
  Document document = study_document(study, folder);
  // Curves have a file of their own, and no place on the page.
  for (const SubStudyRecord& sub : study.sub_studies) {
    const Table curves = curves_table(study, sub);
    fs::create_directories(folder / "tables");
    write_file_atomically(folder / "tables" / (curves.name + ".csv"), to_csv(curves));
  }
  const std::string note = write_document(document, folder);
  std::string text;
  for (const SubStudyRecord& sub : study.sub_studies)
    text += aligned(arms_table(study, sub)) + "\n";
  if (!study.claims.empty()) {
    for (const auto& row : claims_table(study).rows) {
      const std::string by = row[4].substr(0, row[4].find(':'));  // the figure that the rule takes
      text += fmt::format("({}) {}: {}{}. {}\n", row[0], row[1], row[2],
                          by.empty() ? "" : ", by " + by, row[3]);
    }
    text += "\n";
  }
  text += failures(study) + fmt::format("{}\n", kLossCaution);
  if (fewest_seeds(study) < 2) text += fmt::format("{}\n", kSeedCaution);
  if (!note.empty()) text += note + "\n";
  return text + fmt::format("Report: {}\n", (folder / "report.html").string());
}

std::string write_study_report(const fs::path& folder) {
  return write_comparison(read_study_records(folder), folder);
}

}  // namespace simclr
