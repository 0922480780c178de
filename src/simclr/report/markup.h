#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Text from outside (names, paths, settings) made safe to stand in Markdown, HTML, CSV or a
// picture.
namespace simclr {

/// Control characters become blanks, bytes that are not UTF-8 become '?', ends are trimmed.
std::string one_line(std::string_view text);

/// Characters (code points) of UTF-8 text.
std::size_t character_count(std::string_view text);

/// Text that Markdown and HTML show as it is, also in a table's cell.
std::string escape_markdown(std::string_view text);

/// Text that HTML shows as it is, between tags and in quoted attributes; on one line.
std::string escape_html(std::string_view text);

/// The same, lines kept as they are: for a pre element.
std::string escape_html_lines(std::string_view text);

/// A fenced block that `text` cannot leave, whatever backquotes it holds.
std::string code_block(std::string_view text, std::string_view language);

/// A line of a Markdown table. Cells are taken as they are.
std::string table_row(const std::vector<std::string>& cells);

/// The line under a table's head: the first column and those of words to the left, numbers to the
/// right.
std::string table_rule(const std::vector<bool>& words);

}  // namespace simclr
