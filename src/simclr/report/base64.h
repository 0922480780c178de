#pragma once

#include <string>
#include <string_view>

namespace simclr {

/// RFC 4648, with padding.
std::string base64(std::string_view bytes);

/// What a content security policy allows an inline script or style by: 'sha256-...'.
std::string csp_source(std::string_view text);

}  // namespace simclr
