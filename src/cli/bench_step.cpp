#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <hwy/targets.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "cli/bench.h"
#include "simclr/core/error.h"
#include "simclr/core/parallel.h"
#include "simclr/core/random.h"
#include "simclr/core/text.h"
#include "simclr/engine/network.h"
#include "simclr/engine/step_profile.h"
#include "simclr/kernels/peak.h"
#include "simclr/loss/nt_xent.h"
#include "simclr/model/simclr_model.h"
#include "simclr/optim/optimizer.h"
#include "simclr/train/device.h"
#include "simclr/train/run_parts.h"

namespace simclr::cli {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr double kPeakSeconds = 0.3;

double seconds_since(Clock::time_point& start) {
  const auto now = Clock::now();
  return std::chrono::duration<double>(now - std::exchange(start, now)).count();
}

/// Views in [0, 1), f32 [views, 3, side, side], channels-last.
at::Tensor made_up_views(std::int64_t views, std::int64_t side) {
  at::Tensor pixels = at::empty({views, side, side, 3}, at::kFloat);
  Random random(RandomKey{1, Purpose::kView, 0, 0});
  auto* values = pixels.data_ptr<float>();
  for (std::int64_t i = 0; i < pixels.numel(); ++i) values[i] = random.uniform();
  return pixels.permute({0, 3, 1, 2});
}

/// Seconds of a step's parts.
struct StepTimes {
  double encode = 0.0;
  double head = 0.0;
  double loss = 0.0;
  double backward = 0.0;
  double optimizer = 0.0;
  double total() const { return encode + head + loss + backward + optimizer; }
};

class Bench {
 public:
  Bench(const Settings& settings, const BenchStepOptions& options)
      : settings_(settings),
        options_(options),
        model_(SimclrModel::contrastive(settings.model, 0)),
        views_(made_up_views(options.views, options.side)) {
    optimizer_ = make_optimizer(settings.optim, optimized_parameters(model_));
    model_.set_training(!options.forward_only);
  }

  StepTimes step() {
    StepTimes times;
    auto clock = Clock::now();
    if (options_.forward_only) {
      const c10::NoGradGuard no_gradient;
      model_.encode(views_);
      times.encode = seconds_since(clock);
      return times;
    }
    const at::Tensor h = model_.encode(views_);
    times.encode = seconds_since(clock);
    const at::Tensor z = model_.project(h);
    times.head = seconds_since(clock);
    const at::Tensor loss = nt_xent(z, settings_.loss.temperature);
    times.loss = seconds_since(clock);
    optimizer_->zero_grad();
    loss.backward();
    times.backward = seconds_since(clock);
    optimizer_->step(settings_.optim.lr);
    times.optimizer = seconds_since(clock);
    return times;
  }

  SimclrModel& model() { return model_; }

