#include "simclr/report/sheet.h"

#include <algorithm>
#include <cmath>

#include "simclr/formats/png.h"

namespace simclr {
namespace {

constexpr int kLargestPicture = 1600;
constexpr int kLargestScale = 3;
constexpr int kSmallestTile = 8;
constexpr int kMargin = 8;
constexpr int kGap = 4;          // between neighbours
constexpr int kOriginalGap = 8;  // beside the first column, over the other gap
constexpr int kWordGap = 8;      // between headings, over the gap of their columns
constexpr int kLineGap = 2;      // between lines, in pixels of the font
constexpr std::size_t kLongestLabel = 20;
constexpr std::uint8_t kBackground = 248;
constexpr std::uint8_t kInk = 40;

std::string shortened(const std::string& label) {
  const auto starts = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; };
  if (std::count_if(label.begin(), label.end(), starts) <= std::ptrdiff_t{kLongestLabel})
    return label;
  std::string kept;
  std::size_t characters = 0;
  for (const char byte : label) {
    if (starts(byte) && ++characters > kLongestLabel - 2) break;
    kept += byte;
  }
  return kept + "..";
}

int line_height(int text_scale) { return (kGlyphHeight + kDescent + kLineGap) * text_scale; }

}  // namespace

Sheet::Sheet(const std::vector<std::string>& labels,
             const std::vector<std::vector<std::string>>& headings, int side, int scale)
    : side_(side), scale_(scale > 0 ? scale : kLargestScale) {
  lay_out(labels, headings);
  const auto too_large = [&] {
    return std::max(canvas_.height, canvas_.width) > kLargestPicture && tile() > kSmallestTile;
  };
  while (scale == 0 && too_large()) {
    if (scale_ > 1)
      --scale_;
    else
      ++shrink_;
    lay_out(labels, headings);
  }
  canvas_.pixels.assign(
      static_cast<std::size_t>(canvas_.height) * static_cast<std::size_t>(canvas_.width) * 3,
      kBackground);
  draw_labels(labels, headings);
}

void Sheet::lay_out(const std::vector<std::string>& labels,
                    const std::vector<std::vector<std::string>>& headings) {
  text_scale_ = tile() >= 64 ? 2 : 1;
  column_width_ = tile();
  std::size_t lines = 0;
  for (const std::vector<std::string>& heading : headings) {
    lines = std::max(lines, heading.size());
    for (const std::string& line : heading)
      column_width_ = std::max(column_width_, text_width(line, text_scale_) + kWordGap);
  }
  int label_width = 0;
  for (const std::string& label : labels)
    label_width = std::max(label_width, text_width(shortened(label), text_scale_));
  first_left_ = kMargin + (label_width > 0 ? label_width + 2 * kGap : 0);
  first_top_ = kMargin + static_cast<int>(lines) * line_height(text_scale_);
  canvas_.width = left_of(static_cast<int>(headings.size()) - 1) + column_width_ + kMargin;
  canvas_.height = top_of(static_cast<int>(labels.size()) - 1) + tile() + kMargin;
}

void Sheet::draw_labels(const std::vector<std::string>& labels,
                        const std::vector<std::vector<std::string>>& headings) {
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const std::string label = shortened(labels[row]);
    const int left = first_left_ - 2 * kGap - text_width(label, text_scale_);
    const int top = top_of(static_cast<int>(row)) + (tile() - kGlyphHeight * text_scale_) / 2;
    draw_text(canvas_, top, left, label, text_scale_, kInk);
  }
  for (std::size_t column = 0; column < headings.size(); ++column) {
    int top = kMargin;
    for (const std::string& line : headings[column]) {
      draw_text(canvas_, top, left_of(static_cast<int>(column)), line, text_scale_, kInk);
      top += line_height(text_scale_);
    }
  }
}

void Sheet::put(int row, int column, std::span<const float> tile_values, int height, int width) {
  const int rows = height * scale_ / shrink_;
  const int columns = width * scale_ / shrink_;
  const int top = top_of(row) + (tile() - rows) / 2;
  const int left = left_of(column) + (tile() - columns) / 2;
  const auto mean = [&](int y, int x, int c) {
    float sum = 0.0F;
    for (int dy = 0; dy < shrink_; ++dy)
      for (int dx = 0; dx < shrink_; ++dx)
        sum += tile_values[static_cast<std::size_t>(((y + dy) * width + x + dx) * 3 + c)];
    return sum / static_cast<float>(shrink_ * shrink_);
  };
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) {
      const auto to = static_cast<std::size_t>((top + y) * canvas_.width + left + x) * 3;
      for (int c = 0; c < 3; ++c) {
        const float value = mean(y / scale_ * shrink_, x / scale_ * shrink_, c);
        canvas_.pixels[to + static_cast<std::size_t>(c)] =
            static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0F, 1.0F) * 255.0F));
      }
    }
  }
}

int Sheet::top_of(int row) const { return first_top_ + row * (tile() + kGap); }

int Sheet::left_of(int column) const {
  return first_left_ + column * (column_width_ + kGap) + (column > 0 ? kOriginalGap : 0);
}

void Sheet::write(const std::filesystem::path& path) const {
  write_png(path, canvas_.pixels, canvas_.height, canvas_.width);
}

}  // namespace simclr
