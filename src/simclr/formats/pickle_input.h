#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace simclr::detail {

/// The bytes of a pickle, read in order and never past their end. The arguments of opcodes come in
/// three shapes: little-endian numbers, runs of bytes, and (protocol 0) lines of text.
class PickleInput {
 public:
  /// @param name  of the file, for messages
  PickleInput(std::string_view bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  std::size_t position() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }

  std::string_view take(std::uint64_t size);
  std::string_view line();  ///< without its newline

  std::uint64_t unsigned_number(std::size_t bytes);  ///< at most 8
  std::int64_t signed_number(std::uint64_t bytes);   ///< two's complement, 0 to 8 bytes
  double big_endian_double();

  std::string_view counted(std::size_t count_bytes) { return take(unsigned_number(count_bytes)); }

  std::int64_t integer_line();
  double double_line();

  /// @throws Error(kData): the name, `what` and the place
  [[noreturn]] void fail(std::string_view what) const;

 private:
  std::string_view bytes_;
  std::string_view name_;
  std::size_t at_ = 0;
};

}  // namespace simclr::detail
