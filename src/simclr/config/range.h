#pragma once

#include <limits>
#include <string_view>

namespace simclr {

/// What people read about one setting. A struct of settings has one visit_fields that calls
///   visit(FieldText{...}, member, Range{...})        numbers
///   visit(FieldText{...}, member)                    text, choices, yes or no, pipelines
struct FieldText {
  std::string_view name;  ///< key within its section, snake_case; its flag is the same with dashes
  std::string_view help;  ///< one sentence; units and special values included
  std::string_view flag = "";  ///< only where the flag is not the name
};

/// Allowed numbers: low <= value <= high, or low < value with `open_low`.
struct Range {
  double low = 0.0;
  double high = std::numeric_limits<double>::infinity();
  bool open_low = false;
};

inline constexpr Range kProbability{0.0, 1.0};
inline constexpr Range kPositive{0.0, std::numeric_limits<double>::infinity(), true};
inline constexpr Range kAtLeastOne{1.0, 1e9};
inline constexpr Range kAnySeed{0.0, 18446744073709551615.0};

}  // namespace simclr
