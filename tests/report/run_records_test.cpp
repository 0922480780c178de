#include "simclr/report/run_records.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/report/sample_run.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

TEST(ReadRunRecords, ReadsWhatARunHolds) {
  const TempFolder run;
  Settings settings;
  settings.loss.temperature = 0.1;
  write_sample_run(run.path(), settings);
  write_sample_results(run.path(), 0.5);
  const RunRecords records = read_run_records(run.path());
  EXPECT_EQ(records.settings.loss.temperature, 0.1);
  EXPECT_EQ(records.command, "simclr pretrain --out runs/a\n");
  ASSERT_EQ(records.environment.size(), 3U);
  EXPECT_EQ(records.environment[0].first, "simclr");
  EXPECT_EQ(records.environment[2].second, "2");
  ASSERT_EQ(records.epochs.size(), 4U);
  EXPECT_EQ(records.epochs[1].epoch, 2);
  EXPECT_EQ(records.epochs[1].train_loss, 4.0);
  EXPECT_EQ(records.epochs[1].val_loss, 4.25);
  EXPECT_EQ(records.epochs[1].train_accuracy, 0.125);
  EXPECT_EQ(records.epochs[1].val_accuracy, 0.25);
  EXPECT_EQ(records.epochs[1].views_per_second, 262.0);
  EXPECT_EQ(records.epochs[1].epoch_seconds, 30.0);
  ASSERT_EQ(records.results.size(), 3U);
  EXPECT_EQ(records.accuracy("knn", true), 0.75);
  EXPECT_EQ(records.accuracy("knn", false), 0.25);
  const ResultRecord& finetune = records.results.at("finetune").trained.value();
  EXPECT_EQ(finetune.test_curve, (std::vector<double>{0.5, 0.75}));
  EXPECT_EQ(finetune.epoch, 4);
  EXPECT_EQ(finetune.checkpoint, "best");
  EXPECT_EQ(finetune.protocol_text, "words of finetune");
  EXPECT_EQ(finetune.encoder_sha256, "0123456789abcdef");
  EXPECT_EQ(finetune.command, "simclr finetune --run runs/a");
}

TEST(ReadRunRecords, NeedsNothingButTheSettings) {
  const TempFolder run;
  write_file_atomically(run / "config.yaml", to_yaml({}));
  const RunRecords records = read_run_records(run.path());
  EXPECT_TRUE(records.epochs.empty());
  EXPECT_TRUE(records.results.empty());
  EXPECT_TRUE(records.environment.empty());
  EXPECT_EQ(records.command, "");
  EXPECT_EQ(records.accuracy("knn", true), std::nullopt);
}

TEST(ReadRunRecords, KeepsResultsOnOtherImagesApart) {
  const TempFolder run;
  write_sample_run(run.path());
  const auto on = [](const char* data, const char* sha256) {
    return fmt::format(R"(,"test_images":60,"data":"{}","test_sha256":"{}")", data, sha256);
  };
  write_file_atomically(run / "images.json", R"({"test":{"images":60,"sha256":"own"}})");
  write_file_atomically(run / "results.jsonl",
                        result_line("knn", "trained", 0.5, on("moved/cifar", "own")) + "\n" +
                            result_line("knn", "trained", 0.9, on("other/photos", "other")) + "\n");
  const RunRecords records = read_run_records(run.path());
  EXPECT_EQ(records.accuracy("knn", true), 0.5);
  EXPECT_EQ(records.accuracy("knn on photos (60 images)", true), 0.9);
}

/// As result_line, of these weights.
std::string line_of(const std::string& encoder, double accuracy, const std::string& checkpoint,
                    const std::string& weights = "as trained") {
  std::string line =
      result_line("knn", encoder, accuracy, fmt::format(R"(,"weights":"{}")", weights));
  const std::string best = R"("checkpoint":"best")";
  return line.replace(line.find(best), best.size(),
                      fmt::format(R"("checkpoint":"{}")", checkpoint)) +
         "\n";
}

TEST(ReadRunRecords, KeepsResultsOfOtherWeightsApart) {
  const TempFolder run;
  write_sample_run(run.path());
  write_file_atomically(
      run / "results.jsonl",
      line_of("random", 0.1, "best") + line_of("trained", 0.5, "best") +
          line_of("random", 0.1, "last") + line_of("trained", 0.6, "last") +
          line_of("random", 0.2, "best") + line_of("trained", 0.7, "best", "ema") +
          line_of("random", 0.3, "weights/w.pth") + line_of("trained", 0.8, "weights/w.pth"));
  const RunRecords records = read_run_records(run.path());
  EXPECT_EQ(records.accuracy("knn", true), 0.5);
  EXPECT_EQ(records.accuracy("knn", false), 0.1);
  EXPECT_EQ(records.accuracy("knn of last", true), 0.6);
  EXPECT_EQ(records.accuracy("knn of ema", true), 0.7);
  EXPECT_EQ(records.accuracy("knn of ema", false), 0.2);
  EXPECT_EQ(records.accuracy("knn of w.pth", true), 0.8);
  EXPECT_EQ(records.accuracy("knn of w.pth", false), 0.3);
}

TEST(ReadRunRecords, OfAFolderForTheResultsOfAFileTheyAreItsOwn) {
  const TempFolder run;
  write_file_atomically(run / "config.yaml", to_yaml({}));
  write_file_atomically(run / "results.jsonl", line_of("random", 0.1, "weights/w.pth") +
                                                   line_of("trained", 0.8, "weights/w.pth"));
  const RunRecords records = read_run_records(run.path());
  EXPECT_EQ(records.accuracy("knn", true), 0.8);
  EXPECT_EQ(records.accuracy("knn", false), 0.1);
}

