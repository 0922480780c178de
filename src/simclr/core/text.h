#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace simclr {

/// The candidate with the smallest edit distance to `word`, or "" if there is none. Ties: the
/// first.
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

/// "Did you mean 'x'? " of the nearest candidate if `word` is its beginning or a slip of it, at
/// most two letters or every third another; else "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// With a to z in place of A to Z.
std::string lower_case(std::string text);

/// Is it UTF-8 from end to end (RFC 3629)?
bool is_utf8(std::string_view bytes);

/// Bytes that people may be shown, whatever they are: control characters (a newline in a file's
/// name), double quotes, backslashes and bytes that are not UTF-8 come out escaped (\n, \", \\,
/// \x1b); the rest as it is. The result is valid UTF-8.
std::string printable(std::string_view bytes);
/// The same for a text that stands in no quotes: double quotes and backslashes as they are.
std::string printable_plain(std::string_view bytes);

/// A text as one cell of a CSV file (RFC 4180): in quotes where it must be.
std::string csv_cell(std::string_view text);

/// A whole number with commas: 60,000.
std::string with_commas(std::uint64_t number);

/// A duration for people: "45 s", "12 min 05 s", "1 h 23 min".
std::string format_duration(double seconds);

}  // namespace simclr
