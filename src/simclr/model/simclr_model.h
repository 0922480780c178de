#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/model/update_plan.h"

namespace simclr {

class StepProfile;

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

/// Encoder f and head g. Names are torchvision's behind "encoder."
/// ("encoder.layer1.0.conv1.weight"); the head's are those of its Sequential ("head.0.weight").
/// Convolution weights are stored channels-last, which changes no value. Initial weights are
/// torchvision's scheme (He normal, fan out; batch norm 1 and 0; linear layers uniform), drawn from
/// RandomKey{seed, kInit, 0, index of the parameter}: equal for equal seeds on every machine.
class SimclrModel {
 public:
  /// With a projection head, for NT-Xent. @throws Error(kUsage) for a width other than 0.25, 0.5,
  /// 1, 2 or 4
  static SimclrModel contrastive(const ModelSettings& settings, std::uint64_t seed);
  /// With Linear(F, classes) as its head ("head.weight", "head.bias"), for cross-entropy.
  static SimclrModel supervised(const ModelSettings& settings, std::int64_t classes,
                                std::uint64_t seed);

  SimclrModel(SimclrModel&&) noexcept;
  SimclrModel& operator=(SimclrModel&&) noexcept;
  ~SimclrModel();

  /// @param views  f32 [B, 3, S, S], S >= 8; channels-last in memory is fastest
  /// @return features h, f32 [B, F]
  /// @throws c10::Error  for other shapes, or a batch so small that a map has one value per channel
  at::Tensor encode(const at::Tensor& views);
  /// @param features  f32 [B, F]
  /// @return projections z (or class scores), f32 [B, D]; head "none" gives the features
  at::Tensor project(const at::Tensor& features);

  /// Batch norm by batch statistics (true) or running statistics (false).
  void set_training(bool training);
  void to(const c10::Device& device);

  /// What computes the encoder, and how for images of this side: "torch", or "native, convolutions
  /// 7 f4, 3 map2, 9 direct".
  std::string describe_engine(std::int64_t side) const;
  /// Lets the native engine set aside the memory of an update.
  void prepare(const UpdatePlan& plan);
  std::int64_t engine_memory() const;  ///< bytes that the native engine holds now
  /// Where the native engine notes its time from now on; null: nowhere.
  void set_profile(StepProfile* profile);

  std::int64_t feature_width() const;  ///< F: 512 * width, or 2048 * width for resnet50
  std::vector<NamedTensor> parameters()
      const;  ///< trainable, in torchvision's order, encoder first
  std::vector<NamedTensor> buffers()
      const;  ///< running_mean, running_var f32; num_batches_tracked i64 []

 private:
  struct Impl;
  explicit SimclrModel(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace simclr
