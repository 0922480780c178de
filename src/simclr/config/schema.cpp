#include "simclr/config/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "simclr/config/fields.h"
#include "simclr/config/value_text.h"
#include "simclr/core/error.h"
#include "simclr/core/text.h"

namespace simclr {
namespace {

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
  field.values = detail::allowed<T>(range...);
  const std::string key = field.key();
  field.get = [s = field.section, n = field.name](const Settings& settings) {
    Settings copy = settings;
    return detail::value_text(member<T>(copy, s, n));
  };
  field.set = [s = field.section, n = field.name, key, range...](Settings& settings,
                                                                 std::string_view value) {
    detail::parse_value(key, value, range..., member<T>(settings, s, n));
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
              did_you_mean(name, known) + "`simclr config explain` lists them all.");
}

std::vector<std::string> differing_keys(const Settings& a, const Settings& b) {
  std::vector<std::string> keys;
  for (const Field& field : all_fields()) {
    if (field.get(a) != field.get(b)) keys.push_back(field.key());
  }
  return keys;
}

std::string forbidden_changes(const Settings& before, const Settings& now,
                              const std::function<bool(const std::string& key)>& may_change) {
  std::string changes;
  for (const std::string& key : differing_keys(before, now)) {
    if (may_change(key)) continue;
    const Field& field = find_field(key);
    changes += fmt::format("\n  {}: {} there, {} now", key, field.get(before), field.get(now));
  }
  return changes;
}

}  // namespace simclr
