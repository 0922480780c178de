#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "simclr/formats/tensor_file.h"
#include "simclr/model/simclr_model.h"
#include "simclr/weights/encoder_info.h"
#include "simclr/weights/encoder_names.h"

namespace simclr {

struct LoadOptions {
  std::optional<Stem> stem =
      std::nullopt;  ///< of a file that does not say, its first convolution 3x3
  /// Of the encoder's tensors, by torchvision's names ("bn1.bias", or "bn1.*"), those that the file
  /// may lack; they keep the values they have.
  std::vector<std::string> allow_missing = {};
  bool average = false;  ///< an average of the weights, which the file must then have
  EngineKind engine = EngineKind::kAuto;  ///< what will compute an opened encoder
};

/// What of a file went where.
struct LoadReport {
  struct Line {
    std::string name;
    std::string why;
  };
  std::string prefix;              ///< before the names of the encoder's tensors
  std::string scheme;              ///< how they are named, in words
  std::size_t wanted = 0;          ///< tensors of the encoder
  std::size_t matched = 0;         ///< of them, those that the file has
  std::vector<Line> problems;      ///< lacking, of another shape, or not this encoder's
  std::vector<Line> notes;         ///< converted, not finite, allowed to be missing
  std::vector<Line> left_in_file;  ///< not the encoder's, a line for each group of names

  bool fits() const { return problems.empty(); }
  /// Several lines: how many matched, what did not on either side, and why.
  std::string table() const;
};

/// Compares a file with a model's encoder; loads nothing. @param found  of find_encoders()
LoadReport compare_encoder(const SimclrModel& model, const TensorFile& file,
                           const FoundEncoder& found, const LoadOptions& options = {});

/// Loads the encoder of a file of any format into a model, or nothing at all; the head keeps its
/// weights. Tensors of other floating types are converted to f32, which the report notes.
/// @param settings  the model's  @param path  for messages
/// @throws Error(kData) with the report's table if something does not match; Error(kUsage) if the
/// file's encoder is of another architecture, width or stem
LoadReport load_encoder(SimclrModel& model, const ModelSettings& settings,
                        const std::filesystem::path& path, const TensorFile& file,
                        const LoadOptions& options = {});

/// scores = x weight^T + bias
struct LinearClassifier {
  at::Tensor weight;  ///< f32 [classes, F]
  at::Tensor bias;    ///< f32 [classes]
};

/// An encoder from a file alone.
struct OpenedEncoder {
  SimclrModel model;  ///< in eval mode, without a head
  EncoderInfo info;
  LoadReport report;
  std::optional<LinearClassifier> classifier;  ///< its fc.weight and fc.bias
};

/// Opens the encoder of a checkpoint, an export or a file of torchvision, timm, lightly, solo-learn
/// or the like: architecture, stem, images' size and normalisation from what the file says, weights
/// loaded strictly.
/// @throws Error as TensorFile::read(), describe_encoder() and load_encoder() do; Error(kData) if
/// there is no encoder in it
OpenedEncoder open_encoder(const std::filesystem::path& path, const LoadOptions& options = {});

/// The encoder to take from a file. @throws Error(kData), with the names that are there, if it has
/// none; Error(kUsage) if it has no `average`
FoundEncoder find_encoder(const std::filesystem::path& path, const TensorFile& file,
                          bool average = false);

}  // namespace simclr
