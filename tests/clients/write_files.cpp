// Writes one file of each format into a folder: clients_files FOLDER. The scripts beside this open
// them.
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "simclr/core/error.h"
#include "simclr/formats/onnx.h"
#include "simclr/formats/onnx_nodes.h"
#include "simclr/formats/png.h"
#include "simclr/formats/safetensors.h"
#include "simclr/formats/tensorboard.h"

namespace simclr {
namespace {

constexpr double kStart = 1700000000.0;
constexpr std::int64_t kSide = 8;
constexpr std::int64_t kWidth = 6;     // channels of the network
constexpr std::int64_t kFeatures = 5;  // that it gives

/// Numbers of both signs around 0, the same each time.
std::vector<float> some_values(std::size_t count, float scale) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = scale * (static_cast<float>(i * 37 % 101) / 50.0F - 1.0F);
  return values;
}

std::string weights(OnnxGraph& graph, const std::string& name,
                    const std::vector<std::int64_t>& shape, float scale, float shift = 0.0F) {
  std::size_t count = 1;
  for (const std::int64_t side : shape) count *= static_cast<std::size_t>(side);
  std::vector<float> values = some_values(count, scale);
  for (float& value : values) value += shift;
  return onnx_constant(graph, name, shape, std::move(values));
}

std::string conv_and_norm(OnnxGraph& graph, const std::string& x, const std::string& name,
                          std::int64_t channels, const OnnxWindow& window) {
  const std::vector<std::int64_t> kernel{kWidth, channels, window.kernel, window.kernel};
  const std::string y =
      onnx_conv(graph, x, weights(graph, name + ".weight", kernel, 0.2F), "", window);
  return onnx_batch_normalization(
      graph, y,
      {.scale = weights(graph, name + ".scale", {kWidth}, 0.5F, 1.0F),
       .bias = weights(graph, name + ".bias", {kWidth}, 0.1F),
       .mean = weights(graph, name + ".mean", {kWidth}, 0.1F),
       .variance = weights(graph, name + ".var", {kWidth}, 0.5F, 1.0F)});
}

/// u8 [batch, side, side, 3] to f32 [batch, 3, side, side], by the mean and deviation of a channel.
std::string normalised(OnnxGraph& graph, const std::string& pixels) {
  const std::string full = onnx_constant(graph, "full", {}, {1.0F / 255.0F});
  const std::string mean = onnx_constant(graph, "mean", {3}, {0.4F, 0.5F, 0.6F});
  const std::string deviation = onnx_constant(graph, "deviation", {3}, {0.2F, 0.25F, 0.3F});
  const std::string unit = onnx_mul(graph, onnx_cast(graph, pixels, "F32"), full);
  const std::string centred = onnx_sub(graph, unit, mean);
  return onnx_transpose(graph, onnx_div(graph, centred, deviation), {0, 3, 1, 2});
}

/// A residual network in small, with every kind of node.
OnnxGraph small_network() {
  OnnxGraph graph;
  graph.name = "encoder";
  graph.inputs = {{"images", "U8", {"batch", kSide, kSide, std::int64_t{3}}}};
  std::string x = conv_and_norm(graph, normalised(graph, "images"), "stem", 3,
                                {.kernel = 3, .stride = 1, .padding = 1});
  x = onnx_max_pool(graph, onnx_relu(graph, x), {.kernel = 3, .stride = 2, .padding = 1});
  const std::string y =
      conv_and_norm(graph, x, "block", kWidth, {.kernel = 3, .stride = 1, .padding = 1});
  x = onnx_relu(graph, onnx_add(graph, x, y));
  x = onnx_flatten(graph, onnx_global_average_pool(graph, x));
  const std::string weight = weights(graph, "fc.weight", {kFeatures, kWidth}, 0.5F);
  onnx_gemm(graph, x, weight, weights(graph, "fc.bias", {kFeatures}, 0.3F));
  graph.nodes.back().outputs = {"features"};
  graph.outputs = {{"features", "F32", {"batch", kFeatures}}};
  graph.metadata = {{"stem", "cifar"}, {"classes", "a, b \"c\" \xc3\xa9"}};
  return graph;
}

void write_events(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  TensorBoardWriter writer(folder, kStart);
  writer.add_hparams({{"lr", 0.5}, {"arch", std::string("resnet18")}, {"nesterov", true}}, kStart);
  for (std::int64_t step = 0; step < 5; ++step) {
    writer.add_scalar("loss/train", 2.0F / static_cast<float>(step + 1),
                      {step * 1000, kStart + static_cast<double>(step)});
  }
  writer.add_text("command", "`simclr demo` \xc3\xa9", {0, kStart});
  const std::vector<std::uint8_t> pixels{255, 0, 0, 0, 255, 0, 0, 0, 255,
                                         1,   2, 3, 4, 5,   6, 7, 8, 9};
  const std::string png = encode_png(pixels, 2, 3);
  writer.add_image("views", {reinterpret_cast<const std::uint8_t*>(png.data()), png.size()},
                   {7, kStart});
}

/// Tensors of every dtype, one without axes, one empty, one large: their bytes count from 1.
struct Sample {
  Sample() : bytes(std::size_t{300} * 200 * 4) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::uint8_t>(i % 113 + 1);
    const std::vector<std::pair<std::string, std::size_t>> dtypes{
        {"U8", 1},   {"I8", 1},  {"I16", 2},     {"U16", 2},    {"I32", 4},
        {"U32", 4},  {"I64", 8}, {"U64", 8},     {"F16", 2},    {"F32", 4},
        {"BF16", 2}, {"F64", 8}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};
    for (const auto& [dtype, size] : dtypes)
      tensors["of." + dtype] = {dtype, {2, 3}, bytes.data(), 6 * size};
    tensors["of.BOOL"] = {"BOOL", {2, 3}, truth.data(), truth.size()};
    tensors["single"] = {"I64", {}, bytes.data(), 8};
    tensors["empty"] = {"F32", {0, 4}, nullptr, 0};
    tensors["large"] = {"F32", {300, 200}, bytes.data(), bytes.size()};
  }

  std::vector<std::uint8_t> bytes;
  std::array<std::uint8_t, 6> truth{1, 0, 1, 1, 0, 0};
  std::map<std::string, TensorEntry> tensors;
};

void write_all(const std::filesystem::path& folder) {
  write_onnx(folder / "network.onnx", small_network());
  write_events(folder / "events");
  const Sample sample;
  const std::map<std::string, std::string> metadata{{"stem", "cifar"}, {"epochs", "12"}};
  write_safetensors(folder / "sample.safetensors", sample.tensors, metadata);
}

}  // namespace
}  // namespace simclr

int main(int argc, char** argv) {
  try {
    simclr::write_all(argc > 1 ? argv[1] : ".");
  } catch (const simclr::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
  return 0;
}
