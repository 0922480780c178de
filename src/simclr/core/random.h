#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace simclr {

/// What a draw is for. Part of the key, so that no two purposes ever share numbers.
enum class Purpose : std::uint32_t {
  kInit = 1,     ///< initial weights; sample = index of the parameter
  kShuffle = 2,  ///< order of images within an epoch
  kView = 3,     ///< augmentation of a training view
  kSubset = 4,   ///< train_percent
  kSplit = 5,    ///< validation split
  kShapes = 6,   ///< built-in images
  kValidationView = 7,
  kHead = 8,  ///< initial weights of a classifier
  kPreview = 9,
  kNoise = 10,      ///< of one view; seed = a key drawn with the view
  kTestSplit = 11,  ///< the test part of a source that has none of its own
};

/// Names one stream of random numbers. Equal keys give equal streams on every machine, whoever asks
/// first.
struct RandomKey {
  std::uint64_t seed = 0;
  Purpose purpose = Purpose::kInit;
  std::uint32_t epoch = 0;
  std::uint32_t sample = 0;
  std::uint32_t view = 0;  ///< at most 2^16 - 1
};

/// One block of Philox4x32-10. Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

/// The stream of one key. Cheap to make (no state beyond a counter), so make one per image and
/// view.
class Random {
 public:
  explicit Random(const RandomKey& key);

  std::uint32_t next();                  ///< 32 random bits
  float uniform();                       ///< in [0, 1), 24 bits
  float uniform(float low, float high);  ///< in [low, high]
  std::uint32_t below(std::uint32_t n);  ///< in [0, n), unbiased; n >= 1
  bool chance(float probability);        ///< true with this probability
  float normal();                        ///< mean 0, standard deviation 1 (Box-Muller)

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

/// 0 .. n-1 in random order (Fisher-Yates).
std::vector<std::uint32_t> permutation(std::uint32_t n, const RandomKey& key);

}  // namespace simclr
