#include "simclr/core/random.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace simclr {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

Random::Random(const RandomKey& key)
    : key_{static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32)},
      counter_{0, key.sample, key.epoch,
               (static_cast<std::uint32_t>(key.purpose) << 16) | key.view} {}

std::uint32_t Random::next() {
  if (used_ == 4) {
    block_ = philox4x32(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[static_cast<std::size_t>(used_++)];
}

float Random::uniform() { return static_cast<float>(next() >> 8) * 0x1p-24F; }

float Random::uniform(float low, float high) { return low + (high - low) * uniform(); }

std::uint32_t Random::below(std::uint32_t n) {
  // Lemire 2019: multiply, and reject the few values that would make some results likelier.
  const std::uint32_t threshold = (0U - n) % n;
  std::uint64_t product = 0;
  do {
    product = std::uint64_t{next()} * n;
  } while (static_cast<std::uint32_t>(product) < threshold);
  return static_cast<std::uint32_t>(product >> 32);
}

bool Random::chance(float probability) { return uniform() < probability; }

float Random::normal() {
  const float radius = std::sqrt(-2.0F * std::log(1.0F - uniform()));
  return radius * std::cos(2.0F * std::numbers::pi_v<float> * uniform());
}

std::vector<std::uint32_t> permutation(std::uint32_t n, const RandomKey& key) {
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  Random random(key);
  for (std::uint32_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

}  // namespace simclr
