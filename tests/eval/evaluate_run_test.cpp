#include "simclr/eval/evaluate_run.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "simclr/core/files.h"
#include "simclr/formats/npy.h"
#include "tests/eval/small_run.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

using Json = nlohmann::json;

/// Keeps the messages.
class Messages final : public EventSink {
 public:
  void message(std::string_view line) override { text += std::string(line) + "\n"; }
  void progress(std::string_view /*task*/, std::int64_t /*done*/, std::int64_t /*total*/,
                std::string_view /*rate_text*/) override {}
  std::string text;
};

/// One run for all of these tests, read by every one of them.
class EvaluateRun : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder;
    make_small_run(folder_->path() / "a", small_run_settings());
  }
  static void TearDownTestSuite() { delete folder_; }

  static std::filesystem::path run() { return folder_->path() / "a"; }

  EvaluationPair evaluate(Protocol protocol, const Settings& settings, bool pixels = false) {
    EvaluationOptions options;
    options.encoder.run = run();
    options.settings = settings;
    options.command = "test";
    options.pixels = pixels;
    return RunEvaluator(options, messages_).evaluate(protocol);
  }

  static TempFolder* folder_;
  Messages messages_;
};
TempFolder* EvaluateRun::folder_ = nullptr;

TEST_F(EvaluateRun, KeepsEveryResultAsALineWithItsWholeProtocol) {
  std::filesystem::remove(run() / "results.jsonl");
  evaluate(Protocol::kKnn, small_run_settings(), true);
  std::istringstream lines(read_file(run() / "results.jsonl"));
  std::vector<std::string> encoders;
  for (std::string text; std::getline(lines, text);) {
    const Json line = Json::parse(text);
    encoders.push_back(line["encoder"]);
    EXPECT_EQ(line["protocol"], "knn");
    EXPECT_EQ(line["test_images"], 60);
    EXPECT_EQ(line["details"]["by_k"].size(), 4U);
    EXPECT_TRUE(contains(line["protocol_text"], "chosen on 20 validation images"));
    EXPECT_TRUE(contains(line["protocol_text"], "bank: 100 training images"))
        << line["protocol_text"];
    EXPECT_EQ(line["encoder_sha256"], line["encoder_sha256_after"]);
    std::int64_t images = 0;
    for (const auto& row : line["confusion"])
      for (const auto& count : row) images += count.get<std::int64_t>();
    EXPECT_EQ(images, 60);
    EXPECT_EQ(line["per_class"].size(), 10U);
    const std::string csv = read_file(run() / line["confusion_file"].get<std::string>());
    EXPECT_TRUE(csv.starts_with("class,")) << csv;
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 11);
  }
  EXPECT_EQ(encoders, (std::vector<std::string>{"random", "pixels", "trained"}));
}

TEST_F(EvaluateRun, QuotesTheKThatValidationChose) {
  const Json line = Json::parse(evaluate(Protocol::kKnn, small_run_settings()).trained.json);
  double best = -1.0;
  for (const auto& [k, scores] : line["details"]["by_k"].items())
    best = std::max(best, scores["validation_accuracy"].get<double>());
  const Json& chosen = line["details"]["by_k"][std::to_string(line["details"]["k"].get<int>())];
  EXPECT_EQ(chosen["validation_accuracy"], best);
  EXPECT_EQ(chosen["test_accuracy"], line["test_accuracy"]);
}

TEST_F(EvaluateRun, ScoresTheProjectionWhereItIsAskedTo) {
  Settings settings = small_run_settings();
  settings.eval.on = ScoredVectors::kProjection;
  const EvaluationPair pair = evaluate(Protocol::kLinear, settings);
  EXPECT_EQ(pair.trained.name, "linear-projection");
  EXPECT_TRUE(contains(Json::parse(pair.trained.json)["protocol_text"], "after the head"));
}

