#include "simclr/loader/batch_loader.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "simclr/augment/apply.h"
#include "simclr/augment/view.h"
#include "simclr/core/error.h"

namespace simclr {
namespace {

constexpr std::int64_t kPrefetchPerWorker = 2;

void require_at_least(std::string_view name, std::int64_t value, std::int64_t minimum) {
  if (value >= minimum) return;
  throw Error(ExitCode::kUsage,
              std::string(name) + " is " + std::to_string(value) + ", expected at least " +
                  std::to_string(minimum),
              "Choose a larger " + std::string(name) + ".");
}

/// What one thread keeps from view to view.
struct ViewMemory {
  ViewParams params;
  ViewScratch scratch;
};

/// Makes any batch of an epoch, alone from the plan: it holds no state that a batch could change.
class BatchMaker {
 public:
  BatchMaker(std::shared_ptr<const Dataset> dataset, BatchPlan plan)
      : dataset_(std::move(dataset)),
        plan_(plan),
        batches_(batches_per_epoch(dataset_->size(), plan_.batch_size, plan_.drop_last)) {
    require_at_least("side", plan_.side, 1);
    require_at_least("first_batch", plan_.first_batch, 0);
    if (plan_.shuffle)
      order_ = permutation(static_cast<std::uint32_t>(dataset_->size()),
                           RandomKey{plan_.seed, Purpose::kShuffle, plan_.epoch});
  }

  std::int64_t batches() const { return batches_; }
  std::int64_t first_batch() const { return std::min(plan_.first_batch, batches_); }

  /// A request to stop is answered between two images, with a batch that nobody will read.
  Batch make(std::int64_t index, ViewMemory& memory, const std::stop_token& stop) const {
    const std::int64_t start = index * plan_.batch_size;
    Batch batch;
    batch.images = std::min(plan_.batch_size, static_cast<std::int64_t>(dataset_->size()) - start);
    const auto images = static_cast<std::size_t>(batch.images);
    batch.views.resize(views_per_image() * images * view_size());
    batch.labels.resize(images);
    for (std::size_t row = 0; row < images && !stop.stop_requested(); ++row)
      fill(batch, row, image_at(static_cast<std::size_t>(start) + row), memory);
    return batch;
  }

 private:
  std::size_t views_per_image() const { return plan_.kind == ViewKind::kTwoRandom ? 2 : 1; }

  std::size_t view_size() const {
    const auto side = static_cast<std::size_t>(plan_.side);
    return side * side * 3;
  }

  std::size_t image_at(std::size_t position) const {
    return plan_.shuffle ? order_[position] : position;
  }

  void fill(Batch& batch, std::size_t row, std::size_t image_index, ViewMemory& memory) const {
    const Image image = dataset_->get(image_index);
    batch.labels[row] = image.label;
    for (std::size_t v = 0; v < views_per_image(); ++v) {
      const std::size_t view_row = v * static_cast<std::size_t>(batch.images) + row;
      draw(image, image_index, v, memory.params);
      apply_view(image, memory.params, plan_.augment.normalization, plan_.side, memory.scratch,
                 std::span(batch.views).subspan(view_row * view_size(), view_size()));
    }
  }

  void draw(const Image& image, std::size_t image_index, std::size_t v, ViewParams& params) const {
    Random random(RandomKey{plan_.seed, plan_.purpose, plan_.epoch,
                            static_cast<std::uint32_t>(image_index),
                            static_cast<std::uint32_t>(v)});
    draw_view(pipeline(v), image.height, image.width, plan_.side, random, params);
  }

  /// A whole image is the view that no operation made.
  const Pipeline& pipeline(std::size_t v) const {
    static const Pipeline kNothing;
    if (plan_.kind == ViewKind::kWholeImage) return kNothing;
    const AugmentSettings& augment = plan_.augment;
    return v == 1 && augment.second_pipeline ? *augment.second_pipeline : augment.pipeline;
  }

