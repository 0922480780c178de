#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace simclr {

/// A NumPy array, whatever its order and endianness were in the file.
struct NpyArray {
  std::string dtype;                ///< u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8: kind and bytes
  std::vector<std::size_t> shape;   ///< empty for a single number
  std::vector<std::uint8_t> bytes;  ///< little-endian, row-major
};

/// Reads an .npy file of version 1 to 3, row-major or Fortran order, either endianness.
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
/// @throws Error(kData) naming the file: not an .npy file, a dtype that is not one of NpyArray's
///         (objects, structures, complex numbers), a shape that does not fit the file's size
/// Cost: memory is the array's size, twice that in Fortran order. Nothing is allocated before the
/// shape is checked against the file's size.
NpyArray read_npy(const std::filesystem::path& path);

/// What comes before the elements of an .npy file of version 1.0, row-major, little-endian: an
/// array can then be written piece by piece.
/// @param dtype  of NpyArray
std::string npy_header(std::string_view dtype, const std::vector<std::size_t>& shape);

/// The elements of an array of integers (u8 up to 2^63 - 1), in row-major order; nothing for
/// another dtype or a larger number.
std::optional<std::vector<std::int64_t>> npy_integers(const NpyArray& array);

namespace detail {

/// How an array lies in a file.
struct NpyLayout {
  std::string dtype;
  bool big_endian = false;
  bool fortran_order = false;
  std::vector<std::size_t> shape;
};

/// The dtype and endianness of NumPy's short form ("<f4", "|u1", ">i8"), or nothing.
std::optional<NpyLayout> parse_dtype(std::string_view text);

/// Bytes of the whole array, or nothing if they overflow.
std::optional<std::size_t> npy_bytes(const NpyLayout& layout);

/// Makes the array of bytes that are exactly npy_bytes(layout).
NpyArray to_npy_array(const NpyLayout& layout, std::vector<std::uint8_t> bytes);

}  // namespace detail
}  // namespace simclr
