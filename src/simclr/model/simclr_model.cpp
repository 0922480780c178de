#include "simclr/model/simclr_model.h"

#include <c10/util/Exception.h>
#include <torch/nn/modules/linear.h>

#include <utility>

#include "simclr/core/error.h"
#include "simclr/model/init.h"
#include "simclr/model/native_encoder.h"
#include "simclr/model/native_layers.h"
#include "simclr/model/projection_head.h"
#include "simclr/model/resnet.h"

namespace simclr {

namespace {

constexpr std::int64_t kMinSide = 8;

/// oneDNN's fast convolutions want channels-last weights; stored so, no step has to convert them.
void store_channels_last(torch::nn::Module& module) {
  for (at::Tensor& parameter : module.parameters()) {
    if (parameter.dim() == 4)
      parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
}

}  // namespace

struct SimclrModel::Impl : torch::nn::Module {
  explicit Impl(const ModelSettings& model_settings)
      : settings(model_settings), encoder(register_module("encoder", ResNet(settings))) {}

  void finish(std::uint64_t seed) {
    initialise_weights(*this, seed);
    store_channels_last(*this);
    choose_engine();
  }

  /// Our engine where it is wanted and can be had; otherwise nothing, and LibTorch computes.
  void choose_engine() {
    native.reset();
    if (settings.engine == EngineKind::kTorch) return;
    if (native_covers(encoder->parameters())) {
      native = std::make_unique<NativeEncoder>(settings, encoder->parameters(), encoder->buffers());
    } else if (settings.engine == EngineKind::kNative) {
      throw Error(ExitCode::kUsage, "the native engine computes in f32 on the CPU only",
                  "Use --device cpu, or --engine auto.");
    }
  }

  ModelSettings settings;
  ResNet encoder;
  std::unique_ptr<NativeEncoder> native;
  torch::nn::Sequential projection{nullptr};  ///< one of these two is the head
  torch::nn::Linear classifier{nullptr};
};

SimclrModel SimclrModel::contrastive(const ModelSettings& settings, std::uint64_t seed) {
  auto impl = std::make_shared<Impl>(settings);
  impl->projection =
      impl->register_module("head", make_projection_head(settings, impl->encoder->feature_width()));
  impl->finish(seed);
  return SimclrModel(std::move(impl));
}

SimclrModel SimclrModel::supervised(const ModelSettings& settings, std::int64_t classes,
                                    std::uint64_t seed) {
  TORCH_CHECK(classes >= 1, "[SimclrModel] expected at least 1 class, got ", classes);
  auto impl = std::make_shared<Impl>(settings);
  impl->classifier =
      impl->register_module("head", torch::nn::Linear(impl->encoder->feature_width(), classes));
  impl->finish(seed);
  return SimclrModel(std::move(impl));
}

SimclrModel::SimclrModel(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
SimclrModel::SimclrModel(SimclrModel&&) noexcept = default;
SimclrModel& SimclrModel::operator=(SimclrModel&&) noexcept = default;
SimclrModel::~SimclrModel() = default;

at::Tensor SimclrModel::encode(const at::Tensor& views) {
  TORCH_CHECK(views.dim() == 4 && views.size(1) == 3 && views.size(2) == views.size(3) &&
                  views.size(3) >= kMinSide,
              "[encode] expected views [B, 3, S, S] with S >= ", kMinSide, ", got ", views.sizes());
  if (impl_->native && views.is_cpu() && views.scalar_type() == at::kFloat)
    return impl_->native->forward(views, impl_->encoder->is_training());
  return impl_->encoder->forward(views);
}

at::Tensor SimclrModel::project(const at::Tensor& features) {
  TORCH_CHECK(features.dim() == 2 && features.size(1) == feature_width(),
              "[project] expected features [B, ", feature_width(), "], got ", features.sizes());
  if (impl_->native && features.is_cpu() && features.scalar_type() == at::kFloat) {
    if (impl_->classifier)
      return native_linear(features, impl_->classifier->weight, impl_->classifier->bias);
    return native_head(*impl_->projection, features);
  }
  if (impl_->classifier) return impl_->classifier->forward(features);
  return impl_->projection->is_empty() ? features : impl_->projection->forward(features);
}

void SimclrModel::set_training(bool training) { impl_->train(training); }

void SimclrModel::to(const c10::Device& device) {
  impl_->torch::nn::Module::to(device);
  impl_->choose_engine();
}

std::string SimclrModel::describe_engine(std::int64_t side) const {
  if (!impl_->native) return "torch";
  return "native, convolutions " + describe_algorithms(impl_->settings, side);
}

void SimclrModel::prepare(const UpdatePlan& plan) {
  if (impl_->native) impl_->native->prepare(plan);
}

std::int64_t SimclrModel::engine_memory() const {
  return impl_->native ? impl_->native->memory() : 0;
}

void SimclrModel::set_profile(StepProfile* profile) {
  if (impl_->native) impl_->native->set_profile(profile);
}

std::int64_t SimclrModel::feature_width() const { return impl_->encoder->feature_width(); }

std::vector<NamedTensor> SimclrModel::parameters() const {
  std::vector<NamedTensor> named;
  for (const auto& item : impl_->named_parameters()) named.push_back({item.key(), item.value()});
  return named;
}

std::vector<NamedTensor> SimclrModel::buffers() const {
  std::vector<NamedTensor> named;
  for (const auto& item : impl_->named_buffers()) named.push_back({item.key(), item.value()});
  return named;
}

}  // namespace simclr
