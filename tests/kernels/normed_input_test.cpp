#include <gtest/gtest.h>

#include "simclr/kernels/batch_norm.h"
#include "simclr/kernels/winograd.h"
#include "tests/kernels/maps.h"

namespace simclr {
namespace {

struct Case {
  const char* name;
  WinogradScheme scheme;
  ConvShape shape;
};

/// Of each scheme block by block and, with more channels, all threads together; odd sizes, whose
/// tiles hang over the edge.
const std::vector<Case> kCases{
    {"map2", WinogradScheme::kMap2, {32, 48, 3, 1, 2, 2, 67}},
    {"map2_wide", WinogradScheme::kMap2, {144, 128, 3, 1, 2, 2, 33}},
    {"f2", WinogradScheme::kF2, {32, 16, 3, 1, 5, 6, 67}},
    {"f4", WinogradScheme::kF4, {48, 32, 3, 1, 9, 6, 35}},
    {"strided", WinogradScheme::kF4Stride2, {48, 32, 3, 2, 9, 6, 35}},
    {"strided_wide", WinogradScheme::kF4Stride2, {144, 128, 3, 2, 9, 7, 9}},
    {"f4_wide", WinogradScheme::kF4, {144, 128, 3, 1, 5, 7, 9}},
};

class NormedInput : public testing::TestWithParam<Case> {};

/// The norm before a convolution comes to the same bits whether it was applied to the whole map or
/// is as the map is read; a shift above 0 must not leak in from beyond the edge.
TEST_P(NormedInput, IsThatOfTheNormAppliedBefore) {
  const auto& [name, scheme, shape] = GetParam();
  const WinogradConv conv(shape, scheme);
  const PanelMap in = shape.in_map();
  const Values before = random_map(in, 1);
  Values scale = random_floats(shape.in_channels, 2);
  Values shift = random_floats(shape.in_channels, 3);
  scale[5] = 0.0F;
  shift[5] = 0.5F;
  Values applied(before.size());
  apply_norm(in, before.data(), {.scale = scale.data(), .shift = shift.data()}, {}, true,
             applied.data());

  const Values weights = random_floats(shape.weights(), 4);
  const Values dy = random_map(shape.out_map(), 5);
  const auto passes = [&](const ConvInput& x) {
    Values packed(static_cast<std::size_t>(conv.packed_size()));
    Values scratch(static_cast<std::size_t>(conv.scratch_size()));
    Values all(static_cast<std::size_t>(shape.out_map().size() + shape.weights()));
    conv.pack_forward(weights.data(), packed.data());
    conv.forward(x, packed.data(), all.data(), scratch.data());
    conv.weight_gradient(x, dy.data(), all.data() + shape.out_map().size(), scratch.data());
    return all;
  };
  EXPECT_TRUE(passes({before.data(), scale.data(), shift.data()}) == passes(applied.data()));
  EXPECT_FALSE(passes(before.data()) == passes(applied.data()));
}

INSTANTIATE_TEST_SUITE_P(Schemes, NormedInput, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace simclr
