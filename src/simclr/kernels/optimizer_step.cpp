#include "simclr/kernels/optimizer_step.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/optimizer_step.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

#ifndef SIMCLR_KERNELS_OPTIMIZER_STEP_ONCE
#define SIMCLR_KERNELS_OPTIMIZER_STEP_ONCE
namespace simclr {

/// What does not depend on the element, worked out for one parameter.
struct MomentumFactors {
  float gradient_scale;
  float weight_decay;
  float inner_rate;  ///< of g before the momentum: LARS's; 1 for SGD
  float outer_rate;  ///< of the momentum: SGD's; 1 for LARS
  float momentum;
  bool nesterov;
};

struct AdamFactors {
  float gradient_scale;
  float weight_decay;  ///< added to g
  float keep;          ///< what decoupled decay leaves of w
  float beta1, one_less_beta1;
  float beta2, one_less_beta2;
  float step_size;       ///< lr / (1 - beta1^t)
  float root_of_second;  ///< sqrt(1 - beta2^t)
  float epsilon;
};

}  // namespace simclr
#endif

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using UpdateLanes = hn::ScalableTag<float>;

/// body(tag, i) for whole vectors, then one by one: the same arithmetic for every element.
template <class Body>
HWY_ATTR HWY_INLINE void for_each_vector(std::int64_t begin, std::int64_t end, const Body& body) {
  const UpdateLanes d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = begin;
  for (; i + lanes <= end; i += lanes) body(d, i);
  for (; i < end; ++i) body(hn::CappedTag<float, 1>(), i);
}

HWY_ATTR void momentum_range(const UpdatedBuffers& p, std::int64_t begin, std::int64_t end,
                             const MomentumFactors& f) {
  for_each_vector(begin, end, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto w = hn::LoadU(d, p.weights + i);
    const auto gradient = hn::Mul(hn::Set(d, f.gradient_scale), hn::LoadU(d, p.gradient + i));
    const auto g =
        hn::Mul(hn::Set(d, f.inner_rate), hn::MulAdd(hn::Set(d, f.weight_decay), w, gradient));
    auto m = g;
    if (p.first != nullptr) {
      m = hn::MulAdd(hn::Set(d, f.momentum), hn::LoadU(d, p.first + i), g);
      hn::StoreU(m, d, p.first + i);
    }
    if (f.nesterov) m = hn::MulAdd(hn::Set(d, f.momentum), m, g);
    hn::StoreU(hn::NegMulAdd(hn::Set(d, f.outer_rate), m, w), d, p.weights + i);
  });
}

HWY_ATTR void adam_range(const UpdatedBuffers& p, std::int64_t begin, std::int64_t end,
                         const AdamFactors& f) {
  for_each_vector(begin, end, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto w = hn::LoadU(d, p.weights + i);
    const auto gradient = hn::Mul(hn::Set(d, f.gradient_scale), hn::LoadU(d, p.gradient + i));
    const auto g = hn::MulAdd(hn::Set(d, f.weight_decay), w, gradient);
    const auto m = hn::MulAdd(hn::Set(d, f.beta1), hn::LoadU(d, p.first + i),
                              hn::Mul(hn::Set(d, f.one_less_beta1), g));
    const auto v = hn::MulAdd(hn::Set(d, f.beta2), hn::LoadU(d, p.second + i),
                              hn::Mul(hn::Set(d, f.one_less_beta2), hn::Mul(g, g)));
    hn::StoreU(m, d, p.first + i);
    hn::StoreU(v, d, p.second + i);
    const auto root =
        hn::Add(hn::Div(hn::Sqrt(v), hn::Set(d, f.root_of_second)), hn::Set(d, f.epsilon));
    const auto kept = hn::Mul(hn::Set(d, f.keep), w);
    hn::StoreU(hn::NegMulAdd(hn::Set(d, f.step_size), hn::Div(m, root), kept), d, p.weights + i);
  });
}

