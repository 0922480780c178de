#pragma once

#include <optional>
#include <string>

namespace simclr {

/// Runs gnuplot on `script`, without a shell and without the user's gnuplot settings.
/// @return what the script drew to its standard output; nothing if gnuplot is not installed
/// @throws Error(kFailed) if gnuplot fails, with its words
std::optional<std::string> run_gnuplot(const std::string& script);

/// `text` as one gnuplot string on one line. Everything but letters and blanks is written
/// in octal, which gnuplot reads last: no quote, `command` or macro is left for it to find.
std::string gnuplot_string(const std::string& text);

}  // namespace simclr
