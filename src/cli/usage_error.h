#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace simclr::cli {

/// What is wrong with a command line, and what to do next.
struct UsageError {
  std::string message;
  std::string hint;
};

/// @param app    as its parse left it
/// @param words  of the command line, without the program
UsageError explain(const CLI::App& app, const std::vector<std::string>& words,
                   const CLI::ParseError& error);

}  // namespace simclr::cli
