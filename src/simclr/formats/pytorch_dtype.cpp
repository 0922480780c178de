#include "simclr/formats/pytorch_dtype.h"

#include <array>

namespace simclr::detail {
namespace {

constexpr std::array<PytorchDtype, 21> kDtypes{{
    {"F32", "float32", "FloatStorage", 4},
    {"F64", "float64", "DoubleStorage", 8},
    {"F16", "float16", "HalfStorage", 2},
    {"BF16", "bfloat16", "BFloat16Storage", 2},
    {"I64", "int64", "LongStorage", 8},
    {"I32", "int32", "IntStorage", 4},
    {"I16", "int16", "ShortStorage", 2},
    {"I8", "int8", "CharStorage", 1},
    {"U8", "uint8", "ByteStorage", 1},
    {"BOOL", "bool", "BoolStorage", 1},
    {"C64", "complex64", "ComplexFloatStorage", 8},
    {"C128", "complex128", "ComplexDoubleStorage", 16},
    {"U16", "uint16", "", 2},
    {"U32", "uint32", "", 4},
    {"U64", "uint64", "", 8},
    {"F8_E4M3", "float8_e4m3fn", "", 1},
    {"F8_E5M2", "float8_e5m2", "", 1},
    {"F8_E4M3FNUZ", "float8_e4m3fnuz", "", 1},
    {"F8_E5M2FNUZ", "float8_e5m2fnuz", "", 1},
    {"F8_E8M0", "float8_e8m0fnu", "", 1},
    {"C32", "complex32", "", 4},
}};

}  // namespace

std::span<const PytorchDtype> pytorch_dtypes() { return kDtypes; }

const PytorchDtype* find_dtype(std::string_view PytorchDtype::*field, std::string_view value) {
  for (const PytorchDtype& dtype : kDtypes)
    if (dtype.*field == value) return &dtype;
  return nullptr;
}

}  // namespace simclr::detail
