#include "simclr/study/baselines.h"

#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

TEST(Baselines, ArmsThatShareARandomEncoderShareItsScore) {
  const TempFolder folder;
  const Baselines baselines(folder.path());
  Settings settings;
  EXPECT_FALSE(baselines.find(settings, Protocol::kKnn));
  baselines.keep(settings, Protocol::kKnn, "{\"a\": 1}", "trial");
  Settings same = settings;
  same.loss.temperature = 0.01;
  same.train.batch_size = 32;
  same.model.head = Head::kNone;
  same.run.workers = 3;
  EXPECT_EQ(baselines.find(same, Protocol::kKnn), "{\"a\": 1}");
  same.augment.pipeline = {};
  same.linear.epochs = 7;
  EXPECT_EQ(baselines.find(same, Protocol::kKnn), "{\"a\": 1}");
  EXPECT_FALSE(baselines.find(same, Protocol::kLinear));
  for (const auto& change :
       {+[](Settings& s) { s.train.seed = 1; }, +[](Settings& s) { s.model.stem = Stem::kCifar; },
        +[](Settings& s) { s.data.train_percent = 0.5; },
        +[](Settings& s) { s.knn.temperature = 0.2; }}) {
    Settings other = settings;
    change(other);
    EXPECT_FALSE(baselines.find(other, Protocol::kKnn));
  }
}

}  // namespace
}  // namespace simclr
