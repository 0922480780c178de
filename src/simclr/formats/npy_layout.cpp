#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "simclr/formats/npy.h"

namespace simclr {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are kept little-endian");

constexpr std::array<std::string_view, 11> kDtypes{"u1", "i1", "u2", "i2", "u4", "i4",
                                                   "u8", "i8", "f2", "f4", "f8"};

std::size_t element_bytes(std::string_view dtype) {
  return static_cast<std::size_t>(dtype[1] - '0');
}

/// From the first axis fastest to the last axis fastest.
std::vector<std::uint8_t> to_row_major(const std::vector<std::uint8_t>& bytes,
                                       const std::vector<std::size_t>& shape, std::size_t element) {
  std::vector<std::size_t> strides(shape.size());  // in the file, bytes
  std::size_t stride = element;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  std::vector<std::uint8_t> turned(bytes.size());
  std::vector<std::size_t> index(shape.size());
  std::size_t from = 0;
  for (std::size_t to = 0; to < turned.size(); to += element) {
    std::memcpy(&turned[to], &bytes[from], element);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return turned;
}

template <class Element>
std::optional<std::vector<std::int64_t>> widen(const std::vector<std::uint8_t>& bytes) {
  std::vector<std::int64_t> values;
  values.reserve(bytes.size() / sizeof(Element));
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(Element)) {
    Element value{};
    std::memcpy(&value, &bytes[at], sizeof value);
    if (!std::in_range<std::int64_t>(value)) return std::nullopt;
    values.push_back(static_cast<std::int64_t>(value));
  }
  return values;
}

}  // namespace

std::string npy_header(std::string_view dtype, const std::vector<std::size_t>& shape) {
  constexpr std::size_t kFixed = 10;  // magic, version, length
  constexpr std::size_t kAlignment = 64;
  std::string sides;
  for (const std::size_t side : shape) sides += std::to_string(side) + ", ";
  if (shape.size() > 1) sides.resize(sides.size() - 2);
  if (shape.size() == 1) sides.pop_back();  // (3,)
  const char order = element_bytes(dtype) == 1 ? '|' : '<';
  std::string text = "{'descr': '" + std::string(1, order) + std::string(dtype) +
                     "', 'fortran_order': False, 'shape': (" + sides + "), }";
  text.append(kAlignment - (kFixed + text.size() + 1) % kAlignment, ' ');
  text += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(text.size() % 256);
  header += static_cast<char>(text.size() / 256);
  return header + text;
}

std::optional<std::vector<std::int64_t>> npy_integers(const NpyArray& array) {
  if (array.dtype == "u1") return widen<std::uint8_t>(array.bytes);
  if (array.dtype == "i1") return widen<std::int8_t>(array.bytes);
  if (array.dtype == "u2") return widen<std::uint16_t>(array.bytes);
  if (array.dtype == "i2") return widen<std::int16_t>(array.bytes);
  if (array.dtype == "u4") return widen<std::uint32_t>(array.bytes);
  if (array.dtype == "i4") return widen<std::int32_t>(array.bytes);
  if (array.dtype == "u8") return widen<std::uint64_t>(array.bytes);
  if (array.dtype == "i8") return widen<std::int64_t>(array.bytes);
  return std::nullopt;
}

namespace detail {

std::optional<NpyLayout> parse_dtype(std::string_view text) {
  bool big_endian = false;
  if (text.size() == 3 && std::string_view("<>|=").find(text[0]) != std::string_view::npos) {
    big_endian = text[0] == '>';
    text.remove_prefix(1);
  }
  if (std::find(kDtypes.begin(), kDtypes.end(), text) == kDtypes.end()) return std::nullopt;
  return NpyLayout{std::string(text), big_endian, false, {}};
}

std::optional<std::size_t> npy_bytes(const NpyLayout& layout) {
  std::size_t bytes = element_bytes(layout.dtype);
  for (const std::size_t side : layout.shape) {
    if (__builtin_mul_overflow(bytes, side, &bytes)) return std::nullopt;
  }
  return bytes;
}

NpyArray to_npy_array(const NpyLayout& layout, std::vector<std::uint8_t> bytes) {
  const std::size_t element = element_bytes(layout.dtype);
  if (layout.big_endian) {
    for (auto at = bytes.begin(); at != bytes.end(); at += static_cast<std::ptrdiff_t>(element)) {
      std::reverse(at, at + static_cast<std::ptrdiff_t>(element));
    }
  }
  if (layout.fortran_order) bytes = to_row_major(bytes, layout.shape, element);
  return {layout.dtype, layout.shape, std::move(bytes)};
}

}  // namespace detail
}  // namespace simclr
