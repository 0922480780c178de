#include "simclr/kernels/epilogue.h"

#include <gtest/gtest.h>

#include <mutex>
#include <string>

#include "simclr/kernels/direct_conv.h"
#include "simclr/kernels/stem_conv.h"
#include "simclr/kernels/winograd.h"
#include "tests/kernels/maps.h"

namespace simclr {
namespace {

/// Takes note of what an epilogue is shown.
class Witness {
 public:
  Witness(const PanelMap& map, const Values& values, std::int64_t tasks)
      : map_(map), values_(values), tasks_(tasks), seen_(values.size()), shown_(values.size()) {}

  Epilogue epilogue() {
    return [this](const Stretch& stretch) { see(stretch); };
  }

  /// Every value once, as it is in the end, by tasks that the convolution told of.
  void expect_all(const std::string& what) const {
    for (std::int64_t c = 0; c < map_.channels; ++c)
      for (std::int64_t p = 0; p < map_.positions(); ++p)
        for (std::int64_t n = 0; n < map_.batch; ++n) {
          ASSERT_EQ(element(map_, seen_, c, p, n), 1) << what;
          ASSERT_EQ(element(map_, shown_, c, p, n), element(map_, values_, c, p, n)) << what;
        }
    EXPECT_TRUE(tasks_fit_) << what;
  }

 private:
  void see(const Stretch& stretch) {
    const std::lock_guard lock(mutex_);
    tasks_fit_ = tasks_fit_ && stretch.task >= 0 && stretch.task < tasks_;
    for (std::int64_t p = 0; p < stretch.positions; ++p)
      for (std::int64_t i = 0; i < stretch.images * kPanel; ++i) {
        const auto at = static_cast<std::size_t>(stretch.rows[p] - values_.data() + i);
        ++seen_[at];
        shown_[at] = stretch.rows[p][i];
      }
  }

  PanelMap map_;
  const Values& values_;
  std::int64_t tasks_;
  std::vector<int> seen_;
  Values shown_;
  bool tasks_fit_ = true;
  std::mutex mutex_;
};

Values undefined(std::int64_t size) { return Values(static_cast<std::size_t>(size), NAN); }

TEST(Epilogue, OfDirectConvolutionsSeesEveryValueOnce) {
  // The last leaves three of four pixels of the input without a gradient of its own.
  for (const ConvShape& shape :
       {ConvShape{32, 48, 3, 2, 7, 6, 70}, ConvShape{16, 80, 1, 1, 5, 5, 3},
        ConvShape{32, 64, 1, 2, 8, 8, 9}}) {
    const DirectConv conv(shape);
    const Values weights = random_floats(shape.weights(), 1);
    Values packed = undefined(conv.packed_size());
    const Values x = random_map(shape.in_map(), 2), dy = random_map(shape.out_map(), 3);
    Values y = undefined(shape.out_map().size());
    Witness forward(shape.out_map(), y, conv.output_tasks());
    conv.pack_forward(weights.data(), packed.data());
    conv.forward(x.data(), packed.data(), y.data(), forward.epilogue());
    forward.expect_all("forward");
    conv.pack_backward(weights.data(), packed.data());
    for (const bool add : {false, true}) {
      Values dx = random_map(shape.in_map(), 4);
      Witness backward(shape.in_map(), dx, conv.input_tasks());
      conv.input_gradient(dy.data(), packed.data(), dx.data(), add, backward.epilogue());
      backward.expect_all(add ? "added" : "written");
    }
  }
}

TEST(Epilogue, OfWinogradsConvolutionsSeesEveryValueOnce) {
  // In cache and in phases, in one chunk of the batch and in several; tiles over the edge.
  for (const ConvShape& shape :
       {ConvShape{32, 48, 3, 1, 7, 6, 70}, ConvShape{256, 144, 3, 1, 4, 6, 90},
        ConvShape{144, 144, 3, 1, 13, 13, 67}, ConvShape{32, 48, 3, 2, 17, 6, 70},
        ConvShape{144, 160, 3, 2, 13, 8, 67}}) {
    const WinogradConv conv(shape,
                            shape.stride == 1 ? WinogradScheme::kF4 : WinogradScheme::kF4Stride2);
    const Values weights = random_floats(shape.weights(), 1);
    Values packed = undefined(conv.packed_size()), scratch = undefined(conv.scratch_size());
    const Values x = random_map(shape.in_map(), 2), dy = random_map(shape.out_map(), 3);
    Values y = undefined(shape.out_map().size()), dx = random_map(shape.in_map(), 4);
    Witness forward(shape.out_map(), y, conv.output_tasks());
    conv.pack_forward(weights.data(), packed.data());
    conv.forward(x.data(), packed.data(), y.data(), scratch.data(), forward.epilogue());
    forward.expect_all("forward");
    Witness backward(shape.in_map(), dx, conv.input_tasks());
    conv.pack_backward(weights.data(), packed.data());
    conv.input_gradient(dy.data(), packed.data(), dx.data(), true, scratch.data(),
                        backward.epilogue());
    backward.expect_all("added");
  }
}

TEST(Epilogue, OfTheStemSeesEveryValueOnce) {
  const StemShape shape{32, 7, 2, 13, 37};
  const StemConv conv(shape);
  const Values pixels = random_floats(shape.batch * shape.side * shape.side * 3, 1);
  Values packed = undefined(conv.packed_size()), y = undefined(shape.out_map().size());
  conv.pack(random_floats(shape.weights(), 2).data(), packed.data());
  Witness witness(shape.out_map(), y, conv.output_tasks());
  conv.forward(pixels.data(), packed.data(), y.data(), witness.epilogue());
  witness.expect_all("forward");
}

}  // namespace
}  // namespace simclr
