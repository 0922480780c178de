#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/formats/tensor_file.h"
#include "simclr/weights/encoder_names.h"

namespace simclr {

inline constexpr const char* kEncoderFormat = "simclr encoder 1";
inline constexpr const char* kCheckpointFormat = "simclr checkpoint 1";

/// What a file of weights says of its encoder, in its metadata or by its tensors.
struct EncoderInfo {
  ModelSettings model;                         ///< arch, width and stem; no head
  std::optional<Normalization> normalization;  ///< of its images; nothing: the file does not say
  std::int64_t image_size = 0;                 ///< S it was trained on; 0: the file does not say
  std::vector<std::string> classes;            ///< of its classifier, or of its data
  std::int64_t epochs = 0;                     ///< whole ones; 0: unknown
  std::string data;                            ///< the source's name; "": unknown
};

/// Is it an export or a checkpoint of this program, with metadata that says what is in it?
bool says_what_it_is(const TensorFile& file);

/// Reads the metadata of our exports and checkpoints; of other files arch, width and stem are told
/// by names and shapes.
/// @param stem  of a file that does not say: needed where the first convolution is 3x3
/// @throws Error(kData) naming the file: metadata that is damaged or contradicts the tensors;
///         Error(kUsage) where `stem` is needed, or contradicts the file
EncoderInfo describe_encoder(const std::filesystem::path& path, const TensorFile& file,
                             const FoundEncoder& found, std::optional<Stem> stem);

/// The metadata that describe_encoder() reads back.
std::map<std::string, std::string> to_metadata(const EncoderInfo& info);

/// "resnet18, width 1, stem imagenet"
std::string describe(const ModelSettings& model);

}  // namespace simclr
