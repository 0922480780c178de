#include "simclr/model/native_layers.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>

#include "simclr/core/parallel.h"
#include "simclr/kernels/matrix.h"
#include "simclr/kernels/norm_gradient.h"

namespace simclr {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

MatrixView view_of(const at::Tensor& matrix) {
  return row_major(matrix.const_data_ptr<float>(), matrix.size(0), matrix.size(1));
}

/// Sum of each column, rows added in order.
at::Tensor column_sums(const at::Tensor& matrix) {
  at::Tensor sums = at::empty({matrix.size(1)}, matrix.options());
  const std::int64_t rows = matrix.size(0);
  const std::int64_t columns = matrix.size(1);
  const auto* values = matrix.const_data_ptr<float>();
  auto* to = sums.data_ptr<float>();
  parallel_for(pieces_of(columns, kPanel), [&](std::int64_t panel) {
    const std::int64_t first = panel * kPanel;
    const std::int64_t end = std::min(first + kPanel, columns);
    std::array<double, kPanel> totals{};
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t c = first; c < end; ++c)
        totals[static_cast<std::size_t>(c - first)] +=
            static_cast<double>(values[row * columns + c]);
    for (std::int64_t c = first; c < end; ++c)
      to[c] = static_cast<float>(totals[static_cast<std::size_t>(c - first)]);
  });
  return sums;
}

class LinearFunction : public torch::autograd::Function<LinearFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias) {
    context->save_for_backward({x, weight});
    at::Tensor y = at::empty({x.size(0), weight.size(0)}, x.options());
    multiply_matrices(view_of(x), view_of(weight).transposed(), bias.const_data_ptr<float>(),
                      y.data_ptr<float>());
    return y;
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {  // NOLINT: LibTorch's name
    const at::Tensor x = context->get_saved_variables()[0];
    const at::Tensor weight = context->get_saved_variables()[1];
    const at::Tensor dy = gradients[0].contiguous();
    at::Tensor dx;
    if (context->needs_input_grad(0)) {
      dx = at::empty_like(x);
      multiply_matrices(view_of(dy), view_of(weight), nullptr, dx.data_ptr<float>());
    }
    at::Tensor dw = at::empty_like(weight);
    multiply_matrices(view_of(dy).transposed(), view_of(x), nullptr, dw.data_ptr<float>());
    return {dx, dw, column_sums(dy)};
  }
};

/// [B, C] as the map of one position that kernels take, and back.
PanelMap map_of(const at::Tensor& x) { return {x.size(1), 1, 1, x.size(0)}; }

at::Tensor to_panels(const at::Tensor& x) {
  const PanelMap map = map_of(x);
  at::Tensor panels = at::empty({map.size()}, x.options());
  const auto* from = x.const_data_ptr<float>();
  auto* to = panels.data_ptr<float>();
  parallel_for(map.panels(), [&](std::int64_t panel) {
    for (std::int64_t n = 0; n < map.batch; ++n)
      std::copy_n(from + n * map.channels + panel * kPanel, kPanel, to + map.offset(panel, 0, n));
  });
  return panels;
}

at::Tensor from_panels(const at::Tensor& panels, const PanelMap& map) {
  at::Tensor x = at::empty({map.batch, map.channels}, panels.options());
  const auto* from = panels.const_data_ptr<float>();
  auto* to = x.data_ptr<float>();
  parallel_for(map.panels(), [&](std::int64_t panel) {
    for (std::int64_t n = 0; n < map.batch; ++n)
      std::copy_n(from + map.offset(panel, 0, n), kPanel, to + n * map.channels + panel * kPanel);
  });
  return x;
}

/// The four numbers of each channel, in one tensor [4, C].
ChannelNorm norm_in(const at::Tensor& numbers) {
  const std::int64_t c = numbers.size(1);
  auto* at = numbers.data_ptr<float>();
  return {at, at + c, at + 2 * c, at + 3 * c};
}

class NormReluFunction : public torch::autograd::Function<NormReluFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& gamma,
                            const at::Tensor& beta, const at::Tensor& running_mean,
                            const at::Tensor& running_variance, bool training) {
    const PanelMap map = map_of(x);
    const at::Tensor y = to_panels(x);
    at::Tensor numbers = at::empty({4, map.channels}, x.options());
    const NormState state{gamma.const_data_ptr<float>(), beta.const_data_ptr<float>(),
                          running_mean.data_ptr<float>(), running_variance.data_ptr<float>()};
    if (training) {
      norm_of_batch(map, y.const_data_ptr<float>(), state, norm_in(numbers));
    } else {
      norm_of_running(map.channels, state, norm_in(numbers));
    }
    at::Tensor out = at::empty_like(y);
    apply_norm(map, y.const_data_ptr<float>(), norm_in(numbers), {}, true, out.data_ptr<float>());
    context->save_for_backward({y, numbers});
    context->saved_data["batch"] = map.batch;
    context->saved_data["training"] = training;
    return from_panels(out, map);
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {  // NOLINT: LibTorch's name
    const at::Tensor y = context->get_saved_variables()[0];
    const at::Tensor numbers = context->get_saved_variables()[1];
    const PanelMap map{numbers.size(1), 1, 1, context->saved_data["batch"].toInt()};
    at::Tensor g = to_panels(gradients[0].contiguous());
    at::Tensor dgamma = at::empty({map.channels}, y.options());
    at::Tensor dbeta = at::empty({map.channels}, y.options());
    const NormGradient sums{dgamma.data_ptr<float>(), dbeta.data_ptr<float>()};
    const GatedNorm by{Gate::kOwn, nullptr, y.const_data_ptr<float>(), norm_in(numbers)};
    gate_and_sum(map, g.data_ptr<float>(), by, sums);
    norm_input_gradient(map, g.const_data_ptr<float>(), by,
                        norm_line(map, by.norm, sums, context->saved_data["training"].toBool()),
                        g.data_ptr<float>());
    return {from_panels(g, map), dgamma, dbeta, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor native_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  TORCH_CHECK(x.dim() == 2 && x.size(1) == weight.size(1), "[linear] expected x [B, ",
              weight.size(1), "], got ", x.sizes());
  return LinearFunction::apply(x.contiguous(), weight.contiguous(), bias.contiguous());
}

at::Tensor native_norm_relu(const at::Tensor& x, const NormTensors& norm, bool training) {
  TORCH_CHECK(x.dim() == 2 && x.size(1) == norm.gamma.size(0) && x.size(1) % kPanel == 0,
              "[norm] expected x [B, ", norm.gamma.size(0), "], got ", x.sizes());
  TORCH_CHECK(!training || x.size(0) > 1,
              "[norm] expected more than 1 value per channel when training, got ", x.sizes());
  return NormReluFunction::apply(x.contiguous(), norm.gamma, norm.beta, norm.running_mean,
                                 norm.running_variance, training);
}

}  // namespace simclr
