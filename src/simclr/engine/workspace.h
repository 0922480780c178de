#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "simclr/engine/arena.h"
#include "simclr/engine/network.h"
#include "simclr/engine/step_profile.h"
#include "simclr/kernels/norm_gradient.h"

namespace simclr {

/// Tensors of a network from outside, in the order of its parameters: of layer i (the stem is
/// layer 0) the weights [Cout, kernel, kernel, Cin], gamma and beta at 3 i, 3 i + 1, 3 i + 2.
struct NetworkTensors {
  std::vector<const float*> parameters;
  std::vector<float*> running_means;
  std::vector<float*> running_variances;
};

/// Weights as forward passes read them, made once per update.
class PackedWeights {
 public:
  explicit PackedWeights(const Network& network);

  void pack(const NetworkTensors& tensors);
  const float* of(std::int64_t layer) const;
  std::int64_t bytes() const { return arena_.bytes(); }

 private:
  const StemConv stem_;
  std::vector<ConvLayer> convs_;
  Arena arena_;
  std::vector<std::int64_t> layers_;
};

/// Memory and layers for one batch going through a network; what backward needs stays in it until
/// the next forward.
class Workspace {
 public:
  /// @param keep  what backward needs; without it maps are overwritten as the batch goes on
  Workspace(const Network& network, std::int64_t batch, bool keep);

  std::int64_t batch() const { return batch_; }
  bool keeps() const { return keep_; }
  std::int64_t bytes() const { return arena_.bytes(); }
  /// Where passes note their time from now on; null: nowhere.
  void set_profile(StepProfile* profile) { profile_ = profile; }

  /// @param pixels    f32 [batch, side, side, 3]; kept by the caller until backward
  /// @param features  f32 [batch, F], written
  /// @param training  batch statistics, which move the running ones; otherwise the running ones
  void forward(const NetworkTensors& tensors, const PackedWeights& packed, const float* pixels,
               bool training, float* features);
  /// @param weights  NetworkTensors::parameters of the forward pass
  /// @param feature_gradient  f32 [batch, F]
  /// @param gradients  as `weights`, written
  void backward(const std::vector<const float*>& weights, const float* pixels,
                const float* feature_gradient, const std::vector<float*>& gradients);

 private:
  /// What a layer has: buffers of the arena.
  struct Layer {
    PanelMap map;        ///< of its output
    std::int64_t y = 0;  ///< of the convolution
    /// Behind norm and relu; of a block's last layer, behind the sum. Inside a block it is one of
    /// its own only if the next convolution does not apply the norm itself; it is made again for
    /// the backward pass. So is the stem's, if the first block does not apply the norm.
    std::int64_t x = 0;
    std::int64_t norm = 0;
    /// For a pass of the convolution, and for its weights as the backward pass reads them: shared
    /// with the other layers of its block.
    std::int64_t scratch = 0;
    std::int64_t packed = 0;
  };

  std::int64_t forward_turn(std::int64_t block) const;
  std::int64_t backward_turn(std::int64_t block) const;
  Life life_of_output(std::int64_t block) const;
  Life life_inside(std::int64_t block) const;
  std::int64_t add_to_block(std::int64_t floats, std::int64_t block);
  void place_stem();
  void place_block(std::int64_t block);
  void place_gradients();
  ChannelNorm norm_of(const Layer& layer) const;
  /// How the norm of a layer's output comes about.
  enum class NormKind {
    kBatch,    ///< by the batch's statistics, gathered as the output is written
    kRunning,  ///< by the running ones, applied afterwards: the output is kept as well
    kApplied,  ///< by the running ones, applied as the output is written
  };
  NormKind norm_kind(bool training) const;
  template <class Convolve>
  void convolve_and_normalise(std::int64_t layer, const NetworkTensors& tensors, NormKind kind,
                              const Shortcut& shortcut, const Convolve& convolve, bool relu);
  bool block_takes_stem() const;
  void activate_stem();
  ConvInput input_of(std::size_t block) const;
  void forward_block(std::size_t block, const NetworkTensors& tensors, const PackedWeights& packed,
                     NormKind kind);
  void backward_block(std::size_t block, const std::vector<const float*>& weights,
                      const std::vector<float*>& gradients);
  void activate(std::int64_t layer, const Shortcut& shortcut);
  ConvInput input_inside(std::int64_t layer, int next);
  /// A norm that a gradient meets, and its layer.
  struct Ahead {
    std::int64_t layer;
    GatedNorm by;
  };
  GatedNorm gated(std::int64_t layer, Gate gate) const;
  Ahead ahead_of(std::size_t block) const;
  void gate(const Ahead& at, float* g, const std::vector<float*>& gradients);
  void backward_norm(const Ahead& at, const float* g, float* dy,
                     const std::vector<float*>& gradients);
  void backward_conv(std::int64_t layer, const std::vector<const float*>& weights,
                     const ConvInput& x, const float* dy, const std::vector<float*>& gradients,
                     float* dx, bool add, const Ahead* ahead);
  void backward_stem(const float* pixels, const std::vector<float*>& gradients);
  NormGradient sums_of(std::int64_t layer, const std::vector<float*>& gradients) const;

  std::int64_t batch_;
  bool keep_;
  StepProfile* profile_ = nullptr;
  bool of_batch_ = true;  ///< statistics of the last forward
  StemConv stem_;
  bool has_pool_;
  PoolShape pool_;
  std::vector<ConvLayer> convs_;  ///< of layer i at i - 1
  std::vector<ResidualPath> blocks_;
  std::vector<Layer> layers_;
  Arena arena_;
  std::int64_t pooled_ = 0;
  std::int64_t pooled_y_ = 0;  ///< what the pool took, before the norm
  /// Of what block i reads, and at the end of the last block's output. Around a block without a
  /// convolution in its shortcut both are one buffer.
  std::vector<std::int64_t> gradients_;
  /// Inside block i, in turn: of a layer's output, and of its input.
  std::vector<std::array<std::int64_t, 2>> inner_gradients_;
  std::vector<std::uint8_t> where_;             ///< of the pool
  TaskParts<PanelMoments> moments_;             ///< of the layer at hand
  TaskParts<PanelGradientSums> gradient_sums_;  ///< likewise
};

}  // namespace simclr
