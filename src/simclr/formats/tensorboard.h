#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace simclr {

/// Where an event stands: TensorBoard's horizontal axes.
struct EventTime {
  std::int64_t step = 0;
  double unix_seconds = 0.0;  ///< since 1970, UTC
};

using HyperParameter = std::variant<double, bool, std::string>;

/// Appends events to a TensorBoard event file, each flushed to the system before the call returns:
/// a viewer sees them at once, and a killed program loses none that was written.
/// Framing: TFRecord (length, masked CRC-32C, bytes, masked CRC-32C). Events: event.proto and
/// summary.proto of https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto
/// Every function throws Error(kFailed), naming the file, if it cannot be written.
class TensorBoardWriter {
 public:
  /// Begins a new file in `folder`, events.out.tfevents.<seconds>.simclr.<number>; those that are
  /// there stay as they are, and TensorBoard shows all of them as one run.
  TensorBoardWriter(const std::filesystem::path& folder, double unix_seconds);

  const std::filesystem::path& path() const { return path_; }

  void add_scalar(std::string_view tag, float value, EventTime time);

  /// A whole PNG file. @throws Error(kFailed) if it does not begin as one
  void add_image(std::string_view tag, std::span<const std::uint8_t> png, EventTime time);

  /// Text is shown as Markdown.
  void add_text(std::string_view tag, std::string_view text, EventTime time);

  /// The run's settings, for the tab HParams: once, at the start.
  void add_hparams(const std::map<std::string, HyperParameter>& settings, double unix_seconds);

 private:
  void append(const std::string& event);

  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace simclr
