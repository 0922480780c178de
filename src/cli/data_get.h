#pragma once

#include <CLI/CLI.hpp>

namespace simclr::cli {

/// Adds `get` to the command `data`: fetches a published set into the cache folder.
void add_data_get(CLI::App& data);

}  // namespace simclr::cli
