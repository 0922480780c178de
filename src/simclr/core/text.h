#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace simclr {

/// The candidate with the smallest edit distance to `word`, or "" if there is none. Ties: the
/// first.
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

/// A duration for people: "45 s", "12 min 05 s", "1 h 23 min".
std::string format_duration(double seconds);

}  // namespace simclr
