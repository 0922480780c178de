#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/bench.h"
#include "cli/console.h"
#include "simclr/core/error.h"
#include "simclr/data/open.h"
#include "simclr/train/device.h"
#include "simclr/train/run_parts.h"

namespace simclr::cli {
namespace {

using Json = nlohmann::ordered_json;
using Curve = std::vector<double>;  ///< the mean loss of each window of steps

constexpr int kReferences = 5;

/// One way to compute the same training.
struct Side {
  std::string name;
  EngineKind engine;
  ConvKind conv;
  std::uint32_t moved;  ///< > 0: every value of the views is one ulp up or down, drawn with this
};

std::vector<Side> all_sides() {
  std::vector<Side> sides;
  for (std::uint32_t i = 0; i < kReferences; ++i)
    sides.push_back({fmt::format("torch {}", i), EngineKind::kTorch, ConvKind::kAuto, i});
  sides.push_back({"native exact", EngineKind::kNative, ConvKind::kExact, 0});
  sides.push_back({"native f4", EngineKind::kNative, ConvKind::kF4, 0});
  return sides;
}

/// Every value one ulp up or down.
void move_by_an_ulp(std::vector<float>& values, std::uint64_t step, std::uint32_t which) {
  Random random(RandomKey{step, Purpose::kView, 0, which});
  for (float& value : values)
    value = std::nextafter(value, random.uniform() < 0.5F ? -INFINITY : INFINITY);
}

class Trial {
 public:
  Trial(Settings settings, const BenchCurvesOptions& options, const DataSplits& data,
        const Side& side)
      : options_(options), data_(data), side_(side), settings_(std::move(settings)) {
    settings_.model.engine = side.engine;
    settings_.model.conv = side.conv;
  }

  Curve run(ConsoleSink& console) {
    SimclrModel model = SimclrModel::contrastive(settings_.model, settings_.train.seed);
    model.set_training(true);
    const auto optimizer = make_optimizer(settings_.optim, optimized_parameters(model));
    const Criterion criterion{Objective::kContrastive, settings_.loss};
    Curve curve;
    double sum = 0.0;
    std::int64_t step = 0;
    for (std::int64_t epoch = 0; step < options_.steps; ++epoch) {
      BatchLoader loader(data_.train, training_plan(settings_, data_.image_size, epoch, 0),
                         settings_.run.workers);
      while (step < options_.steps) {
        auto batch = loader.next();
        if (!batch) break;
        if (side_.moved > 0)
          move_by_an_ulp(batch->views, static_cast<std::uint64_t>(step), side_.moved);
        const at::Tensor views = views_tensor(*batch, data_.image_size, at::kCPU);
        sum += train_step({model, *optimizer}, criterion, views, batch->labels, settings_.optim.lr)
                   .loss;
        if (++step % options_.window > 0) continue;
        curve.push_back(sum / options_.window);
        sum = 0.0;
        console.message(fmt::format("{}: step {}/{}, loss {:.5f}", side_.name, step, options_.steps,
                                    curve.back()));
      }
    }
    return curve;
  }

 private:
  const BenchCurvesOptions& options_;
  const DataSplits& data_;
  const Side& side_;
  Settings settings_;
};

/// Where a curve lies beside others.
struct Place {
  int inside = 0;         ///< windows between the lowest and the highest of the others
  double furthest = 0.0;  ///< outside of them, in parts of the loss
};

Place place_among(const Curve& curve, const std::vector<const Curve*>& others) {
  Place place;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    double low = INFINITY;
    double high = -INFINITY;
    for (const Curve* other : others) {
      low = std::min(low, (*other)[i]);
      high = std::max(high, (*other)[i]);
    }
    const double outside = std::max({0.0, low - curve[i], curve[i] - high});
    place.inside += outside == 0.0 ? 1 : 0;
    place.furthest = std::max(place.furthest, outside / curve[i]);
  }
  return place;
}

/// Native curves among all references, and each reference among the other ones: by chance alone a
/// curve is not inside everywhere.
Json places_of(const std::vector<Side>& sides, const std::vector<Curve>& curves) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < sides.size(); ++i) {
    std::vector<const Curve*> others;
    for (std::size_t j = 0; j < kReferences; ++j)
      if (j != i) others.push_back(&curves[j]);
    const Place place = place_among(curves[i], others);
    rows.push_back({{"name", sides[i].name},
                    {"others", others.size()},
                    {"windows", curves[i].size()},
                    {"inside", place.inside},
                    {"furthest_outside", place.furthest},
                    {"mean_losses", curves[i]}});
  }
  return rows;
}

}  // namespace

void bench_curves(const Settings& settings, const BenchCurvesOptions& options) {
  if (options.steps % options.window != 0)
    throw Error(
        ExitCode::kUsage,
        fmt::format("--steps {} is not a multiple of --window {}", options.steps, options.window),
        "Choose steps that fill whole windows.");
  ConsoleSink console;
  const DataSplits data = open_data(settings.data, console);
  const std::vector<Side> sides = all_sides();
  std::vector<Curve> curves;
  for (const Side& side : sides)
    curves.push_back(Trial(settings, options, data, side).run(console));
  const Json rows = places_of(sides, curves);
  if (options.json) {
    fmt::print("{}\n", rows.dump(2));
    return;
  }
  fmt::print("{:14} {:>22} {:>28}\n", "", "windows inside", "furthest outside, of the loss");
  for (const Json& row : rows)
    fmt::print("{:14} {:>6} of {:>2}, of {} others {:>22.2e}\n", row["name"].get<std::string>(),
               row["inside"].get<int>(), row["windows"].get<int>(), row["others"].get<int>(),
               row["furthest_outside"].get<double>());
}

}  // namespace simclr::cli
