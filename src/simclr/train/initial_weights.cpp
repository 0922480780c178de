#include "simclr/train/initial_weights.h"

#include <fmt/format.h>

#include <sstream>

#include "simclr/weights/load_encoder.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> names;
  std::istringstream in(text);
  for (std::string name; std::getline(in, name, ',');)
    if (!name.empty()) names.push_back(name);
  return names;
}

}  // namespace

void load_initial_weights(SimclrModel& model, const Settings& settings, EventSink& sink) {
  const std::string& path = settings.train.init;
  if (path.empty()) return;
  LoadOptions options;
  options.allow_missing = split_at_commas(settings.train.allow_missing);
  const LoadReport report =
      load_encoder(model, settings.model, path, TensorFile::read(path), options);
  sink.message(fmt::format("Initial weights: {}; the encoder's SHA-256 is {}\n{}", path,
                           encoder_sha256(model).substr(0, 12), report.table()));
}

}  // namespace simclr
