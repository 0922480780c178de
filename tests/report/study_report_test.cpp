#include "simclr/report/study_report.h"

#include <gtest/gtest.h>

#include "tests/report/sample_run.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCsvHeader =
    "setting,value,final_train_loss,final_val_loss,contrastive_accuracy,knn,linear,finetune,"
    "random_knn,random_linear,random_finetune\n";

/// Arms at temperatures 0.1 (evaluated), 0.5 (trained alone) and 1.0 (not begun).
std::vector<StudyArm> write_sample_study(const fs::path& folder) {
  std::vector<StudyArm> arms;
  for (const char* value : {"0.1", "0.5", "1.0"})
    arms.push_back({value, folder / ("temperature=" + std::string(value))});
  write_sample_run(arms[0].run);
  write_sample_results(arms[0].run, 0.5);
  write_sample_run(arms[1].run);
  return arms;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(StudyReport, WritesCsvWithAFixedHeaderAndNothingWhereNothingWasRun) {
  const TempFolder folder;
  write_study_report(folder.path(), "temperature", write_sample_study(folder.path()));
  EXPECT_EQ(read_file(folder / "study.csv"), std::string(kCsvHeader) +
                                                 "temperature,0.1,3,3.25,0.25,0.75,0.75,0.75,"
                                                 "0.25,0.25,0.25\n"
                                                 "temperature,0.5,3,3.25,0.25,,,,,,\n"
                                                 "temperature,1.0,,,,,,,,,\n");
}

TEST(StudyReport, ReturnsAnAlignedTable) {
  const TempFolder folder;
  const std::string text =
      write_study_report(folder.path(), "temperature", write_sample_study(folder.path()));
  EXPECT_TRUE(text.starts_with(
      "temperature  train loss  val loss  chance  contrastive       kNN (random)    linear "
      "(random)  fine-tune (random)\n"
      "0.1              3.0000    3.2500  6.2364      25.00 %  75.00 % (25.00 %)  75.00 % "
      "(25.00 %)   75.00 % (25.00 %)\n"
      "0.5              3.0000    3.2500  6.2364      25.00 %                  –                 "
      " –                   –\n"
      "1.0                   –         –       –            –                  –                 "
      " –                   –\n"))
      << text;
  EXPECT_TRUE(contains(text, "ln(2N-1)"));
  EXPECT_TRUE(contains(text, "One seed per arm cannot tell noise from effect"));
}

TEST(StudyReport, WritesTableProtocolsAndCautions) {
  const TempFolder folder;
  write_study_report(folder.path(), "temperature", write_sample_study(folder.path()));
  const std::string report = read_file(folder / "report.md");
  EXPECT_TRUE(report.starts_with("# Study of temperature\n"));
  EXPECT_TRUE(contains(report, "| 0.1 | 3.0000 | 3.2500 | 6.2364 | 25.00 % | 75.00 % (25.00 %) |"));
  EXPECT_TRUE(contains(report, "- **linear evaluation**: words of linear.\n"));
  EXPECT_TRUE(contains(report, "are different quantities"));
  EXPECT_TRUE(contains(report, "One seed per arm cannot tell noise from effect"));
}

TEST(StudyReport, DrawsAllArmsAndTheRandomEncoderOnce) {
  const TempFolder folder;
  std::vector<StudyArm> arms = write_sample_study(folder.path());
  write_sample_results(arms[1].run, 0.25);
  write_study_report(folder.path(), "temperature", arms);
  EXPECT_TRUE(fs::exists(folder / "plots/loss.png"));
  EXPECT_TRUE(fs::exists(folder / "plots/accuracy.png"));
  const std::string loss = read_file(folder / "plots/loss.svg");
  const std::string accuracy = read_file(folder / "plots/accuracy.svg");
  for (const char* label : {">0.1<", ">0.5<"}) {
    EXPECT_TRUE(contains(loss, label)) << label;
    EXPECT_TRUE(contains(accuracy, label)) << label;
  }
  EXPECT_TRUE(contains(loss, "chance, ln(2N-1) = 6.24"));
  EXPECT_EQ(count(accuracy, "<text>random encoder<"), 1U);
}

TEST(StudyReport, HasNoLineAtChanceWhereBatchSizesDiffer) {
  const TempFolder folder;
  std::vector<StudyArm> arms;
  for (const std::int64_t batch : {32, 256}) {
    Settings settings;
    settings.train.batch_size = batch;
    arms.push_back({std::to_string(batch), folder / std::to_string(batch)});
    write_sample_run(arms.back().run, settings);
  }
  const std::string text = write_study_report(folder.path(), "batch_size", arms);
  EXPECT_FALSE(contains(read_file(folder / "plots/loss.svg"), "chance"));
  EXPECT_TRUE(contains(text, "4.1431")) << text;  // ln 63
  EXPECT_TRUE(contains(text, "6.2364")) << text;  // ln 511
}

TEST(StudyReport, OfLabelsHasNoContrastiveAccuracy) {
  const TempFolder folder;
  Settings settings;
  settings.train.objective = Objective::kSupervised;
  write_sample_run(folder / "a", settings);
  write_study_report(folder.path(), "lr", {{"0.1", folder / "a"}});
  EXPECT_EQ(read_file(folder / "study.csv"), std::string(kCsvHeader) + "lr,0.1,3,3.25,,,,,,,\n");
  EXPECT_FALSE(contains(read_file(folder / "plots/loss.svg"), "chance"));
}

TEST(StudyReport, QuotesAndEscapesValues) {
  const TempFolder folder;
  write_study_report(folder.path(), "data", {{"a,\"b|<i>", folder / "none"}});
  EXPECT_TRUE(contains(read_file(folder / "study.csv"), "data,\"a,\"\"b|<i>\",,"));
  EXPECT_TRUE(contains(read_file(folder / "report.md"), "| a,\"b\\|&lt;i&gt; |"));
}

TEST(StudyReport, WithoutGnuplotSaysSo) {
  const TempFolder folder;
  const std::vector<StudyArm> arms = write_sample_study(folder.path());
  const NoPrograms none(folder.path());
  const std::string text = write_study_report(folder.path(), "temperature", arms);
  EXPECT_TRUE(text.ends_with("gnuplot is not installed: no pictures.\n"));
  EXPECT_FALSE(contains(read_file(folder / "report.md"), ".png"));
}

TEST(StudyReport, NamesTheDamagedFileOfAnArm) {
  const TempFolder folder;
  const std::vector<StudyArm> arms = write_sample_study(folder.path());
  write_file_atomically(arms[1].run / "results.jsonl", "{}");
  const Error error = expect_error(ExitCode::kData,
                                   [&] { write_study_report(folder.path(), "temperature", arms); });
  EXPECT_TRUE(contains(error.what(), "temperature=0.5/results.jsonl:1: "));
}

}  // namespace
}  // namespace simclr
