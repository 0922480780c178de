#include "simclr/weights/inspect.h"

#include <ATen/ops/isfinite.h>
#include <ATen/ops/masked_select.h>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/sha256.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

InspectedEncoder inspect_encoder(const std::filesystem::path& path, const TensorFile& file,
                                 const FoundEncoder& found, std::optional<Stem> stem) {
  InspectedEncoder encoder{found, std::nullopt, "", std::nullopt, 0};
  for (const auto& [ours, in_file] : found.names)
    encoder.found_with_prefix_kept += file.tensors().contains(in_file.substr(found.prefix.size()));
  try {
    encoder.info = describe_encoder(path, file, found, stem);
    const SimclrModel model = SimclrModel::contrastive(encoder.info->model, 0);
    encoder.report = compare_encoder(model, file, found);
  } catch (const Error& error) {
    encoder.problem = error.what();
    if (!error.hint().empty()) encoder.problem += ". " + error.hint();
  }
  return encoder;
}

std::string sha256_of(const std::string& bytes) {
  Sha256 digest;
  digest.update(bytes.data(), bytes.size());
  return digest.hex_digest();
}

}  // namespace

TensorStatistics statistics_of(const TensorEntry& entry) {
  TensorStatistics found;
  found.count = 1;
  for (const std::int64_t side : entry.shape) found.count *= side;
  if (found.count == 0) {
    found.measured = true;
    return found;
  }
  at::Tensor values;
  try {
    values = to_tensor(entry).to(at::kDouble).reshape({-1});
  } catch (const Error&) {
    return found;
  }
  found.measured = true;
  found.zeros = values.eq(0.0).sum().item<std::int64_t>();
  const at::Tensor finite = values.masked_select(at::isfinite(values));
  found.not_finite = found.count - finite.numel();
  if (finite.numel() == 0) return found;
  found.mean = finite.mean().item<double>();
  found.norm = finite.norm().item<double>();
  found.smallest = finite.min().item<double>();
  found.largest = finite.max().item<double>();
  return found;
}

Inspection inspect_file(const std::filesystem::path& path, std::optional<Stem> stem) {
  TensorFile file = TensorFile::read(path);
  const std::string bytes = read_file(path);
  Inspection inspection{sha256_of(bytes), bytes.size(), std::move(file), {}};
  for (const FoundEncoder& found : find_encoders(inspection.file.tensors()))
    inspection.encoders.push_back(inspect_encoder(path, inspection.file, found, stem));
  return inspection;
}

}  // namespace simclr
