#pragma once

#include <filesystem>
#include <string>

#include "simclr/report/document.h"

namespace simclr {

/// Writes report.html, report.md, tables/results.csv and plots/*.{svg,png,pdf} into a run folder
/// from its metrics.jsonl, results.jsonl, config.yaml, environment.json and pictures.json: what was
/// run, curves, every result with its protocol, pictures of the encoder, machine, the command to
/// repeat it.
/// @return a note for the user ("gnuplot is not installed: no pictures"), or "" @throws
/// Error(kData) if a file is damaged
std::string write_run_report(const std::filesystem::path& run);

/// The same before it is written.
Document run_document(const std::filesystem::path& run);

}  // namespace simclr
