#pragma once

#include <string_view>

namespace simclr {

/// "0.1.0"
std::string_view version();

/// The commit this was built from, "-dirty" behind it if files had changed; "unknown" outside a git
/// checkout.
std::string_view commit();

}  // namespace simclr
