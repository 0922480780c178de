#include "simclr/weights/encoder_info.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "simclr/augment/presets.h"
#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/text.h"

namespace simclr {
namespace {

using Json = nlohmann::json;
using Metadata = std::map<std::string, std::string>;

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw Error(ExitCode::kData, fmt::format("{}: {}", path.string(), what),
              "Copy the file again, or export it anew.");
}

std::string value_of(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

template <class E>
E choice_of(const std::filesystem::path& path, const Metadata& metadata, const std::string& key) {
  const std::string text = value_of(metadata, key);
  for (const auto& [value, name] : EnumNames<E>::table)
    if (name == text) return value;
  fail(path, fmt::format("'{}' in its metadata is '{}'", key, text));
}

/// A number of metadata; 0 where it is not there.
template <class T>
T number_of(const std::filesystem::path& path, const Metadata& metadata, const std::string& key) {
  const std::string text = value_of(metadata, key);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!text.empty() && (error != std::errc() || end != text.data() + text.size() || !(value >= 0)))
    fail(path, fmt::format("'{}' in its metadata is '{}'", key, printable(text)));
  return value;
}

std::vector<std::string> names_of(const std::filesystem::path& path, const std::string& text) {
  if (text.empty()) return {};
  const Json list = Json::parse(text, nullptr, false);
  std::vector<std::string> names;
  if (!list.is_array()) fail(path, "'classes' in its metadata is no list");
  for (const Json& name : list) {
    if (!name.is_string()) fail(path, "'classes' in its metadata is no list of names");
    names.push_back(name.get<std::string>());
  }
  return names;
}

EncoderInfo exported(const std::filesystem::path& path, const Metadata& metadata) {
  EncoderInfo info;
  info.model.arch = choice_of<Arch>(path, metadata, "arch");
  info.model.width = number_of<double>(path, metadata, "width");
  info.model.stem = choice_of<Stem>(path, metadata, "stem");
  if (metadata.contains("normalization"))
    info.normalization = choice_of<Normalization>(path, metadata, "normalization");
  info.image_size = number_of<std::int64_t>(path, metadata, "image_size");
  info.classes = names_of(path, value_of(metadata, "classes"));
  info.epochs = number_of<std::int64_t>(path, metadata, "epochs");
  info.data = value_of(metadata, "data");
  return info;
}

EncoderInfo of_checkpoint(const std::filesystem::path& path, const Metadata& metadata) {
  SettingsBuilder builder;
  builder.apply_yaml(value_of(metadata, "settings"), path.string());
  const Settings settings = builder.resolve();
  EncoderInfo info;
  info.model = settings.model;
  info.normalization = settings.augment.normalization;
  info.image_size = settings.data.image_size;
  info.epochs = number_of<std::int64_t>(path, metadata, "epoch");
  info.data = settings.data.source;
  return info;
}

/// The stem of a file that says nothing but its shapes.
Stem stem_of(const std::filesystem::path& path, std::int64_t kernel, std::optional<Stem> stem) {
  if (kernel == 7) return Stem::kImageNet;
  if (stem && *stem != Stem::kImageNet) return *stem;
  throw Error(ExitCode::kUsage,
              fmt::format("{}: its first convolution is 3x3; whether a max-pool follows, the file "
                          "does not say",
                          path.string()),
              "Say which: --stem cifar (no max-pool) or --stem cifar-pool.");
}

void check_against_tensors(const std::filesystem::path& path, const EncoderInfo& info,
                           const EncoderShape& shape) {
  const std::int64_t kernel = info.model.stem == Stem::kImageNet ? 7 : 3;
  if (info.model.arch == shape.arch && info.model.width == shape.width &&
      kernel == shape.stem_kernel)
    return;
  fail(path, fmt::format("its metadata says {}, its tensors {}, width {}, a {}x{} stem",
                         describe(info.model), name_of(shape.arch), shape.width, shape.stem_kernel,
                         shape.stem_kernel));
}

}  // namespace

bool says_what_it_is(const TensorFile& file) {
  const std::string format = value_of(file.metadata(), "format");
  return format == kEncoderFormat || format == kCheckpointFormat;
}

EncoderInfo describe_encoder(const std::filesystem::path& path, const TensorFile& file,
                             const FoundEncoder& found, std::optional<Stem> stem) {
  const EncoderShape shape = shape_of(found, file.tensors());
  const std::string format = value_of(file.metadata(), "format");
  EncoderInfo info;
  if (says_what_it_is(file)) {
    info = format == kEncoderFormat ? exported(path, file.metadata())
                                    : of_checkpoint(path, file.metadata());
    check_against_tensors(path, info, shape);
  } else {
    info.model.arch = shape.arch;
    info.model.width = shape.width;
    info.model.stem = stem_of(path, shape.stem_kernel, stem);
  }
  if (stem && *stem != info.model.stem) {
    throw Error(ExitCode::kUsage,
                fmt::format("{}: its stem is {}, not {}", path.string(), name_of(info.model.stem),
                            name_of(*stem)),
                "Give its own --stem, or none.");
  }
  info.model.head = Head::kNone;
  return info;
}

std::map<std::string, std::string> to_metadata(const EncoderInfo& info) {
  Metadata metadata{{"format", kEncoderFormat},
                    {"arch", std::string(name_of(info.model.arch))},
                    {"width", fmt::format("{}", info.model.width)},
                    {"stem", std::string(name_of(info.model.stem))}};
  if (info.normalization) {
    const ChannelStatistics statistics = channel_statistics(*info.normalization);
    metadata["normalization"] = name_of(*info.normalization);
    metadata["mean"] = fmt::format("[{}]", fmt::join(statistics.mean, ", "));
    metadata["deviation"] = fmt::format("[{}]", fmt::join(statistics.deviation, ", "));
  }
  if (info.image_size > 0) metadata["image_size"] = fmt::format("{}", info.image_size);
  if (info.epochs > 0) metadata["epochs"] = fmt::format("{}", info.epochs);
  if (!info.data.empty()) metadata["data"] = info.data;
  if (!info.classes.empty())
    metadata["classes"] = Json(info.classes).dump(-1, ' ', false, Json::error_handler_t::replace);
  return metadata;
}

std::string describe(const ModelSettings& model) {
  return fmt::format("{}, width {}, stem {}", name_of(model.arch), model.width,
                     name_of(model.stem));
}

}  // namespace simclr
