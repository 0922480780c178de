#include "simclr/study/baselines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "simclr/config/schema.h"
#include "simclr/core/files.h"
#include "simclr/core/sha256.h"
#include "simclr/core/version.h"

namespace simclr {
namespace {

/// Whether the setting decides what a random encoder scores. Initial weights are keyed by the seed
/// and the parameter's place, so that head and objective do not matter.
bool decides_a_baseline(const Field& field) {
  constexpr std::array kSections{"data", "knn", "linear", "finetune"};
  constexpr std::array kKeys{"model.arch",   "model.width", "model.stem",
                             "model.engine", "model.conv",  "augment.normalization",
                             "train.seed",   "run.device",  "augment.pipeline"};
  if (field.key() == "data.cache") return false;
  return std::find(kSections.begin(), kSections.end(), field.section) != kSections.end() ||
         std::find(kKeys.begin(), kKeys.end(), field.key()) != kKeys.end();
}

}  // namespace

std::filesystem::path Baselines::file_of(const Settings& settings,
                                         const std::string& protocol) const {
  std::string text = std::string(commit()) + "\n";
  for (const Field& field : all_fields()) {
    if (decides_a_baseline(field)) text += field.key() + "=" + field.get(settings) + "\n";
  }
  Sha256 hash;
  hash.update(text.data(), text.size());
  return folder_ / fmt::format("{}-{}.json", protocol, hash.hex_digest().substr(0, 16));
}

std::optional<std::string> Baselines::find(const Settings& settings,
                                           const std::string& protocol) const {
  const std::filesystem::path file = file_of(settings, protocol);
  if (!std::filesystem::exists(file)) return std::nullopt;
  std::string line = read_file(file);
  while (line.ends_with('\n')) line.pop_back();
  return line;
}

void Baselines::keep(const Settings& settings, const std::string& protocol, const std::string& line,
                     const std::string& writer) const {
  const std::filesystem::path file = file_of(settings, protocol);
  const std::filesystem::path own = file.string() + "." + writer;
  write_file_atomically(own, line + "\n");
  std::filesystem::rename(own, file);
}

}  // namespace simclr
