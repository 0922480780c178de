#include "simclr/weights/convert.h"

#include <fmt/format.h>

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "simclr/core/error.h"
#include "simclr/weights/encoder_info.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

using Metadata = std::map<std::string, std::string>;
using Json = nlohmann::json;

/// An ONNX model's counters of batches, which its graph has no place for.
std::map<std::string, std::int64_t> take_counters(Metadata& metadata) {
  std::map<std::string, std::int64_t> counters;
  const auto found = metadata.find(kOnnxCounters);
  if (found == metadata.end()) return counters;
  const Json json = Json::parse(found->second, nullptr, false);
  if (json.is_object()) {
    for (const auto& [name, count] : json.items())
      if (count.is_number_integer()) counters[name] = count.get<std::int64_t>();
  }
  metadata.erase(found);
  return counters;
}

bool equal(const TensorEntry& a, const TensorEntry& b) {
  return a.dtype == b.dtype && a.shape == b.shape && a.bytes == b.bytes &&
         (a.bytes == 0 || std::memcmp(a.data, b.data, a.bytes) == 0);
}

void check(const std::filesystem::path& to,
           const std::vector<std::pair<std::string, TensorEntry>>& tensors,
           const Metadata& metadata) {
  const TensorFile written = TensorFile::read(to);
  bool good = written.tensors().size() == tensors.size() && written.metadata() == metadata;
  for (const auto& [name, entry] : tensors) {
    const auto found = written.tensors().find(name);
    good = good && found != written.tensors().end() && equal(found->second, entry);
  }
  if (good) return;
  throw Error(ExitCode::kFailed, fmt::format("{} was not read back as it was written", to.string()),
              "Its metadata may not be UTF-8; write another format.");
}

/// Whether it is a constant by which our own ONNX models prepare images, and no weight.
bool is_preparation(const TensorFile& file, const std::string& name) {
  return file.format() == TensorFormat::kOnnx && says_what_it_is(file) &&
         (name == "pixel_scale" || name == "pixel_shift");
}

Converted to_tensors(const TensorFile& file, const std::filesystem::path& to) {
  Metadata metadata = file.metadata();
  std::map<std::string, std::int64_t> counters;
  std::vector<std::pair<std::string, TensorEntry>> tensors;
  if (file.format() == TensorFormat::kOnnx) counters = take_counters(metadata);
  for (const auto& [name, entry] : file.tensors())
    if (!is_preparation(file, name)) tensors.emplace_back(name, entry);
  for (const auto& [name, count] : counters)
    tensors.emplace_back(name, TensorEntry{"I64", {}, &count, sizeof count});
  write_tensor_file(to, format_of_name(to), tensors, metadata);
  check(to, tensors, metadata);
  return {tensors.size(), std::nullopt};
}

/// Pixels that are taken for normalised otherwise give other features, without a word.
void settle_normalization(const std::filesystem::path& from, EncoderInfo& info,
                          const ConvertOptions& options) {
  const std::optional<Normalization>& given = options.normalization;
  if (given && info.normalization.value_or(*given) != *given) {
    throw Error(ExitCode::kUsage,
                fmt::format("{}: its images were normalised as {}, not {}", from.string(),
                            name_of(*info.normalization), name_of(*given)),
                "Give its own --normalization, or none.");
  }
  if (given) info.normalization = given;
  if (info.normalization || !options.pixels) return;
  throw Error(
      ExitCode::kUsage,
      fmt::format("{}: how its images were normalised, the file does not say", from.string()),
      "Say how: --normalization imagenet (torchvision's weights), cifar10 or none.");
}

Converted to_onnx(const std::filesystem::path& from, const std::filesystem::path& to,
                  const ConvertOptions& options) {
  OpenedEncoder opened = open_encoder(from, options.load);
  settle_normalization(from, opened.info, options);
  ExportOptions how{
      .format = TensorFormat::kOnnx, .fold_norms = options.fold_norms, .pixels = options.pixels};
  how.classifier = std::move(opened.classifier);
  Metadata metadata = TensorFile::read(from).metadata();
  const ExportResult result = export_encoder(to, opened.model, opened.info, how, metadata);
  return {result.tensors, result};
}

}  // namespace

Converted convert_file(const std::filesystem::path& from, const std::filesystem::path& to,
                       const ConvertOptions& options) {
  if (format_of_name(to) == TensorFormat::kOnnx) return to_onnx(from, to, options);
  if (options.fold_norms || options.pixels || options.normalization) {
    throw Error(ExitCode::kUsage, fmt::format("{} will hold weights, not operations", to.string()),
                "Norms are folded, and images prepared, in .onnx files only.");
  }
  return to_tensors(TensorFile::read(from), to);
}

}  // namespace simclr
