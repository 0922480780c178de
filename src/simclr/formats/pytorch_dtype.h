#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace simclr::detail {

/// What PyTorch and we call a kind of number.
struct PytorchDtype {
  std::string_view name;     ///< ours, as TensorEntry has it
  std::string_view torch;    ///< torch.<this>
  std::string_view storage;  ///< torch.<this>; empty for kinds whose storages have no type
  std::uint64_t bytes;       ///< of one element
};

std::span<const PytorchDtype> pytorch_dtypes();

/// The one whose `field` is `value`, or null.
const PytorchDtype* find_dtype(std::string_view PytorchDtype::*field, std::string_view value);

}  // namespace simclr::detail
