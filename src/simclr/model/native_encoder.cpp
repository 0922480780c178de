#include "simclr/model/native_encoder.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <utility>

namespace simclr {
namespace {

constexpr std::size_t kBuffersOfNorm = 3;

bool is_dense(const at::Tensor& parameter) {
  return parameter.dim() == 4 ? parameter.is_contiguous(at::MemoryFormat::ChannelsLast)
                              : parameter.is_contiguous();
}

}  // namespace

/// Networks, weights and memory for images of one side.
struct NativeEncoder::Sized {
  Sized(const ModelSettings& settings, std::int64_t side)
      : network(make_network(settings, settings.conv, side)), packed(network) {}

  Network network;
  PackedWeights packed;
  std::vector<std::int64_t> packed_versions;  ///< of the parameters
  std::vector<std::shared_ptr<Workspace>> workspaces;
};

/// A forward pass that waits for its backward pass: its memory, and its input.
struct NativeEncoder::Lease : torch::CustomClassHolder {
  NativeEncoder* encoder = nullptr;
  std::shared_ptr<Workspace> workspace;
  at::Tensor views;
  std::vector<std::int64_t> versions;  ///< of the parameters
};

class EncodeFunction : public torch::autograd::Function<EncodeFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& views,
                            at::TensorList /*parameters: so that autograd sees them*/,
                            NativeEncoder* encoder, bool training) {
    auto lease = c10::make_intrusive<NativeEncoder::Lease>();
    lease->encoder = encoder;
    NativeEncoder::Sized& sized = encoder->sized_for(views.size(2));
    lease->workspace = encoder->take_workspace(sized, views.size(0), true);
    lease->views = views;
    lease->versions = encoder->versions();
    context->saved_data["lease"] = c10::IValue::make_capsule(lease);
    return encoder->run(sized, *lease->workspace, views, training);
  }

  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext* context,
      const torch::autograd::variable_list& gradients) {  // NOLINT: the name that LibTorch calls
    const auto lease = c10::static_intrusive_pointer_cast<NativeEncoder::Lease>(
        context->saved_data["lease"].toCapsule());
    TORCH_CHECK(lease->workspace, "[encode] expected one backward pass for each forward pass");
    NativeEncoder& encoder = *lease->encoder;
    TORCH_CHECK(lease->versions == encoder.versions(),
                "[encode] a parameter was changed between forward and backward");
    torch::autograd::variable_list results(1);  // of the views: none
    std::vector<float*> places;
    for (at::Tensor& gradient : encoder.gradients_.take(encoder.parameters_)) {
      places.push_back(gradient.data_ptr<float>());
      results.push_back(std::move(gradient));
    }
    const at::Tensor gradient = gradients[0].contiguous();
    lease->workspace->backward(encoder.tensors().parameters, lease->views.const_data_ptr<float>(),
                               gradient.const_data_ptr<float>(), places);
    lease->workspace.reset();
    lease->views.reset();
    results.emplace_back();  // of the encoder
    results.emplace_back();  // of `training`
    return results;
  }
};

NativeEncoder::NativeEncoder(const ModelSettings& settings, std::vector<at::Tensor> parameters,
                             std::vector<at::Tensor> buffers)
    : settings_(settings), parameters_(std::move(parameters)), buffers_(std::move(buffers)) {}
NativeEncoder::~NativeEncoder() = default;

NativeEncoder::Sized& NativeEncoder::sized_for(std::int64_t side) {
  std::unique_ptr<Sized>& sized = sized_[side];
  if (!sized) sized = std::make_unique<Sized>(settings_, side);
  return *sized;
}

/// One that nobody uses, of the right size; or a new one, in place of those that are free.
std::shared_ptr<Workspace> NativeEncoder::take_workspace(Sized& sized, std::int64_t batch,
                                                         bool keep) {
  std::vector<std::shared_ptr<Workspace>>& all = sized.workspaces;
  const auto is_free = [](const std::shared_ptr<Workspace>& w) { return w.use_count() == 1; };
  for (const auto& workspace : all)
    if (is_free(workspace) && workspace->batch() == batch && workspace->keeps() == keep)
      return workspace;
  std::erase_if(all, [&](const auto& w) { return is_free(w) && w->keeps() == keep; });
  return all.emplace_back(std::make_shared<Workspace>(sized.network, batch, keep));
}

