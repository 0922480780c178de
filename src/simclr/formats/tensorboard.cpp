#include "simclr/formats/tensorboard.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <protozero/pbf_writer.hpp>

#include "simclr/core/error.h"
#include "simclr/formats/bytes.h"
#include "simclr/formats/crc.h"

namespace simclr {
namespace {

static_assert(std::endian::native == std::endian::little, "TFRecord is little-endian");

using Writer = protozero::pbf_writer;

/// The fields' numbers, from the .proto files.
enum EventField : protozero::pbf_tag_type {
  kWallTime = 1,
  kStep = 2,
  kFileVersion = 3,
  kSummary = 5
};
enum SummaryField : protozero::pbf_tag_type { kValue = 1 };
enum ValueField : protozero::pbf_tag_type {
  kTag = 1,
  kSimpleValue = 2,
  kImage = 4,
  kTensor = 8,
  kMetadata = 9
};
enum ImageField : protozero::pbf_tag_type {
  kHeight = 1,
  kWidth = 2,
  kColorspace = 3,
  kEncodedImage = 4
};
enum TensorField : protozero::pbf_tag_type {
  kDtype = 1,
  kShape = 2,
  kFloatValue = 5,
  kStringValue = 8
};
enum ShapeField : protozero::pbf_tag_type { kDimension = 2 };
enum DimensionField : protozero::pbf_tag_type { kSize = 1 };
enum MetadataField : protozero::pbf_tag_type { kPluginData = 1 };
enum PluginField : protozero::pbf_tag_type { kPluginName = 1, kPluginContent = 2 };
enum HparamsField : protozero::pbf_tag_type { kSessionStart = 3 };
enum SessionField : protozero::pbf_tag_type { kHparams = 1, kStartTime = 5 };
enum MapField : protozero::pbf_tag_type { kMapKey = 1, kMapValue = 2 };
enum JsonField : protozero::pbf_tag_type { kJsonNumber = 2, kJsonString = 3, kJsonBool = 4 };
enum Dtype : std::int32_t { kFloatType = 1, kStringType = 7 };

std::string masked_crc(std::string_view bytes) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const std::uint32_t crc = crc32c({first, bytes.size()});
  const std::uint32_t masked = std::rotr(crc, 15) + 0xA282EAD8U;
  return {reinterpret_cast<const char*>(&masked), sizeof masked};
}

Writer begin_event(std::string& bytes, EventTime time) {
  Writer event(bytes);
  event.add_double(kWallTime, time.unix_seconds);
  if (time.step != 0) event.add_int64(kStep, time.step);
  return event;
}

/// An event of one tagged value, which `fill` writes.
template <class Fill>
std::string event_of(std::string_view tag, EventTime time, const Fill& fill) {
  std::string bytes;
  Writer event = begin_event(bytes, time);
  {
    Writer summary(event, kSummary);
    Writer value(summary, kValue);
    value.add_string(kTag, tag.data(), tag.size());
    fill(value);
  }
  return bytes;
}

void add_plugin(Writer& value, const std::string& name, const std::string& content) {
  Writer metadata(value, kMetadata);
  Writer plugin(metadata, kPluginData);
  plugin.add_string(kPluginName, name);
  if (!content.empty()) plugin.add_bytes(kPluginContent, content);
}

/// The dtype and the shape [1] of a tensor.
void add_type_of_one(Writer& tensor, Dtype dtype) {
  tensor.add_enum(kDtype, dtype);
  Writer shape(tensor, kShape);
  Writer dimension(shape, kDimension);
  dimension.add_int64(kSize, 1);
}

struct JsonWriter {
  void operator()(double value) { out.add_double(kJsonNumber, value); }
  void operator()(bool value) { out.add_bool(kJsonBool, value); }
  void operator()(const std::string& value) { out.add_string(kJsonString, value); }
  Writer& out;
};

std::string session_start(const std::map<std::string, HyperParameter>& settings,
                          double unix_seconds) {
  std::string bytes;
  Writer data(bytes);
  {
    Writer session(data, kSessionStart);
    for (const auto& [name, setting] : settings) {
      Writer entry(session, kHparams);
      entry.add_string(kMapKey, name);
      Writer value(entry, kMapValue);
      std::visit(JsonWriter{value}, setting);
    }
    session.add_double(kStartTime, unix_seconds);
  }
  return bytes;
}

/// Channels by a PNG's colour type: grey, RGB, palette (RGB), grey with alpha, RGB with alpha.
constexpr std::array<std::int32_t, 7> kChannels{1, 0, 3, 3, 2, 0, 4};

struct ImageSize {
  std::uint32_t height = 0;
  std::uint32_t width = 0;
  std::int32_t channels = 0;
};

/// What a PNG's first chunk says.
std::optional<ImageSize> png_size(std::span<const std::uint8_t> png) {
  const auto width = number_at(png, 16, 4, std::endian::big);
  const auto height = number_at(png, 20, 4, std::endian::big);
  const auto colours = number_at(png, 25, 1);
  if (!stands_at(png, 0, "\x89PNG\r\n\x1a\n") || !stands_at(png, 12, "IHDR") || !width || !height ||
      !colours || *colours >= kChannels.size() || kChannels[*colours] == 0)
    return std::nullopt;
  return ImageSize{*height, *width, kChannels[*colours]};
}

std::filesystem::path new_path(const std::filesystem::path& folder, double unix_seconds) {
  const auto seconds = static_cast<std::int64_t>(std::floor(unix_seconds));
  std::filesystem::path path;
  int number = 0;
  do {
    path = folder / fmt::format("events.out.tfevents.{:010}.simclr.{}", seconds, number++);
  } while (std::filesystem::exists(path));
  return path;
}

}  // namespace

