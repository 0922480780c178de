#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/bench.h"
#include "simclr/core/huge_memory.h"
#include "simclr/core/random.h"
#include "simclr/core/stopwatch.h"
#include "simclr/engine/network.h"
#include "simclr/train/device.h"

namespace simclr::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::int64_t, 14> kSides{1, 2, 3, 4, 5, 6, 7, 8, 12, 14, 16, 24, 28, 32};
constexpr std::array<std::int64_t, 4> kChannels{64, 128, 256, 512};
/// Pixels times channels beyond which no network of ours goes: 56x56 with 64.
constexpr std::int64_t kLargestMap = std::int64_t{56} * 56 * 64;
/// How much slower than the fastest the table's choice may be before it is pointed out.
constexpr double kSlack = 1.05;

HugeMemory filled(std::int64_t floats) {
  HugeMemory memory(static_cast<std::size_t>(floats));
  Random random(RandomKey{.seed = 1});
  for (std::int64_t i = 0; i < floats; ++i) memory.data()[i] = random.uniform(-1.0F, 1.0F);
  return memory;
}

/// Best of as many runs as go into `seconds`, and of three at least.
template <class Run>
double best_of(double seconds, const Run& run) {
  double best = 1e9;
  double total = 0.0;
  for (int i = 0; i < 3 || total < seconds; ++i) {
    const Stopwatch watch;
    run();
    const double took = watch.seconds();
    best = std::min(best, took);
    total += took;
  }
  return best;
}

/// Seconds of the three passes together.
double measure(const ConvShape& shape, ConvAlgorithm algorithm, double seconds) {
  const ConvLayer conv(shape, algorithm);
  const HugeMemory x = filled(shape.in_map().size());
  const HugeMemory dy = filled(shape.out_map().size());
  const HugeMemory weights = filled(shape.weights());
  const HugeMemory y(static_cast<std::size_t>(shape.out_map().size()));
  const HugeMemory dx(static_cast<std::size_t>(shape.in_map().size()));
  const HugeMemory dw(static_cast<std::size_t>(shape.weights()));
  const HugeMemory packed(static_cast<std::size_t>(conv.packed_size()));
  const HugeMemory turned(static_cast<std::size_t>(conv.packed_size()));
  const HugeMemory scratch(static_cast<std::size_t>(conv.scratch_size() + kPanel));
  return best_of(seconds, [&] {
    conv.pack_forward(weights.data(), packed.data());
    conv.pack_backward(weights.data(), turned.data());
    conv.forward(x.data(), packed.data(), y.data(), scratch.data());
    conv.input_gradient(dy.data(), turned.data(), dx.data(), false, scratch.data());
    conv.weight_gradient(x.data(), dy.data(), dw.data(), scratch.data());
  });
}

bool applies(ConvAlgorithm algorithm, const ConvShape& shape) {
  if (algorithm == ConvAlgorithm::kDirect) return true;
  if (algorithm == ConvAlgorithm::kF4Stride2) return shape.stride == 2;
  if (algorithm == ConvAlgorithm::kMap2) return shape.stride == 1 && shape.height == 2;
  return shape.stride == 1 && shape.height > 1;
}

Json row_of(const ConvShape& shape, const BenchConvOptions& options) {
  Json row{{"side", shape.height},
           {"stride", shape.stride},
           {"in_channels", shape.in_channels},
           {"channels", shape.out_channels},
           {"ms", Json::object()}};
  double best = 1e9;
  double chosen = 0.0;
  const ConvAlgorithm choice = choose_algorithm(shape, ConvKind::kAuto);
  for (const NamedAlgorithm& candidate : kConvAlgorithms) {
    if (!applies(candidate.algorithm, shape)) continue;
    const double seconds = measure(shape, candidate.algorithm, options.seconds);
    row["ms"][candidate.name] = seconds * 1e3;
    if (candidate.algorithm == choice) {
      row["table"] = candidate.name;
      chosen = seconds;
    }
    if (seconds < best) {
      best = seconds;
      row["fastest"] = candidate.name;
    }
  }
  row["table_holds"] = chosen <= kSlack * best;
  return row;
}

void print_row(const Json& row) {
  std::string times;
  for (const auto& [name, ms] : row["ms"].items())
    times += fmt::format("  {} {:8.3f}", name, ms.get<double>());
  fmt::print("  {:>2}x{:<2} stride {} {:>3} -> {:<3} channels: table {:<6}{}{}\n",
             row["side"].get<int>(), row["side"].get<int>(), row["stride"].get<int>(),
             row["in_channels"].get<int>(), row["channels"].get<int>(),
             row["table"].get<std::string>(), times,
             row["table_holds"].get<bool>()
                 ? ""
                 : fmt::format("   <- {} is faster", row["fastest"].get<std::string>()));
  std::fflush(stdout);
}

}  // namespace

void bench_conv(const BenchConvOptions& options) {
  prepare_device({.device = DeviceKind::kCpu, .threads = options.threads});
  Json rows = Json::array();
  if (!options.json)
    fmt::print("3x3 convolutions, {} views: ms of packing and three passes, best of several\n",
               options.views);
  for (const std::int64_t stride : {1, 2}) {
    for (const std::int64_t side : kSides) {
      for (const std::int64_t channels : kChannels) {
        // Where a network halves its maps, it doubles their channels.
        const ConvShape shape{channels, stride * channels, 3, stride, side, side, options.views};
        if (side * side * channels > kLargestMap || shape.out_channels > kChannels.back()) continue;
        rows.push_back(row_of(shape, options));
        if (!options.json) print_row(rows.back());
      }
    }
  }
  if (options.json) fmt::print("{}\n", Json{{"views", options.views}, {"rows", rows}}.dump());
}

}  // namespace simclr::cli
