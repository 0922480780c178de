#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "simclr/config/settings.h"
#include "simclr/eval/protocols.h"

namespace simclr {

/// The settings that decide what a random encoder scores, as one text: head, objective and
/// temperature do not, as initial weights are keyed by the seed and the parameter's place.
std::string baseline_key(const Settings& settings, Protocol protocol);

/// What random encoders scored, kept for the trials that have the same one: arms of different
/// temperatures, batch sizes or heads begin from the same random encoder, and score it once.
class Baselines {
 public:
  explicit Baselines(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// The line of results.jsonl, or nothing if it was not scored yet.
  std::optional<std::string> find(const Settings& settings, Protocol protocol) const;
  /// @param writer  a name that no other process has now: a trial's
  void keep(const Settings& settings, Protocol protocol, const std::string& line,
            const std::string& writer) const;

 private:
  std::filesystem::path file_of(const Settings& settings, Protocol protocol) const;
  std::filesystem::path folder_;
};

}  // namespace simclr
