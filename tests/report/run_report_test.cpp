#include "simclr/report/run_report.h"

#include <gtest/gtest.h>

#include "tests/report/sample_run.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

std::string report_of(const fs::path& run) {
  EXPECT_EQ(write_run_report(run), "");
  return read_file(run / "report.md");
}

TEST(RunReport, ShowsBothEncodersAndTheirDifference) {
  const TempFolder folder;
  const fs::path run = folder / "my_run";
  write_sample_run(run);
  write_sample_results(run, 0.5);
  const std::string report = report_of(run);
  EXPECT_TRUE(report.starts_with("# my\\_run\n")) << report;
  EXPECT_TRUE(contains(report, "| kNN | 25.00 % | 75.00 % | +50.00 points |"));
  EXPECT_TRUE(contains(report, "| linear evaluation | 25.00 % |"));
  EXPECT_TRUE(contains(report, "| fine-tuning | 25.00 % |"));
  EXPECT_TRUE(
      contains(report, "- kNN: words of knn; checkpoint best, epoch 4, encoder 0123456789ab\n"));
}

TEST(RunReport, ShowsSettingsMachineSpeedAndCommands) {
  const TempFolder run;
  write_sample_run(run.path());
  write_sample_results(run.path(), 0.5);
  const std::string report = report_of(run.path());
  EXPECT_TRUE(contains(report, "| temperature | 0.5 |"));
  EXPECT_TRUE(contains(report, "| epochs | 4 of 4 |"));
  EXPECT_TRUE(contains(report, "| images | shapes10, 100 % of the training images"));
  EXPECT_TRUE(contains(report, "<details>\n<summary>All settings</summary>\n\n```yaml\ndata:\n"));
  EXPECT_TRUE(contains(report, "263 views/s in training (median of 4 epochs); 2 min 00 s in all."));
  EXPECT_TRUE(contains(report, "| cpu | A &lt;fast&gt; one |"));
  EXPECT_TRUE(contains(report,
                       "```sh\nsimclr pretrain --out runs/a\nsimclr knn --run runs/a\n"
                       "simclr linear --run runs/a\nsimclr finetune --run runs/a\n```\n"));
}

TEST(RunReport, DrawsCurvesWithTheLineAtChance) {
  const TempFolder run;
  Settings settings;
  settings.train.batch_size = 128;
  write_sample_run(run.path(), settings);
  write_sample_results(run.path(), 0.5);
  const std::string report = report_of(run.path());
  for (const char* name : {"loss", "accuracy", "finetune"}) {
    const std::string stem = std::string("plots/") + name;
    EXPECT_TRUE(contains(report, "](" + stem + ".png)](" + stem + ".svg)")) << name;
    EXPECT_TRUE(fs::exists(run / (stem + ".png"))) << name;
    EXPECT_TRUE(fs::exists(run / (stem + ".svg"))) << name;
  }
  EXPECT_TRUE(contains(read_file(run / "plots/loss.svg"), "chance, ln(2N-1) = 5.54"));
}

TEST(RunReport, OfLabelsHasNeitherChanceNorTemperature) {
  const TempFolder run;
  Settings settings;
  settings.train.objective = Objective::kSupervised;
  write_sample_run(run.path(), settings);
  const std::string report = report_of(run.path());
  EXPECT_TRUE(contains(report, "Supervised pretraining"));
  EXPECT_FALSE(contains(report, "| temperature |"));
  EXPECT_FALSE(contains(read_file(run / "plots/loss.svg"), "chance"));
  EXPECT_TRUE(contains(read_file(run / "plots/loss.svg"), "Cross-entropy loss"));
}

TEST(RunReport, OfARunThatHasOnlyBegunSaysSo) {
  const TempFolder run;
  write_file_atomically(run / "config.yaml", to_yaml({}));
  const std::string report = report_of(run.path());
  EXPECT_TRUE(contains(report, "Not evaluated yet."));
  EXPECT_TRUE(contains(report, "No epoch was finished."));
  EXPECT_FALSE(contains(report, "To repeat it"));
}

TEST(RunReport, ShowsAnEncoderThatWasNotScoredAsADash) {
  const TempFolder run;
  write_sample_run(run.path());
  write_file_atomically(run / "results.jsonl", result_line("knn", "random", 0.25));
  EXPECT_TRUE(contains(report_of(run.path()), "| kNN | 25.00 % | – | – |"));
}

TEST(RunReport, EscapesWhatItShows) {
  const TempFolder run;
  Settings settings;
  settings.data.source = "a|b<script>alert(1)</script>";
  write_sample_run(run.path(), settings);
  write_file_atomically(run / "command.txt", "simclr\n```\n<script>\n");
  write_file_atomically(run / "results.jsonl", result_line("<b>|", "trained", 0.5));
  const std::string report = report_of(run.path());
  EXPECT_TRUE(contains(report, "a\\|b&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_TRUE(contains(report, "| &lt;b&gt;\\| | – | 50.00 % | – |"));
  EXPECT_TRUE(contains(report, "````sh\nsimclr\n```\n<script>\n"));
}

TEST(RunReport, WithoutGnuplotSaysSoAndHasTheTables) {
  const TempFolder folder;
  const fs::path run = folder / "run";
  write_sample_run(run);
  write_sample_results(run, 0.5);
  const NoPrograms none(folder.path());
  EXPECT_EQ(write_run_report(run), "gnuplot is not installed: no pictures.");
  const std::string report = read_file(run / "report.md");
  EXPECT_TRUE(contains(report, "gnuplot is not installed: no pictures."));
  EXPECT_FALSE(contains(report, ".png"));
  EXPECT_TRUE(contains(report, "| kNN | 25.00 % |"));
}

TEST(RunReport, OfADamagedRunKeepsTheOldReport) {
  const TempFolder run;
  write_sample_run(run.path());
  const std::string before = report_of(run.path());
  write_file_atomically(run / "metrics.jsonl", "{");
  expect_error(ExitCode::kData, [&] { write_run_report(run.path()); });
  EXPECT_EQ(read_file(run / "report.md"), before);
}

}  // namespace
}  // namespace simclr
