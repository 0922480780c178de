#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "simclr/core/files.h"
#include "simclr/model/resnet.h"
#include "simclr/model/simclr_model.h"

namespace simclr {
namespace {

using Json = nlohmann::json;
using Shape = std::vector<std::int64_t>;
using Names = std::vector<std::pair<std::string, Shape>>;

/// Names and shapes of those whose name begins with `front`, which is cut off.
Names names_behind(const std::string& front, const std::vector<NamedTensor>& tensors) {
  Names names;
  for (const auto& [name, tensor] : tensors)
    if (name.starts_with(front))
      names.emplace_back(name.substr(front.size()), tensor.sizes().vec());
  return names;
}

Names names_of(const torch::OrderedDict<std::string, at::Tensor>& tensors) {
  Names names;
  for (const auto& item : tensors) names.emplace_back(item.key(), item.value().sizes().vec());
  return names;
}

ModelSettings small(Arch arch, Head head) {
  ModelSettings settings;
  settings.arch = arch;
  settings.width = 0.25;
  settings.head = head;
  settings.head_hidden = 7;
  settings.projection_dim = 5;
  return settings;
}

TEST(ModelNames, EncoderHasTorchvisionsNamesShapesAndOrder) {
  const Json golden = Json::parse(read_file(SIMCLR_GOLDEN_DIR "/resnet_names.json"));
  for (const auto& [arch, name] : EnumNames<Arch>::table) {
    ModelSettings settings;
    settings.arch = arch;
    const ResNetImpl encoder(settings);
    const Json& expected = golden.at(std::string(name));
    EXPECT_EQ(names_of(encoder.named_parameters()), expected.at("parameters").get<Names>());
    EXPECT_EQ(names_of(encoder.named_buffers()), expected.at("buffers").get<Names>());
  }
}

TEST(ModelNames, HeadsAreNumberedAsInASequential) {
  const auto parameters = [](Head head) {
    return names_behind("head.",
                        SimclrModel::contrastive(small(Arch::kResNet18, head), 0).parameters());
  };
  EXPECT_EQ(parameters(Head::kMlpBn), (Names{{"0.weight", {7, 128}},
                                             {"0.bias", {7}},
                                             {"1.weight", {7}},
                                             {"1.bias", {7}},
                                             {"3.weight", {5, 7}},
                                             {"3.bias", {5}}}));
  EXPECT_EQ(
      parameters(Head::kMlp),
      (Names{{"0.weight", {7, 128}}, {"0.bias", {7}}, {"2.weight", {5, 7}}, {"2.bias", {5}}}));
  EXPECT_EQ(parameters(Head::kLinear), (Names{{"0.weight", {5, 128}}, {"0.bias", {5}}}));
  EXPECT_EQ(parameters(Head::kNone), Names{});
}

TEST(ModelNames, HeadsBuffersAreThoseOfItsBatchNorm) {
  const auto buffers = [](Head head) {
    return names_behind("head.",
                        SimclrModel::contrastive(small(Arch::kResNet18, head), 0).buffers());
  };
  EXPECT_EQ(
      buffers(Head::kMlpBn),
      (Names{{"1.running_mean", {7}}, {"1.running_var", {7}}, {"1.num_batches_tracked", {}}}));
  EXPECT_EQ(buffers(Head::kMlp), Names{});
}

TEST(ModelNames, ClassifierIsOneLinearLayer) {
  const SimclrModel model = SimclrModel::supervised(small(Arch::kResNet50, Head::kMlpBn), 3, 0);
  EXPECT_EQ(names_behind("head.", model.parameters()),
            (Names{{"weight", {3, 512}}, {"bias", {3}}}));
  EXPECT_EQ(names_behind("head.", model.buffers()), Names{});
}

TEST(ModelNames, EncoderComesFirst) {
  const std::vector<NamedTensor> parameters =
      SimclrModel::contrastive(small(Arch::kResNet18, Head::kMlpBn), 0).parameters();
  EXPECT_EQ(parameters.front().name, "encoder.conv1.weight");
  EXPECT_EQ(parameters.back().name, "head.3.bias");
}

}  // namespace
}  // namespace simclr
