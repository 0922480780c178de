#include "simclr/formats/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "simclr/core/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

EpochMetrics some_row(std::int64_t epoch) {
  return {.epoch = epoch,
          .epochs = 40,
          .step = 31 * epoch,
          .objective = "contrastive",
          .train_loss = 3.2059501,
          .train_accuracy = 0.1,
          .val_loss = 1.0 / 3.0,
          .val_accuracy = 0.25,
          .lr = 1e-3,
          .views_per_second = 262.4,
          .epoch_seconds = 61.5};
}

TEST(Metrics, EpochLineHasTheSeedsForm) {
  EXPECT_EQ(epoch_line(some_row(1)),
            "Epoch 1/40  Train Loss: 3.205950, Train Acc: 0.100000 | Val Loss: 0.333333, Val Acc: "
            "0.250000 | 262 views/s");
}

TEST(Metrics, ReadsBackWhatWasWritten) {
  const TempFolder folder;
  write_metrics(folder.path(), {some_row(1), some_row(2)});
  const std::vector<EpochMetrics> rows = read_metrics(folder.path());
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].epoch, 2);
  EXPECT_EQ(rows[1].val_loss, 1.0 / 3.0);
  EXPECT_EQ(rows[1].objective, "contrastive");
}

TEST(Metrics, CsvHasAFixedHeaderAndOneLineAnEpoch) {
  const TempFolder folder;
  write_metrics(folder.path(), {some_row(1)});
  EXPECT_EQ(read_file(folder.path() / "metrics.csv"),
            "epoch,epochs,step,objective,train_loss,train_accuracy,val_loss,val_accuracy,lr,"
            "views_per_second,epoch_seconds,loader_share,step_share,evaluation_share,saving_share,"
            "gradient_norm,knn_accuracy,probe_accuracy,alignment,uniformity,effective_rank\n"
            "1,40,31,contrastive,3.2059501,0.1,0.3333333333333333,0.25,0.001,262.4,61.5"
            ",,,,,,,,,,\n");
}

TEST(Metrics, WhatWasNotMeasuredIsNullAndReadsBackAsThat) {
  const TempFolder folder;
  EpochMetrics row = some_row(1);
  row.knn_accuracy = 0.375;
  write_metrics(folder.path(), {row});
  EXPECT_TRUE(contains(read_file(folder.path() / "metrics.jsonl"), "\"alignment\":null"));
  const EpochMetrics read = read_metrics(folder.path()).at(0);
  EXPECT_EQ(read.knn_accuracy, 0.375);
  EXPECT_TRUE(std::isnan(read.alignment));
  EXPECT_TRUE(contains(epoch_line(read), "262 views/s | knn 37.5 %")) << epoch_line(read);
}

TEST(Metrics, MeasuredColumnsAreThoseThatHaveAValue) {
  EpochMetrics row = some_row(1);
  row.uniformity = -2.0;
  bool found = false;
  for (const auto& [name, value] : measured_columns(row)) {
    EXPECT_NE(name, "alignment");
    found = found || (name == "uniformity" && value == -2.0);
  }
  EXPECT_TRUE(found);
}

TEST(Metrics, NoFileIsNoRowsAndADamagedLineIsNamed) {
  const TempFolder folder;
  EXPECT_TRUE(read_metrics(folder.path()).empty());
  std::ofstream(folder.path() / "metrics.jsonl") << "{\"epoch\": 1}\n";
  expect_error(ExitCode::kData, "metrics.jsonl:1", [&] { read_metrics(folder.path()); });
}

}  // namespace
}  // namespace simclr
