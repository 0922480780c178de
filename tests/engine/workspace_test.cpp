#include "simclr/engine/workspace.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "tests/kernels/maps.h"

namespace simclr {
namespace {

/// A small network with weights of its own, and what its passes write.
class Net {
 public:
  Net(Stem stem, std::int64_t side, std::int64_t batch, ConvKind conv = ConvKind::kAuto)
      : side_(side), batch_(batch), pixels_(random_floats(batch * side * side * 3, 9)) {
    ModelSettings settings;
    settings.width = 0.25;
    settings.stem = stem;
    network_ = make_network(settings, conv, side);
    packed_ = std::make_unique<PackedWeights>(network_);
    add_layer(network_.stem.weights(), network_.stem.out_channels, network_.stem.depth());
    for (const ConvUnit& unit : network_.units)
      add_layer(unit.shape.weights(), unit.shape.out_channels,
                unit.shape.in_channels * unit.shape.taps());
    for (Values& values : parameters_) tensors_.parameters.push_back(values.data());
    for (std::size_t i = 0; i < statistics_.size(); i += 2) {
      tensors_.running_means.push_back(statistics_[i].data());
      tensors_.running_variances.push_back(statistics_[i + 1].data());
    }
    packed_->pack(tensors_);
  }

  Values features(Workspace& workspace, bool training) {
    Values features(static_cast<std::size_t>(batch_ * network_.features()), NAN);
    workspace.forward(tensors_, *packed_, pixels_.data(), training, features.data());
    return features;
  }

  std::vector<Values> gradients(Workspace& workspace) {
    std::vector<Values> gradients;
    std::vector<float*> places;
    for (const Values& values : parameters_) gradients.emplace_back(values.size(), NAN);
    for (Values& values : gradients) places.push_back(values.data());
    const Values of_features = random_floats(batch_ * network_.features(), 10);
    workspace.backward(tensors_.parameters, pixels_.data(), of_features.data(), places);
    return gradients;
  }

  const Network& network() const { return network_; }

 private:
  void add_layer(std::int64_t weights, std::int64_t channels, std::int64_t fan_in) {
    const auto sample = static_cast<std::uint32_t>(parameters_.size() + 20);
    parameters_.push_back(random_floats(weights, sample));
    for (float& value : parameters_.back()) value *= std::sqrt(6.0F / static_cast<float>(fan_in));
    parameters_.emplace_back(static_cast<std::size_t>(channels), 1.0F);
    parameters_.emplace_back(static_cast<std::size_t>(channels), 0.0F);
    statistics_.emplace_back(static_cast<std::size_t>(channels), 0.0F);
    statistics_.emplace_back(static_cast<std::size_t>(channels), 1.0F);
  }

  std::int64_t side_, batch_;
  Values pixels_;
  Network network_;
  std::unique_ptr<PackedWeights> packed_;
  std::vector<Values> parameters_, statistics_;
  NetworkTensors tensors_;
};

TEST(Workspace, ForgettingMapsChangesNoFeature) {
  for (const Stem stem : {Stem::kImageNet, Stem::kCifar, Stem::kCifarPool}) {
    Net net(stem, 32, 5);
    Workspace keeps(net.network(), 5, true);
    Workspace forgets(net.network(), 5, false);
    EXPECT_EQ(net.features(keeps, false), net.features(forgets, false));
    EXPECT_LT(forgets.bytes(), keeps.bytes());
  }
}

TEST(Workspace, GradientsOfMapsTakeThePlaceOfMapsThatAreGone) {
  Net net(Stem::kCifar, 32, 64);
  const Network& network = net.network();
  // What backward needs: the output of each convolution, and that of each block.
  std::int64_t kept = network.stem.out_map().positions() * network.stem.out_channels;
  for (const ConvUnit& unit : network.units)
    kept += unit.shape.out_map().positions() * unit.shape.out_channels;
  for (const ResidualPath& block : network.blocks) {
    const ConvShape& last = network.units[static_cast<std::size_t>(block.path.back())].shape;
    kept += last.out_map().positions() * last.out_channels;
  }
  kept *= 64 * static_cast<std::int64_t>(sizeof(float));
  EXPECT_LT(Workspace(network, 64, true).bytes(), kept + kept / 5);
}

TEST(Workspace, CanBeUsedAgain) {
  Net net(Stem::kImageNet, 32, 6);
  Workspace workspace(net.network(), 6, true);
  const Values features = net.features(workspace, false);
  const std::vector<Values> gradients = net.gradients(workspace);
  EXPECT_EQ(net.features(workspace, false), features);
  EXPECT_EQ(net.gradients(workspace), gradients);
}

TEST(Workspace, GivesTheSameBitsForAnyNumberOfThreads) {
  const auto outcome = [] {
    Net net(Stem::kCifarPool, 24, 7);
    Workspace workspace(net.network(), 7, true);
    std::vector<Values> all{net.features(workspace, true)};
    for (Values& gradient : net.gradients(workspace)) all.push_back(std::move(gradient));
    return all;
  };
  const std::vector<Values> expected = outcome();
  for (const int threads : {1, 3, 5}) {
    const Threads set(threads);
    EXPECT_TRUE(outcome() == expected) << threads;
  }
}

TEST(Workspace, EveryGradientIsWrittenAndFinite) {
  Net net(Stem::kImageNet, 33, 4);
  Workspace workspace(net.network(), 4, true);
  net.features(workspace, true);
  for (const Values& gradient : net.gradients(workspace))
    for (const float value : gradient) ASSERT_TRUE(std::isfinite(value));
}

TEST(Workspace, NotesWhereItsTimeWent) {
  Net net(Stem::kImageNet, 32, 4);
  Workspace workspace(net.network(), 4, true);
  StepProfile profile(net.network().layers());
  workspace.set_profile(&profile);
  net.features(workspace, true);
  net.gradients(workspace);
  for (std::int64_t layer = 0; layer < net.network().layers(); ++layer)
    for (const Pass pass : {Pass::kForward, Pass::kWeightGradient, Pass::kNormBackward})
      // The stem's norm is gone back through within its weight gradient.
      EXPECT_EQ(profile.seconds(layer, pass) > 0.0, layer > 0 || pass != Pass::kNormBackward)
          << layer;
  EXPECT_EQ(profile.seconds(0, Pass::kInputGradient), 0.0);
}

}  // namespace
}  // namespace simclr
