#include "simclr/report/run_pictures.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "simclr/core/files.h"
#include "tests/report/sample_run.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

using Json = nlohmann::json;

Json sample_pictures() {
  std::vector<float> values(2 * 3 * 9, 0.5F);
  return {
      {"part", "test"},
      {"class_names", {"<script>", "b"}},
      {"embedding",
       {{"x", {0.0, 1.0}}, {"y", {0.0, 1.0}}, {"label", {0, 1}}, {"variance_share", {0.5, 0.25}}}},
      {"neighbours", {{{"query", 0}, {"nearest", {1, 2}}, {"cosine", {0.9, 0.8}}}}},
      {"confusion", {{3, 1}, {0, 4}}},
      {"filters", {{"shape", {2, 3, 3, 3}}, {"values", values}}}};
}

class RunPictures : public testing::Test {
 protected:
  std::vector<Block> pictures(const Json& json) {
    Settings settings;
    settings.data.shapes_images = 100;
    write_sample_run(folder_.path(), settings);
    write_file_atomically(folder_ / "pictures.json", json.dump());
    return run_pictures(read_run_records(folder_.path()), folder_.path(), folder_.path(), "");
  }
  bool has(const std::string& name) { return std::filesystem::exists(folder_ / name); }

  TempFolder folder_;
};

TEST_F(RunPictures, AreEmbeddingNeighboursConfusionAndFilters) {
  const std::vector<Block> blocks = pictures(sample_pictures());
  ASSERT_EQ(blocks.size(), 4U);
  EXPECT_EQ(std::get<Figure>(blocks[0]).plot->curves.size(), 2U);
  EXPECT_TRUE(has("plots/neighbours.png"));
  EXPECT_EQ(std::get<Table>(blocks[2]).rows[0], (std::vector<std::string>{"<script>", "3", "1"}));
  EXPECT_TRUE(has("plots/filters.png"));
}

TEST_F(RunPictures, DoWithoutNeighboursWhereTheImagesAreGone) {
  Json json = sample_pictures();
  json["neighbours"][0]["nearest"] = {1000000};
  EXPECT_EQ(pictures(json).size(), 3U);
}

TEST_F(RunPictures, AreNoneWithoutTheirFile) {
  write_sample_run(folder_.path());
  EXPECT_TRUE(
      run_pictures(read_run_records(folder_.path()), folder_.path(), folder_.path(), "").empty());
}

TEST_F(RunPictures, NameTheDamagedFile) {
  Json json = sample_pictures();
  json.erase("embedding");
  expect_error(ExitCode::kData, "pictures.json", [&] { pictures(json); });
}

}  // namespace
}  // namespace simclr
