#include "cli/weights_place.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "simclr/core/error.h"

namespace simclr::cli {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path hub_folder() {
  fs::path home = environment("TORCH_HOME");
  if (home.empty() && !environment("XDG_CACHE_HOME").empty())
    home = fs::path(environment("XDG_CACHE_HOME")) / "torch";
  if (home.empty()) home = fs::path(environment("HOME")) / ".cache" / "torch";
  return home / "hub" / "checkpoints";
}

}  // namespace

std::string find_weights(const std::string& name) {
  if (fs::is_regular_file(name)) return fs::absolute(name).string();
  const bool bare = fs::path(name).filename() == name;
  const fs::path in_hub = hub_folder() / name;
  if (bare && fs::is_regular_file(in_hub)) return fs::absolute(in_hub).string();
  throw Error(ExitCode::kUsage,
              bare ? fmt::format("{}: no such file, here or in {}", name, hub_folder().string())
                   : fmt::format("{}: no such file", name),
              "Give the path of a .safetensors or .pth file.");
}

}  // namespace simclr::cli