TensorBoardWriter::TensorBoardWriter(const std::filesystem::path& folder, double unix_seconds)
    : path_(new_path(folder, unix_seconds)), out_(path_, std::ios::binary) {
  std::string bytes;
  Writer event = begin_event(bytes, {.unix_seconds = unix_seconds});
  event.add_string(kFileVersion, "brain.Event:2");
  append(bytes);
}

void TensorBoardWriter::add_scalar(std::string_view tag, float value, EventTime time) {
  append(event_of(tag, time, [&](Writer& out) { out.add_float(kSimpleValue, value); }));
}

void TensorBoardWriter::add_image(std::string_view tag, std::span<const std::uint8_t> png,
                                  EventTime time) {
  const std::optional<ImageSize> size = png_size(png);
  if (!size) {
    throw Error(ExitCode::kFailed,
                fmt::format("{}: the image '{}' is not a PNG", path_.string(), tag));
  }
  append(event_of(tag, time, [&](Writer& out) {
    Writer image(out, kImage);
    image.add_int32(kHeight, static_cast<std::int32_t>(size->height));
    image.add_int32(kWidth, static_cast<std::int32_t>(size->width));
    image.add_int32(kColorspace, size->channels);
    image.add_bytes(kEncodedImage, reinterpret_cast<const char*>(png.data()), png.size());
  }));
}

void TensorBoardWriter::add_text(std::string_view tag, std::string_view text, EventTime time) {
  append(event_of(tag, time, [&](Writer& out) {
    {
      Writer tensor(out, kTensor);
      add_type_of_one(tensor, kStringType);
      tensor.add_bytes(kStringValue, text.data(), text.size());
    }
    add_plugin(out, "text", "");
  }));
}

void TensorBoardWriter::add_hparams(const std::map<std::string, HyperParameter>& settings,
                                    double unix_seconds) {
  const std::string content = session_start(settings, unix_seconds);
  const EventTime time{.unix_seconds = unix_seconds};
  append(event_of("_hparams_/session_start_info", time, [&](Writer& out) {
    {
      Writer tensor(out, kTensor);  // the plugin wants one, and looks at none of it
      add_type_of_one(tensor, kFloatType);
      tensor.add_float(kFloatValue, 0.0F);
    }
    add_plugin(out, "hparams", content);
  }));
}

void TensorBoardWriter::append(const std::string& event) {
  const std::uint64_t size = event.size();
  std::string record(reinterpret_cast<const char*>(&size), sizeof size);
  record += masked_crc(record);
  record += event;
  record += masked_crc(event);
  out_.write(record.data(), static_cast<std::streamsize>(record.size()));
  if (!out_.flush()) {
    throw Error(ExitCode::kFailed, fmt::format("{}: cannot write", path_.string()),
                "Check that the folder exists, that you may write there and that the disk is not "
                "full.");
  }
}

}  // namespace simclr