void NativeEncoder::prepare(const UpdatePlan& plan) {
  std::vector<std::shared_ptr<Workspace>> taken;
  for (std::int64_t i = 0; i < plan.waiting; ++i)
    taken.push_back(take_workspace(sized_for(plan.side), plan.views, true));
  const std::vector<at::Tensor> sum = gradients_.take(parameters_);
  if (plan.backward_passes > 1) gradients_.take(parameters_);
}

NetworkTensors NativeEncoder::tensors() const {
  NetworkTensors tensors;
  for (const at::Tensor& parameter : parameters_) {
    TORCH_CHECK(is_dense(parameter), "[encode] expected channels-last weights, got strides ",
                parameter.strides());
    tensors.parameters.push_back(parameter.const_data_ptr<float>());
  }
  for (std::size_t i = 0; i < buffers_.size(); i += kBuffersOfNorm) {
    tensors.running_means.push_back(buffers_[i].data_ptr<float>());
    tensors.running_variances.push_back(buffers_[i + 1].data_ptr<float>());
  }
  return tensors;
}

/// Changes with every write to a parameter that goes through LibTorch, or is told to it.
std::vector<std::int64_t> NativeEncoder::versions() const {
  std::vector<std::int64_t> versions;
  for (const at::Tensor& parameter : parameters_) {
    versions.push_back(static_cast<std::int64_t>(parameter._version()));
    versions.push_back(reinterpret_cast<std::intptr_t>(parameter.const_data_ptr()));
  }
  return versions;
}

at::Tensor NativeEncoder::run(Sized& sized, Workspace& workspace, const at::Tensor& views,
                              bool training) {
  const NetworkTensors all = tensors();
  workspace.set_profile(profile_);
  const std::vector<std::int64_t> now = versions();
  if (sized.packed_versions != now) {
    sized.packed.pack(all);
    sized.packed_versions = now;
  }
  at::Tensor features = at::empty({views.size(0), sized.network.features()}, views.options());
  workspace.forward(all, sized.packed, views.const_data_ptr<float>(), training,
                    features.data_ptr<float>());
  if (training)
    for (std::size_t i = 2; i < buffers_.size(); i += kBuffersOfNorm) buffers_[i].add_(1);
  return features;
}

at::Tensor NativeEncoder::forward(const at::Tensor& views, bool training) {
  const at::Tensor pixels = views.contiguous(at::MemoryFormat::ChannelsLast);
  Sized& sized = sized_for(views.size(2));
  const std::int64_t last_side = sized.network.units.back().shape.out_map().height;
  TORCH_CHECK(!training || views.size(0) * last_side * last_side > 1,
              "[encode] expected more than 1 value per channel when training, got a batch of ",
              views.size(0), " and a last map of side ", last_side);
  if (c10::GradMode::is_enabled())
    return EncodeFunction::apply(pixels, at::TensorList(parameters_), this, training);
  return run(sized, *take_workspace(sized, views.size(0), false), pixels, training);
}

std::int64_t NativeEncoder::memory() const {
  std::int64_t bytes = gradients_.bytes();
  for (const auto& [side, sized] : sized_) {
    bytes += sized->packed.bytes();
    for (const auto& workspace : sized->workspaces) bytes += workspace->bytes();
  }
  return bytes;
}

bool native_covers(const std::vector<at::Tensor>& parameters) {
  for (const at::Tensor& parameter : parameters)
    if (!parameter.is_cpu() || parameter.scalar_type() != at::kFloat) return false;
  return true;
}

std::string describe_algorithms(const ModelSettings& settings, std::int64_t side) {
  std::array<int, kConvAlgorithms.size()> counts{};
  for (const ConvUnit& unit : make_network(settings, settings.conv, side).units)
    ++counts[static_cast<std::size_t>(unit.algorithm)];
  std::string text;
  for (std::size_t i = counts.size(); i-- > 0;)
    if (counts[i] > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts[i], kConvAlgorithms[i].name);
  return text;
}

}  // namespace simclr
