#include "simclr/weights/encoder_names.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/expect_error.h"
#include "tests/weights/encoder_files.h"

namespace simclr {
namespace {

std::vector<std::string> prefixes(const std::vector<FoundEncoder>& found) {
  std::vector<std::string> names;
  for (const FoundEncoder& encoder : found) names.push_back(encoder.prefix);
  return names;
}

using Strings = std::vector<std::string>;

TEST(FindEncoders, TakesTorchvisionsNamesBehindAnyPrefix) {
  for (const std::string prefix :
       {"", "module.", "backbone.", "encoder.", "_orig_mod.", "module._orig_mod.backbone.",
        "state_dict.module.encoder_q.", "model.encoder."}) {
    const Names names = torchvision_names(prefix);
    const auto found = find_encoders(names.entries);
    ASSERT_EQ(found.size(), 1U) << prefix;
    EXPECT_EQ(found.front().prefix, prefix);
    EXPECT_FALSE(found.front().numbered);
    EXPECT_EQ(found.front().names.size(), 120U);
    EXPECT_EQ(found.front().names.at("layer4.1.bn2.running_var"),
              prefix + "layer4.1.bn2.running_var");
  }
}

TEST(FindEncoders, TakesTheNumberedPartsOfASequential) {
  for (const std::string prefix : {"", "encoder.", "backbone.", "state_dict.backbone."}) {
    const Names names = numbered_names(prefix);
    const auto found = find_encoders(names.entries);
    ASSERT_EQ(found.size(), 1U) << prefix;
    EXPECT_TRUE(found.front().numbered);
    EXPECT_EQ(found.front().prefix, prefix);
    EXPECT_EQ(found.front().names.size(), 120U);
    EXPECT_EQ(found.front().names.at("conv1.weight"), prefix + "0.weight");
    EXPECT_EQ(found.front().names.at("layer1.0.conv1.weight"), prefix + "4.0.conv1.weight");
    EXPECT_EQ(found.front().names.at("layer4.0.downsample.1.bias"),
              prefix + "7.0.downsample.1.bias");
  }
}

TEST(FindEncoders, CountsStagesWhereASequentialLacksThePool) {
  // lightly's own ResNet: conv1, bn1 and the stages at 2 to 5, its shortcuts called so.
  Names names;
  for (const auto& [name, shape] : encoder_shapes()) {
    std::string other = name;
    if (name.starts_with("conv1")) other = fmt::format("0{}", name.substr(5));
    if (name.starts_with("bn1")) other = fmt::format("1{}", name.substr(3));
    if (name.starts_with("layer")) other = fmt::format("{}{}", name[5] - '1' + 2, name.substr(6));
    const auto at = other.find("downsample");
    if (at != std::string::npos) other.replace(at, 10, "shortcut");
    names.add("backbone." + other, shape);
  }
  const auto found = find_encoders(names.entries);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().names.size(), 120U);
  EXPECT_EQ(found.front().names.at("layer2.0.downsample.0.weight"),
            "backbone.3.0.shortcut.0.weight");
}

TEST(FindEncoders, NeverStripsCharacters) {
  // Python's lstrip("backbone.") turns backbone.bn1 into 1 and backbone.conv1 into v1.
  const Names names = torchvision_names("backbone.");
  const auto found = find_encoders(names.entries);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().names.at("bn1.weight"), "backbone.bn1.weight");
  EXPECT_EQ(found.front().names.at("conv1.weight"), "backbone.conv1.weight");
}

TEST(FindEncoders, TakesAModelBeforeItsAverageUnlessThatIsWanted) {
  for (const std::string average :
       {"ema.encoder.", "momentum_backbone.", "teacher.", "target_encoder.", "encoder_k."}) {
    Names names = torchvision_names("z.model.");
    names.add(torchvision_names(average));
    EXPECT_EQ(prefixes(find_encoders(names.entries)), (Strings{"z.model.", average}));
    EXPECT_EQ(prefixes(find_encoders(names.entries, true)), (Strings{average, "z.model."}));
  }
}

TEST(FindEncoders, FindsNoneInAHeadOrAnotherNetwork) {
  Names head;
  head.add("projection_head.0.weight", {512, 512});
  head.add("0.weight", {64, 3, 3, 3});
  head.add("conv1.weight", {64, 3, 7, 7});
  EXPECT_TRUE(find_encoders(head.entries).empty());
  EXPECT_TRUE(find_encoders({}).empty());
}

TEST(ShapeOf, TellsArchitectureWidthAndStem) {
  const Names names = torchvision_names("module.");
  const EncoderShape shape = shape_of(find_encoders(names.entries).front(), names.entries);
  EXPECT_EQ(shape.arch, Arch::kResNet18);
  EXPECT_EQ(shape.width, 0.25);
  EXPECT_EQ(shape.stem_kernel, 7);
}

TEST(ShapeOf, RefusesOtherNumbersOfBlocksAndOtherStems) {
  Names deep = torchvision_names("");
  deep.add("layer3.2.conv1.weight", {64, 64, 3, 3});
  expect_error(ExitCode::kData, "2, 2, 3, 2 basic blocks",
               [&] { shape_of(find_encoders(deep.entries).front(), deep.entries); });
  Names five = torchvision_names("");
  five.entries.at("conv1.weight").shape = {16, 3, 5, 5};
  expect_error(ExitCode::kData, "[16, 3, 5, 5]",
               [&] { shape_of(find_encoders(five.entries).front(), five.entries); });
}

}  // namespace
}  // namespace simclr
