#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "cli/bench.h"
#include "cli/bench_timing.h"
#include "cli/console.h"
#include "simclr/core/error.h"
#include "simclr/core/stopwatch.h"
#include "simclr/data/open.h"
#include "simclr/loader/batch_loader.h"

namespace simclr::cli {
namespace {

using Json = nlohmann::ordered_json;

/// One loader after another, an epoch each, as training uses them.
class EndlessLoader {
 public:
  EndlessLoader(std::shared_ptr<const Dataset> dataset, const BatchPlan& plan, std::int64_t workers)
      : dataset_(std::move(dataset)), plan_(plan), workers_(workers) {
    loader_ = std::make_unique<BatchLoader>(dataset_, plan_, workers_);
  }

  Batch next() {
    std::optional<Batch> batch = loader_->next();
    if (batch) return std::move(*batch);
    ++plan_.epoch;
    loader_ = std::make_unique<BatchLoader>(dataset_, plan_, workers_);
    return *loader_->next();
  }

  /// Takes `batches` batches. @return seconds on the wall
  double seconds(std::int64_t batches) {
    const Stopwatch watch;
    for (std::int64_t i = 0; i < batches; ++i) next();
    return watch.seconds();
  }

 private:
  std::shared_ptr<const Dataset> dataset_;
  BatchPlan plan_;
  std::int64_t workers_;
  std::unique_ptr<BatchLoader> loader_;
};

/// A batch that comes out differently is not worth timing.
void prove(const std::shared_ptr<const Dataset>& dataset, const BatchPlan& plan,
           const std::vector<std::int64_t>& workers) {
  const Batch expected = *BatchLoader(dataset, plan, 0).next();
  for (const std::int64_t count : workers) {
    const Batch found = *BatchLoader(dataset, plan, count).next();
    if (found.views != expected.views || found.labels != expected.labels)
      throw Error(ExitCode::kFailed, fmt::format("{} workers make another batch than none", count),
                  "");
  }
}

std::vector<std::int64_t> usual_workers() {
  std::vector<std::int64_t> workers;
  const auto cores = static_cast<std::int64_t>(std::max(std::thread::hardware_concurrency(), 1U));
  for (std::int64_t count = 0; count < cores; count = count == 0 ? 1 : 2 * count)
    workers.push_back(count);
  workers.push_back(cores);
  return workers;
}

Json row_of(std::int64_t workers, const Timing& per_batch, double views, double wanted) {
  const double rate = views / per_batch.median;
  Json row{{"workers", workers},
           {"views_per_second", rate},
           {"low", views / per_batch.high},
           {"high", views / per_batch.low}};
  if (wanted > 0.0) row["times_what_training_takes"] = rate / wanted;
  return row;
}

void print_table(const Json& result) {
  fmt::print(
      "{}, batches of {} images: views per second on the wall, median (lowest - highest) of {} "
      "rounds in turn\n",
      result["data"].get<std::string>(), result["batch_size"].get<std::int64_t>(), kRounds);
  for (const Json& row : result["rows"]) {
    fmt::print("  {:>2} workers {:>10.0f} ({:.0f} - {:.0f}){}\n",
               row["workers"].get<std::int64_t>(), row["views_per_second"].get<double>(),
               row["low"].get<double>(), row["high"].get<double>(),
               row.contains("times_what_training_takes")
                   ? fmt::format("  {:.1f} x what training takes",
                                 row["times_what_training_takes"].get<double>())
                   : "");
  }
  if (result.contains("share_of_a_core"))
    fmt::print("Making what training takes keeps one core busy for {:.1f} % of the time.\n",
               100.0 * result["share_of_a_core"].get<double>());
}

}  // namespace

void bench_loader(const Settings& settings, const BenchLoaderOptions& options) {
  ConsoleSink console;
  const DataSplits data = open_data(settings.data, console);
  const BatchPlan plan{.augment = settings.augment,
                       .batch_size = options.batch_size,
                       .side = data.image_size,
                       .shuffle = true,
                       .drop_last = true};
  if (batches_per_epoch(data.train->size(), plan.batch_size, true) == 0)
    throw Error(ExitCode::kUsage,
                fmt::format("{} training images do not fill a batch of {}", data.train->size(),
                            plan.batch_size),
                "Choose a smaller --batch-size.");
  const std::vector<std::int64_t> workers =
      options.workers.empty() ? usual_workers() : options.workers;
  prove(data.train, plan, workers);
  std::vector<Work> sides;
  for (const std::int64_t count : workers) {
    // Made anew in every round, so that no side's workers run in another side's time.
    sides.emplace_back([&, count](std::int64_t batches) {
      return EndlessLoader(data.train, plan, count).seconds(batches);
    });
  }
  const std::vector<Timing> timings = time_in_turn(sides, options.seconds);
  const auto views = static_cast<double>(2 * plan.batch_size);
  Json result{{"data", settings.data.source},
              {"pipeline", to_text(settings.augment.pipeline)},
              {"batch_size", plan.batch_size},
              {"rounds", kRounds},
              {"rows", Json::array()}};
  for (std::size_t i = 0; i < workers.size(); ++i) {
    result["rows"].push_back(row_of(workers[i], timings[i], views, options.views_per_second));
    if (workers[i] == 0 && options.views_per_second > 0.0)
      result["share_of_a_core"] = options.views_per_second * timings[i].median / views;
  }
  if (options.json)
    fmt::print("{}\n", result.dump(2));
  else
    print_table(result);
}

}  // namespace simclr::cli