TEST(ReadRunRecords, SaysWhatTheRunBeganWith) {
  const TempFolder run;
  write_sample_run(run.path());
  EXPECT_EQ(read_run_records(run.path()).start, "");
  write_file_atomically(run / "init.txt", "random weights\n");
  EXPECT_EQ(read_run_records(run.path()).start, "random weights");
}

TEST(ReadRunRecords, TheLastResultOfAnEncoderCounts) {
  const TempFolder run;
  write_sample_run(run.path());
  write_file_atomically(run / "results.jsonl", result_line("knn", "random", 0.1) + "\n" +
                                                   result_line("knn", "trained", 0.2) + "\n" +
                                                   result_line("knn", "trained", 0.3) + "\n");
  const RunRecords records = read_run_records(run.path());
  EXPECT_EQ(records.accuracy("knn", false), 0.1);
  EXPECT_EQ(records.accuracy("knn", true), 0.3);
}

TEST(ReadRunRecords, RawPixelsAreNoEncoder) {
  const TempFolder run;
  write_sample_run(run.path());
  write_file_atomically(run / "results.jsonl", result_line("knn", "random", 0.1) + "\n" +
                                                   result_line("knn", "pixels", 0.2) + "\n" +
                                                   result_line("knn", "trained", 0.3) + "\n");
  const RunRecords records = read_run_records(run.path());
  EXPECT_EQ(records.accuracy("knn", false), 0.1);
  EXPECT_EQ(records.accuracy("knn", true), 0.3);
}

TEST(ReadRunRecords, SaysWhichLineOfMetricsIsDamaged) {
  const TempFolder run;
  write_sample_run(run.path());
  const std::string path = (run / "metrics.jsonl").string();
  const auto message = [&](const std::string& second_line) {
    write_file_atomically(path, metrics_line(1, 3.0) + "\n" + second_line);
    const Error error = expect_error(ExitCode::kData, [&] { read_run_records(run.path()); });
    EXPECT_EQ(error.hint(), "Restore the file, or train again into a new folder.");
    return std::string(error.what());
  };
  const std::string place = path + ":2: not a line of metrics: ";
  EXPECT_TRUE(contains(message(R"({"epoch":2})"), place));
  EXPECT_TRUE(contains(message(R"({"epoch":2,"train_)"), place));
  EXPECT_TRUE(contains(message("\n"), place));
  EXPECT_TRUE(contains(message(R"({"epoch":"two"})"), "must be number"));
}

TEST(ReadRunRecords, SaysWhichLineOfResultsIsDamaged) {
  const TempFolder run;
  write_sample_run(run.path());
  const std::string path = (run / "results.jsonl").string();
  const auto message = [&](const std::string& line) {
    write_file_atomically(path, line);
    const Error error = expect_error(ExitCode::kData, [&] { read_run_records(run.path()); });
    EXPECT_EQ(error.hint(), "Delete that line and run that evaluation again.");
    return std::string(error.what());
  };
  EXPECT_EQ(message(R"({"encoder":"trained"})"), path + ":1: key 'protocol' not found");
  EXPECT_EQ(message(result_line("knn", "best", 0.5)),
            path + ":1: encoder is neither 'trained' nor 'random'");
  const std::string whole = result_line("knn", "trained", 0.5);
  EXPECT_TRUE(contains(message(whole + "\n" + whole.substr(0, 40)), path + ":2: parse error"));
}

TEST(ReadRunRecords, SaysWhichOtherFileIsDamagedOrMissing) {
  const TempFolder run;
  const Error missing = expect_error(ExitCode::kData, [&] { read_run_records(run.path()); });
  EXPECT_EQ(std::string(missing.what()), (run / "config.yaml").string() + ": missing or empty");
  EXPECT_EQ(missing.hint(), "Give the folder that `simclr pretrain --out` wrote.");

  write_sample_run(run.path());
  write_file_atomically(run / "environment.json", "[1");
  const Error environment = expect_error(ExitCode::kData, [&] { read_run_records(run.path()); });
  EXPECT_TRUE(contains(environment.what(), "environment.json: parse error"));
  EXPECT_TRUE(contains(environment.hint(), "Remove the file"));
  write_file_atomically(run / "environment.json", "[1]");
  expect_error(ExitCode::kData, [&] { read_run_records(run.path()); });

  write_file_atomically(run / "config.yaml", "train: {epoch: 3}\n");
  const Error config = expect_error(ExitCode::kData, [&] { read_run_records(run.path()); });
  EXPECT_TRUE(contains(config.what(), "train.epoch")) << config.what();
}

TEST(ProtocolOrder, PutsFineTuningLastOfTheThreeAndOthersAfterThem) {
  std::vector<std::string> protocols{"zeta", "finetune", "alpha", "linear", "knn"};
  std::sort(protocols.begin(), protocols.end(), ProtocolOrder());
  EXPECT_EQ(protocols, (std::vector<std::string>{"knn", "linear", "finetune", "alpha", "zeta"}));
}

TEST(ProtocolTitle, NamesTheThreeProtocols) {
  EXPECT_EQ(protocol_title("knn"), "kNN");
  EXPECT_EQ(protocol_title("linear"), "linear evaluation");
  EXPECT_EQ(protocol_title("finetune"), "fine-tuning");
  EXPECT_EQ(protocol_title("other"), "other");
}

}  // namespace
}  // namespace simclr
