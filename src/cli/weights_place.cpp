#include "cli/weights_place.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "simclr/core/error.h"
#include "simclr/train/run_folder.h"

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

void EncoderFlags::add_to(CLI::App& command) {
  CLI::Option* checkpoint =
      command
          .add_option("--checkpoint", options.checkpoint, "which weights of the run: best or last")
          ->check(CLI::IsMember({"best", "last"}))
          ->capture_default_str();
  command.add_flag("--ema", options.average,
                   "the average of the weights that training kept with --ema-decay");
  CLI::Option* file =
      command
          .add_option(
              "--weights", weights,
              "the encoder of this file instead: an export, a checkpoint, or another program's "
              ".safetensors or .pth; needs no --run, and makes that folder if it is not there")
          ->type_name("FILE")
          ->excludes(checkpoint);
  command.add_option("--stem", stem, "of --weights, if 3x3 and it does not say")
      ->check(CLI::IsMember({"cifar", "cifar-pool"}))
      ->needs(file);
  command
      .add_option("--allow-missing", options.allow_missing,
                  "tensors that --weights may lack, by torchvision's names with commas between "
                  "(bn1.bias,layer4.*); they stay random")
      ->delimiter(',')
      ->type_name("NAMES")
      ->needs(file);
}

ChosenEncoder choose_encoder(const EncoderFlags& encoder, const fs::path& run,
                             const SettingsFlags& flags, const std::string& line) {
  ChosenEncoder chosen{encoder.options, {}};
  chosen.options.run = run;
  if (encoder.weights.empty()) {
    if (run.empty())
      throw Error(ExitCode::kUsage, "which encoder?",
                  "Name its run by --run, or its file by --weights.");
    chosen.settings = flags.resolve((RunFolder::open(run).path() / "config.yaml").string());
    return chosen;
  }
  chosen.options.weights = find_weights(encoder.weights);
  std::optional<Stem> stem;
  for (const auto& [value, name] : EnumNames<Stem>::table)
    if (name == encoder.stem) stem = value;
  const SettingsBuilder builder = flags.build_over(settings_of_weights(chosen.options, stem));
  if (builder.origin(find_field("data.source")) == "default") {
    throw Error(ExitCode::kUsage,
                fmt::format("{} does not say what images it was trained on", encoder.weights),
                "Name some by --data: a folder, an archive, cifar10, or the built-in shapes10.");
  }
  chosen.settings = flags.resolve(builder);
  if (!run.empty() && !fs::exists(run))
    RunFolder::create(run, chosen.settings, line, /*overwrite=*/false);
  return chosen;
}

}  // namespace simclr::cli