  std::shared_ptr<const Dataset> dataset_;
  BatchPlan plan_;
  std::int64_t batches_;
  std::vector<std::uint32_t> order_;  // empty unless shuffled
};

/// A batch, or why there is none.
struct Outcome {
  Batch batch;
  std::exception_ptr failure;
};

}  // namespace

/// Workers take batches in order and put each into its slot of a ring; next() empties the slots in
/// the same order. At most slots_.size() batches exist beside the one that the caller holds.
class BatchLoader::Impl {
 public:
  Impl(std::shared_ptr<const Dataset> dataset, BatchPlan plan, std::int64_t workers)
      : maker_(std::move(dataset), plan), delivered_(maker_.first_batch()), taken_(delivered_) {
    require_at_least("workers", workers, 0);
    const std::int64_t threads = std::min(workers, maker_.batches() - delivered_);
    slots_.resize(static_cast<std::size_t>(threads * kPrefetchPerWorker));
    for (std::int64_t i = 0; i < threads; ++i)
      workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }

  std::int64_t batches() const { return maker_.batches(); }

  std::optional<Batch> next() {
    if (failure_) std::rethrow_exception(failure_);
    if (delivered_ == maker_.batches()) return std::nullopt;
    Outcome outcome = slots_.empty() ? make(delivered_++, memory_, {}) : wait_for_next();
    failure_ = outcome.failure;
    if (failure_) std::rethrow_exception(failure_);
    return std::move(outcome.batch);
  }

 private:
  Outcome make(std::int64_t index, ViewMemory& memory, const std::stop_token& stop) const {
    Outcome outcome;
    try {
      outcome.batch = maker_.make(index, memory, stop);
    } catch (...) {
      outcome.failure = std::current_exception();
    }
    return outcome;
  }

  std::optional<Outcome>& slot(std::int64_t index) {
    return slots_[static_cast<std::size_t>(index) % slots_.size()];
  }

  Outcome wait_for_next() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return slot(delivered_).has_value(); });
    Outcome outcome = *std::exchange(slot(delivered_), std::nullopt);
    ++delivered_;
    lock.unlock();
    emptied_.notify_all();
    return outcome;
  }

  void work(const std::stop_token& stop) {
    const std::int64_t batches = maker_.batches();
    const auto may_go_on = [&] {
      return taken_ == batches || taken_ - delivered_ < static_cast<std::int64_t>(slots_.size());
    };
    ViewMemory memory;
    std::unique_lock lock(mutex_);
    while (emptied_.wait(lock, stop, may_go_on) && taken_ < batches && !stop.stop_requested()) {
      const std::int64_t index = taken_++;
      lock.unlock();
      Outcome outcome = make(index, memory, stop);
      lock.lock();
      slot(index) = std::move(outcome);
      filled_.notify_one();
    }
  }

  const BatchMaker maker_;
  ViewMemory memory_;  // of the caller's thread; workers have their own
  std::exception_ptr failure_;
  std::vector<std::optional<Outcome>> slots_;
  std::mutex mutex_;  // guards slots_, delivered_, taken_ while there are workers
  std::condition_variable filled_;
  std::condition_variable_any emptied_;
  std::int64_t delivered_;
  std::int64_t taken_;
  std::vector<std::jthread> workers_;  // last: stopped and joined before anything they use goes
};

BatchLoader::BatchLoader(std::shared_ptr<const Dataset> dataset, BatchPlan plan,
                         std::int64_t workers)
    : impl_(std::make_unique<Impl>(std::move(dataset), plan, workers)) {}

BatchLoader::~BatchLoader() = default;

std::int64_t BatchLoader::batches() const { return impl_->batches(); }

std::optional<Batch> BatchLoader::next() { return impl_->next(); }

std::int64_t batches_per_epoch(std::size_t images, std::int64_t batch_size, bool drop_last) {
  require_at_least("batch_size", batch_size, 1);
  const auto count = static_cast<std::int64_t>(images);
  return count / batch_size + (!drop_last && count % batch_size > 0 ? 1 : 0);
}

}  // namespace simclr
