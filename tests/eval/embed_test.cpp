#include "simclr/eval/embed.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "simclr/core/files.h"
#include "simclr/core/random.h"
#include "simclr/eval/features.h"
#include "simclr/formats/npy.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

constexpr int kSide = 8;
constexpr std::size_t kImages = 1203;  // batches of 500, 500 and 203

NamedImages noise_images(std::uint64_t seed = 9) {
  std::vector<std::uint8_t> pixels(kImages * kSide * kSide * 3);
  Random random(RandomKey{.seed = seed});
  for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(random.below(256));
  std::vector<std::int32_t> labels(kImages, 1);
  labels[3] = -1;
  return {std::make_shared<ImageArray>(std::move(pixels), std::move(labels), kSide, kSide),
          [](std::size_t i) { return i == 2 ? std::string("a,\"b\".png") : std::to_string(i); },
          {"cat", "dog"}};
}

EmbedResult embed(const std::filesystem::path& out, EmbedPlan plan = {},
                  const Embedding& embedding = raw_pixels(kSide)) {
  plan.out = out;
  NullSink sink;
  return embed_images(embedding, noise_images(), plan, sink);
}

EmbedPlan stopping_after(int batches) {
  EmbedPlan plan;
  plan.stop = [batches]() mutable { return --batches == 0; };
  return plan;
}

TEST(EmbedImages, WritesTheFeaturesOfEveryImage) {
  const TempFolder folder;
  const EmbedResult result = embed(folder / "a");
  EXPECT_EQ(result.images, 1203);
  const NpyArray array = read_npy(folder / "a/embeddings.npy");
  EXPECT_EQ(array.dtype, "f4");
  EXPECT_EQ(array.shape, (std::vector<std::size_t>{kImages, 3 * kSide * kSide}));
  NullSink sink;
  const Embedding pixels = raw_pixels(kSide);
  const Features features = extract_features(
      pixels, noise_images().images, whole_images(pixels, Normalization::kNone), 0, "", sink);
  EXPECT_EQ(std::memcmp(array.bytes.data(), features.x.data_ptr<float>(), array.bytes.size()), 0);
}

TEST(EmbedImages, WritesNamesAndClasses) {
  const TempFolder folder;
  embed(folder / "a");
  const std::string csv = read_file(folder / "a/embeddings.csv");
  EXPECT_TRUE(
      csv.starts_with("row,name,label,class\n0,0,1,dog\n1,1,1,dog\n"
                      "2,\"a,\"\"b\"\".png\",1,dog\n3,3,,\n4,4,1,dog\n"));
  EXPECT_TRUE(csv.ends_with("1202,1202,1,dog\n"));
}

TEST(EmbedImages, GoesOnWhereItWasStopped) {
  const TempFolder folder;
  embed(folder / "whole");
  EXPECT_TRUE(embed(folder / "parts", stopping_after(1)).interrupted);
  EXPECT_FALSE(std::filesystem::exists(folder / "parts/embeddings.npy"));
  // Killed in the middle of a write: the torn batch is done again.
  std::ofstream(folder / "parts/embeddings.npy.partial", std::ios::app) << "torn";
  const EmbedResult second = embed(folder / "parts", stopping_after(1));
  EXPECT_TRUE(second.interrupted);
  EXPECT_EQ(second.kept, 500);
  EXPECT_EQ(embed(folder / "parts").kept, 1000);
  for (const char* name : {"embeddings.npy", "embeddings.csv", "embeddings.json"})
    EXPECT_EQ(read_file(folder / "parts" / name), read_file(folder / "whole" / name)) << name;
  EXPECT_FALSE(std::filesystem::exists(folder / "parts/embeddings.npy.partial"));
}

TEST(EmbedImages, StartsAnewForAnotherEncoder) {
  const TempFolder folder;
  embed(folder / "a", stopping_after(2));
  Embedding other = raw_pixels(kSide);
  other.fingerprint = [] { return std::string("other"); };
  EXPECT_EQ(embed(folder / "a", {}, other).kept, 0);
}

TEST(EmbedImages, StartsAnewForOtherPixelsUnderTheSameNames) {
  const TempFolder folder;
  embed(folder / "a", stopping_after(2));
  NullSink sink;
  EmbedPlan plan;
  plan.out = folder / "a";
  EXPECT_EQ(embed_images(raw_pixels(kSide), noise_images(10), plan, sink).kept, 0);
}

TEST(EmbedImages, ReplacesNothingUnasked) {
  const TempFolder folder;
  embed(folder / "a");
  expect_error(ExitCode::kUsage, "embeddings.npy exists", [&] { embed(folder / "a"); });
  EmbedPlan plan;
  plan.overwrite = true;
  EXPECT_EQ(embed(folder / "a", plan).images, 1203);
}

TEST(EmbedImages, GoesOnWithAReplacementThatWasStopped) {
  const TempFolder folder;
  Embedding other = raw_pixels(kSide);
  other.fingerprint = [] { return std::string("other"); };
  embed(folder / "a", {}, other);
  EmbedPlan plan = stopping_after(2);
  plan.overwrite = true;
  EXPECT_TRUE(embed(folder / "a", plan).interrupted);
  EXPECT_TRUE(contains(read_file(folder / "a/embeddings.json"), "\"other\""));  // not lost yet
  plan.stop = [] { return false; };
  EXPECT_EQ(embed(folder / "a", plan).kept, 1000);
  EXPECT_FALSE(contains(read_file(folder / "a/embeddings.json"), "\"other\""));
}

TEST(EmbedImages, RefusesAnEncoderThatMoves) {
  const TempFolder folder;
  Embedding moving = raw_pixels(kSide);
  moving.fingerprint = [count = 0]() mutable { return std::to_string(count++); };
  expect_error(ExitCode::kFailed, "the encoder changed", [&] { embed(folder / "a", {}, moving); });
  EXPECT_FALSE(std::filesystem::exists(folder / "a/embeddings.npy"));
  EXPECT_EQ(embed(folder / "a").kept, 0);  // nothing of it is gone on with
}

TEST(EveryImage, TakesAllPartsOfASet) {
  DataSettings settings;
  settings.shapes_images = 100;
  const NamedImages all = every_image(open_source(settings));
  EXPECT_EQ(all.images->size(), 150U);
  EXPECT_EQ(all.name_of(0), "train/0");
  EXPECT_EQ(all.name_of(100), "test/0");
  EXPECT_EQ(all.class_names.size(), 10U);
}

}  // namespace
}  // namespace simclr
