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

void add_weights_options(CLI::App& command, std::string& weights, std::string& stem) {
  command
      .add_option(
          "--weights", weights,
          "the encoder of this file instead of a checkpoint: an export, or another program's "
          ".safetensors or .pth; --run is then made if it is not there")
      ->type_name("FILE");
  command.add_option("--stem", stem, "of --weights, if 3x3 and it does not say")
      ->check(CLI::IsMember({"cifar", "cifar-pool"}));
}

void make_run_of_weights(const RunEncoderOptions& options, const SettingsFlags& flags,
                         const std::string& stem, const std::string& line) {
  if (fs::exists(options.run)) return;
  Settings settings = flags.resolve();
  if (!stem.empty()) find_field("model.stem").set(settings, stem);
  create_run_of_weights(options, settings, line);
}

}  // namespace simclr::cli
