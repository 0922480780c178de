#include "simclr/model/gradient_memory.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace simclr {
namespace {

std::vector<at::Tensor> some_parameters() {
  return {at::zeros({3, 5, 2, 2}).contiguous(at::MemoryFormat::ChannelsLast), at::zeros({7})};
}

TEST(GradientMemory, GivesTensorsLikeTheParameters) {
  GradientMemory memory;
  const std::vector<at::Tensor> parameters = some_parameters();
  const std::vector<at::Tensor> gradients = memory.take(parameters);
  ASSERT_EQ(gradients.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(gradients[i].sizes(), parameters[i].sizes());
    EXPECT_EQ(gradients[i].strides(), parameters[i].strides());
  }
  gradients[0].fill_(1.0);
  gradients[1].fill_(2.0);
  EXPECT_EQ(gradients[0].sum().item<float>(), 60.0F);  // they do not overlap
}

TEST(GradientMemory, IsUsedAgainOnlyWhenNoTensorLiesInIt) {
  GradientMemory memory;
  const std::vector<at::Tensor> parameters = some_parameters();
  at::Tensor kept = memory.take(parameters)[1];
  kept.fill_(2.0);
  const void* first = kept.data_ptr();
  at::Tensor second = memory.take(parameters)[1];
  EXPECT_NE(second.data_ptr(), first);
  second.fill_(3.0);
  EXPECT_EQ(kept.sum().item<float>(), 14.0F);
  kept.reset();
  const std::int64_t bytes = memory.bytes();
  EXPECT_EQ(memory.take(parameters)[1].data_ptr(), first);
  EXPECT_EQ(memory.bytes(), bytes);
}

TEST(GradientMemory, OutlivesItsOwner) {
  std::vector<at::Tensor> gradients = GradientMemory().take(some_parameters());
  gradients[0].fill_(1.0);
  EXPECT_EQ(gradients[0].sum().item<float>(), 60.0F);
}

}  // namespace
}  // namespace simclr
