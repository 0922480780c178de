#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "simclr/config/pipeline.h"
#include "simclr/config/settings.h"
#include "simclr/core/error.h"
#include "simclr/core/text.h"

// One setting's value as text, both ways, and what is allowed in words: the only place that knows
// how each type of setting is written.
namespace simclr::detail {

template <class T>
concept Number = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;
template <class T>
concept Choice = std::is_enum_v<T>;

[[noreturn]] inline void reject(const std::string& key, std::string_view text,
                                const std::string& wanted) {
  throw Error(ExitCode::kUsage, fmt::format("{} = '{}' is not allowed", key, printable(text)),
              fmt::format("Wanted: {}.", wanted));
}

// ---- values to text ----

template <Number T>
std::string value_text(T value) {
  return fmt::format("{}", value);
}
template <Choice E>
std::string value_text(E value) {
  return std::string(name_of(value));
}
inline std::string value_text(bool value) { return value ? "true" : "false"; }
inline std::string value_text(const std::string& value) { return value; }
inline std::string value_text(const std::vector<std::int64_t>& value) {
  return value.empty() ? "none" : fmt::format("{}", fmt::join(value, ","));
}
/// In the largest unit that leaves a whole number; otherwise in seconds.
inline std::string value_text(const Duration& value) {
  if (value.seconds == 0.0) return "none";
  for (const auto& [unit, seconds] : {std::pair{'h', 3600.0}, std::pair{'m', 60.0}})
    if (std::fmod(value.seconds, seconds) == 0.0)
      return fmt::format("{}{}", value.seconds / seconds, unit);
  return fmt::format("{}s", value.seconds);
}
inline std::string value_text(const Pipeline& value) { return to_text(value); }
inline std::string value_text(const std::optional<Pipeline>& value) {
  return value ? to_text(*value) : "same";
}

// ---- what is allowed, in words ----

template <Number T>
std::string allowed(const Range& range) {
  const std::string kind = std::is_integral_v<T> ? "whole number" : "number";
  if (range.high >= 1e9)
    return fmt::format("{} {} {}", kind, range.open_low ? ">" : ">=", range.low);
  return fmt::format("{} in {}{}, {}]", kind, range.open_low ? "(" : "[", range.low, range.high);
}
template <class T>
std::string allowed() {
  if constexpr (Choice<T>) {
    std::string names;
    for (const auto& [value, name] : EnumNames<T>::table)
      names += names.empty() ? std::string(name) : fmt::format(" | {}", name);
    return names;
  } else if constexpr (std::is_same_v<T, bool>) {
    return "true | false";
  } else if constexpr (std::is_same_v<T, std::vector<std::int64_t>>) {
    return "rising whole numbers > 0, as 60,80 | none";
  } else if constexpr (std::is_same_v<T, Duration>) {
    return "a time, as 45s, 90m or 1.5h | none";
  } else if constexpr (std::is_same_v<T, Pipeline>) {
    return "pipeline";
  } else if constexpr (std::is_same_v<T, std::optional<Pipeline>>) {
    return "pipeline | same";
  } else {
    return "text";
  }
}

// ---- text to values; @throws Error(kUsage) ----

/// What may have been meant by a number that is not allowed: 20 for a share of 20%, a comma for the
/// decimal point.
template <Number T>
std::string shown_otherwise(std::string_view text, const Range& range, double number) {
  if constexpr (std::is_floating_point_v<T>) {
    if (text.find(',') != text.npos) return ", with a decimal point";
    if (range.high == 1.0 && number > 1.0 && number <= 100.0 && !text.ends_with('%'))
      return fmt::format("; a share of {0} % is {0}% or {1}", number, number / 100.0);
  }
  return "";
}

template <Number T>
void parse_value(const std::string& key, std::string_view text, const Range& range, T& value) {
  T parsed{};
  const bool share = std::is_floating_point_v<T> && range.high <= 1.0 && text.ends_with('%');
  const std::string_view digits = text.substr(0, text.size() - (share ? 1 : 0));
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed);
  if (share) parsed /= static_cast<T>(100);
  const auto number = static_cast<double>(parsed);
  const bool inside = std::isfinite(number) && number <= range.high &&
                      (range.open_low ? number > range.low : number >= range.low);
  if (error != std::errc() || end != digits.data() + digits.size() || !inside)
    reject(key, text, allowed<T>(range) + shown_otherwise<T>(text, range, number));
  value = parsed;
}
template <Choice E>
void parse_value(const std::string& key, std::string_view text, E& value) {
  for (const auto& [candidate, name] : EnumNames<E>::table) {
    if (name == text) {
      value = candidate;
      return;
    }
  }
  reject(key, text, allowed<E>());
}
inline void parse_value(const std::string& key, std::string_view text, bool& value) {
  if (text != "true" && text != "false") reject(key, text, allowed<bool>());
  value = text == "true";
}
inline void parse_value(const std::string& key, std::string_view text, std::string& value) {
  // YAML holds nothing else: a run's config.yaml would not read back as it was.
  if (!is_utf8(text)) reject(key, text, "text in UTF-8; a link can give a path another name");
  value = std::string(text);
}
inline void parse_value(const std::string& key, std::string_view text, Duration& value) {
  if (text == "none") {
    value = {};
    return;
  }
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const double factor = unit == "s" ? 1.0 : unit == "m" ? 60.0 : unit == "h" ? 3600.0 : 0.0;
  const double seconds = number * factor;
  if (error != std::errc() || !std::isfinite(seconds) || seconds <= 0.0)
    reject(key, text, allowed<Duration>());
  value.seconds = seconds;
}
/// "60,80", also as YAML writes lists: "[60, 80]".
inline void parse_value(const std::string& key, std::string_view text,
                        std::vector<std::int64_t>& value) {
  std::string_view rest = text;
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  std::vector<std::int64_t> parsed;
  bool fits = true;
  while (fits && rest != "none" && !rest.empty()) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const bool more = rest.size() > 1 && rest.front() == ',';
    fits = error == std::errc() && number > (parsed.empty() ? 0 : parsed.back()) &&
           (more || rest.empty());
    parsed.push_back(number);
    if (more) rest.remove_prefix(1);
  }
  if (!fits) reject(key, text, allowed<std::vector<std::int64_t>>());
  value = std::move(parsed);
}
inline void parse_value(const std::string& key, std::string_view text, Pipeline& value) {
  try {
    value = parse_pipeline(text);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", key, error.what()), error.hint());
  }
}
inline void parse_value(const std::string& key, std::string_view text,
                        std::optional<Pipeline>& value) {
  if (text == "same") {
    value.reset();
    return;
  }
  parse_value(key, text, value.emplace());
}

}  // namespace simclr::detail
