#include "simclr/config/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "simclr/config/fields.h"
#include "simclr/core/error.h"
#include "simclr/core/text.h"

namespace simclr {
namespace {

template <class T>
concept Number = std::is_arithmetic_v<T>;

// ---- one value as text, both ways ----

template <Number T>
std::string to_text(T value) {
  return fmt::format("{}", value);
}
template <class E>
requires std::is_enum_v<E> std::string to_text(E value) { return std::string(name_of(value)); }
std::string to_text(const std::string& value) { return value; }

[[noreturn]] void reject(const std::string& key, std::string_view text, const std::string& wanted) {
  throw Error(ExitCode::kUsage, fmt::format("{} = '{}' is not allowed", key, text),
              fmt::format("Wanted: {}.", wanted));
}

template <Number T>
void from_text(const std::string& key, std::string_view text, const std::string& wanted,
               const Range& range, T& value) {
  T parsed{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  const auto number = static_cast<double>(parsed);
  const bool inside = std::isfinite(number) && number <= range.high &&
                      (range.open_low ? number > range.low : number >= range.low);
  if (error != std::errc() || end != text.data() + text.size() || !inside)
    reject(key, text, wanted);
  value = parsed;
}

template <class E>
void from_text(const std::string& key, std::string_view text, const std::string& wanted, E& value) {
  for (const auto& [candidate, name] : EnumNames<E>::table) {
    if (name == text) {
      value = candidate;
      return;
    }
  }
  reject(key, text, wanted);
}

// ---- what is allowed, in words ----

template <Number T>
std::string allowed(const Range& range) {
  const std::string kind = std::is_integral_v<T> ? "whole number" : "number";
  if (range.high >= 1e9)
    return fmt::format("{} {} {}", kind, range.open_low ? ">" : ">=", range.low);
  return fmt::format("{} in {}{}, {}]", kind, range.open_low ? "(" : "[", range.low, range.high);
}

template <class E>
std::string allowed_names() {
  std::string names;
  for (const auto& [value, name] : EnumNames<E>::table) {
    names += names.empty() ? std::string(name) : fmt::format(" | {}", name);
  }
  return names;
}

// ---- fields ----

/// Walks to the same member of any Settings: the n-th field of the named section.
template <class T>
T& member(Settings& settings, std::string_view section, std::string_view name) {
  T* found = nullptr;
  visit_sections(settings, [&](std::string_view candidate_section, auto& stage) {
    if (candidate_section != section) return;
    visit_fields(stage, [&](const FieldText& text, auto& value, auto...) {
      if constexpr (std::is_same_v<std::remove_reference_t<decltype(value)>, T>) {
        if (text.name == name) found = &value;
      }
    });
  });
  return *found;
}

template <class T, class... R>
Field make_field(std::string_view section, const FieldText& text, const R&... range) {
  Field field;
  field.section = section;
  field.name = text.name;
  field.flag = text.flag.empty() ? std::string(text.name) : std::string(text.flag);
  std::replace(field.flag.begin(), field.flag.end(), '_', '-');
  field.help = text.help;
  if constexpr (Number<T>) {
    field.values = allowed<T>(range...);
  } else if constexpr (std::is_enum_v<T>) {
    field.values = allowed_names<T>();
  } else {
    field.values = "text";
  }
  const std::string key = field.key();
  field.get = [s = field.section, n = field.name](const Settings& settings) {
    Settings copy = settings;
    return to_text(member<T>(copy, s, n));
  };
  field.set = [s = field.section, n = field.name, key, wanted = field.values, range...](
                  Settings& settings, std::string_view value) {
    T& target = member<T>(settings, s, n);
    if constexpr (std::is_same_v<T, std::string>) {
      target = std::string(value);
    } else {
      from_text(key, value, wanted, range..., target);
    }
  };
  return field;
}

/// A stage whose field names stand in another stage too puts its own name before them.
void make_flags_unique(std::vector<Field>& fields) {
  for (auto field = fields.begin(); field != fields.end(); ++field) {
    const bool taken = std::any_of(
        fields.begin(), field, [&](const Field& earlier) { return earlier.flag == field->flag; });
    if (taken) field->flag = field->section + "-" + field->flag;
  }
}

std::vector<Field> make_fields() {
  std::vector<Field> fields;
  Settings settings;
  visit_sections(settings, [&](std::string_view section, auto& stage) {
    visit_fields(stage, [&](const FieldText& text, auto& value, const auto&... range) {
      using T = std::remove_reference_t<decltype(value)>;
      fields.push_back(make_field<T>(section, text, range...));
    });
  });
  make_flags_unique(fields);
  return fields;
}

}  // namespace

const std::vector<Field>& all_fields() {
  static const std::vector<Field> fields = make_fields();
  return fields;
}

const Field& find_field(std::string_view name) {
  std::string flag(name);
  std::replace(flag.begin(), flag.end(), '_', '-');
  std::vector<std::string> known;
  for (const Field& field : all_fields()) {
    if (field.key() == name || field.flag == flag) return field;
    known.push_back(name.find('.') == std::string_view::npos ? field.flag : field.key());
  }
  throw Error(ExitCode::kUsage, fmt::format("there is no setting '{}'", name),
              fmt::format("Did you mean '{}'? `simclr config explain` lists them all.",
                          nearest_name(name, known)));
}

std::vector<std::string> differing_keys(const Settings& a, const Settings& b) {
  std::vector<std::string> keys;
  for (const Field& field : all_fields()) {
    if (field.get(a) != field.get(b)) keys.push_back(field.key());
  }
  return keys;
}

}  // namespace simclr
