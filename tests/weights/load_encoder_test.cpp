#include "simclr/weights/load_encoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "simclr/config/schema.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"
#include "tests/weights/encoder_files.h"

namespace simclr {
namespace {

using State = std::map<std::string, at::Tensor>;

std::string same(const std::string& name) { return name; }

/// An encoder whose counters and statistics are not those of a new one.
State trained_state(Stem stem = Stem::kImageNet) {
  const SimclrModel model = SimclrModel::contrastive(small_encoder(stem), 7);
  State state = encoder_state(model);
  for (auto& [name, tensor] : state) {
    if (name.ends_with("num_batches_tracked")) tensor.fill_(42);
    if (name.ends_with("running_var")) tensor.mul_(1.5);
  }
  return state;
}

bool equal(const State& a, const State& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](auto& x, auto& y) {
           return x.first == y.first && at::equal(x.second, y.second);
         });
}

class LoadEncoder : public testing::Test {
 protected:
  std::filesystem::path write(const State& state,
                              const std::function<std::string(const std::string&)>& rename = same,
                              TensorFormat format = TensorFormat::kPytorch) {
    write_state(folder_ / "a.file", format, state, rename);
    return folder_ / "a.file";
  }

  TempFolder folder_;
};

TEST_F(LoadEncoder, OpensTheFilesOfOthersByTheirTensorsAlone) {
  const State state = trained_state();
  const std::map<std::string, std::function<std::string(const std::string&)>> files{
      {"torchvision, timm", same},
      {"lightly", numbered},
      {"solo-learn", [](const std::string& n) { return "state_dict.backbone." + n; }},
      {"DataParallel", [](const std::string& n) { return "module." + n; }},
      {"compiled", [](const std::string& n) { return "_orig_mod.encoder." + n; }}};
  for (const auto& [who, rename] : files) {
    for (const TensorFormat format : {TensorFormat::kPytorch, TensorFormat::kSafetensors}) {
      const OpenedEncoder opened = open_encoder(write(state, rename, format));
      EXPECT_EQ(opened.report.matched, 120U) << who;
      EXPECT_TRUE(opened.report.fits());
      EXPECT_TRUE(equal(encoder_state(opened.model), state)) << who;
      EXPECT_EQ(opened.info.model.width, 0.25);
      EXPECT_FALSE(opened.info.normalization.has_value());
    }
  }
}

TEST_F(LoadEncoder, TakesTheSeedsOwnFileWhole) {
  // encoder.0.weight, encoder.4.0.conv1.weight ..., projection_head.{0,1,3}.*
  State state = trained_state();
  const State encoder = state;
  state["head.0.weight"] = at::ones({8, 128});
  state["head.1.running_mean"] = at::ones({8});
  const auto path = write(state, [](const std::string& name) {
    return name.starts_with("head.") ? "projection_" + name : "encoder." + numbered(name);
  });
  const OpenedEncoder opened = open_encoder(path);
  EXPECT_TRUE(equal(encoder_state(opened.model), encoder));
  EXPECT_TRUE(contains(opened.report.table(), "120 of 120 tensors of the encoder matched"));
  EXPECT_TRUE(contains(opened.report.table(), "projection_head.*"));
  EXPECT_TRUE(contains(opened.report.table(), "2 tensors: not the encoder's"));
}

TEST_F(LoadEncoder, TakesTorchvisionsOldFilesWithoutCounters) {
  State state = trained_state();
  std::erase_if(state,
                [](const auto& item) { return item.first.ends_with("num_batches_tracked"); });
  state["fc.weight"] = at::ones({1000, 128});
  state["fc.bias"] = at::zeros({1000});
  const OpenedEncoder opened = open_encoder(write(state));
  EXPECT_EQ(opened.report.matched, 100U);
  EXPECT_TRUE(contains(opened.report.table(), "before PyTorch 0.4.1"));
  ASSERT_TRUE(opened.classifier.has_value());
  EXPECT_EQ(opened.classifier->weight.sizes(), at::IntArrayRef({1000, 128}));
}

