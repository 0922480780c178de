#include "simclr/kernels/direct_conv.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <iterator>

#include "simclr/core/parallel.h"
#include "simclr/kernels/transpose.h"

namespace simclr {
namespace {

constexpr std::int64_t kImages = 64;            ///< rows of a product: images of a position
constexpr std::int64_t kTaskRows = 256;         ///< of a task, over several positions
constexpr std::int64_t kGroupPanels = 4;        ///< whose weights stay in cache
constexpr std::int64_t kGradientRows = 512;     ///< added up before a sum goes back to memory
constexpr std::int64_t kGradientPanels = 4;     ///< of outputs, in a task of the weight gradient
constexpr std::int64_t kTasks = 16;             ///< enough for every thread to have its share
constexpr std::int64_t kSliceFloats = 4 << 20;  ///< of all partial weight gradients together

void sort_by_position(LinkTable& table, std::int64_t positions,
                      const std::vector<std::vector<Link>>& of) {
  table.first.assign(1, 0);
  for (std::int64_t p = 0; p < positions; ++p) {
    const std::vector<Link>& links = of[static_cast<std::size_t>(p)];
    table.links.insert(table.links.end(), links.begin(), links.end());
    table.first.push_back(static_cast<std::int64_t>(table.links.size()));
  }
}

/// Calls body(input position, output position, tap) for all that meet.
template <class Body>
void for_each_link(const ConvShape& shape, const Body& body) {
  const PanelMap out = shape.out_map();
  for (std::int64_t y = 0; y < out.height; ++y) {
    for (std::int64_t x = 0; x < out.width; ++x) {
      for (std::int64_t tap = 0; tap < shape.taps(); ++tap) {
        const std::int64_t from_y = y * shape.stride + tap / shape.kernel - shape.kernel / 2;
        const std::int64_t from_x = x * shape.stride + tap % shape.kernel - shape.kernel / 2;
        if (from_y < 0 || from_x < 0 || from_y >= shape.height || from_x >= shape.width) continue;
        body(from_y * shape.width + from_x, y * out.width + x, tap);
      }
    }
  }
}

}  // namespace

DirectConv::DirectConv(const ConvShape& shape)
    : shape_(shape), is_live_(static_cast<std::size_t>(shape.taps())) {
  assert(shape.in_channels % kPanel == 0 && shape.out_channels % kPanel == 0);
  const std::int64_t in = shape.in_map().positions();
  const std::int64_t out = shape.out_map().positions();
  std::vector<std::vector<Link>> of_in(static_cast<std::size_t>(in));
  std::vector<std::vector<Link>> of_out(static_cast<std::size_t>(out));
  for_each_link(shape, [&](std::int64_t from, std::int64_t to, std::int64_t tap) {
    of_out[static_cast<std::size_t>(to)].push_back({from, tap});
    of_in[static_cast<std::size_t>(from)].push_back({to, tap});
    is_live_[static_cast<std::size_t>(tap)] = true;
  });
  sort_by_position(inputs_, in, of_in);
  sort_by_position(outputs_, out, of_out);
}

void DirectConv::pack_forward(const float* weights, float* packed) const {
  const std::int64_t taps = shape_.taps();
  const std::int64_t row = taps * shape_.in_channels;
  parallel_for(taps * shape_.out_channels / kPanel, [&](std::int64_t i) {
    const std::int64_t tap = i % taps;
    const std::int64_t panel = i / taps;
    if (!is_live_[static_cast<std::size_t>(tap)]) return;
    const float* from = weights + panel * kPanel * row + tap * shape_.in_channels;
    float* to = packed + (tap * shape_.out_channels + panel * kPanel) * shape_.in_channels;
    for (std::int64_t in = 0; in < shape_.in_channels; in += kPanel)
      turn_panel(from + in, row, to + in * kPanel);
  });
}

void DirectConv::pack_backward(const float* weights, float* packed) const {
  const std::int64_t taps = shape_.taps();
  parallel_for(taps * shape_.in_channels / kPanel, [&](std::int64_t i) {
    const std::int64_t tap = i % taps;
    const std::int64_t panel = i / taps;
    if (!is_live_[static_cast<std::size_t>(tap)]) return;
    float* to = packed + (tap * shape_.in_channels + panel * kPanel) * shape_.out_channels;
    for (std::int64_t o = 0; o < shape_.out_channels; ++o)
      std::copy_n(weights + (o * taps + tap) * shape_.in_channels + panel * kPanel, kPanel,
                  to + o * kPanel);
  });
}

void DirectConv::forward(const float* x, const float* packed, float* y,
                         const Epilogue& epilogue) const {
  gather(outputs_, shape_.in_map(), shape_.out_map(), x, packed, y, false, epilogue);
}

DirectConv::Blocks DirectConv::blocks_of(const PanelMap& to) {
  const std::int64_t images = pieces_of(to.batch, kImages);
  return {pieces_of(to.positions(), std::max<std::int64_t>(1, kTaskRows * images / to.batch)),
          images};
}

std::int64_t DirectConv::output_tasks() const { return blocks_of(shape_.out_map()).tasks(); }
std::int64_t DirectConv::input_tasks() const { return blocks_of(shape_.in_map()).tasks(); }

void DirectConv::input_gradient(const float* dy, const float* packed, float* dx, bool add,
                                const Epilogue& epilogue) const {
  gather(inputs_, shape_.out_map(), shape_.in_map(), dy, packed, dx, add, epilogue);
}

/// c[to] (+)= sum over a position's links of a[link.from] x packed[link.tap].
void DirectConv::gather(const LinkTable& table, const PanelMap& from, const PanelMap& to,
                        const float* a, const float* packed, float* c, bool add,
                        const Epilogue& epilogue) const {
  const auto [position_blocks, image_blocks] = blocks_of(to);
  const std::int64_t groups = pieces_of(to.panels(), kGroupPanels);
  const std::int64_t tap_size = from.channels * to.channels;
  parallel_for(groups * position_blocks * image_blocks, [&](std::int64_t task) {
    const std::int64_t image_block = task % image_blocks;
    const std::int64_t position_block = task / image_blocks % position_blocks;
    const std::int64_t group = task / image_blocks / position_blocks;
    const std::int64_t first = piece_begin(to.batch, image_blocks, image_block);
    const std::int64_t panel = group * kGroupPanels;
    std::vector<Segment> segments;
    std::vector<float*> written;
    Product product;
    product.b_panel = from.channels * kPanel;
    product.c_panel = to.panel_stride();
    product.rows = piece_begin(to.batch, image_blocks, image_block + 1) - first;
    product.panels = std::min(kGroupPanels, to.panels() - panel);
    product.add = add;
    const std::int64_t end = piece_begin(to.positions(), position_blocks, position_block + 1);
    for (std::int64_t p = piece_begin(to.positions(), position_blocks, position_block); p < end;
         ++p) {
      const auto at = static_cast<std::size_t>(p);
      segments.clear();
      for (std::int64_t l = table.first[at]; l < table.first[at + 1]; ++l) {
        const Link& link = table.links[static_cast<std::size_t>(l)];
        const float* weights = packed + link.tap * tap_size + panel * product.b_panel;
        for (std::int64_t k = 0; k < from.panels(); ++k)
          segments.push_back({a + from.offset(k, link.from, first), weights + k * kPanel * kPanel});
      }
      product.c = c + to.offset(panel, p, first);
      if (epilogue) written.push_back(product.c);
      if (add && segments.empty()) continue;
      product.segment = segments.data();
      product.segments = static_cast<std::int64_t>(segments.size());
      multiply(product);
    }
    if (!epilogue) return;
    for (std::int64_t i = 0; i < product.panels; ++i) {
      epilogue({task % (position_blocks * image_blocks), panel + i, written.data(),
                std::ssize(written), product.rows});
      for (float*& row : written) row += to.panel_stride();
    }
  });
}

/// Rows of the kernel that meet a pixel: one or three of three.
std::int64_t DirectConv::live_rows() const {
  std::int64_t rows = 0;
  for (std::int64_t row = 0; row < shape_.kernel; ++row) rows += is_live_row(row) ? 1 : 0;
  return rows;
}

bool DirectConv::is_live_row(std::int64_t row) const {
  return is_live_[static_cast<std::size_t>(row * shape_.kernel + shape_.kernel / 2)];
}

/// Into how many parts the batch is cut, each with a sum of its own: set by the shape alone.
std::int64_t DirectConv::slices() const {
  const std::int64_t tasks = pieces_of(shape_.in_map().panels(), kGroupPanels) *
                             pieces_of(shape_.out_map().panels(), kGradientPanels) * live_rows();
  const std::int64_t wanted = std::min(pieces_of(kTasks, tasks), pieces_of(shape_.batch, 16));
  return std::clamp<std::int64_t>(kSliceFloats / shape_.weights(), 1, wanted);
}

std::int64_t DirectConv::scratch_size() const { return slices() * shape_.weights(); }

/// One task of the weight gradient: a slice of the batch, some input panels, some output panels.
/// Sums lie as [tap][input panel][Cout][16].
struct DirectConv::GradientTask {
  std::int64_t image;
  std::int64_t images;
  std::int64_t in_panel;
  std::int64_t in_panels;
  std::int64_t out_panel;
  std::int64_t out_panels;
  std::int64_t tap;  ///< the first of a row of the kernel
  float* sums;
};

void DirectConv::add_gradient(const GradientTask& task, const float* x, const float* dy) const {
  const PanelMap in = shape_.in_map();
  const PanelMap out = shape_.out_map();
  const std::int64_t in_panel_size = out.channels * kPanel;
  const std::int64_t tap_size = in.panels() * in_panel_size;
  Product product;
  product.a_row = 1;
  product.a_step = kPanel;
  product.b_panel = in.panel_stride();
  product.c_panel = in_panel_size;
  product.rows = kPanel;
  product.panels = task.in_panels;
  product.add = true;
  const std::int64_t blocks = pieces_of(task.images, kImages);
  std::vector<Segment> segments;
  for (std::int64_t block = 0; block < blocks; ++block) {
    const std::int64_t first = task.image + piece_begin(task.images, blocks, block);
    product.depth = task.image + piece_begin(task.images, blocks, block + 1) - first;
    const std::int64_t chunk = std::max<std::int64_t>(1, kGradientRows / product.depth);
    for (std::int64_t p = 0; p < out.positions(); p += chunk) {
      for (std::int64_t tap = task.tap; tap < task.tap + shape_.kernel; ++tap) {
        segments.clear();
        const auto end = static_cast<std::size_t>(std::min(p + chunk, out.positions()));
        for (auto at = static_cast<std::size_t>(p); at < end; ++at) {
          for (std::int64_t l = outputs_.first[at]; l < outputs_.first[at + 1]; ++l) {
            const Link& link = outputs_.links[static_cast<std::size_t>(l)];
            if (link.tap != tap) continue;
            segments.push_back(
                {dy + out.offset(task.out_panel, static_cast<std::int64_t>(at), first),
                 x + in.offset(task.in_panel, link.from, first)});
          }
        }
        if (segments.empty()) continue;
        product.segment = segments.data();
        product.segments = static_cast<std::int64_t>(segments.size());
        for (std::int64_t o = 0; o < task.out_panels; ++o) {
          product.a_offset = o * out.panel_stride();
          product.c = task.sums + tap * tap_size + task.in_panel * in_panel_size +
                      (task.out_panel + o) * kPanel * kPanel;
          multiply(product);
        }
      }
    }
  }
}

void DirectConv::weight_gradient(const float* x, const float* dy, float* dw, float* scratch) const {
  const PanelMap in = shape_.in_map();
  const PanelMap out = shape_.out_map();
  const std::int64_t in_groups = pieces_of(in.panels(), kGroupPanels);
  const std::int64_t out_groups = pieces_of(out.panels(), kGradientPanels);
  const std::int64_t parts = slices();
  parallel_for(parts * in_groups * out_groups * shape_.kernel, [&](std::int64_t i) {
    const std::int64_t row = i % shape_.kernel;
    if (!is_live_row(row)) return;
    const std::int64_t group = i / shape_.kernel % (in_groups * out_groups);
    const std::int64_t part = i / shape_.kernel / (in_groups * out_groups);
    GradientTask task;
    task.image = piece_begin(shape_.batch, parts, part);
    task.images = piece_begin(shape_.batch, parts, part + 1) - task.image;
    task.in_panel = group % in_groups * kGroupPanels;
    task.in_panels = std::min(kGroupPanels, in.panels() - task.in_panel);
    task.out_panel = group / in_groups * kGradientPanels;
    task.out_panels = std::min(kGradientPanels, out.panels() - task.out_panel);
    task.tap = row * shape_.kernel;
    task.sums = scratch + part * shape_.weights();
    for (std::int64_t tap = task.tap; tap < task.tap + shape_.kernel; ++tap) {
      if (!is_live_[static_cast<std::size_t>(tap)]) continue;
      for (std::int64_t p = 0; p < task.in_panels; ++p)
        std::fill_n(
            task.sums + ((tap * in.panels() + task.in_panel + p) * out.panels() + task.out_panel) *
                            kPanel * kPanel,
            task.out_panels * kPanel * kPanel, 0.0F);
    }
    add_gradient(task, x, dy);
  });
  unpack_gradient(scratch, parts, dw);
}

/// Adds the slices up, in order, and puts them where the weights are.
void DirectConv::unpack_gradient(const float* sums, std::int64_t parts, float* dw) const {
  const std::int64_t panels = shape_.in_map().panels();
  parallel_for(shape_.out_channels, [&](std::int64_t o) {
    // Dead taps side by side are one long fill, which does not read memory first.
    for (std::int64_t tap = 0, end = 0; tap < shape_.taps(); tap = end + 1) {
      for (end = tap; end < shape_.taps() && !is_live_[static_cast<std::size_t>(end)];) ++end;
      std::memset(dw + (o * shape_.taps() + tap) * shape_.in_channels, 0,
                  static_cast<std::size_t>((end - tap) * shape_.in_channels) * sizeof(float));
    }
    for (std::int64_t tap = 0; tap < shape_.taps(); ++tap) {
      if (!is_live_[static_cast<std::size_t>(tap)]) continue;
      for (std::int64_t p = 0; p < panels; ++p) {
        float* to = dw + ((o * shape_.taps() + tap) * panels + p) * kPanel;
        const float* from = sums + ((tap * panels + p) * shape_.out_channels + o) * kPanel;
        std::copy_n(from, kPanel, to);
        for (std::int64_t part = 1; part < parts; ++part) {
          from += shape_.weights();
          for (int l = 0; l < kPanel; ++l) to[l] += from[l];
        }
      }
    }
  });
}

}  // namespace simclr
