#include "simclr/train/initial_weights.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "simclr/core/error.h"
#include "simclr/weights/load_encoder.h"
#include "simclr/weights/state.h"

namespace simclr {

InitialWeights load_initial_weights(SimclrModel& model, const PretrainOptions& options) {
  const std::filesystem::path& path = options.init;
  InitialWeights initial;
  if (path.empty()) return initial;
  LoadOptions how;
  how.allow_missing = options.allow_missing;
  const LoadReport report =
      load_encoder(model, options.settings.model, path, TensorFile::read(path), how);
  initial.sha256 = encoder_sha256(model);
  initial.source = fmt::format("{}, encoder SHA-256 {}", std::filesystem::absolute(path).string(),
                               initial.sha256);
  initial.note = fmt::format("Initial weights: {}; the encoder's SHA-256 is {}\n{}", path.string(),
                             initial.sha256.substr(0, 12), report.table());
  return initial;
}

void check_initial_weights(const RunFolder& run, const InitialWeights& given, bool begun) {
  const std::optional<std::string> start = run.start();
  if (!start) return;
  const bool from_file = !given.sha256.empty();
  // The file may lie elsewhere now: the encoder counts.
  if (from_file && !start->ends_with(given.sha256)) {
    throw Error(ExitCode::kUsage,
                fmt::format("{} was started from {}, not from {}", run.path().string(), *start,
                            given.source),
                "Leave --init out, or start a new --out.");
  }
  if (from_file || begun || *start == given.source) return;
  throw Error(ExitCode::kUsage,
              fmt::format("{} was to start from {}, and has no checkpoint yet", run.path().string(),
                          *start),
              "Name that file again by --init.");
}

}  // namespace simclr
