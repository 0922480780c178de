#include "simclr/study/baselines.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "simclr/config/schema.h"
#include "simclr/core/files.h"
#include "simclr/core/sha256.h"
#include "simclr/core/version.h"
#include "simclr/eval/finetune.h"

namespace simclr {
namespace {

/// Whether the protocol looks at random views of an image: then the pipeline, whose crop they
/// share, decides too.
bool draws_views(const Settings& settings, Protocol protocol) {
  if (protocol == Protocol::kLinear) return settings.linear.protocol == LinearProtocol::kSgd;
  return protocol == Protocol::kFinetune && views_of(settings.finetune) != FinetuneViews::kNone;
}

}  // namespace

std::string baseline_key(const Settings& settings, Protocol protocol) {
  std::vector<std::string> wanted{"data",         "eval",        std::string(name_of(protocol)),
                                  "model.arch",   "model.width", "model.stem",
                                  "model.engine", "model.conv",  "augment.normalization",
                                  "train.seed",   "run.device"};
  if (draws_views(settings, protocol)) wanted.emplace_back("augment");
  if (settings.eval.on == ScoredVectors::kProjection) wanted.emplace_back("model");
  std::string text;
  for (const Field& field : all_fields()) {
    if (field.key() == "data.cache") continue;
    const bool decides = std::any_of(wanted.begin(), wanted.end(), [&](const std::string& name) {
      return field.section == name || field.key() == name;
    });
    if (decides) text += field.key() + "=" + field.get(settings) + "\n";
  }
  return text;
}

std::filesystem::path Baselines::file_of(const Settings& settings, Protocol protocol) const {
  const std::string text = std::string(commit()) + "\n" + baseline_key(settings, protocol);
  Sha256 hash;
  hash.update(text.data(), text.size());
  return folder_ / fmt::format("{}-{}.json", name_of(protocol), hash.hex_digest().substr(0, 16));
}

std::optional<std::string> Baselines::find(const Settings& settings, Protocol protocol) const {
  const std::filesystem::path file = file_of(settings, protocol);
  if (!std::filesystem::exists(file)) return std::nullopt;
  std::string line = read_file(file);
  while (line.ends_with('\n')) line.pop_back();
  return line;
}

void Baselines::keep(const Settings& settings, Protocol protocol, const std::string& line,
                     const std::string& writer) const {
  const std::filesystem::path file = file_of(settings, protocol);
  const std::filesystem::path own = file.string() + "." + writer;
  write_file_atomically(own, line + "\n");
  std::filesystem::rename(own, file);
}

}  // namespace simclr
