#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace simclr {

/// One image and its label. `pixels` is u8 [height, width, 3], row by row, RGB; it lives as long as
/// its dataset.
struct Image {
  std::span<const std::uint8_t> pixels;
  int height = 0;
  int width = 0;
  std::int32_t label = -1;  ///< index into class_names; -1: unlabelled
};

/// Images by index. Implementations are immutable, so that any number of threads may call get at
/// once.
class Dataset {
 public:
  Dataset() = default;
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  virtual std::size_t size() const = 0;
  virtual Image get(std::size_t index) const = 0;  ///< index < size()
};

/// Images of one size, held in memory.
class ImageArray final : public Dataset {
 public:
  /// @param pixels  u8 [n, height, width, 3]
  /// @param labels  [n]
  ImageArray(std::vector<std::uint8_t> pixels, std::vector<std::int32_t> labels, int height,
             int width);

  std::size_t size() const override { return labels_.size(); }
  Image get(std::size_t index) const override;

 private:
  std::vector<std::uint8_t> pixels_;
  std::vector<std::int32_t> labels_;
  int height_;
  int width_;
};

/// Some images of another dataset, in a given order.
class Subset final : public Dataset {
 public:
  Subset(std::shared_ptr<const Dataset> whole, std::vector<std::size_t> indices);

  std::size_t size() const override { return indices_.size(); }
  Image get(std::size_t index) const override { return whole_->get(indices_[index]); }
  const std::vector<std::size_t>& indices() const { return indices_; }
  const std::shared_ptr<const Dataset>& whole() const { return whole_; }

 private:
  std::shared_ptr<const Dataset> whole_;
  std::vector<std::size_t> indices_;
};

/// Several datasets as one, one behind the other.
class Concat final : public Dataset {
 public:
  explicit Concat(std::vector<std::shared_ptr<const Dataset>> parts);

  std::size_t size() const override { return ends_.empty() ? 0 : ends_.back(); }
  Image get(std::size_t index) const override;

 private:
  std::vector<std::shared_ptr<const Dataset>> parts_;
  std::vector<std::size_t> ends_;  ///< of each part: images in it and before it
};

}  // namespace simclr
