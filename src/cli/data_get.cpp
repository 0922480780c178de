#include "cli/data_get.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "cli/console.h"
#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/data/cache_folder.h"
#include "simclr/data/download.h"
#include "simclr/data/known_sets.h"

namespace simclr::cli {
namespace {

struct GetCommand {
  std::string name;
  std::string url;
  std::string sha256;
  std::string out;
};

KnownSet known_set(const std::string& name) {
  if (const auto set = find_known_set(name)) return *set;
  std::vector<std::string> names;
  for (const KnownSet& set : known_sets()) names.emplace_back(set.name);
  throw Error(ExitCode::kUsage, fmt::format("{}: no set of that name", printable(name)),
              fmt::format("{}Known are: {}. Other images need no fetching: give their folder or "
                          "archive with --data PATH.",
                          did_you_mean(name, names), fmt::join(names, ", ")));
}

/// Where the set is to stand: in a folder under the name that its publisher gave it.
std::filesystem::path target_of(const GetCommand& command, const KnownSet& set) {
  if (command.out.empty()) return cache_folder() / set.file;
  const std::filesystem::path out = command.out;
  std::error_code ignored;
  const bool folder = !out.has_filename() || std::filesystem::is_directory(out, ignored);
  return folder ? out / set.file : out;
}

/// In lower case, as checksums are compared.
std::string checked_sha256(const std::string& text) {
  constexpr std::size_t kDigits = 64;
  const bool hexadecimal = text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (hexadecimal && text.size() == kDigits) return lower_case(text);
  throw Error(ExitCode::kUsage, fmt::format("--sha256 {}: no SHA-256", printable(text)),
              "It has 64 hexadecimal digits; `sha256sum FILE` tells that of a file.");
}

void get(const GetCommand& command) {
  const KnownSet set = known_set(command.name);
  const std::filesystem::path target = target_of(command, set);
  DownloadRequest request{std::string(set.url), target, std::string(set.md5), "", set.size};
  if (!command.url.empty()) request.url = command.url;
  if (!command.sha256.empty())
    request = {request.url, target, "", checked_sha256(command.sha256), 0};
  ConsoleSink console;
  download(request, console);
  fmt::print("{}\n", target.string());
}

}  // namespace

void add_data_get(CLI::App& data) {
  CLI::App* command = data.add_subcommand("get", "fetch a published set into the cache folder");
  const auto state = std::make_shared<GetCommand>();
  command->add_option("name", state->name, "cifar10, cifar100 or stl10")->required();
  CLI::Option* url =
      command->add_option("--url", state->url, "fetch from here instead of from the publisher");
  command
      ->add_option("--sha256", state->sha256,
                   "the file at --url has this checksum, instead of the published size and MD5")
      ->needs(url);
  command->add_option("--out", state->out,
                      "keep it under this name, or in this folder, instead of in the cache folder");
  command->footer(
      "The cache folder is $SIMCLR_HOME, else $XDG_CACHE_HOME/simclr, else ~/.cache/simclr.\n"
      "A fetch that was broken off is gone on with; the file stands under its name only once its\n"
      "checksum is right, wherever it came from.");
  command->callback([state] { get(*state); });
}

}  // namespace simclr::cli