HWY_ATTR void average_range(const AveragedBuffers& p, std::int64_t begin, std::int64_t end,
                            float share) {
  for_each_vector(begin, end, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto average = hn::LoadU(d, p.average + i);
    const auto way = hn::Sub(hn::LoadU(d, p.values + i), average);
    hn::StoreU(hn::MulAdd(hn::Set(d, share), way, average), d, p.average + i);
  });
}

HWY_ATTR SquareSums square_sums_of_range(const UpdatedBuffers& p, std::int64_t begin,
                                         std::int64_t end, double scale) {
  const hn::ScalableTag<double> wide;
  auto weights = hn::Zero(wide);
  auto gradient = hn::Zero(wide);
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(wide));
  const hn::Rebind<float, decltype(wide)> narrow;
  std::int64_t i = begin;
  for (; i + lanes <= end; i += lanes) {
    auto g = hn::Mul(hn::Set(wide, scale), hn::PromoteTo(wide, hn::LoadU(narrow, p.gradient + i)));
    if (p.weights != nullptr) {
      const auto w = hn::PromoteTo(wide, hn::LoadU(narrow, p.weights + i));
      weights = hn::MulAdd(w, w, weights);
      g = hn::MulAdd(hn::Set(wide, p.weight_decay), w, g);
    }
    gradient = hn::MulAdd(g, g, gradient);
  }
  SquareSums sums{hn::GetLane(hn::SumOfLanes(wide, weights)),
                  hn::GetLane(hn::SumOfLanes(wide, gradient))};
  for (; i < end; ++i) {
    const double w = p.weights != nullptr ? static_cast<double>(p.weights[i]) : 0.0;
    const double g = scale * static_cast<double>(p.gradient[i]) + p.weight_decay * w;
    sums.weights += w * w;
    sums.gradient += g * g;
  }
  return sums;
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <cmath>

#include "simclr/core/parallel.h"

