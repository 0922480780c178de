#include "simclr/train/training_images.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "simclr/core/files.h"
#include "simclr/data/image_keys.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

Settings settings_with(std::int64_t images, double train_percent = 1.0) {
  Settings settings;
  settings.data.shapes_images = images;
  settings.data.train_percent = train_percent;
  return settings;
}

RunFolder new_run(const TempFolder& folder, const Settings& settings) {
  RunFolder run = RunFolder::create(folder / "a", settings, "test", false);
  keep_training_images(run, open_data(settings.data), settings, false);
  return run;
}

TEST(TrainingImages, AreKnownAgain) {
  const TempFolder folder;
  const Settings settings = settings_with(100);
  const RunFolder run = new_run(folder, settings);
  const DataSplits data = open_data(settings.data);
  EXPECT_EQ(images_trained_on(run, *data.train), data.train->size());
  EXPECT_EQ(images_trained_on(run, *data.validation), 0U);
  EXPECT_EQ(images_trained_on(run, *data.test), 0U);
}

TEST(TrainingImages, AreCountedPartByPart) {
  const TempFolder folder;
  const Settings settings = settings_with(100);
  const RunFolder run = new_run(folder, settings);
  const nlohmann::json json = nlohmann::json::parse(read_file(run.images()));
  EXPECT_EQ(json["training"]["images"], 80);
  EXPECT_EQ(json["validation"]["images"], 20);
  EXPECT_EQ(json["test"]["images"], 50);
  EXPECT_EQ(json["test"]["sha256"], images_sha256(*open_data(settings.data).test));
  EXPECT_EQ(recorded_side(run), 32);
}

TEST(TrainingImages, MustBeTheSameWhereARunGoesOn) {
  const TempFolder folder;
  const Settings settings = settings_with(200);
  const RunFolder run = new_run(folder, settings);
  keep_training_images(run, open_data(settings.data), settings, true);
  const Settings half = settings_with(200, 0.5);
  expect_error(ExitCode::kData, "of its 160 are no longer among the training images",
               [&] { keep_training_images(run, open_data(half.data), half, true); });
}

TEST(TrainingImages, AreNotKnownToARunOfResultsAlone) {
  const TempFolder folder;
  const Settings settings = settings_with(100);
  const RunFolder run = RunFolder::create(folder / "a", settings, "test", false);
  EXPECT_EQ(images_trained_on(run, *open_data(settings.data).test), std::nullopt);
  EXPECT_EQ(recorded_side(run), std::nullopt);
}

TEST(TrainingImages, NamesAFileThatIsDamaged) {
  const TempFolder folder;
  const Settings settings = settings_with(100);
  const RunFolder run = new_run(folder, settings);
  const DataSplits data = open_data(settings.data);
  write_file_atomically(run.training_images(), "no array");
  expect_error(ExitCode::kData, "training_images.npy", [&] { images_trained_on(run, *data.test); });
  write_file_atomically(run.images(), "{}");
  expect_error(ExitCode::kData, "images.json", [&] { recorded_side(run); });
}

}  // namespace
}  // namespace simclr
