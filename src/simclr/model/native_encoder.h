#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/engine/workspace.h"
#include "simclr/model/gradient_memory.h"
#include "simclr/model/update_plan.h"

namespace simclr {

/// The encoder on our own engine, as one autograd function of views and parameters. Parameters and
/// running statistics stay the module's; packed copies are made anew when one has changed.
class NativeEncoder {
 public:
  /// @param parameters  of a ResNet, in its order: f32 on the CPU, convolutions channels-last
  /// @param buffers     running_mean, running_var, num_batches_tracked of each norm, in order
  NativeEncoder(const ModelSettings& settings, std::vector<at::Tensor> parameters,
                std::vector<at::Tensor> buffers);
  ~NativeEncoder();

  /// f32 [B, 3, S, S] -> [B, F]. With gradients on, keeps what backward needs until that has run or
  /// the result is gone.
  /// @throws c10::Error  in training, for a batch so small that a map has one value per channel
  at::Tensor forward(const at::Tensor& views, bool training);

  /// Sets aside the memory of an update.
  void prepare(const UpdatePlan& plan);

  /// Where passes note their time from now on, layer by layer; null: nowhere.
  void set_profile(StepProfile* profile) { profile_ = profile; }

  /// Bytes of the workspaces, packed weights and gradients that it holds.
  std::int64_t memory() const;

 private:
  friend class EncodeFunction;
  struct Sized;  ///< what depends on the side of the images
  struct Lease;

  Sized& sized_for(std::int64_t side);
  NetworkTensors tensors() const;
  std::vector<std::int64_t> versions() const;
  std::shared_ptr<Workspace> take_workspace(Sized& sized, std::int64_t batch, bool keep);
  at::Tensor run(Sized& sized, Workspace& workspace, const at::Tensor& views, bool training);

  ModelSettings settings_;
  StepProfile* profile_ = nullptr;
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> buffers_;
  std::map<std::int64_t, std::unique_ptr<Sized>> sized_;
  GradientMemory gradients_;
};

/// Whether the engine takes a model of these settings with these tensors: f32 on the CPU.
bool native_covers(const std::vector<at::Tensor>& parameters);

/// "f4 7, map2 3, direct 9": how many convolutions are computed how, for images of one side.
std::string describe_algorithms(const ModelSettings& settings, std::int64_t side);

}  // namespace simclr
