#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simclr/config/settings.h"

namespace simclr::cli {

struct BenchAugmentOptions {
  int side = 32;
  int image_side = 0;             ///< 0: as side
  double seconds = 0.35;          ///< of measuring, a row and side
  std::vector<std::string> only;  ///< these pipelines instead of all
  bool only_jpeg = false;
  std::string image;   ///< a JPEG instead of the synthetic ones
  std::string python;  ///< "": look for one; "none": do not compare
  bool json = false;
};

/// Times views, beside torchvision's where it is found; prints as it goes.
/// @throws Error(kFailed) if the same view comes out differently
void bench_augment(const BenchAugmentOptions& options);

struct BenchLoaderOptions {
  std::vector<std::int64_t> workers;  ///< empty: 0 to the number of cores
  std::int64_t batch_size = 256;
  double seconds = 3.0;           ///< of measuring, a number of workers
  double views_per_second = 0.0;  ///< that training takes; 0: unknown
  bool json = false;
};

/// Times a BatchLoader for each number of workers; prints at the end.
void bench_loader(const Settings& settings, const BenchLoaderOptions& options);

struct BenchStepOptions {
  std::int64_t views = 512;  ///< 2N
  int side = 32;
  int threads = 0;   ///< 0: every core
  int steps = 7;     ///< timed
  int warm_up = 2;   ///< steps before them
  std::string simd;  ///< instruction set of the native kernels; "": the best there is
  bool forward_only = false;
  bool json = false;
};

/// Times whole training steps (or the encoder's forward pass in eval mode) on made-up views, and
/// says where the time went.
void bench_step(const Settings& settings, const BenchStepOptions& options);

struct BenchConvOptions {
  std::int64_t views = 128;
  int threads = 0;        ///< 0: every core
  double seconds = 0.05;  ///< of measuring, an algorithm and pass
  bool json = false;
};

/// Times every algorithm of the native engine on 3x3 convolutions of many shapes, and says where
/// the table that chooses among them (choose_algorithm) does not take the fastest.
void bench_conv(const BenchConvOptions& options);

struct BenchCurvesOptions {
  int steps = 300;
  int window = 20;  ///< steps whose losses are averaged
  bool json = false;
};

/// Trains the same weights on the same views by both engines, and by LibTorch again with views
/// moved by one ulp: whether the native losses lie among those that differ by rounding alone.
void bench_curves(const Settings& settings, const BenchCurvesOptions& options);

struct BenchLossOptions {
  std::vector<std::int64_t> views{1024, 2048, 4096, 8192, 16384, 32768, 65536};  ///< 2N
  std::int64_t width = 128;                                                      ///< D
  double temperature = 0.5;
  int threads = 0;  ///< 0: every core
  int runs = 3;     ///< timed, of each number of views
  bool json = false;
};

/// Times NT-Xent forward and backward and measures its memory against the number of views.
/// @throws Error(kFailed) if it differs from the loss by the whole matrix
void bench_loss(const BenchLossOptions& options);

struct BenchEvalOptions {
  std::int64_t bank = 50000;  ///< or training images
  std::int64_t queries = 10000;
  std::int64_t width = 512;
  std::int64_t classes = 10;
  int threads = 0;  ///< 0: every core
  int rounds = 3;
  bool json = false;
};

// Time kNN, and the L-BFGS probe with its choice of L2, on made features.
void bench_knn(const BenchEvalOptions& options);
void bench_probe(const BenchEvalOptions& options);

}  // namespace simclr::cli
