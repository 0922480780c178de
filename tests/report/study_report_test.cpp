#include "simclr/report/study_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "simclr/report/claims.h"
#include "simclr/report/runs_as_study.h"
#include "simclr/report/study_plots.h"
#include "simclr/report/study_tables.h"
#include "tests/report/sample_study.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

TEST(StudyReport, WritesPageMarkdownTablesAndPictures) {
  const TempFolder folder;
  write_sample_study(folder.path());
  const std::string text = write_study_report(folder.path());
  EXPECT_TRUE(contains(text, "62.50 ± 17.68")) << text;  // 75 and 50
  EXPECT_TRUE(contains(text, "three failed: the loss is not finite"));
  for (const char* name :
       {"report.html", "report.md", "tables/temperature.csv", "tables/temperature-curves.csv",
        "tables/claims.csv", "tables/temperature-differences.csv", "tables/trials.csv"})
    EXPECT_TRUE(fs::exists(folder / name)) << name;
  for (const char* name : {"accuracy", "loss", "common", "finetune"}) {
    for (const char* ending : {".svg", ".png", ".pdf"})
      EXPECT_TRUE(fs::exists(folder / (std::string("plots/temperature-") + name + ending))) << name;
  }
}

TEST(StudyReport, CsvHasMeanDeviationAndEverySeed) {
  const TempFolder folder;
  write_sample_study(folder.path());
  write_study_report(folder.path());
  const std::string csv = read_file(folder / "tables/temperature.csv");
  EXPECT_TRUE(csv.starts_with("sub_study,arm,figure,mean,sd,n,by_seed\n"));
  EXPECT_TRUE(contains(csv, "temperature,0.1,knn,0.625,0.1767")) << csv;
  EXPECT_TRUE(contains(csv, ",2,0.75 0.5\n"));
  EXPECT_TRUE(contains(csv, "temperature,random encoder,knn,0.25,0,2,0.25 0.25\n"));
  const std::string curves = read_file(folder / "tables/temperature-curves.csv");
  EXPECT_TRUE(contains(curves, "0.1,0,1,6,6.25,0.125,0.25,,0.5\n")) << curves;
}

TEST(StudyReport, AFigureIsAProtocolsWhateverItsResultIsCalled) {
  const TempFolder folder;
  write_sample_study(folder.path());
  for (const char* trial : {"one", "two"}) {
    const fs::path file = folder / (std::string("trials/") + trial + "/results.jsonl");
    std::string lines = read_file(file);
    for (std::size_t at = 0; (at = lines.find("\"linear\"", at)) != std::string::npos; at += 12)
      lines.replace(at, 8, "\"linear-sgd\"");
    write_file_atomically(file, lines);
  }
  auto plan = nlohmann::json::parse(read_file(folder / "study.json"));
  for (auto& trial : plan["trials"])
    trial["results"] = {{"knn", "knn"}, {"linear", "linear-sgd"}, {"finetune", "finetune"}};
  write_file_atomically(folder / "study.json", plan.dump());
  write_study_report(folder.path());
  EXPECT_TRUE(contains(read_file(folder / "tables/temperature.csv"), "temperature,0.1,linear,"));
}

TEST(StudyReport, SaysWhatWasChosenAndWhatFailed) {
  const TempFolder folder;
  write_sample_study(folder.path());
  write_study_report(folder.path());
  const std::string report = read_file(folder / "report.md");
  EXPECT_TRUE(report.starts_with("# Sample study\n\n3 trials: 2 done, 1 failed, 0 not finished"));
  EXPECT_TRUE(contains(report, "chosen here: optim.lr = 0.001."));
  EXPECT_TRUE(contains(report, "failed: the loss is not finite"));
  EXPECT_TRUE(contains(report, "| 1 | larger is better | not run |"));
  EXPECT_TRUE(contains(report, "One seed per arm cannot tell noise from effect"));
  EXPECT_TRUE(contains(report, "```sh\nsimclr study s.yaml\n```"));
}

