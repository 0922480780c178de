#include "simclr/report/preview.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include "simclr/augment/apply.h"
#include "simclr/augment/view.h"
#include "simclr/core/random.h"
#include "simclr/formats/png.h"

namespace simclr {
namespace {

constexpr std::uint8_t kBackground = 245;
constexpr int kMargin = 2;       // in image pixels, as the two below
constexpr int kGap = 2;          // between neighbours
constexpr int kOriginalGap = 6;  // between an original and its views

/// Indices in turn from each class, in the order of labels.
std::vector<std::size_t> choose(const Dataset& images, int count) {
  const auto wanted = std::min(static_cast<std::size_t>(count), images.size());
  std::map<std::int32_t, std::vector<std::size_t>> classes;
  for (std::size_t i = 0; i < images.size(); ++i) {
    std::vector<std::size_t>& members = classes[images.get(i).label];
    if (members.size() < wanted) members.push_back(i);
  }
  std::vector<std::size_t> chosen;
  for (std::size_t turn = 0; chosen.size() < wanted; ++turn) {
    for (const auto& [label, members] : classes) {
      if (turn < members.size() && chosen.size() < wanted) chosen.push_back(members[turn]);
    }
  }
  return chosen;
}

/// Square tiles of one side on a light sheet, each pixel `scale` wide.
class Sheet {
 public:
  Sheet(int rows, int columns, int side, int scale)
      : side_(side),
        scale_(scale),
        height_((2 * kMargin + rows * (side + kGap) - kGap) * scale),
        width_(left_of(columns - 1) * scale + (side + kMargin) * scale),
        pixels_(static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_) * 3,
                kBackground) {}

  /// @param tile  f32 [side, side, 3] in [0, 1]
  void put(int row, int column, std::span<const float> tile) {
    const int top = (kMargin + row * (side_ + kGap)) * scale_;
    const int left = left_of(column) * scale_;
    for (int y = 0; y < side_ * scale_; ++y) {
      for (int x = 0; x < side_ * scale_; ++x) {
        const int from = (y / scale_ * side_ + x / scale_) * 3;
        const std::size_t to =
            (static_cast<std::size_t>(top + y) * static_cast<std::size_t>(width_) +
             static_cast<std::size_t>(left + x)) *
            3;
        for (std::size_t c = 0; c < 3; ++c) {
          const float value = std::clamp(tile[static_cast<std::size_t>(from) + c], 0.0F, 1.0F);
          pixels_[to + c] = static_cast<std::uint8_t>(std::lround(value * 255.0F));
        }
      }
    }
  }

  void write(const std::filesystem::path& path) const { write_png(path, pixels_, height_, width_); }

 private:
  int left_of(int column) const {
    return kMargin + column * (side_ + kGap) + (column > 0 ? kOriginalGap - kGap : 0);
  }

  int side_;
  int scale_;
  int height_;
  int width_;
  std::vector<std::uint8_t> pixels_;
};

}  // namespace

std::vector<std::string> write_preview(const Dataset& images,
                                       const std::vector<std::string>& class_names,
                                       const AugmentSettings& augment,
                                       const PreviewOptions& options,
                                       const std::filesystem::path& path) {
  const std::vector<std::size_t> chosen = choose(images, options.images);
  const int side = images.get(0).height;
  Sheet sheet(static_cast<int>(chosen.size()), options.views + 1, side, options.scale);
  std::vector<float> tile(static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3);
  std::vector<std::string> names;
  ViewScratch scratch;
  for (int row = 0; row < static_cast<int>(chosen.size()); ++row) {
    const std::size_t index = chosen[static_cast<std::size_t>(row)];
    const Image image = images.get(index);
    const auto label = static_cast<std::size_t>(std::max(image.label, 0));
    names.push_back(image.label >= 0 && label < class_names.size() ? class_names[label] : "");
    for (int column = 0; column <= options.views; ++column) {
      ViewParams params = whole_image(image.height, image.width);
      if (column > 0) {
        Random random({options.seed, Purpose::kPreview, 0, static_cast<std::uint32_t>(index),
                       static_cast<std::uint32_t>(column - 1)});
        params = draw_view(augment.pipeline, image.height, image.width, side, random);
      }
      apply_view(image, params, Normalization::kNone, side, scratch, tile);
      sheet.put(row, column, tile);
    }
  }
  sheet.write(path);
  return names;
}

}  // namespace simclr
