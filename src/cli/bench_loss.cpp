#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/mm.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/bench.h"
#include "simclr/core/error.h"
#include "simclr/core/parallel.h"
#include "simclr/core/random.h"
#include "simclr/core/stopwatch.h"
#include "simclr/loss/nt_xent.h"
#include "simclr/train/device.h"

namespace simclr::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Views that the loss is compared with its whole matrix at, before anything is timed.
constexpr std::int64_t kComparedViews = 512;
constexpr double kTolerance = 1e-5;  // f32 sums in another order
constexpr double kMebibyte = 1024.0 * 1024.0;

/// Normal numbers, f32 [views, width].
at::Tensor made_up_projections(std::int64_t views, std::int64_t width) {
  at::Tensor z = at::empty({views, width}, at::kFloat);
  Random random(RandomKey{1, Purpose::kView, 0, 0});
  auto* values = z.data_ptr<float>();
  for (std::int64_t i = 0; i < z.numel(); ++i) values[i] = static_cast<float>(random.normal());
  return z;
}

/// The loss by the 2N x 2N matrix, as most code has it.
at::Tensor whole_matrix_loss(const at::Tensor& z, double temperature) {
  const std::int64_t images = z.size(0) / 2;
  const at::Tensor unit = z.div(at::linalg_vector_norm(z, 2, at::IntArrayRef{1}, true));
  const at::Tensor scores = at::mm(unit, unit.t()).div(temperature);
  const at::Tensor self = at::eye(z.size(0), at::TensorOptions().dtype(at::kBool));
  const at::Tensor log_sums =
      at::logsumexp(scores.masked_fill(self, -std::numeric_limits<double>::infinity()), 1);
  return log_sums.mean().sub(scores.diagonal(images).mean());
}

/// Loss and gradient of it.
template <class Loss>
std::pair<double, at::Tensor> computed(const at::Tensor& values, Loss&& loss) {
  const at::Tensor z = values.detach().clone().requires_grad_();
  const at::Tensor result = loss(z);
  result.backward();
  return {result.template item<double>(), z.grad()};
}

void check_equality(std::int64_t width, double temperature) {
  const at::Tensor z = made_up_projections(kComparedViews, width);
  const auto [ours, gradient] =
      computed(z, [&](const at::Tensor& x) { return nt_xent(x, temperature); });
  const auto [whole, expected] =
      computed(z, [&](const at::Tensor& x) { return whole_matrix_loss(x, temperature); });
  const double largest = expected.abs().max().item<double>();
  const double apart = gradient.sub(expected).abs().max().item<double>() / largest;
  if (std::abs(ours - whole) < kTolerance * whole && apart < kTolerance) return;
  throw Error(
      ExitCode::kFailed,
      fmt::format("the loss in blocks is {}, by its whole matrix {}; gradients differ by {}", ours,
                  whole, apart));
}

/// A line of /proc/self/status in MiB, nothing where there is no such file.
std::optional<double> status_mib(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":")) return std::stod(line.substr(name.size() + 1)) / 1024.0;
  return std::nullopt;
}

/// Peak memory from now on counts from what is held now (Linux, proc(5): clear_refs).
void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

Json measured(std::int64_t views, std::int64_t width, const BenchLossOptions& options) {
  const at::Tensor z = made_up_projections(views, width);
  std::vector<double> seconds;
  reset_peak();
  const double before = status_mib("VmRSS").value_or(0.0);
  for (int run = 0; run < options.runs; ++run) {
    const Stopwatch watch;
    computed(z, [&](const at::Tensor& x) { return nt_xent(x, options.temperature); });
    seconds.push_back(watch.seconds());
  }
  // The kernel counts pages of several threads roughly: a batch of few rows may seem to take less
  // than none.
  const double peak = std::max(0.0, status_mib("VmHWM").value_or(before) - before);
  std::sort(seconds.begin(), seconds.end());
  const auto rows = static_cast<double>(views);
  const double middle = seconds[seconds.size() / 2];
  return {{"views", views},
          {"seconds", middle},
          {"slowest", seconds.back()},
          // cosines forward; again, and two products with the rows, backward
          {"gflops", 4.0 * 2.0 * rows * rows * static_cast<double>(width) / middle * 1e-9},
          {"peak_mib", peak},
          {"inputs_mib", rows * static_cast<double>(width) * 4.0 / kMebibyte},
          {"one_matrix_mib", rows * rows * 4.0 / kMebibyte}};
}

}  // namespace

void bench_loss(const BenchLossOptions& options) {
  prepare_device({.device = DeviceKind::kCpu, .threads = options.threads});
  check_equality(options.width, options.temperature);
  Json rows = Json::array();
  if (!options.json) {
    fmt::print(
        "NT-Xent forward and backward, width {}, {} threads; equal to the whole matrix at {} "
        "views\n{:>8} {:>10} {:>10} {:>11} {:>11} {:>14}\n",
        options.width, parallel_threads(), kComparedViews, "views", "seconds", "GFLOP/s",
        "memory MiB", "input MiB", "one matrix MiB");
  }
  for (const std::int64_t views : options.views) {
    rows.push_back(measured(views, options.width, options));
    if (options.json) continue;
    const Json& row = rows.back();
    fmt::print("{:>8} {:>10.4f} {:>10.1f} {:>11.1f} {:>11.1f} {:>14.0f}\n", views,
               row["seconds"].get<double>(), row["gflops"].get<double>(),
               row["peak_mib"].get<double>(), row["inputs_mib"].get<double>(),
               row["one_matrix_mib"].get<double>());
    std::fflush(stdout);
  }
  if (options.json)
    fmt::print(
        "{}\n",
        Json{{"width", options.width}, {"threads", parallel_threads()}, {"rows", std::move(rows)}}
            .dump());
}

}  // namespace simclr::cli