TEST_F(EvaluateRun, DrawsWhatIsRandomAnewForEachSeed) {
  Settings settings = small_run_settings();
  settings.eval.seeds = 3;
  settings.finetune.labels = 0.5;
  const EvaluationPair knn = evaluate(Protocol::kKnn, settings);
  EXPECT_TRUE(knn.random.test_deviation);    // three networks
  EXPECT_FALSE(knn.trained.test_deviation);  // one encoder, and nothing random about it
  const EvaluationPair pair = evaluate(Protocol::kFinetune, settings);
  const Json trained = Json::parse(pair.trained.json), random = Json::parse(pair.random.json);
  EXPECT_EQ(trained["seeds"], 3);
  EXPECT_EQ(trained["test_accuracies"].size(), 3U);
  double mean = 0.0;
  for (const auto& value : trained["test_accuracies"]) mean += value.get<double>() / 3;
  EXPECT_NEAR(trained["test_accuracy"].get<double>(), mean, 1e-12);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto images = [&](const Json& line) {
      return line["details_by_seed"][i]["labelled_sha256"].get<std::string>();
    };
    EXPECT_EQ(images(trained), images(random));  // the same images for every encoder
    if (i > 0) {
      EXPECT_NE(images(trained), trained["details_by_seed"][0]["labelled_sha256"]);
    }
  }
  EXPECT_EQ(trained["details"]["labelled_images"], 50);
  EXPECT_EQ(trained["protocol"], "finetune-50%");
}

TEST_F(EvaluateRun, FinetunesAWholeNetworkBesideOneFromScratch) {
  Settings settings = small_run_settings();
  settings.finetune.freeze = Freeze::kNone;
  const EvaluationPair pair = evaluate(Protocol::kFinetune, settings, true);
  EXPECT_FALSE(pair.pixels);
  const Json trained = Json::parse(pair.trained.json), random = Json::parse(pair.random.json);
  EXPECT_EQ(trained["protocol"], "finetune-whole");
  EXPECT_TRUE(contains(trained["protocol_text"], "from the pretrained encoder"));
  EXPECT_TRUE(contains(random["protocol_text"], "from scratch (supervised)"));
  EXPECT_EQ(trained["details"]["encoder_sha256_start"], trained["encoder_sha256"]);
  EXPECT_EQ(random["details"]["encoder_sha256_start"], random["encoder_sha256"]);
  EXPECT_NE(trained["details"]["encoder_sha256_trained"], trained["encoder_sha256"]);
  EXPECT_EQ(trained["details"]["views"], "crop-flip");
  EXPECT_EQ(trained["frozen"], false);
  const auto best = trained["details"]["best_epoch"].get<std::size_t>() - 1;
  EXPECT_EQ(trained["test_curve"][best], trained["test_accuracy"]);
  EXPECT_EQ(trained["validation_curve"][best], trained["validation_accuracy"]);
}

TEST_F(EvaluateRun, ProbesBySgdOnCropsAndFlips) {
  Settings settings = small_run_settings();
  settings.linear.protocol = LinearProtocol::kSgd;
  const Json line = Json::parse(evaluate(Protocol::kLinear, settings).trained.json);
  EXPECT_EQ(line["protocol"], "linear-sgd");
  EXPECT_EQ(line["test_curve"].size(), 2U);
  EXPECT_TRUE(contains(line["protocol_text"], "random crops and flips"));
}

TEST_F(EvaluateRun, SaysWhereFeaturesAreComputedOnce) {
  evaluate(Protocol::kFinetune, small_run_settings());
  EXPECT_TRUE(contains(messages_.text, "computed once and serve all 2 epochs")) << messages_.text;
}

TEST_F(EvaluateRun, GivesTheSameResultsTwice) {
  Settings settings = small_run_settings();
  settings.finetune.views = FinetuneViews::kCropFlip;
  for (const Protocol protocol : {Protocol::kKnn, Protocol::kLinear, Protocol::kFinetune})
    EXPECT_EQ(evaluate(protocol, settings).trained.json, evaluate(protocol, settings).trained.json);
}

TEST_F(EvaluateRun, CountsNoMoreNeighboursThanThereAre) {
  Settings settings = small_run_settings();
  settings.knn.k = {1, 150, 200};
  const Json line = Json::parse(evaluate(Protocol::kKnn, settings).trained.json);
  EXPECT_EQ(line["details"]["by_k"].size(), 2U);
  EXPECT_TRUE(line["details"]["by_k"].contains("100"));  // the bank's size
}

TEST_F(EvaluateRun, SaysWhatTheViewsLack) {
  Settings settings = small_run_settings();
  settings.augment.pipeline = parse_pipeline("[flip]");
  settings.linear.protocol = LinearProtocol::kSgd;
  const Json line = Json::parse(evaluate(Protocol::kLinear, settings).trained.json);
  EXPECT_TRUE(contains(line["protocol_text"], "flips (the run's pipeline has no crop)"));
}

