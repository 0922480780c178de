#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "simclr/formats/tensor_file.h"
#include "simclr/weights/load_encoder.h"

namespace simclr {

/// Of a tensor's values. Of dtypes without arithmetic (8-bit floats, complex) only count is known.
struct TensorStatistics {
  std::int64_t count = 0;
  bool measured = false;
  std::int64_t not_finite = 0;
  std::int64_t zeros = 0;
  double mean = 0.0;  ///< of the finite ones, as all that follow
  double norm = 0.0;  ///< Euclidean
  double smallest = 0.0;
  double largest = 0.0;
};

TensorStatistics statistics_of(const TensorEntry& entry);

/// An encoder that a file holds, and whether it would load.
struct InspectedEncoder {
  FoundEncoder found;
  std::optional<EncoderInfo> info;  ///< nothing: `problem` says why it cannot be opened
  std::string problem;
  std::optional<LoadReport> report;  ///< of loading it into a model of its own description
  /// How many of its tensors `load_state_dict(..., strict=False)` finds if the names are handed on
  /// with their prefix: as a rule none, and nobody is told.
  std::size_t found_with_prefix_kept = 0;
};

struct Inspection {
  std::string sha256;
  std::uintmax_t bytes = 0;
  TensorFile file;
  std::vector<InspectedEncoder> encoders;  ///< the one that is taken first
};

/// Reads a file of weights, whole. @param stem  of a file that does not say
/// @throws Error(kData) as TensorFile::read()
Inspection inspect_file(const std::filesystem::path& path, std::optional<Stem> stem = std::nullopt);

}  // namespace simclr
