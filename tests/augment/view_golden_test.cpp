#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "simclr/augment/presets.h"
#include "tests/augment/golden.h"
#include "tests/augment/views.h"

namespace simclr {
namespace {

/// A step as make_augment.py writes it: its kind, then its parameters.
void add_step(std::span<const float> row, std::vector<ViewStep>& steps) {
  const auto whole = [&](std::size_t i) { return static_cast<int>(row[i]); };
  if (row[0] == 1.0F) {
    JitterParams jitter;
    for (std::size_t j = 0; j < 4; ++j) jitter.order[j] = static_cast<JitterOp>(whole(1 + j));
    jitter.brightness = row[5];
    jitter.contrast = row[6];
    jitter.saturation = row[7];
    jitter.hue = row[8];
    steps.emplace_back(jitter);
  } else if (row[0] == 2.0F) {
    steps.emplace_back(GreyscaleParams{});
  } else if (row[0] == 3.0F) {
    steps.emplace_back(BlurParams{.kernel = whole(1), .sigma = row[2]});
  } else if (row[0] == 4.0F) {
    steps.emplace_back(SolarizeParams{.threshold = row[1]});
  } else if (row[0] == 5.0F) {
    steps.emplace_back(AutoAugmentParams{
        {{{static_cast<U8Op>(whole(2)), row[3]}, {static_cast<U8Op>(whole(4)), row[5]}}},
        whole(1)});
  }
}

/// Views of one image: their parameters, and what torchvision made of them.
class ViewGroup {
 public:
  explicit ViewGroup(const std::string& name)
      : crops_(golden_.values<std::int64_t>(name + "/crop")),
        shifts_(golden_.values<std::int64_t>(name + "/shift")),
        flips_(golden_.values<std::int64_t>(name + "/flip")),
        normalizations_(golden_.values<std::int64_t>(name + "/normalization")),
        steps_(golden_.values<float>(name + "/steps")),
        expected_(golden_.values<float>(name + "/expected")) {}

  const AugmentGolden& file() const { return golden_; }
  std::size_t size() const { return flips_.size(); }

  ViewParams params(std::size_t i) const {
    const auto whole = [](std::int64_t value) { return static_cast<int>(value); };
    ViewParams params;
    params.crop = {whole(crops_[4 * i]), whole(crops_[4 * i + 1]), whole(crops_[4 * i + 2]),
                   whole(crops_[4 * i + 3])};
    params.shift = {whole(shifts_[2 * i]), whole(shifts_[2 * i + 1])};
    params.flip = flips_[i] != 0;
    const std::size_t values = steps_.size() / size();
    for (std::size_t at = i * values; at < (i + 1) * values; at += kStepWidth)
      add_step(std::span(steps_).subspan(at, kStepWidth), params.steps);
    return params;
  }

  Normalization normalization(std::size_t i) const {
    return static_cast<Normalization>(normalizations_[i]);
  }

  std::span<const float> expected(std::size_t i) const {
    const std::size_t values = expected_.size() / size();
    return std::span(expected_).subspan(i * values, values);
  }

 private:
  static constexpr std::size_t kStepWidth = 9;

  AugmentGolden golden_;
  std::vector<std::int64_t> crops_;
  std::vector<std::int64_t> shifts_;
  std::vector<std::int64_t> flips_;
  std::vector<std::int64_t> normalizations_;
  std::vector<float> steps_;
  std::vector<float> expected_;
};

constexpr float kExact = 2e-6F;  // from what torchvision gives in f64: our rounding alone

/// Normalising divides deviations by the data's standard deviation, as it does the pixels.
float deviation_scale(Normalization normalization) {
  return 1.0F / channel_statistics(normalization).deviation[1];
}

class ViewGolden : public testing::TestWithParam<std::string> {};

TEST_P(ViewGolden, AgreesWithTorchvision) {
  const std::string& name = GetParam();
  const ViewGroup group(name);
  const auto pixels = group.file().values<std::uint8_t>(name + "/image");
  const Image image{pixels, static_cast<int>(group.file().size(name + "/image", 0)),
                    static_cast<int>(group.file().size(name + "/image", 1))};
  const auto side = static_cast<int>(group.file().size(name + "/expected", 1));
  float largest = 0.0F;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const auto view = view_of(image, group.params(i), side, group.normalization(i));
    const float difference =
        largest_difference(view, group.expected(i)) / deviation_scale(group.normalization(i));
    EXPECT_LE(difference, kGoldenTolerance) << "case " << i;
    largest = std::max(largest, difference);
  }
  record_difference(largest);
}

INSTANTIATE_TEST_SUITE_P(Groups, ViewGolden,
                         testing::Values("crop12", "crop32", "shifted12", "orders", "square32",
                                         "odd32", "pipelines12"),
                         [](const auto& test) { return test.param; });

TEST(LargeViewGolden, AgreesWithTorchvision) {
  constexpr int kHeight = 375;
  constexpr int kWidth = 500;
  constexpr int kPhotoSide = 224;
  constexpr std::size_t kEvery = 401;  // of the values; the file holds no others
  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      for (int c = 0; c < 3; ++c)
        pixels.push_back(
            static_cast<std::uint8_t>((y * y * 3 + x * x * 5 + x * y * 2 + c * 7001) / 97 % 256));
  const ViewGroup group("photo");
  const auto exact = group.file().values<float>("photo/exact");
  float largest = 0.0F;
  float largest_from_exact = 0.0F;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const float scale = deviation_scale(group.normalization(i));
    const auto view =
        view_of({pixels, kHeight, kWidth}, group.params(i), kPhotoSide, group.normalization(i));
    std::vector<float> kept;
    for (std::size_t at = 0; at < view.size(); at += kEvery) kept.push_back(view[at]);
    const float difference = largest_difference(kept, group.expected(i)) / scale;
    EXPECT_LE(difference, kGoldenTolerance) << "case " << i;
    const auto in_f64 = std::span(exact).subspan(i * kept.size(), kept.size());
    const float from_exact = largest_difference(kept, in_f64) / scale;
    EXPECT_LE(from_exact, kExact) << "case " << i;
    largest = std::max(largest, difference);
    largest_from_exact = std::max(largest_from_exact, from_exact);
  }
  EXPECT_EQ(group.size(), 3U);
  record_difference(largest);
  record_difference(largest_from_exact, "difference_from_f64_in_billionths");
}

TEST(PipelinesGolden, HoldEveryStepInManyOrders) {
  const ViewGroup group("pipelines12");
  EXPECT_GE(group.size(), 20U);
  std::vector<std::vector<std::size_t>> orders;
  for (std::size_t i = 0; i < group.size(); ++i) {
    auto& order = orders.emplace_back();
    for (const ViewStep& step : group.params(i).steps) order.push_back(step.index());
    EXPECT_EQ(order.size(), 5U);  // all but noise, which torchvision does not have
  }
  std::sort(orders.begin(), orders.end());
  EXPECT_EQ(std::unique(orders.begin(), orders.end()), orders.end());
}

}  // namespace
}  // namespace simclr