TEST_F(LoadEncoder, LoadsNothingIfOneTensorIsMissing) {
  const auto path = write(trained_state(), [](const std::string& name) {
    return name == "layer2.1.bn1.bias" ? "" : name;
  });
  const TensorFile file = TensorFile::read(path);
  SimclrModel model = SimclrModel::contrastive(small_encoder(), 3);
  const State before = encoder_state(model);
  const Error error =
      expect_error(ExitCode::kData, [&] { load_encoder(model, small_encoder(), path, file); });
  EXPECT_TRUE(contains(error.what(), "layer2.1.bn1.bias"));
  EXPECT_TRUE(contains(error.what(), "not in the file"));
  EXPECT_TRUE(contains(error.what(), "119 of 120"));
  EXPECT_TRUE(contains(error.hint(), "--allow-missing"));
  EXPECT_TRUE(equal(encoder_state(model), before));

  for (const std::string pattern : {"layer2.1.bn1.bias", "layer2.1.bn1.*"}) {
    const LoadReport report =
        load_encoder(model, small_encoder(), path, file, {.allow_missing = {pattern}});
    EXPECT_EQ(report.matched, 119U);
    EXPECT_TRUE(contains(report.table(), "missing, as allowed"));
  }
  expect_error(ExitCode::kUsage, "--allow-missing layer9.bias", [&] {
    load_encoder(model, small_encoder(), path, file, {.allow_missing = {"layer9.bias"}});
  });
}

TEST_F(LoadEncoder, NamesShapesThatDifferAndPartsTheEncoderDoesNotHave) {
  State state = trained_state();
  state["layer3.0.conv1.weight"] = at::ones({64, 32, 1, 1});
  state["layer1.0.se.fc1.weight"] = at::ones({4, 16});
  const auto path = write(state);
  const Error error = expect_error(ExitCode::kData, [&] { open_encoder(path); });
  EXPECT_TRUE(contains(error.what(), "[64, 32, 1, 1] in the file, [64, 32, 3, 3] in the encoder"));
  EXPECT_TRUE(contains(error.what(), "layer1.0.se.fc1.weight"));
}

TEST_F(LoadEncoder, AsksForTheStemOfA3x3FileThatDoesNotSay) {
  const State state = trained_state(Stem::kCifar);
  const auto path = write(state);
  const Error error = expect_error(ExitCode::kUsage, [&] { open_encoder(path); });
  EXPECT_TRUE(contains(error.hint(), "--stem cifar (no max-pool) or --stem cifar-pool"));
  const OpenedEncoder opened = open_encoder(path, {.stem = Stem::kCifarPool});
  EXPECT_EQ(opened.info.model.stem, Stem::kCifarPool);
  expect_error(ExitCode::kUsage, "3x3", [&] { open_encoder(path, {.stem = Stem::kImageNet}); });
  expect_error(ExitCode::kUsage, "its stem is imagenet, not cifar",
               [&] { open_encoder(write(trained_state()), {.stem = Stem::kCifar}); });
}

TEST_F(LoadEncoder, RefusesAFileOfAnotherStemThanTheModels) {
  const auto path = write(trained_state());
  SimclrModel model = SimclrModel::contrastive(small_encoder(Stem::kCifar), 0);
  const Error error = expect_error(ExitCode::kUsage, [&] {
    load_encoder(model, small_encoder(Stem::kCifar), path, TensorFile::read(path));
  });
  EXPECT_TRUE(
      contains(error.what(), "stem imagenet; the model is resnet18, width 0.25, stem cifar"));
  EXPECT_TRUE(contains(error.hint(), "--stem imagenet"));
  // A 3x3 file fits whichever of the CIFAR stems the model has.
  const auto small = write(trained_state(Stem::kCifar));
  EXPECT_TRUE(
      load_encoder(model, small_encoder(Stem::kCifar), small, TensorFile::read(small)).fits());
}