TEST(StudyReport, PageLoadsNothingAndEscapesEverything) {
  const TempFolder folder;
  const std::string hostile = "<script>alert(1)</script>\"'&";
  write_sample_study(folder.path(), hostile, hostile);
  write_study_report(folder.path());
  const std::string html = read_file(folder / "report.html");
  EXPECT_FALSE(contains(html, "<script>alert"));
  EXPECT_TRUE(contains(html, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
  EXPECT_TRUE(contains(html, "\\u003cscript>alert(1)"));  // in the charts' data
  EXPECT_TRUE(contains(html, "default-src 'none'"));
  EXPECT_FALSE(contains(html, "unsafe-inline"));
  for (const char* loads : {"src=\"http", "href=\"http", "url(", "@import"})
    EXPECT_FALSE(contains(html.substr(0, html.find("id=\"plots\"")), loads)) << loads;
  EXPECT_FALSE(contains(read_file(folder / "report.md"), "<script>"));
}

TEST(StudyReport, WithoutGnuplotHasChartsAndSaysSo) {
  const TempFolder folder;
  write_sample_study(folder.path());
  const NoPrograms none(folder.path());
  EXPECT_TRUE(
      contains(write_study_report(folder.path()), "gnuplot is not installed: no pictures."));
  EXPECT_FALSE(contains(read_file(folder / "report.md"), ".png"));
  EXPECT_TRUE(contains(read_file(folder / "report.html"), "<canvas"));
}

TEST(StudyReport, ReadsFieldsItDoesNotKnow) {
  const TempFolder folder;
  write_sample_study(folder.path());
  const fs::path results = folder / "trials/one/results.jsonl";
  write_file_atomically(results,
                        result_line("linear", "trained", 0.5, R"(,"top5":0.9,"new":{"a":[1]})"));
  EXPECT_TRUE(contains(write_study_report(folder.path()), "50.00"));
}

TEST(StudyReport, NamesTheDamagedFile) {
  const TempFolder folder;
  write_sample_study(folder.path());
  write_file_atomically(folder / "trials/one/results.jsonl", "{}");
  const Error error = expect_error(ExitCode::kData, [&] { write_study_report(folder.path()); });
  EXPECT_TRUE(contains(error.what(), "trials/one/results.jsonl:1: "));
  write_file_atomically(folder / "study.json", "{\"title\": 1}");
  expect_error(ExitCode::kData, "study.json", [&] { write_study_report(folder.path()); });
  const TempFolder empty;
  expect_error(ExitCode::kUsage, "is not a study", [&] { write_study_report(empty.path()); });
}

TEST(Comparison, RunsThatDifferOnlyInTheSeedAreSeedsOfOneArm) {
  const TempFolder folder;
  for (const int seed : {0, 1, 2}) {
    Settings settings;
    settings.train.seed = static_cast<std::uint64_t>(seed);
    settings.loss.temperature = seed == 2 ? 0.1 : 0.5;
    write_sample_run(folder / std::to_string(seed), settings);
  }
  const StudyRecords study = runs_as_study({folder / "0", folder / "1", folder / "2"});
  ASSERT_EQ(study.sub_studies[0].arms.size(), 2U);
  EXPECT_EQ(study.sub_studies[0].arms[0].trials.size(), 2U);
  EXPECT_EQ(study.sub_studies[0].keys, std::vector<std::string>{"loss.temperature"});
}

/// Runs of these seeds that began so; "": they do not say.
StudyRecords compared(const TempFolder& folder,
                      const std::vector<std::pair<std::uint64_t, std::string>>& runs) {
  std::vector<fs::path> paths;
  for (const auto& [seed, start] : runs) {
    Settings settings;
    settings.train.seed = seed;
    paths.push_back(folder / std::to_string(paths.size()));
    write_sample_run(paths.back(), settings);
    if (!start.empty()) write_file_atomically(paths.back() / "init.txt", start + "\n");
  }
  return runs_as_study(paths);
}

TEST(Comparison, RunsThatBeganWithOtherEncodersAreOtherArms) {
  const TempFolder folder;
  const std::string random = "random weights";
  const StudyRecords study = compared(folder, {{0, random},
                                               {0, "a/w.pth, encoder SHA-256 0123456789ab"},
                                               {1, "b/moved.pth, encoder SHA-256 0123456789ab"},
                                               {1, "a/w.pth, encoder SHA-256 ba9876543210"},
                                               {1, random},
                                               {2, ""}});
  const SubStudyRecord& sub = study.sub_studies[0];
  EXPECT_EQ(sub.keys, std::vector<std::string>{"init"});
  ASSERT_EQ(sub.arms.size(), 4U);
  EXPECT_EQ(sub.arms[0].values.at("init"), random);
  EXPECT_EQ(sub.arms[0].trials, (std::vector<std::size_t>{0, 4}));
  EXPECT_EQ(sub.arms[1].values.at("init"), "w.pth 01234567");
  EXPECT_EQ(sub.arms[1].trials, (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(sub.arms[2].values.at("init"), "w.pth ba987654");
  EXPECT_EQ(sub.arms[3].values.at("init"), "unknown");
}

TEST(Comparison, RunsThatAllDoNotSayWhatTheyBeganWithBeganAlike) {
  const TempFolder folder;
  const StudyRecords study = compared(folder, {{0, ""}, {1, ""}});
  EXPECT_TRUE(study.sub_studies[0].keys.empty());
  EXPECT_EQ(study.sub_studies[0].arms.size(), 1U);
}

TEST(Comparison, OneSeedIsNeverCountedTwice) {
  const TempFolder folder;
  const StudyRecords twice = compared(folder, {{0, ""}, {0, ""}, {1, ""}});
  ASSERT_EQ(twice.sub_studies[0].arms.size(), 2U);
  EXPECT_EQ(twice.sub_studies[0].arms[0].trials, (std::vector<std::size_t>{0, 2}));
  const StudyRecords same = runs_as_study({folder / "0", folder / "1/../0", folder / "0/"});
  EXPECT_EQ(same.trials.size(), 1U);
}

TEST(Comparison, OfNothingIsAnError) {
  expect_error(ExitCode::kUsage, "no trial is done yet", [] { runs_as_study({}); });
}

TEST(StudyReport, ATrialThatIsNotDoneCountsInNoTableAndVerdict) {
  const TempFolder folder;
  write_sample_study(folder.path());
  StudyRecords study = read_study_records(folder.path());
  SubStudyRecord& sub = study.sub_studies[0];
  const ClaimRecord claim{"text", "temperature", "common_top1", "rises", {}, 0.0};
  for (const char* figure : {"val_loss", "train_loss", "common_top1", "random_common_top1"})
    EXPECT_TRUE(values_of(study, sub.arms[1], figure).empty()) << figure;  // of the failed one
  EXPECT_EQ(values_of(study, sub.arms[0], "val_loss").size(), 2U);
  EXPECT_EQ(judge(study, claim).verdict, Verdict::kNotRun);
  study.trials[2].initial_measure->top1 = 0.75;  // one that was made with other settings
  study.trials[2].stage = "";
  EXPECT_TRUE(shared_random_values(study, sub, "common_top1"));
  study.trials[2].stage = "done";
  EXPECT_EQ(values_of(study, sub.arms[1], "val_loss").size(), 1U);
  EXPECT_NE(judge(study, claim).verdict, Verdict::kNotRun);
  EXPECT_FALSE(shared_random_values(study, sub, "common_top1"));
}

TEST(StudyReport, OfTrialsThatAreAllUnfinishedHasTheCurvesAlone) {
  const TempFolder folder;
  write_sample_study(folder.path());
  for (const char* trial : {"one", "two"})
    fs::remove(folder / (std::string("states/") + trial + ".json"));
  EXPECT_TRUE(contains(write_study_report(folder.path()), "0 of 2"));
  EXPECT_TRUE(fs::exists(folder / "plots/temperature-loss.svg"));
  EXPECT_FALSE(contains(read_file(folder / "report.md"), "62.50"));
}

TEST(StudyReport, SubStudiesHaveFilesOfTheirOwn) {
  const TempFolder folder;
  write_sample_study(folder.path());
  auto plan = nlohmann::json::parse(read_file(folder / "study.json"));
  const auto first = plan["sub_studies"][0];
  for (const char* name : {"Temperature", "temperature-curves", "claims", "\u6e29", "\u5ea6"}) {
    plan["sub_studies"].push_back(first);
    plan["sub_studies"].back()["name"] = name;
  }
  write_file_atomically(folder / "study.json", plan.dump());
  std::vector<std::string> files;
  for (const SubStudyRecord& sub : read_study_records(folder.path()).sub_studies)
    files.push_back(sub.file);
  EXPECT_EQ(files, (std::vector<std::string>{"temperature", "temperature-2", "temperature-curves-2",
                                             "claims-2", "---", "----2"}));
}

TEST(FinetuneFigure, SaysWhatWasTrained) {
  StudyRecords study = study_of({{"x", {0.5}}, {"y", {0.6}}});
  const auto caption = [&] { return finetune_figure(study, study.sub_studies[0]).caption; };
  EXPECT_TRUE(contains(caption(), "The encoder is frozen"));
  study.trials[0].records->results["finetune"].trained->protocol = "finetune-whole-10%";
  EXPECT_TRUE(contains(caption(), "in some arms the encoder too"));
  study.trials[1].records->results["finetune"].trained->protocol = "finetune-whole";
  EXPECT_TRUE(contains(caption(), "The whole network is trained with labels"));
}

TEST(StudyReport, TheEncoderThatIsShownIsTheBestByAProtocolThatWasRun) {
  const TempFolder folder;
  write_sample_study(folder.path());
  const nlohmann::json pictures{
      {"part", "test"},
      {"class_names", {"a", "b"}},
      {"embedding",
       {{"x", {0.0, 1.0}}, {"y", {0.0, 1.0}}, {"label", {0, 1}}, {"variance_share", {0.5, 0.25}}}},
      {"neighbours", nlohmann::json::array()},
      {"filters", {{"shape", {1}}, {"values", {0.5}}}}};
  for (const char* trial : {"one", "two"})
    write_file_atomically(folder / (std::string("trials/") + trial + "/pictures.json"),
                          pictures.dump());
  write_file_atomically(folder / "trials/one/results.jsonl", result_line("knn", "trained", 0.5));
  write_file_atomically(folder / "trials/two/results.jsonl", result_line("knn", "trained", 0.5));
  write_study_report(folder.path());
  EXPECT_TRUE(contains(read_file(folder / "report.md"),
                       "Trial one, seed 0: the best by kNN on validation images. simclr report"));
}

TEST(ArmsTable, HasOneRandomEncoderOrOneForEachArmWhereTheyDiffer) {
  StudyRecords study = study_of({{"a", {0.5}}, {"b", {0.6}}});
  const auto score_random = [&](std::size_t trial, double accuracy) {
    auto& pair = study.trials[trial].records->results["finetune"];
    pair.random = pair.trained;
    pair.random->trained = false;
    pair.random->test_accuracy = accuracy;
  };
  score_random(0, 0.25);
  score_random(1, 0.25);
  const Table same = arms_table(study, study.sub_studies[0]);
  ASSERT_EQ(same.rows.size(), 3U);
  EXPECT_EQ(same.rows[2][0], "random encoder");
  EXPECT_EQ(same.rows[2].back(), "25.00");
  score_random(1, 0.125);
  const Table other = arms_table(study, study.sub_studies[0]);
  ASSERT_EQ(other.rows.size(), 4U);
  EXPECT_EQ(other.rows[2][0], "random encoder, a");
  EXPECT_EQ(other.rows[3][0], "random encoder, b");
  EXPECT_EQ(other.rows[3].back(), "12.50");
}

}  // namespace
}  // namespace simclr
