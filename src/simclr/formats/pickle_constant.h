#pragma once

#include <optional>

#include "simclr/formats/pickle.h"
#include "simclr/formats/pickle_input.h"

namespace simclr::detail {

/// The number or text that an opcode pushes, its argument read from `input`; nothing if the opcode
/// is of another kind. Texts that the file holds escaped (protocol 0) go to `arena`.
std::optional<PickleValue> read_constant(char opcode, PickleInput& input, PickleArena& arena);

}  // namespace simclr::detail