 private:
  const Settings& settings_;
  const BenchStepOptions& options_;
  SimclrModel model_;
  at::Tensor views_;
  std::unique_ptr<Optimizer> optimizer_;
};

/// Multiplications and additions of a step's convolutions, in 1e9.
struct Work {
  double nominal = 0.0;   ///< padding included, as others count
  double executed = 0.0;  ///< what our kernels do
};

Work work_of(const Network& network, const BenchStepOptions& options) {
  const double passes = options.forward_only ? 1.0 : 3.0;
  const auto views = static_cast<double>(options.views);
  const auto stem_positions =
      static_cast<double>(network.stem.out_side() * network.stem.out_side());
  const double stem = 2.0 * views * stem_positions * static_cast<double>(network.stem.weights()) *
                      (options.forward_only ? 1.0 : 2.0);
  Work work{stem, stem};
  for (const ConvUnit& unit : network.units) {
    ConvShape shape = unit.shape;
    shape.batch = options.views;
    work.nominal += passes * 2.0 * static_cast<double>(shape.out_map().values()) *
                    static_cast<double>(shape.weights());
    work.executed += passes * ConvLayer(shape, unit.algorithm).executed_operations();
  }
  return {work.nominal * 1e-9, work.executed * 1e-9};
}

/// "layer1" of "layer1.0.conv2".
std::string stage_of(const std::string& unit) { return unit.substr(0, unit.find('.')); }

/// Milliseconds of each stage's passes, a step.
Json breakdown(const Network& network, StepProfile& profile, int steps) {
  constexpr std::array<const char*, kPasses> kNames{"forward", "input_gradient", "weight_gradient",
                                                    "norm_forward", "norm_backward"};
  Json rows = Json::object();
  for (std::int64_t layer = 0; layer < network.layers(); ++layer) {
    const std::string stage =
        layer == 0 ? "stem" : stage_of(network.units[static_cast<std::size_t>(layer - 1)].name);
    for (int pass = 0; pass < kPasses; ++pass) {
      Json& cell = rows[stage][kNames[static_cast<std::size_t>(pass)]];
      const double before = cell.is_null() ? 0.0 : cell.get<double>();
      cell = before + profile.seconds(layer, static_cast<Pass>(pass)) * 1e3 / steps;
    }
  }
  return rows;
}

double median_of(const std::vector<StepTimes>& times, double (*part)(const StepTimes&)) {
  std::vector<double> values;
  for (const StepTimes& step : times) values.push_back(part(step));
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double peak_memory_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

void add_parts(Json& result, const std::vector<StepTimes>& times) {
  const auto ms = [&times](double (*part)(const StepTimes&)) {
    return median_of(times, part) * 1e3;
  };
  result["parts_ms"] = {{"encode", ms([](const StepTimes& t) { return t.encode; })},
                        {"head", ms([](const StepTimes& t) { return t.head; })},
                        {"loss", ms([](const StepTimes& t) { return t.loss; })},
                        {"backward", ms([](const StepTimes& t) { return t.backward; })},
                        {"optimizer", ms([](const StepTimes& t) { return t.optimizer; })}};
}

void print_text(const Json& result) {
  fmt::print("{} stem {}, {} views of {}x{}, {} threads, engine {}\n",
             result["model"].get<std::string>(), result["stem"].get<std::string>(),
             result["views"].get<std::int64_t>(), result["side"].get<int>(),
             result["side"].get<int>(), result["threads"].get<int>(),
             result["engine"].get<std::string>());
  fmt::print("  {:.0f} views/s, median of {} steps ({:.0f} - {:.0f}); {:.1f} ms a step\n",
             result["views_per_second"].get<double>(), result["steps"].get<int>(),
             result["slowest"].get<double>(), result["fastest"].get<double>(),
             result["step_ms"].get<double>());
  fmt::print("  {:.0f} GFLOP/s nominal, {:.0f} executed: {:.0f} % of this machine's {:.0f}\n",
             result["nominal_gflops"].get<double>(), result["executed_gflops"].get<double>(),
             100.0 * result["share_of_peak"].get<double>(), result["peak_gflops"].get<double>());
  fmt::print("  peak memory {:.0f} MiB\n", result["peak_memory_mib"].get<double>());
  for (const auto& [part, ms] : result["parts_ms"].items())
    fmt::print("  {:<10} {:8.2f} ms\n", part, ms.get<double>());
  if (!result.contains("stages_ms")) return;
  fmt::print("  {:<10} {:>8} {:>10} {:>10} {:>8} {:>8}   ms of convolutions and norms\n", "",
             "forward", "d input", "d weights", "norm", "d norm");
  for (const auto& [stage, ms] : result["stages_ms"].items())
    fmt::print("  {:<10} {:8.2f} {:10.2f} {:10.2f} {:8.2f} {:8.2f}\n", stage,
               ms["forward"].get<double>(), ms["input_gradient"].get<double>(),
               ms["weight_gradient"].get<double>(), ms["norm_forward"].get<double>(),
               ms["norm_backward"].get<double>());
}

/// Holds the kernels to one instruction set. @throws Error(kUsage) naming those that there are
void choose_simd(const std::string& wanted) {
  if (wanted.empty()) return;
  std::string all;
  for (std::int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    const std::string name = lower_case(hwy::TargetName(rest & -rest));
    if (name == wanted) return hwy::SetSupportedTargetsForTest(rest & -rest);
    all += (all.empty() ? "" : ", ") + name;
  }
  throw Error(ExitCode::kUsage, "this processor has no instruction set '" + wanted + "'",
              "It has " + all + ".");
}

}  // namespace

void bench_step(const Settings& settings, const BenchStepOptions& options) {
  prepare_device({.device = DeviceKind::kCpu, .threads = options.threads});
  choose_simd(options.simd);
  Bench bench(settings, options);
  const Network network = make_network(settings.model, settings.model.conv, options.side);
  StepProfile profile(network.layers());
  for (int i = 0; i < options.warm_up; ++i) bench.step();
  bench.model().set_profile(&profile);
  std::vector<StepTimes> times;
  for (int i = 0; i < options.steps; ++i) times.push_back(bench.step());
  std::vector<double> rates;
  for (const StepTimes& step : times)
    rates.push_back(static_cast<double>(options.views) / step.total());
  std::sort(rates.begin(), rates.end());
  const double rate = rates[rates.size() / 2];
  const double step_seconds = static_cast<double>(options.views) / rate;
  const double memory = peak_memory_mib();
  const double peak = measure_peak_gflops(kPeakSeconds);
  const bool native = settings.model.engine != EngineKind::kTorch;
  const Work work = work_of(network, options);
  Json result{{"engine", bench.model().describe_engine(options.side)},
              {"model", name_of(settings.model.arch)},
              {"stem", name_of(settings.model.stem)},
              {"views", options.views},
              {"side", options.side},
              {"threads", parallel_threads()},
              {"forward_only", options.forward_only},
              {"steps", options.steps},
              {"views_per_second", rate},
              {"slowest", rates.front()},
              {"fastest", rates.back()},
              {"step_ms", step_seconds * 1e3},
              {"nominal_gflops", work.nominal / step_seconds},
              {"executed_gflops", (native ? work.executed : work.nominal) / step_seconds},
              {"peak_gflops", peak},
              {"share_of_peak", (native ? work.executed : work.nominal) / step_seconds / peak},
              {"peak_memory_mib", memory},
              {"engine_memory_mib",
               static_cast<double>(bench.model().engine_memory()) / (1024.0 * 1024.0)}};
  add_parts(result, times);
  if (native) result["stages_ms"] = breakdown(network, profile, options.steps);
  if (options.json) {
    fmt::print("{}\n", result.dump());
  } else {
    print_text(result);
  }
}

}  // namespace simclr::cli
