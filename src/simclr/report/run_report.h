#pragma once

#include <filesystem>
#include <string>

namespace simclr {

/// Writes plots/loss.{png,svg}, plots/accuracy.{png,svg} and report.md into a run folder from its
/// metrics.jsonl, results.jsonl, config.yaml and environment.json: what was run, curves, every
/// result with its protocol, machine, the command to repeat it.
/// @return a note for the user ("gnuplot is not installed: no pictures"), or "" @throws
/// Error(kData) if a file is damaged
std::string write_run_report(const std::filesystem::path& run);

}  // namespace simclr
