#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/bench.h"
#include "simclr/core/parallel.h"
#include "simclr/core/random.h"
#include "simclr/core/stopwatch.h"
#include "simclr/eval/knn.h"
#include "simclr/eval/linear_probe.h"
#include "simclr/kernels/peak.h"
#include "simclr/loss/cross_entropy.h"
#include "simclr/train/device.h"

namespace simclr::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Like features of a network: after a ReLU, correlated, around one centre for each class.
Features made_features(std::int64_t count, const BenchEvalOptions& options, std::uint32_t part) {
  constexpr std::int64_t kDirections = 64;
  const std::int64_t width = options.width;
  std::vector<float> mix(static_cast<std::size_t>(kDirections * width));
  Random directions(RandomKey{.seed = 1});
  for (float& value : mix) value = directions.normal() / std::sqrt(64.0F);
  Features features{at::empty({count, width}, at::kFloat), at::empty({count}, at::kLong)};
  parallel_for(count, [&](std::int64_t i) {
    Random random(RandomKey{.seed = 2, .epoch = part, .sample = static_cast<std::uint32_t>(i)});
    const std::uint32_t label = random.below(static_cast<std::uint32_t>(options.classes));
    features.labels.data_ptr<std::int64_t>()[i] = label;
    Random centre(RandomKey{.seed = 3, .sample = label});
    float* row = features.x.data_ptr<float>() + i * width;
    std::fill_n(row, width, 0.0F);
    for (std::int64_t d = 0; d < kDirections; ++d) {
      const float amount = 0.35F * centre.normal() + random.normal();
      for (std::int64_t j = 0; j < width; ++j) row[j] += amount * mix[d * width + j];
    }
    for (std::int64_t j = 0; j < width; ++j)
      row[j] = std::max(0.0F, row[j] + 0.3F * random.normal());
  });
  return features;
}

double median_seconds(int rounds, const std::function<void()>& work) {
  std::vector<double> seconds;
  for (int i = 0; i < rounds; ++i) {
    const Stopwatch watch;
    work();
    seconds.push_back(watch.seconds());
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

void print(const BenchEvalOptions& options, const Json& row, const std::string& words) {
  fmt::print("{}\n", options.json ? row.dump() : words);
}

}  // namespace

void bench_knn(const BenchEvalOptions& options) {
  prepare_device({.device = DeviceKind::kCpu, .threads = options.threads});
  const Features bank = made_features(options.bank, options, 1);
  const Features queries = made_features(options.queries, options, 2);
  const KnnSettings settings;
  double found = 0.0;
  const double seconds = median_seconds(options.rounds, [&] {
    found = accuracy(knn_votes(bank, queries, settings, options.classes).back(), queries.labels);
  });
  const double products = static_cast<double>(options.bank) * static_cast<double>(options.queries) *
                          static_cast<double>(options.width);
  print(options,
        {{"queries", options.queries},
         {"bank", options.bank},
         {"width", options.width},
         {"threads", parallel_threads()},
         {"seconds", seconds},
         {"gflops", 2e-9 * products / seconds},
         {"accuracy", found}},
        fmt::format("kNN of {} against {} features of {}, k 1, 10, 20 and 200: {:.2f} s (median of "
                    "{}), as {:.0f} GFLOP/s of f32; {} threads; accuracy {:.4f}",
                    options.queries, options.bank, options.width, seconds, options.rounds,
                    2e-9 * products / seconds, parallel_threads(), found));
}

void bench_probe(const BenchEvalOptions& options) {
  prepare_device({.device = DeviceKind::kCpu, .threads = options.threads});
  const FeatureSplits features{made_features(options.bank, options, 1),
                               made_features(options.queries, options, 2),
                               made_features(options.queries, options, 3)};
  NullSink sink;
  LinearResult result;
  const double seconds = median_seconds(options.rounds, [&] {
    result = linear_probe(features, options.classes, LinearSettings{}, sink);
  });
  print(
      options,
      {{"images", options.bank},
       {"width", options.width},
       {"threads", parallel_threads()},
       {"seconds", seconds},
       {"l2", result.l2},
       {"iterations", result.iterations},
       {"accuracy", result.test.top1}},
      fmt::format("L-BFGS probe on {} features of {}, L2 chosen among 7: {:.1f} s (median of {}), "
                  "{} iterations; {} threads; L2 {:g}, accuracy {:.4f}",
                  options.bank, options.width, seconds, options.rounds, result.iterations,
                  parallel_threads(), result.l2, result.test.top1));
}

}  // namespace simclr::cli
