#include "simclr/kernels/optimizer_step.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/optimizer_step.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

#ifndef SIMCLR_KERNELS_OPTIMIZER_STEP_ONCE
#define SIMCLR_KERNELS_OPTIMIZER_STEP_ONCE
namespace simclr {

/// AdamStep, with what does not depend on the element worked out.
struct AdamFactors {
  float beta1, one_less_beta1;
  float beta2, one_less_beta2;
  float step_size;       ///< lr / (1 - beta1^t)
  float root_of_second;  ///< sqrt(1 - beta2^t)
  float epsilon;
  float weight_decay;
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

HWY_ATTR void sgd_range(const UpdatedBuffers& p, std::int64_t begin, std::int64_t end,
                        const SgdStep& step) {
  for_each_vector(begin, end, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto w = hn::LoadU(d, p.weights + i);
    const auto g = hn::MulAdd(hn::Set(d, step.weight_decay), w, hn::LoadU(d, p.gradient + i));
    auto m = g;
    if (p.first != nullptr) {
      m = hn::MulAdd(hn::Set(d, step.momentum), hn::LoadU(d, p.first + i), g);
      hn::StoreU(m, d, p.first + i);
    }
    hn::StoreU(hn::NegMulAdd(hn::Set(d, step.lr), m, w), d, p.weights + i);
  });
}

HWY_ATTR void adam_range(const UpdatedBuffers& p, std::int64_t begin, std::int64_t end,
                         const AdamFactors& f) {
  for_each_vector(begin, end, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto w = hn::LoadU(d, p.weights + i);
    const auto g = hn::MulAdd(hn::Set(d, f.weight_decay), w, hn::LoadU(d, p.gradient + i));
    const auto m = hn::MulAdd(hn::Set(d, f.beta1), hn::LoadU(d, p.first + i),
                              hn::Mul(hn::Set(d, f.one_less_beta1), g));
    const auto v = hn::MulAdd(hn::Set(d, f.beta2), hn::LoadU(d, p.second + i),
                              hn::Mul(hn::Set(d, f.one_less_beta2), hn::Mul(g, g)));
    hn::StoreU(m, d, p.first + i);
    hn::StoreU(v, d, p.second + i);
    const auto root =
        hn::Add(hn::Div(hn::Sqrt(v), hn::Set(d, f.root_of_second)), hn::Set(d, f.epsilon));
    hn::StoreU(hn::NegMulAdd(hn::Set(d, f.step_size), hn::Div(m, root), w), d, p.weights + i);
  });
}

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <cmath>

#include "simclr/core/parallel.h"

namespace simclr {
namespace {

HWY_EXPORT(sgd_range);
HWY_EXPORT(adam_range);

constexpr std::int64_t kChunk = 16384;  ///< floats of a task

/// Calls body(parameter, begin, end) for all of all parameters, in chunks.
template <class Body>
void for_each_chunk(const std::vector<UpdatedBuffers>& parameters, const Body& body) {
  struct Chunk {
    const UpdatedBuffers* parameter;
    std::int64_t begin;
  };
  std::vector<Chunk> chunks;
  for (const UpdatedBuffers& parameter : parameters)
    for (std::int64_t begin = 0; begin < parameter.size; begin += kChunk)
      chunks.push_back({&parameter, begin});
  parallel_for(std::ssize(chunks), [&](std::int64_t i) {
    const auto [parameter, begin] = chunks[static_cast<std::size_t>(i)];
    body(*parameter, begin, std::min(begin + kChunk, parameter->size));
  });
}

}  // namespace

void update(const std::vector<UpdatedBuffers>& parameters, const SgdStep& step) {
  for_each_chunk(parameters, [&](const UpdatedBuffers& p, std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(sgd_range)(p, begin, end, step);
  });
}

void update(const std::vector<UpdatedBuffers>& parameters, const AdamStep& step) {
  const auto t = static_cast<double>(step.step);
  const AdamFactors factors{
      .beta1 = static_cast<float>(step.beta1),
      .one_less_beta1 = static_cast<float>(1.0 - step.beta1),
      .beta2 = static_cast<float>(step.beta2),
      .one_less_beta2 = static_cast<float>(1.0 - step.beta2),
      .step_size = static_cast<float>(step.lr / (1.0 - std::pow(step.beta1, t))),
      .root_of_second = static_cast<float>(std::sqrt(1.0 - std::pow(step.beta2, t))),
      .epsilon = static_cast<float>(step.epsilon),
      .weight_decay = static_cast<float>(step.weight_decay)};
  for_each_chunk(parameters, [&](const UpdatedBuffers& p, std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(adam_range)(p, begin, end, factors);
  });
}

}  // namespace simclr
#endif  // HWY_ONCE
