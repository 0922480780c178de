#include "simclr/data/dataset.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace simclr {

ImageArray::ImageArray(std::vector<std::uint8_t> pixels, std::vector<std::int32_t> labels,
                       int height, int width)
    : pixels_(std::move(pixels)), labels_(std::move(labels)), height_(height), width_(width) {
  assert(pixels_.size() == labels_.size() * static_cast<std::size_t>(height_ * width_ * 3));
}

Image ImageArray::get(std::size_t index) const {
  const auto bytes = static_cast<std::size_t>(height_ * width_ * 3);
  return {std::span(pixels_).subspan(index * bytes, bytes), height_, width_, labels_[index]};
}

Subset::Subset(std::shared_ptr<const Dataset> whole, std::vector<std::size_t> indices)
    : whole_(std::move(whole)), indices_(std::move(indices)) {}

Concat::Concat(std::vector<std::shared_ptr<const Dataset>> parts) : parts_(std::move(parts)) {
  for (const auto& part : parts_) ends_.push_back(size() + part->size());
}

Image Concat::get(std::size_t index) const {
  const auto end = std::upper_bound(ends_.begin(), ends_.end(), index);
  const auto part = static_cast<std::size_t>(end - ends_.begin());
  return parts_[part]->get(index - (part == 0 ? 0 : ends_[part - 1]));
}

}  // namespace simclr
