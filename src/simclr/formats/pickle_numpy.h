#pragma once

#include <string_view>

#include "simclr/formats/npy.h"
#include "simclr/formats/pickle.h"

namespace simclr {

/// The globals with which NumPy pickles an array of numbers: its constructors, its dtype, and the
/// way Python 3 writes bytes for Python 2.
PickleAllowList numpy_globals();

/// The array that a value read with numpy_globals() stands for.
/// @param name  of the file and the entry, for messages
/// @throws Error(kData) if it is no array, of a dtype that is not one of NpyArray's, or of a shape
///         that its bytes do not fill
NpyArray numpy_array(const PickleValue& value, std::string_view name);

}  // namespace simclr
