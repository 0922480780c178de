#include "simclr/engine/conv_layer.h"

namespace simclr {
namespace {

std::variant<DirectConv, WinogradConv> make_conv(const ConvShape& shape, ConvAlgorithm algorithm) {
  switch (algorithm) {
    case ConvAlgorithm::kF2:
      return WinogradConv(shape, WinogradScheme::kF2);
    case ConvAlgorithm::kF4:
      return WinogradConv(shape, WinogradScheme::kF4);
    case ConvAlgorithm::kMap2:
      return WinogradConv(shape, WinogradScheme::kMap2);
    case ConvAlgorithm::kF4Stride2:
      return WinogradConv(shape, WinogradScheme::kF4Stride2);
    case ConvAlgorithm::kDirect:
      break;
  }
  return DirectConv(shape);
}

/// A product has the useful operations of each pixel and tap that meet, no other.
double direct_operations(const ConvShape& shape) {
  const auto meetings = [&shape](std::int64_t in, std::int64_t out) {
    std::int64_t count = 0;
    for (std::int64_t o = 0; o < out; ++o) {
      for (std::int64_t tap = 0; tap < shape.kernel; ++tap) {
        const std::int64_t at = o * shape.stride + tap - shape.kernel / 2;
        count += at >= 0 && at < in ? 1 : 0;
      }
    }
    return static_cast<double>(count);
  };
  const PanelMap out = shape.out_map();
  return 2.0 * meetings(shape.height, out.height) * meetings(shape.width, out.width) *
         static_cast<double>(shape.batch * shape.in_channels * shape.out_channels);
}

}  // namespace

ConvLayer::ConvLayer(const ConvShape& shape, ConvAlgorithm algorithm)
    : shape_(shape), algorithm_(algorithm), conv_(make_conv(shape, algorithm)) {}

std::int64_t ConvLayer::packed_size() const {
  return std::visit([](const auto& conv) { return conv.packed_size(); }, conv_);
}

std::int64_t ConvLayer::scratch_size() const {
  return std::visit([](const auto& conv) { return conv.scratch_size(); }, conv_);
}

void ConvLayer::pack_forward(const float* weights, float* packed) const {
  std::visit([&](const auto& conv) { conv.pack_forward(weights, packed); }, conv_);
}

void ConvLayer::pack_backward(const float* weights, float* packed) const {
  std::visit([&](const auto& conv) { conv.pack_backward(weights, packed); }, conv_);
}

void ConvLayer::forward(const ConvInput& x, const float* packed, float* y, float* scratch,
                        const Epilogue& epilogue) const {
  if (const auto* direct = std::get_if<DirectConv>(&conv_))
    return direct->forward(x.map, packed, y, epilogue);
  std::get<WinogradConv>(conv_).forward(x, packed, y, scratch, epilogue);
}

std::int64_t ConvLayer::output_tasks() const {
  return std::visit([](const auto& conv) { return conv.output_tasks(); }, conv_);
}

void ConvLayer::input_gradient(const float* dy, const float* packed, float* dx, bool add,
                               float* scratch, const Epilogue& epilogue) const {
  if (const auto* direct = std::get_if<DirectConv>(&conv_))
    return direct->input_gradient(dy, packed, dx, add, epilogue);
  std::get<WinogradConv>(conv_).input_gradient(dy, packed, dx, add, scratch, epilogue);
}

std::int64_t ConvLayer::input_tasks() const {
  return std::visit([](const auto& conv) { return conv.input_tasks(); }, conv_);
}

void ConvLayer::weight_gradient(const ConvInput& x, const float* dy, float* dw,
                                float* scratch) const {
  if (const auto* direct = std::get_if<DirectConv>(&conv_))
    return direct->weight_gradient(x.map, dy, dw, scratch);
  std::get<WinogradConv>(conv_).weight_gradient(x, dy, dw, scratch);
}

double ConvLayer::useful_operations() const { return direct_operations(shape_); }

double ConvLayer::executed_operations() const {
  if (const auto* winograd = std::get_if<WinogradConv>(&conv_))
    return winograd->product_operations();
  return direct_operations(shape_);
}

}  // namespace simclr
