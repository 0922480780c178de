#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "simclr/report/run_records.h"

namespace simclr {

/// The common measure of one network (study/common_measure.h).
struct MeasureRecord {
  double loss = 0.0;
  double top1 = 0.0;
  double feature_top1 = 0.0;
};

struct TrialRecord {
  std::string name;
  std::uint64_t seed = 0;
  std::string init = "random";
  std::filesystem::path run;
  std::string stage;   ///< "done", "failed", or "" if neither
  std::string reason;  ///< of a failure
  double seconds = 0.0;
  std::optional<RunRecords> records;  ///< nothing if it was not begun
  std::optional<MeasureRecord> measure;
  std::optional<MeasureRecord> initial_measure;
  std::int64_t measure_images = 0;  ///< of which the measure took two views each; 0: not kept
};

struct ArmRecord {
  std::string label;
  std::map<std::string, std::string> values;  ///< key -> text
  std::vector<std::size_t> trials;            ///< index into StudyRecords::trials
};

struct SubStudyRecord {
  std::string name;
  std::string title;
  std::vector<std::string> keys;
  std::vector<ArmRecord> arms;
  std::string file;  ///< the names of its tables and pictures begin with it, and no others do
};

struct ClaimRecord {
  std::string text;
  std::string sub_study;
  std::string figure;
  std::string rule;
  std::vector<std::string> arms;
  double within = 0.0;
};

/// Everything a study's folder holds for its readers; or runs put together as one sub-study
/// (runs_as_study.h).
struct StudyRecords {
  std::string title;
  std::string command;
  std::string base_yaml;  ///< "" where runs were put together
  Settings base;
  std::vector<std::string> chosen;  ///< keys that the study marks as its own choice
  std::int64_t measure_batch_size = 256;
  double measure_temperature = 0.5;
  std::optional<std::string> source;  ///< name of the trial that makes initial weights
  std::vector<TrialRecord> trials;
  std::vector<SubStudyRecord> sub_studies;
  std::vector<ClaimRecord> claims;
};

/// Reads study.json and every trial. @throws Error(kUsage) if it is not a study,
/// Error(kData) if a file is damaged, with its name
StudyRecords read_study_records(const std::filesystem::path& folder);

/// Whether a trial's figures may stand in tables and verdicts: in a study those of trials that are
/// done, not of one that is half trained, has failed or was made with other settings. Runs put
/// together count as they are.
bool counts(const StudyRecords& study, const TrialRecord& trial);

// ---- figures: one number of a trial ----

/// "knn", "linear", "finetune" (test accuracies), "train_loss", "val_loss", "contrastive_top1" (of
/// the last epoch), "loss_fall" (the share of ln(2N-1) that the validation loss lost),
/// "common_loss", "common_top1", "common_feature_top1"; "random_knn", "random_common_loss", ... of
/// the random encoder.
/// Nothing if the trial does not have it.
std::optional<double> figure_of(const TrialRecord& trial, const std::string& figure);

/// A figure's name for people, and whether it is a share.
std::string figure_title(const std::string& figure);
bool is_share(const std::string& figure);

/// An arm's figure, a value for each seed that has it and counts().
std::vector<double> values_of(const StudyRecords& study, const ArmRecord& arm,
                              const std::string& figure);

/// The random encoders' figure by seed, where arms have the same encoder before training; nothing
/// if they differ in it, as arms of different widths do.
std::optional<std::vector<double>> shared_random_values(const StudyRecords& study,
                                                        const SubStudyRecord& sub,
                                                        const std::string& figure);

}  // namespace simclr
