#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/bench_pictures.h"
#include "simclr/augment/apply.h"

namespace simclr::cli {

/// What is timed: a pipeline under a name.
struct BenchCase {
  std::string name;
  Pipeline pipeline;
};

/// Nothing but the conversion, then every operation alone with probability 1, the colour jitter
/// also in its four parts.
std::vector<BenchCase> operation_cases();

/// Every named pipeline, and the seed's with a padded crop, noise and AutoAugment.
std::vector<BenchCase> pipeline_cases();

/// Views of pictures by this library, as the loader makes them: drawn, then applied.
class ViewMaker {
 public:
  ViewMaker(const BenchPictures& pictures, const Pipeline& pipeline, int side);

  /// @throws Error(kFailed) if a view made again, after another, is not the same to the bit, or if
  ///         a value is outside [0, 1]
  void prove();

  /// Makes `views` views. @return seconds of this thread's CPU time
  double seconds(std::int64_t views);

 private:
  void make(std::int64_t number);

  const BenchPictures& pictures_;
  const Pipeline& pipeline_;
  int side_;
  ViewParams params_;
  ViewScratch scratch_;
  std::vector<float> view_;
};

}  // namespace simclr::cli