TEST_F(EvaluateRun, FinetunesNoNetworkByBatchesOfOne) {
  Settings settings = small_run_settings();
  settings.finetune.freeze = Freeze::kNone;
  settings.finetune.batch_size = 1;
  expect_error(ExitCode::kUsage, "batches of one image",
               [&] { evaluate(Protocol::kFinetune, settings); });
}

TEST_F(EvaluateRun, KnowsThatTestImagesWereNotTrainedOn) {
  const EvaluationPair pair = evaluate(Protocol::kKnn, small_run_settings());
  EXPECT_EQ(Json::parse(pair.trained.json)["test_images_trained_on"], 0);
  EXPECT_TRUE(Json::parse(pair.random.json)["test_images_trained_on"].is_null());
  EXPECT_FALSE(contains(messages_.text, "Careful"));
}

/// A folder of images without a test part: one is set aside by data.test_percent and split_seed.
Settings settings_without_test_part(const TempFolder& folder) {
  const DataSplits shapes = open_data(small_run_settings().data);
  std::string pixels;
  std::vector<std::int64_t> labels;
  for (std::size_t i = 0; i < shapes.train->size(); ++i) {
    const Image image = shapes.train->get(i);
    pixels.append(reinterpret_cast<const char*>(image.pixels.data()), image.pixels.size());
    labels.push_back(image.label);
  }
  std::filesystem::create_directories(folder / "set");
  write_file_atomically(folder / "set/images.npy",
                        npy_header("u1", {labels.size(), 32, 32, 3}) + pixels);
  write_file_atomically(
      folder / "set/labels.npy",
      npy_header("i8", {labels.size()}) + std::string(reinterpret_cast<const char*>(labels.data()),
                                                      labels.size() * sizeof(std::int64_t)));
  Settings settings = small_run_settings();
  settings.data.source = (folder / "set").string();
  return settings;
}

EvaluationPair score_knn_of(const std::filesystem::path& run, const Settings& settings,
                            EventSink& sink) {
  EvaluationOptions options;
  options.encoder.run = run;
  options.settings = settings;
  return RunEvaluator(options, sink).evaluate(Protocol::kKnn);
}

TEST(TestImages, AreToldOfWhereTheyWereTrainedOn) {
  const TempFolder folder;
  Settings settings = settings_without_test_part(folder);
  make_small_run(folder / "a", settings);
  Messages messages;
  const EvaluationPair own = score_knn_of(folder / "a", settings, messages);
  EXPECT_EQ(Json::parse(own.trained.json)["test_images_trained_on"], 0);
  EXPECT_EQ(messages.text.find("Careful"), std::string::npos) << messages.text;

  settings.data.split_seed = 1;  // draws the test part anew, from images that were trained on
  const Json line = Json::parse(score_knn_of(folder / "a", settings, messages).trained.json);
  EXPECT_GT(line["test_images_trained_on"], 0);
  EXPECT_TRUE(contains(line["protocol_text"], "of the test images were trained on"));
  EXPECT_TRUE(contains(messages.text, "Careful: ")) << messages.text;
}

TEST(TestImages, AreRefusedWhereTheirLabelsWereTrainedOn) {
  const TempFolder folder;
  Settings settings = settings_without_test_part(folder);
  settings.train.objective = Objective::kSupervised;
  make_small_run(folder / "a", settings);
  settings.data.split_seed = 1;
  Messages messages;
  expect_error(ExitCode::kData, "was trained on, with their labels",
               [&] { score_knn_of(folder / "a", settings, messages); });
}

TEST_F(EvaluateRun, NamesACheckpointThatIsMissing) {
  EvaluationOptions options;
  options.encoder.run = run();
  options.encoder.checkpoint = "epoch-9";
  options.settings = small_run_settings();
  const Error error =
      expect_error(ExitCode::kUsage, [&] { RunEvaluator evaluator(options, messages_); });
  EXPECT_TRUE(contains(error.what(), "there is no such checkpoint"));
}

TEST(Subject, RefusesAnEncoderThatMoved) {
  ModelSettings settings;
  settings.width = 0.25;
  Subject subject(EncoderKind::kTrained, SimclrModel::contrastive(settings, 1), 1);
  subject.check_unmoved("linear");
  for (const auto& [name, tensor] : subject.model()->buffers())
    if (name.ends_with("running_mean")) at::Tensor(tensor).add_(1e-3);
  expect_error(ExitCode::kFailed, "linear: the frozen encoder moved from",
               [&] { subject.check_unmoved("linear"); });
}

