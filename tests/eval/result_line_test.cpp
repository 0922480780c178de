#include "simclr/eval/result_line.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "simclr/core/files.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

const std::vector<std::string> kClasses{"a", "b, or not", "c"};

Outcome outcome_of(double top1, const std::vector<std::int64_t>& confusion, double curve) {
  Outcome outcome;
  outcome.test.top1 = top1;
  outcome.test.top5 = 1.0;
  outcome.test.confusion = at::tensor(confusion, at::kLong).view({3, 3});
  outcome.validation_accuracy = top1 / 2;
  outcome.details = {{"best_epoch", curve}};
  outcome.curves = {{"test_curve", {curve, 2 * curve}}};
  return outcome;
}

TEST(Merge, TakesMeansDeviationsAndAllConfusions) {
  const MergedOutcome merged = merge({outcome_of(0.5, {1, 1, 0, 0, 2, 0, 0, 0, 0}, 0.25),
                                      outcome_of(0.75, {2, 0, 0, 1, 1, 0, 0, 0, 0}, 0.75)},
                                     kClasses);
  EXPECT_DOUBLE_EQ(merged.fields["test_accuracy"], 0.625);
  EXPECT_DOUBLE_EQ(merged.fields["test_deviation"], 0.25 / std::sqrt(2.0));
  EXPECT_EQ(merged.fields["test_accuracies"], (std::vector<double>{0.5, 0.75}));
  EXPECT_DOUBLE_EQ(merged.fields["validation_accuracy"], 0.3125);
  EXPECT_EQ(merged.fields["confusion"][0], (std::vector<std::int64_t>{3, 1, 0}));
  EXPECT_EQ(merged.fields["per_class"]["a"], 0.75);
  EXPECT_TRUE(std::isnan(merged.fields["per_class"]["c"].get<double>()));
  EXPECT_EQ(merged.fields["test_curve"], (std::vector<double>{0.5, 1.0}));
  EXPECT_EQ(merged.fields["details_by_seed"].size(), 2U);
}

TEST(Merge, ClaimsNoDeviationOfOneSeed) {
  const MergedOutcome merged =
      merge({outcome_of(0.5, {1, 1, 0, 0, 2, 0, 0, 0, 0}, 0.25)}, kClasses);
  EXPECT_TRUE(merged.fields["test_deviation"].is_null());
  EXPECT_FALSE(merged.fields.contains("details_by_seed"));
}

TEST(WriteConfusion, IsATableWithTotals) {
  const TempFolder folder;
  const MergedOutcome merged =
      merge({outcome_of(0.5, {1, 1, 0, 0, 2, 0, 0, 0, 0}, 0.25)}, kClasses);
  write_confusion(folder / "deep/table.csv", merged, kClasses);
  EXPECT_EQ(read_file(folder / "deep/table.csv"),
            "class,a,\"b, or not\",c,images,accuracy\n"
            "a,1,1,0,2,0.5\n"
            "\"b, or not\",0,2,0,2,1\n"
            "c,0,0,0,0,\n");
}

TEST(ResultName, TellsProtocolsApart) {
  Settings settings;
  EXPECT_EQ(result_name(Protocol::kKnn, settings), "knn");
  EXPECT_EQ(result_name(Protocol::kLinear, settings), "linear");
  EXPECT_EQ(result_name(Protocol::kFinetune, settings), "finetune");
  settings.eval.on = ScoredVectors::kProjection;
  settings.linear.protocol = LinearProtocol::kSgd;
  EXPECT_EQ(result_name(Protocol::kLinear, settings), "linear-sgd-projection");
  settings.finetune.freeze = Freeze::kNone;
  settings.finetune.labels = 0.01;
  EXPECT_EQ(result_name(Protocol::kFinetune, settings), "finetune-whole-1%");
}

}  // namespace
}  // namespace simclr
