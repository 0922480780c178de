#include "simclr/train/initial_weights.h"

#include <fmt/format.h>

#include "simclr/weights/load_encoder.h"
#include "simclr/weights/state.h"

namespace simclr {

void load_initial_weights(SimclrModel& model, const PretrainOptions& options, EventSink& sink) {
  const std::filesystem::path& path = options.init;
  if (path.empty()) return;
  LoadOptions how;
  how.allow_missing = options.allow_missing;
  const LoadReport report =
      load_encoder(model, options.settings.model, path, TensorFile::read(path), how);
  sink.message(fmt::format("Initial weights: {}; the encoder's SHA-256 is {}\n{}", path.string(),
                           encoder_sha256(model).substr(0, 12), report.table()));
}

}  // namespace simclr
