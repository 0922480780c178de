#include "simclr/engine/network.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace simclr {
namespace {

ModelSettings settings_of(Arch arch, Stem stem, double width = 1.0) {
  ModelSettings settings;
  settings.arch = arch;
  settings.stem = stem;
  settings.width = width;
  return settings;
}

std::vector<std::string> names_of(const Network& network) {
  std::vector<std::string> names;
  for (const ConvUnit& unit : network.units) names.push_back(unit.name);
  return names;
}

TEST(Network, UnitsComeInTorchvisionsOrder) {
  const std::vector<std::string> names =
      names_of(make_network(settings_of(Arch::kResNet18, Stem::kImageNet), ConvKind::kAuto, 32));
  ASSERT_EQ(names.size(), 19);
  EXPECT_EQ(names[0], "layer1.0.conv1");
  EXPECT_EQ(names[4], "layer2.0.conv1");
  EXPECT_EQ(names[5], "layer2.0.conv2");
  EXPECT_EQ(names[6], "layer2.0.downsample.0");
  EXPECT_EQ(names[18], "layer4.1.conv2");
  const std::vector<std::string> deep =
      names_of(make_network(settings_of(Arch::kResNet50, Stem::kCifar), ConvKind::kAuto, 32));
  ASSERT_EQ(deep.size(), 52);
  EXPECT_EQ(deep[2], "layer1.0.conv3");
  EXPECT_EQ(deep[3], "layer1.0.downsample.0");
}

TEST(Network, MapsShrinkAsTheStemSays) {
  struct Case {
    Stem stem;
    std::int64_t side, first, last;
  };
  for (const Case& c : {Case{Stem::kImageNet, 32, 8, 1}, Case{Stem::kImageNet, 224, 56, 7},
                        Case{Stem::kImageNet, 33, 9, 2}, Case{Stem::kCifar, 32, 32, 4},
                        Case{Stem::kCifarPool, 32, 16, 2}, Case{Stem::kCifarPool, 33, 16, 2}}) {
    const Network network =
        make_network(settings_of(Arch::kResNet18, c.stem), ConvKind::kAuto, c.side);
    EXPECT_EQ(network.units.front().shape.height, c.first) << c.side;
    EXPECT_EQ(network.units.back().shape.out_map().height, c.last) << c.side;
  }
}

TEST(Network, AStrideOfABottleneckIsItsMiddle) {
  const Network network =
      make_network(settings_of(Arch::kResNet50, Stem::kCifar, 0.25), ConvKind::kAuto, 32);
  for (const ConvUnit& unit : network.units) {
    const bool strided = unit.name.find(".0.conv2") != std::string::npos ||
                         unit.name.find("downsample") != std::string::npos;
    EXPECT_EQ(unit.shape.stride, strided && unit.name.find("layer1") == std::string::npos ? 2 : 1)
        << unit.name;
  }
  EXPECT_EQ(network.features(), 512);
}

TEST(ChooseAlgorithm, FollowsTheShapeAlone) {
  const auto chosen = [](std::int64_t side, ConvKind conv, std::int64_t stride = 1,
                         std::int64_t channels = 64) {
    return choose_algorithm({channels, channels, 3, stride, side, side, 0}, conv);
  };
  EXPECT_EQ(chosen(1, ConvKind::kF4), ConvAlgorithm::kDirect);
  EXPECT_EQ(chosen(2, ConvKind::kF4), ConvAlgorithm::kMap2);
  EXPECT_EQ(chosen(3, ConvKind::kAuto), ConvAlgorithm::kDirect);
  EXPECT_EQ(chosen(3, ConvKind::kF2), ConvAlgorithm::kF2);
  EXPECT_EQ(chosen(5, ConvKind::kAuto), ConvAlgorithm::kDirect);
  EXPECT_EQ(chosen(5, ConvKind::kAuto, 1, 512), ConvAlgorithm::kF2);
  EXPECT_EQ(chosen(6, ConvKind::kAuto), ConvAlgorithm::kF2);
  EXPECT_EQ(chosen(8, ConvKind::kAuto), ConvAlgorithm::kF4);
  EXPECT_EQ(chosen(8, ConvKind::kF2), ConvAlgorithm::kF2);
  EXPECT_EQ(chosen(8, ConvKind::kExact), ConvAlgorithm::kDirect);
  EXPECT_EQ(chosen(16, ConvKind::kF4, 2), ConvAlgorithm::kF4Stride2);
  EXPECT_EQ(chosen(32, ConvKind::kAuto, 2), ConvAlgorithm::kF4Stride2);
  EXPECT_EQ(chosen(32, ConvKind::kF2, 2), ConvAlgorithm::kDirect);
  EXPECT_EQ(chosen(32, ConvKind::kExact, 2), ConvAlgorithm::kDirect);
  EXPECT_EQ(chosen(28, ConvKind::kAuto, 2), ConvAlgorithm::kDirect);
  EXPECT_EQ(chosen(28, ConvKind::kAuto, 2, 128), ConvAlgorithm::kF4Stride2);
  EXPECT_EQ(chosen(8, ConvKind::kAuto, 2), ConvAlgorithm::kDirect);
  EXPECT_EQ(choose_algorithm({64, 64, 1, 1, 8, 8, 0}, ConvKind::kF4), ConvAlgorithm::kDirect);
}

TEST(ConvLayer, CountsOnlyOperationsThatTouchAPixel) {
  // On a 2x2 map each output meets 4 of 9 taps; Karatsuba makes 9 products of those 16.
  const ConvShape shape{16, 32, 3, 1, 2, 2, 10};
  EXPECT_EQ(ConvLayer(shape, ConvAlgorithm::kDirect).executed_operations(),
            2.0 * 10 * 16 * 16 * 32);
  EXPECT_EQ(ConvLayer(shape, ConvAlgorithm::kMap2).executed_operations(), 2.0 * 10 * 9 * 16 * 32);
  EXPECT_EQ(ConvLayer(shape, ConvAlgorithm::kMap2).useful_operations(), 2.0 * 10 * 16 * 16 * 32);
  const ConvShape tile{16, 16, 3, 1, 4, 4, 3};
  EXPECT_EQ(ConvLayer(tile, ConvAlgorithm::kF4).executed_operations(), 2.0 * 3 * 36 * 16 * 16);
  EXPECT_EQ(ConvLayer(tile, ConvAlgorithm::kF4).useful_operations(), 2.0 * 3 * 100 * 16 * 16);
}

}  // namespace
}  // namespace simclr
