#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "simclr/core/events.h"
#include "simclr/weights/export.h"

namespace simclr {

struct ExportRunOptions {
  std::filesystem::path run;
  std::filesystem::path out;        ///< "": exports/encoder.<ending> in the run
  std::string checkpoint = "best";  ///< or "last"
  bool average = false;             ///< the average of the weights, which ema_decay keeps
  bool overwrite = false;
  bool linear = false;  ///< with the run's linear probe as fc, trained anew by its settings
  ExportOptions how;    ///< all but its classifier
};

struct ExportedRun {
  std::filesystem::path path;
  ExportResult result;
  std::string encoder_sha256;
  std::string python;                    ///< lines that build the module it loads into
  std::optional<double> probe_accuracy;  ///< on test images, with `linear`
};

/// Where export_run() writes. @throws Error(kUsage) if the folder is not a run, or `out` exists
std::filesystem::path export_place(const ExportRunOptions& options);

/// Exports a run's encoder with all that is known of it: stem, normalisation, size of images,
/// classes, data, epochs, settings, its scores in results.jsonl with their protocols, commit,
/// licence.
/// @throws Error(kUsage) if the folder is not a run, has no such checkpoint or average, or `out`
/// exists; Error as export_encoder()
ExportedRun export_run(const ExportRunOptions& options, EventSink& sink);

}  // namespace simclr