TEST(Subject, NormalisesAllItsViewsAsTheRunDid) {
  Settings settings = small_run_settings();
  const DataSplits data = open_data(settings.data);
  const LabelledImages labelled = labelled_images(data, 1.0, 0);
  NullSink sink;
  const auto pixels_of = [&](FinetuneViews views) {
    Subject subject(EncoderKind::kPixels, std::nullopt, 0);
    const FrozenData frozen = subject.frozen_data(settings, data, views, labelled, 1, sink);
    return std::vector<at::Tensor>{frozen.train(0).x, frozen.validation.x, frozen.test.x};
  };
  for (const FinetuneViews views : {FinetuneViews::kNone, FinetuneViews::kCropFlip}) {
    settings.augment.normalization = Normalization::kNone;
    const std::vector<at::Tensor> plain = pixels_of(views);
    settings.augment.normalization = Normalization::kCifar10;
    const std::vector<at::Tensor> normalised = pixels_of(views);
    for (std::size_t i = 0; i < plain.size(); ++i) {
      // Red comes first: less its mean, over its deviation.
      const at::Tensor red = plain[i].slice(1, 0, 32 * 32).sub(0.4914).div(0.2470);
      EXPECT_LT((normalised[i].slice(1, 0, 32 * 32) - red).abs().max().item<double>(), 1e-3) << i;
    }
  }
}

/// Five images that are one colour all over, in every part.
DataSplits plain_colours() {
  constexpr std::size_t kImages = 5;
  constexpr int kSide = 8;
  std::vector<std::uint8_t> pixels;
  for (std::size_t i = 0; i < kImages * kSide * kSide; ++i)
    for (const int value : {200, 40, 90}) pixels.push_back(static_cast<std::uint8_t>(value));
  const auto images = std::make_shared<ImageArray>(
      std::move(pixels), std::vector<std::int32_t>(kImages, 0), kSide, kSide);
  const auto part = std::make_shared<Subset>(images, std::vector<std::size_t>{0, 1, 2, 3, 4});
  return {part, part, part, {"a"}, kSide};
}

TEST(Subject, KeepsColoursInTheViewsThatAProbeLearnsFrom) {
  const Settings settings = small_run_settings();  // whose own views are jittered and grey
  const DataSplits data = plain_colours();
  const LabelledImages labelled = labelled_images(data, 1.0, 0);
  NullSink sink;
  Subject subject(EncoderKind::kPixels, std::nullopt, 0);
  const FrozenData frozen =
      subject.frozen_data(settings, data, FinetuneViews::kCropFlip, labelled, 1, sink);
  for (std::uint32_t epoch = 0; epoch < 4; ++epoch) {
    const at::Tensor views = frozen.train(epoch).x.view({5, 3, 64});
    for (const auto& [channel, value] : {std::pair{0, 200}, {1, 40}, {2, 90}})
      EXPECT_LT((views.select(1, channel) - value / 255.0).abs().max().item<double>(), 1e-3);
  }
}

TEST(LabelledImages, AreAShareOfEveryClass) {
  DataSettings settings;
  settings.shapes_images = 1000;
  const DataSplits data = open_data(settings);
  const LabelledImages tenth = labelled_images(data, 0.1, 0);
  std::vector<int> counts(10);
  for (std::size_t i = 0; i < tenth.images->size(); ++i)
    ++counts[static_cast<std::size_t>(tenth.images->get(i).label)];
  EXPECT_EQ(counts, std::vector<int>(10, 8));  // of 80 training images each
  for (std::int64_t i = 0; i < tenth.positions.numel(); ++i) {
    const auto position = static_cast<std::size_t>(tenth.positions[i].item<std::int64_t>());
    EXPECT_EQ(data.train->indices()[position],
              tenth.images->indices()[static_cast<std::size_t>(i)]);
  }
  EXPECT_EQ(labelled_images(data, 0.1, 0).sha256, tenth.sha256);
  EXPECT_NE(labelled_images(data, 0.1, 1).sha256, tenth.sha256);
  EXPECT_EQ(labelled_images(data, 0.0001, 0).images->size(), 10U);  // one of each, at least
  EXPECT_EQ(labelled_images(data, 1.0, 0).images->size(), data.train->size());
}

}  // namespace
}  // namespace simclr