TEST_F(LoadEncoder, ConvertsOtherFloatsAndSaysSo) {
  const State state = trained_state();
  for (const auto& [type, name] :
       {std::pair{at::kDouble, "F64"}, {at::kHalf, "F16"}, {at::kBFloat16, "BF16"}}) {
    State other;
    for (const auto& [key, tensor] : state)
      other[key] = tensor.is_floating_point() ? tensor.to(type) : tensor;
    const OpenedEncoder opened = open_encoder(write(other));
    EXPECT_TRUE(contains(opened.report.table(), std::string("converted from ") + name));
    const at::Tensor expected = other.at("conv1.weight").to(at::kFloat);
    EXPECT_TRUE(at::equal(encoder_state(opened.model).at("conv1.weight"), expected));
  }
  State whole = state;
  whole["conv1.weight"] = whole["conv1.weight"].to(at::kInt);
  expect_error(ExitCode::kData, "of the dtype I32", [&] { open_encoder(write(whole)); });
}

TEST_F(LoadEncoder, WarnsOfValuesThatAreNotFinite) {
  State state = trained_state();
  state["bn1.bias"][3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(contains(open_encoder(write(state)).report.table(), "1 values are not finite"));
}

TEST_F(LoadEncoder, SaysWhereNoEncoderIs) {
  State head{{"fc.weight", at::ones({2, 3})}};
  const Error error = expect_error(ExitCode::kData, [&] { open_encoder(write(head)); });
  EXPECT_TRUE(contains(error.what(), "no residual encoder is in it; its tensors:\n    fc.weight"));
  expect_error(ExitCode::kData, "none.safetensors",
               [&] { open_encoder(folder_ / "none.safetensors"); });
}

TEST_F(LoadEncoder, ReadsACheckpointsSettings) {
  Settings settings;
  settings.model = small_encoder(Stem::kCifarPool);
  settings.augment.normalization = Normalization::kCifar10;
  settings.data.image_size = 48;
  const std::map<std::string, std::string> metadata{
      {"format", kCheckpointFormat}, {"settings", to_yaml(settings)}, {"epoch", "12"}};
  State state;
  for (const auto& [name, tensor] : trained_state(Stem::kCifarPool)) {
    state["model.encoder." + name] = tensor;
    state["ema.encoder." + name] = tensor.is_floating_point() ? tensor * 2 : tensor;
  }
  write_state(folder_ / "last.safetensors", TensorFormat::kSafetensors, state, same, metadata);
  const OpenedEncoder opened = open_encoder(folder_ / "last.safetensors");
  EXPECT_EQ(opened.info.model.stem, Stem::kCifarPool);
  EXPECT_EQ(opened.info.normalization, Normalization::kCifar10);
  EXPECT_EQ(opened.info.image_size, 48);
  EXPECT_EQ(opened.info.epochs, 12);
  EXPECT_TRUE(at::equal(encoder_state(opened.model).at("conv1.weight"),
                        state.at("model.encoder.conv1.weight")));
  const OpenedEncoder average = open_encoder(folder_ / "last.safetensors", {.average = true});
  EXPECT_TRUE(at::equal(encoder_state(average.model).at("conv1.weight"),
                        state.at("ema.encoder.conv1.weight")));
}

TEST_F(LoadEncoder, RefusesMetadataThatContradictsTheTensors) {
  const State state = trained_state();
  const std::map<std::string, std::string> good{
      {"format", kEncoderFormat}, {"arch", "resnet18"}, {"width", "0.25"}, {"stem", "imagenet"}};
  for (const auto& [key, value, words] :
       {std::tuple{"arch", "resnet50", "its metadata says resnet50"},
        {"arch", "vgg", "'arch' in its metadata is 'vgg'"},
        {"width", "1", "its metadata says resnet18, width 1"},
        {"width", "-1", "'width' in its metadata"},
        {"stem", "cifar", "a 7x7 stem"},
        {"epochs", "1e999", "'epochs'"},
        {"classes", "[1]", "no list of names"},
        {"classes", "{", "no list"}}) {
    std::map<std::string, std::string> metadata = good;
    metadata[key] = value;
    write_state(folder_ / "a.pth", TensorFormat::kPytorch, state, same, metadata);
    expect_error(ExitCode::kData, words, [&] { open_encoder(folder_ / "a.pth"); });
  }
}

}  // namespace
}  // namespace simclr
