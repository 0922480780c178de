#include "simclr/weights/state.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"
#include "tests/support/torch_error.h"

namespace simclr {
namespace {

constexpr std::size_t kEncoderTensors = 120;  // ResNet-18: 60 parameters, 60 buffers
constexpr std::size_t kAllTensors = 129;      // and mlp-bn's 6 and 3

ModelSettings small(Head head = Head::kMlpBn) {
  ModelSettings settings;
  settings.width = 0.25;
  settings.head = head;
  settings.head_hidden = 8;
  settings.projection_dim = 4;
  return settings;
}

SimclrModel model_of(std::uint64_t seed) { return SimclrModel::contrastive(small(), seed); }

/// A model's state as it would lie in a file, the names changed by `rename`.
class Weights {
 public:
  using Rename = std::function<std::string(const std::string&)>;
  Weights(const SimclrModel& model, const Rename& rename) : state_(state_of(model)) {
    for (const auto& [name, tensor] : state_) entries[rename(name)] = to_entry(tensor);
  }
  explicit Weights(const SimclrModel& model, const std::string& front = "")
      : Weights(model, [&](const std::string& name) { return front + name; }) {}

  std::map<std::string, TensorEntry> entries;

 private:
  std::map<std::string, at::Tensor> state_;
};

bool equal_states(const SimclrModel& a, const SimclrModel& b) {
  const auto first = state_of(a);
  const auto second = state_of(b);
  return std::equal(first.begin(), first.end(), second.begin(), second.end(),
                    [](const auto& x, const auto& y) {
                      return x.first == y.first && at::equal(x.second, y.second);
                    });
}

/// The error of loading, which must leave the model as it was.
Error refusal(SimclrModel& model, const std::map<std::string, TensorEntry>& entries, Part part,
              const std::string& prefix = "") {
  const Weights before(model);
  const Error error =
      expect_error(ExitCode::kData, [&] { load_strictly(model, entries, prefix, part); });
  const Weights after(model);
  for (const auto& [name, entry] : before.entries) {
    const TensorEntry& now = after.entries.at(name);
    const auto* bytes = static_cast<const char*>(entry.data);
    EXPECT_TRUE(std::equal(bytes, bytes + entry.bytes, static_cast<const char*>(now.data))) << name;
  }
  return error;
}

TEST(LoadStrictly, TakesEveryTensorThroughAFile) {
  const TempFolder folder;
  const SimclrModel source = model_of(1);
  source.buffers()[2].tensor.fill_(7);  // num_batches_tracked
  write_safetensors(folder / "w.safetensors", Weights(source, "model.").entries, {});
  const SafetensorsFile file = SafetensorsFile::read(folder / "w.safetensors");

  SimclrModel model = model_of(2);
  ASSERT_FALSE(equal_states(source, model));
  EXPECT_EQ(load_strictly(model, file.tensors(), "model.", Part::kAll), kAllTensors);
  EXPECT_TRUE(equal_states(source, model));
  for (const auto& [name, parameter] : model.parameters()) {
    EXPECT_TRUE(parameter.requires_grad()) << name;
    EXPECT_TRUE(parameter.dim() != 4 || parameter.is_contiguous(at::MemoryFormat::ChannelsLast));
  }
}

TEST(LoadStrictly, EncoderAloneLeavesTheHead) {
  const Weights source(model_of(1));
  SimclrModel model = SimclrModel::supervised(small(), 10, 2);
  const at::Tensor head = state_of(model).at("head.weight");
  EXPECT_EQ(load_strictly(model, source.entries, "", Part::kEncoder), kEncoderTensors);
  EXPECT_EQ(encoder_sha256(model), encoder_sha256(model_of(1)));
  EXPECT_TRUE(at::equal(state_of(model).at("head.weight"), head));
}

TEST(LoadStrictly, KeysWithTheirPrefixTwiceAreAnErrorNotARandomEncoder) {
  const Weights doubled(model_of(1), [](const std::string& name) {
    return name.starts_with("encoder.") ? "encoder." + name : name;
  });
  SimclrModel model = model_of(2);
  const Error error = refusal(model, doubled.entries, Part::kEncoder);
  EXPECT_TRUE(contains(error.what(), "nothing was loaded")) << error.what();
  EXPECT_TRUE(contains(error.what(), "missing from the file (120):\n    encoder.conv1.weight"));
  EXPECT_TRUE(contains(error.what(), "not in the model (120):\n    encoder.encoder.bn1.bias"));
  EXPECT_EQ(error.hint(),
            "The names fit but for their front: the file has 'encoder.encoder.conv1.weight' for "
            "'encoder.conv1.weight'.");
}

TEST(LoadStrictly, HintNamesTheFrontOfOtherProgramsKeys) {
  for (const std::string front : {"", "backbone.", "module.encoder."}) {
    const Weights other(model_of(1), [&](const std::string& name) {
      return name.starts_with("encoder.") ? front + name.substr(8) : "other." + name;
    });
    SimclrModel model = model_of(2);
    const Error error = refusal(model, other.entries, Part::kEncoder, "model.");
    EXPECT_TRUE(contains(error.hint(), "the file has '" + front + "conv1.weight' for " +
                                           "'model.encoder.conv1.weight'"))
        << error.hint();
  }
}

TEST(LoadStrictly, AFileWithoutAHeadDoesNotFitAllOfAModel) {
  Weights weights(model_of(1));
  std::erase_if(weights.entries, [](const auto& item) { return item.first.starts_with("head."); });
  SimclrModel model = model_of(2);
  const Error error = refusal(model, weights.entries, Part::kAll);
  EXPECT_TRUE(contains(error.what(), "missing from the file (9):\n    head.0.weight"));
  EXPECT_FALSE(contains(error.what(), "not in the model")) << error.what();
  EXPECT_EQ(error.hint(),
            "Architecture, width, stem and head must be those the weights were made with.");
  EXPECT_EQ(load_strictly(model, weights.entries, "", Part::kEncoder), kEncoderTensors);
}

TEST(LoadStrictly, AHeadOfAnotherKindIsListedBothWays) {
  const Weights weights(SimclrModel::contrastive(small(Head::kMlp), 1));
  SimclrModel model = model_of(2);
  const std::string text = refusal(model, weights.entries, Part::kAll).what();
  EXPECT_TRUE(contains(text, "missing from the file (7):")) << text;
  EXPECT_TRUE(contains(text, "not in the model (2):\n    head.2.bias\n    head.2.weight")) << text;
}

TEST(LoadStrictly, ShapesAndDtypesThatDifferAreListed) {
  Weights weights(model_of(1));
  const at::Tensor wide = at::zeros({16, 4, 7, 7});
  const at::Tensor exact = at::zeros({16}, at::kDouble);
  weights.entries["encoder.conv1.weight"] = to_entry(wide);
  weights.entries["encoder.bn1.running_mean"] = to_entry(exact);
  SimclrModel model = model_of(2);
  const Error error = refusal(model, weights.entries, Part::kAll);
  const std::string text = error.what();
  EXPECT_TRUE(contains(text, "of another shape or dtype (2):")) << text;
  EXPECT_TRUE(contains(text,
                       "encoder.conv1.weight: F32 [16, 4, 7, 7] in the file, "
                       "F32 [16, 3, 7, 7] in the model"))
      << text;
  EXPECT_TRUE(contains(text, "encoder.bn1.running_mean: F64 [16] in the file, F32 [16]")) << text;
  EXPECT_TRUE(contains(error.hint(), "must be those the weights were made with"));
}

TEST(LoadStrictly, LongListsAreCutAndSaySo) {
  SimclrModel model = model_of(2);
  const std::string text = refusal(model, {}, Part::kAll).what();
  EXPECT_TRUE(contains(text, "missing from the file (129):")) << text;
  EXPECT_TRUE(contains(text, "\n    and 119 more")) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 12);
}

TEST(LoadStrictly, NamesBehindAnotherPrefixAreNotItsBusiness) {
  Weights weights(model_of(1), "model.");
  const at::Tensor moment = at::zeros({3});
  weights.entries["optimizer.exp_avg"] = to_entry(moment);
  SimclrModel model = model_of(2);
  EXPECT_EQ(load_strictly(model, weights.entries, "model.", Part::kAll), kAllTensors);
}

TEST(StateOf, IsContiguousCopies) {
  const SimclrModel model = model_of(1);
  const auto state = state_of(model);
  EXPECT_EQ(state.size(), kAllTensors);
  const at::Tensor weight = model.parameters()[0].tensor;
  const at::Tensor& copy = state.at("encoder.conv1.weight");
  EXPECT_TRUE(copy.is_contiguous());
  EXPECT_TRUE(at::equal(copy, weight));
  const c10::NoGradGuard no_grad;
  for (const std::vector<NamedTensor>& group : {model.parameters(), model.buffers()}) {
    for (const auto& [name, tensor] : group) {
      tensor.add_(1);
      EXPECT_FALSE(at::equal(state.at(name), tensor)) << name;
    }
  }
}

TEST(Entries, KeepDtypeShapeAndBits) {
  for (const auto& [type, name] :
       std::vector<std::pair<at::ScalarType, std::string>>{{at::kFloat, "F32"},
                                                           {at::kDouble, "F64"},
                                                           {at::kLong, "I64"},
                                                           {at::kByte, "U8"},
                                                           {at::kBool, "BOOL"}}) {
    for (const std::vector<std::int64_t>& shape :
         std::vector<std::vector<std::int64_t>>{{}, {3}, {2, 3}, {0, 4}}) {
      const at::Tensor tensor = at::full(shape, 1, at::TensorOptions(type));
      const TensorEntry entry = to_entry(tensor);
      EXPECT_EQ(entry.dtype, name);
      EXPECT_EQ(entry.shape, shape);
      const at::Tensor copy = to_tensor(entry);
      EXPECT_EQ(copy.scalar_type(), type);
      EXPECT_TRUE(at::equal(copy, tensor));
    }
  }
}

TEST(Entries, OtherDtypesAndLayoutsAreErrors) {
  EXPECT_TRUE(contains(torch_error_of([] { to_entry(at::zeros({2}, at::kComplexFloat)); }),
                       "[to_entry] no safetensors dtype for ComplexFloat"));
  EXPECT_TRUE(contains(torch_error_of([] {
                         to_entry(at::zeros({2, 3}).t());
                       }),
                       "[to_entry] expected a contiguous tensor on the CPU"));
  const std::uint8_t tiny = 0;
  const Error error = expect_error(ExitCode::kData, [&] {
    to_tensor({"F8_E4M3", {1}, &tiny, sizeof tiny});
  });
  EXPECT_EQ(std::string(error.what()), "tensors of dtype F8_E4M3 cannot be loaded");
}

TEST(EncoderSha256, ChangesWithEveryTensorOfTheEncoderAndWithNoneOfTheHead) {
  const SimclrModel model = model_of(1);
  const std::string before = encoder_sha256(model);
  EXPECT_EQ(before.size(), 64U);
  EXPECT_EQ(before, encoder_sha256(model_of(1)));
  const c10::NoGradGuard no_grad;
  for (const std::vector<NamedTensor>& group : {model.parameters(), model.buffers()}) {
    for (const auto& [name, tensor] : group) {
      const at::Tensor kept = tensor.detach().clone();
      tensor.as_strided({1}, {1}, tensor.numel() - 1).add_(1);
      EXPECT_EQ(encoder_sha256(model) != before, name.starts_with("encoder.")) << name;
      tensor.copy_(kept);
    }
  }
  EXPECT_EQ(encoder_sha256(model), before);
}

TEST(EncoderSha256, DoesNotDependOnTheMemoryFormat) {
  const SimclrModel model = model_of(1);
  const std::string before = encoder_sha256(model);
  for (const auto& [name, tensor] : model.parameters()) tensor.set_data(tensor.contiguous());
  EXPECT_EQ(encoder_sha256(model), before);
}

}  // namespace
}  // namespace simclr
