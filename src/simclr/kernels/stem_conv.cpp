#include "simclr/kernels/stem_conv.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include "simclr/core/huge_memory.h"
#include "simclr/core/parallel.h"
#include "simclr/kernels/gemm.h"

namespace simclr {
namespace {

constexpr std::int64_t kColours = 3;
constexpr std::int64_t kImages = 16;      ///< of a block
constexpr std::int64_t kLargeImages = 8;  ///< of a block, where one fills a cache
constexpr std::int64_t kLargeSide = 64;
constexpr std::int64_t kGradientRows = 256;  ///< added up before a sum goes back to memory

}  // namespace

std::int64_t StemConv::framed_side() const {
  return (shape_.out_side() - 1) * shape_.stride + shape_.kernel;
}

std::int64_t StemConv::image_size() const {
  const std::int64_t floats = framed_side() * framed_side() * kColours;
  return ((floats + kPanel - 1) / kPanel | 1) * kPanel;  // an odd number of cache lines
}

std::int64_t StemConv::images_at_once() const {
  return shape_.side > kLargeSide ? kLargeImages : kImages;
}

std::int64_t StemConv::blocks() const { return pieces_of(shape_.batch, images_at_once()); }

std::int64_t StemConv::scratch_size() const { return blocks() * shape_.weights(); }

void StemConv::pack(const float* weights, float* packed) const {
  const std::int64_t depth = shape_.depth();
  for (std::int64_t o = 0; o < shape_.out_channels; ++o)
    for (std::int64_t k = 0; k < depth; ++k)
      packed[(o / kPanel * depth + k) * kPanel + o % kPanel] = weights[o * depth + k];
}

/// A block's images, each with its frame of zeros.
void StemConv::frame(const float* pixels, std::int64_t block, float* to) const {
  const std::int64_t first = piece_begin(shape_.batch, blocks(), block);
  const std::int64_t end = piece_begin(shape_.batch, blocks(), block + 1);
  const std::int64_t row = framed_side() * kColours;
  const std::int64_t pad = shape_.kernel / 2;
  const std::int64_t inside = std::min(shape_.side, framed_side() - pad);
  std::fill_n(to, (end - first) * image_size(), 0.0F);
  for (std::int64_t image = first; image < end; ++image) {
    for (std::int64_t y = 0; y < inside; ++y)
      std::copy_n(pixels + (image * shape_.side + y) * shape_.side * kColours, inside * kColours,
                  to + (image - first) * image_size() + (y + pad) * row + pad * kColours);
  }
}

/// Taps of the kernel's row (or column) that meet a pixel, for an output in this row (or column).
StemConv::Span StemConv::taps_inside(std::int64_t output) const {
  const std::int64_t first = output * shape_.stride - shape_.kernel / 2;
  return {std::max<std::int64_t>(0, -first), std::min(shape_.kernel, shape_.side - first)};
}

void StemConv::forward(const float* pixels, const float* packed, float* y,
                       const Epilogue& epilogue) const {
  const PanelMap out = shape_.out_map();
  const std::int64_t row = framed_side() * kColours;
  const std::int64_t run = shape_.kernel * kColours;  // of a kernel's row
  parallel_for(blocks(), [&](std::int64_t block) {
    float* images = thread_memory(static_cast<std::size_t>(images_at_once() * image_size()));
    frame(pixels, block, images);
    const std::int64_t first = piece_begin(shape_.batch, blocks(), block);
    std::vector<Segment> segments;
    std::vector<float*> written;
    Product product;
    product.a_row = image_size();
    product.b_panel = shape_.depth() * kPanel;
    product.c_panel = out.panel_stride();
    product.rows = piece_begin(shape_.batch, blocks(), block + 1) - first;
    product.panels = out.panels();
    for (std::int64_t p = 0; p < out.positions(); ++p) {
      // Rows and columns of the kernel that meet the image and not only its frame.
      const Span rows = taps_inside(p / out.width);
      const Span columns = taps_inside(p % out.width);
      const float* corner = images + p / out.width * shape_.stride * row +
                            (p % out.width * shape_.stride + columns.begin) * kColours;
      segments.clear();
      for (std::int64_t k = rows.begin; k < rows.end; ++k)
        segments.push_back(
            {corner + k * row, packed + (k * run + columns.begin * kColours) * kPanel});
      product.segment = segments.data();
      product.segments = rows.end - rows.begin;
      product.depth = (columns.end - columns.begin) * kColours;
      product.c = y + out.offset(0, p, first);
      multiply(product);
      if (!epilogue) continue;
      written.push_back(product.c);
      if (p % out.width < out.width - 1) continue;
      for (std::int64_t panel = 0; panel < out.panels(); ++panel) {
        epilogue({block, panel, written.data(), std::ssize(written), product.rows});
        for (float*& position : written) position += out.panel_stride();
      }
      written.clear();
    }
  });
}

void StemConv::weight_gradient(const float* pixels, const PartReader& dy, float* dw,
                               float* scratch) const {
  const PanelMap out = shape_.out_map();
  const std::int64_t row = framed_side() * kColours;
  const std::int64_t run = shape_.kernel * kColours;
  const std::int64_t depth = shape_.depth();
  // Sums lie as [block][panel][depth][16].
  parallel_for(blocks(), [&](std::int64_t block) {
    MapPart part;
    part.image = piece_begin(shape_.batch, blocks(), block);
    part.images = piece_begin(shape_.batch, blocks(), block + 1) - part.image;
    const std::int64_t chunk = std::max<std::int64_t>(1, kGradientRows / part.images);
    part.positions = std::min(chunk, out.positions());
    const std::int64_t frames = images_at_once() * image_size();
    float* images = thread_memory(static_cast<std::size_t>(frames + part.map(out.channels).size()));
    float* gradients = images + frames;
    frame(pixels, block, images);
    std::vector<Segment> segments;
    Product product;
    product.depth = part.images;
    product.a_row = 1;
    product.a_step = image_size();
    product.c_panel = depth * kPanel;
    product.rows = run;
    product.panels = out.panels();
    for (std::int64_t p = 0; p < out.positions(); p += chunk) {
      part.position = p;
      part.positions = std::min(chunk, out.positions() - p);
      dy(part, gradients);
      const PanelMap map = part.map(out.channels);
      product.b_panel = map.panel_stride();
      product.add = p > 0;
      for (std::int64_t k = 0; k < shape_.kernel; ++k) {
        segments.clear();
        for (std::int64_t q = p; q < p + part.positions; ++q) {
          const Span taps = taps_inside(q / out.width);
          if (p > 0 && (k < taps.begin || k >= taps.end)) continue;
          segments.push_back({images + q / out.width * shape_.stride * row +
                                  q % out.width * shape_.stride * kColours,
                              gradients + map.offset(0, q - p)});
        }
        product.segment = segments.data();
        product.segments = static_cast<std::int64_t>(segments.size());
        product.a_offset = k * row;
        product.c = scratch + block * shape_.weights() + k * run * kPanel;
        multiply(product);
      }
    }
  });
  add_blocks(scratch, dw);
}

/// Adds the blocks' sums up, in order, and puts them where the weights are.
void StemConv::add_blocks(const float* sums, float* dw) const {
  const std::int64_t run = shape_.kernel * kColours;
  parallel_for(shape_.out_map().panels() * shape_.kernel, [&](std::int64_t task) {
    const std::int64_t panel = task / shape_.kernel;
    const std::int64_t begin = task % shape_.kernel * run;
    for (std::int64_t k = begin; k < begin + run; ++k) {
      std::array<float, kPanel> total{};
      const float* from = sums + (panel * shape_.depth() + k) * kPanel;
      for (std::int64_t block = 0; block < blocks(); ++block, from += shape_.weights())
        for (std::size_t lane = 0; lane < kPanel; ++lane) total[lane] += from[lane];
      for (std::size_t lane = 0; lane < kPanel; ++lane)
        dw[(panel * kPanel + static_cast<std::int64_t>(lane)) * shape_.depth() + k] = total[lane];
    }
  });
}

}  // namespace simclr
