#include "simclr/data/decode_images.h"

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <stop_token>
#include <thread>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/stopwatch.h"
#include "simclr/core/text.h"
#include "simclr/data/resize.h"

namespace simclr {
namespace {

constexpr int kLargestNaturalSide = 96;
constexpr int kUsualSide = 64;
constexpr std::size_t kPicturesLookedAt = 64;
constexpr std::size_t kJobsPerThread = 4;
constexpr std::size_t kPicturesPerEvent = 16;

/// One picture on its way: bytes, then pixels or a reason.
struct Job {
  std::size_t index = 0;
  FileBytes file;
  DecodedImage image;
  Sides sides{};  ///< before it was shrunk
  bool done = false;
};

void decode(Job& job, const DecodeOptions& options) {
  if (!job.file.failure.empty()) return;
  try {
    job.image = options.decode(job.file.bytes, options.image);
    job.sides = {job.image.height, job.image.width};
    const ImageSize size{job.image.height, job.image.width};
    const ImageSize stored = shrunk_size(size, options.stored_side);
    if (stored.height != size.height || stored.width != size.width)
      job.image = resize_antialiased(job.image.pixels, size, stored);
  } catch (const std::bad_alloc&) {  // no fault of the file's
    job.file.failure = "not enough memory";
    job.file.may_pass = true;
  } catch (const std::exception& error) {
    job.file.failure = error.what();
  }
  job.file.bytes = {};
}

/// Decodes in several threads and gives the pictures back in the order in which they were put in.
class DecodePool {
 public:
  explicit DecodePool(const DecodeOptions& options) : options_(options) {
    for (int i = 0; i < options.threads; ++i)
      threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }

  void put(std::size_t index, FileBytes file) {
    auto job = std::make_shared<Job>();
    job->index = index;
    job->file = std::move(file);
    in_order_.push_back(job);
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(job));
    }
    work_there_.notify_one();
  }

  bool full() const { return in_order_.size() >= threads_.size() * kJobsPerThread; }
  bool empty() const { return in_order_.empty(); }

  /// The oldest, once it is done.
  std::shared_ptr<Job> take() {
    std::shared_ptr<Job> job = std::move(in_order_.front());
    in_order_.pop_front();
    std::unique_lock lock(mutex_);
    job_done_.wait(lock, [&] { return job->done; });
    return job;
  }

 private:
  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (work_there_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
      const std::shared_ptr<Job> job = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      decode(*job, options_);
      lock.lock();
      job->done = true;
      job_done_.notify_one();
    }
  }

  const DecodeOptions& options_;
  std::deque<std::shared_ptr<Job>> in_order_;  // the caller's alone
  std::deque<std::shared_ptr<Job>> waiting_;
  std::mutex mutex_;
  std::condition_variable_any work_there_;
  std::condition_variable job_done_;
  std::vector<std::jthread> threads_;  // last: stopped and joined before the rest goes
};

/// Writes what the pool gives back, and keeps account.
class Collector {
 public:
  Collector(const ImageFiles& images, bool strict, CacheWriter& writer, EventSink& sink)
      : images_(images),
        strict_(strict),
        writer_(writer),
        sink_(sink),
        failures_(images.files.size()) {}

  void take(const Job& job) {
    const ImageFile& file = images_.files[job.index];
    if (job.file.failure.empty()) {
      writer_.add(job.index, job.image, file.part, file.label);
      sizes_.add(job.sides.first, job.sides.second);
    } else {
      fail(job, printable(file.name));
    }
    if (++done_ % kPicturesPerEvent == 0 || done_ == images_.files.size()) report();
  }

  void finish(CacheInfo& info) const {
    info.files = images_.files.size();
    info.sizes = sizes_.summary();
    info.complete = complete_;
    for (std::size_t i = 0; i < images_.files.size(); ++i) {
      const std::string name = printable(images_.files[i].name);
      if (failures_[i].empty()) {
        info.names.push_back(name);
      } else {
        info.skipped.push_back({name, failures_[i]});
      }
    }
    if (writer_.images() > 0) return;
    throw Error(ExitCode::kData,
                fmt::format("{}: none of its {} pictures can be read; the first: {}: {}",
                            printable(images_.source.string()), with_commas(info.files),
                            info.skipped.front().name, info.skipped.front().reason),
                "Look at some of them with another program, and check where they came from.");
  }

 private:
  void fail(const Job& job, const std::string& name) {
    if (strict_) {
      throw Error(ExitCode::kData, fmt::format("{}: {}", name, job.file.failure),
                  "Mend or remove it, or skip such files with data.strict = false.");
    }
    failures_[job.index] = job.file.failure;
    complete_ = complete_ && !job.file.may_pass;
  }

  void report() const {
    const double seconds = watch_.seconds();
    sink_.progress("reading images", static_cast<std::int64_t>(done_),
                   static_cast<std::int64_t>(images_.files.size()),
                   fmt::format("{:.0f} images/s", static_cast<double>(done_) / seconds));
  }

  const ImageFiles& images_;
  bool strict_;
  CacheWriter& writer_;
  EventSink& sink_;
  std::vector<std::string> failures_;  // by index; "": none
  SizeCounter sizes_;
  bool complete_ = true;
  std::size_t done_ = 0;
  Stopwatch watch_;
};

}  // namespace

void decode_images(const ImageFiles& images, const DecodeOptions& options, CacheInfo& info,
                   CacheWriter& writer, EventSink& sink) {
  Collector collector(images, options.strict, writer, sink);
  DecodePool pool(options);
  read_image_files(images, [&](std::size_t index, FileBytes file) {
    if (pool.full()) collector.take(*pool.take());
    pool.put(index, std::move(file));
    return true;
  });
  while (!pool.empty()) collector.take(*pool.take());
  collector.finish(info);
}

int natural_image_size(int height, int width) {
  return height == width && height <= kLargestNaturalSide ? height : kUsualSide;
}

int natural_image_size(const ImageFiles& images, const ImageOptions& options) {
  std::set<Sides> seen;
  std::size_t looked_at = 0;
  read_image_files(images, [&](std::size_t /*index*/, const FileBytes& file) {
    try {
      const ImageSize size = image_size(file.bytes, options);
      seen.emplace(size.height, size.width);
      ++looked_at;
    } catch (const Error&) {  // it is skipped when it is decoded, with this reason
    }
    return looked_at < kPicturesLookedAt && seen.size() < 2;
  });
  return seen.size() == 1 ? natural_image_size(seen.begin()->first, seen.begin()->second)
                          : kUsualSide;
}

}  // namespace simclr