namespace simclr {
namespace {

HWY_EXPORT(momentum_range);
HWY_EXPORT(adam_range);
HWY_EXPORT(average_range);
HWY_EXPORT(square_sums_of_range);

constexpr std::int64_t kChunk = 16384;  ///< floats of a task

struct Chunk {
  std::size_t buffers;  ///< which of them
  std::int64_t begin, end;
};

template <class Buffers>
std::vector<Chunk> chunks_of(const std::vector<Buffers>& all) {
  std::vector<Chunk> chunks;
  for (std::size_t b = 0; b < all.size(); ++b)
    for (std::int64_t begin = 0; begin < all[b].size; begin += kChunk)
      chunks.push_back({b, begin, std::min(begin + kChunk, all[b].size)});
  return chunks;
}

/// Calls body(index of the buffers, begin, end) for all of all buffers, in chunks.
template <class Buffers, class Body>
void for_each_chunk(const std::vector<Buffers>& all, const Body& body) {
  const std::vector<Chunk> chunks = chunks_of(all);
  parallel_for(std::ssize(chunks), [&](std::int64_t i) {
    const Chunk& chunk = chunks[static_cast<std::size_t>(i)];
    body(chunk.buffers, chunk.begin, chunk.end);
  });
}

AdamFactors factors_of(const UpdatedBuffers& p, const AdamStep& step) {
  const auto t = static_cast<double>(step.step);
  const double kept = step.decoupled ? 1.0 - step.lr * p.weight_decay : 1.0;
  return {.gradient_scale = static_cast<float>(step.gradient_scale),
          .weight_decay = static_cast<float>(step.decoupled ? 0.0 : p.weight_decay),
          .keep = static_cast<float>(kept),
          .beta1 = static_cast<float>(step.beta1),
          .one_less_beta1 = static_cast<float>(1.0 - step.beta1),
          .beta2 = static_cast<float>(step.beta2),
          .one_less_beta2 = static_cast<float>(1.0 - step.beta2),
          .step_size = static_cast<float>(step.lr / (1.0 - std::pow(step.beta1, t))),
          .root_of_second = static_cast<float>(std::sqrt(1.0 - std::pow(step.beta2, t))),
          .epsilon = static_cast<float>(step.epsilon)};
}

void update_by_momentum(const std::vector<UpdatedBuffers>& parameters,
                        const std::vector<MomentumFactors>& factors) {
  for_each_chunk(parameters, [&](std::size_t b, std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(momentum_range)(parameters[b], begin, end, factors[b]);
  });
}

/// @param inner, outer  rates, as in MomentumFactors
template <class Step>
MomentumFactors momentum_factors(const UpdatedBuffers& p, const Step& step, double inner,
                                 double outer) {
  return {.gradient_scale = static_cast<float>(step.gradient_scale),
          .weight_decay = static_cast<float>(p.weight_decay),
          .inner_rate = static_cast<float>(inner),
          .outer_rate = static_cast<float>(outer),
          .momentum = static_cast<float>(step.momentum),
          .nesterov = step.nesterov};
}

}  // namespace

double trust_ratio(double trust, double weight_norm, double gradient_norm) {
  return weight_norm > 0.0 && gradient_norm > 0.0 ? trust * weight_norm / gradient_norm : 1.0;
}

void update(const std::vector<UpdatedBuffers>& parameters, const SgdStep& step) {
  std::vector<MomentumFactors> factors;
  factors.reserve(parameters.size());
  for (const UpdatedBuffers& p : parameters)
    factors.push_back(momentum_factors(p, step, 1.0, step.lr));
  update_by_momentum(parameters, factors);
}

void update(const std::vector<UpdatedBuffers>& parameters, const LarsStep& step) {
  const std::vector<SquareSums> sums = square_sums(parameters, step.gradient_scale);
  std::vector<MomentumFactors> factors;
  factors.reserve(parameters.size());
  for (std::size_t b = 0; b < parameters.size(); ++b) {
    const double ratio = parameters[b].adapted ? trust_ratio(step.trust, std::sqrt(sums[b].weights),
                                                             std::sqrt(sums[b].gradient))
                                               : 1.0;
    factors.push_back(momentum_factors(parameters[b], step, step.lr * ratio, 1.0));
  }
  update_by_momentum(parameters, factors);
}

void update(const std::vector<UpdatedBuffers>& parameters, const AdamStep& step) {
  std::vector<AdamFactors> factors;
  factors.reserve(parameters.size());
  for (const UpdatedBuffers& p : parameters) factors.push_back(factors_of(p, step));
  for_each_chunk(parameters, [&](std::size_t b, std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(adam_range)(parameters[b], begin, end, factors[b]);
  });
}

void update_averages(const std::vector<AveragedBuffers>& averages, double decay) {
  const auto share = static_cast<float>(1.0 - decay);
  for_each_chunk(averages, [&](std::size_t b, std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(average_range)(averages[b], begin, end, share);
  });
}

std::vector<SquareSums> square_sums(const std::vector<UpdatedBuffers>& parameters,
                                    double gradient_scale) {
  const std::vector<Chunk> chunks = chunks_of(parameters);
  std::vector<SquareSums> parts(chunks.size());
  parallel_for(std::ssize(chunks), [&](std::int64_t i) {
    const auto c = static_cast<std::size_t>(i);
    parts[c] = HWY_DYNAMIC_DISPATCH(square_sums_of_range)(
        parameters[chunks[c].buffers], chunks[c].begin, chunks[c].end, gradient_scale);
  });
  std::vector<SquareSums> sums(parameters.size());
  for (std::size_t c = 0; c < chunks.size(); ++c) {
    sums[chunks[c].buffers].weights += parts[c].weights;
    sums[chunks[c].buffers].gradient += parts[c].gradient;
  }
  return sums;
}

}  // namespace simclr
#endif  // HWY_ONCE
