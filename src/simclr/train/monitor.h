#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/data/open.h"
#include "simclr/formats/metrics.h"
#include "simclr/model/simclr_model.h"
#include "simclr/optim/optimizer.h"
#include "simclr/train/checkpoint.h"

namespace simclr {

/// Looks at an encoder while it trains and changes nothing of it: some validation images' features
/// after each epoch, and a linear classifier that learns from the features of the training steps
/// without passing a gradient on. Test images are not looked at.
class Monitor {
 public:
  Monitor(const Settings& settings, const DataSplits& data, std::int64_t feature_width,
          const c10::Device& device);

  /// A step's features [views, F] teach the linear classifier.
  void learn(const at::Tensor& features, const std::vector<std::int64_t>& labels);

  /// Projections f32 [2n, D] of the next n validation images, in order; forget() begins anew.
  void see(const at::Tensor& projections, std::int64_t images);
  void forget();

  /// Fills the row's columns that are asked for; the others stay NaN. The model is in eval mode.
  void measure(SimclrModel& model, EpochMetrics& row) const;

  /// The linear classifier, for checkpoints: "probe.<name>".
  KeptTensors state() const;

 private:
  struct Probe {
    at::Tensor weight;  // f32 [classes, F]
    at::Tensor bias;    // f32 [classes]
    std::unique_ptr<Optimizer> optimizer;
    at::Tensor scores(const at::Tensor& features) const;
  };
  bool is_chosen(std::int64_t position) const;

  const Settings& settings_;
  const DataSplits& data_;
  c10::Device device_;
  std::int64_t validation_images_;
  std::int64_t images_;  ///< of them that are looked at, evenly spread
  bool labelled_;
  std::unique_ptr<Probe> probe_;         ///< null: none
  std::int64_t seen_ = 0;                ///< validation images so far
  std::vector<at::Tensor> first_views_;  // f32 [., D], of those that are looked at
  std::vector<at::Tensor> second_views_;
};

}  // namespace simclr
