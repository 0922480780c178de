#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/weights/inspect.h"

namespace simclr::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShort = 96;  // characters of one text of metadata, without --json

struct InspectCommand {
  std::filesystem::path file;
  std::string stem;
  bool json = false;
};

/// Lines of the same meaning, for the table and for JSON.
std::string prefix_note(const InspectedEncoder& encoder) {
  if (encoder.found.prefix.empty() || !encoder.report) return "";
  return fmt::format(
      "load_state_dict(strict=False) with '{}' kept would load {} of {} encoder tensors, without a "
      "word; this program loads {}",
      encoder.found.prefix, encoder.found_with_prefix_kept, encoder.report->wanted,
      encoder.report->matched);
}

Json encoder_json(const InspectedEncoder& encoder) {
  Json json{{"prefix", encoder.found.prefix},
            {"names", encoder.found.numbered ? "numbered" : "torchvision"},
            {"tensors", encoder.found.names.size()}};
  if (encoder.info) {
    json["arch"] = name_of(encoder.info->model.arch);
    json["width"] = encoder.info->model.width;
    json["stem"] = name_of(encoder.info->model.stem);
    if (encoder.info->normalization) json["normalization"] = name_of(*encoder.info->normalization);
    if (encoder.info->image_size > 0) json["image_size"] = encoder.info->image_size;
  }
  if (encoder.report) {
    json["loads"] = encoder.report->fits();
    json["matched"] = encoder.report->matched;
    json["wanted"] = encoder.report->wanted;
    for (const LoadReport::Line& line : encoder.report->problems)
      json["problems"].push_back({{"name", line.name}, {"why", line.why}});
    for (const LoadReport::Line& line : encoder.report->notes)
      json["notes"].push_back({{"name", line.name}, {"why", line.why}});
    json["found_with_prefix_kept"] = encoder.found_with_prefix_kept;
  }
  if (!encoder.problem.empty()) json["problem"] = encoder.problem;
  return json;
}

Json tensor_json(const std::string& name, const TensorEntry& entry) {
  Json json{{"name", name}, {"dtype", entry.dtype}, {"shape", entry.shape}};
  const TensorStatistics found = statistics_of(entry);
  if (!found.measured) return json;
  json.update(Json{{"norm", found.norm},
                   {"mean", found.mean},
                   {"min", found.smallest},
                   {"max", found.largest},
                   {"zeros", found.zeros},
                   {"not_finite", found.not_finite}});
  return json;
}

std::string to_json(const std::string& path, const Inspection& inspection) {
  Json json{{"file", path},
            {"format", format_name(inspection.file.format())},
            {"bytes", inspection.bytes},
            {"sha256", inspection.sha256},
            {"encoders", Json::array()},
            {"metadata", inspection.file.metadata()},
            {"tensors", Json::array()}};
  for (const InspectedEncoder& encoder : inspection.encoders)
    json["encoders"].push_back(encoder_json(encoder));
  for (const auto& [name, entry] : inspection.file.tensors())
    json["tensors"].push_back(tensor_json(name, entry));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void print_encoder(const InspectedEncoder& encoder) {
  const std::string behind =
      encoder.found.prefix.empty()
          ? ""
          : fmt::format(" behind '{}'", printable_plain(encoder.found.prefix));
  if (!encoder.info) {
    fmt::print("encoder{}: {}\n", behind, encoder.problem);
    return;
  }
  fmt::print("encoder{}: {}", behind, describe(encoder.info->model));
  if (encoder.info->image_size > 0) fmt::print(", images of {0}x{0}", encoder.info->image_size);
  fmt::print(", normalisation {}\n",
             encoder.info->normalization ? name_of(*encoder.info->normalization) : "not said");
  if (encoder.report) {
    fmt::print("{}: {}\n", encoder.report->fits() ? "  loads" : "  does not load",
               encoder.report->table().substr(2));
  }
  if (const std::string note = prefix_note(encoder); !note.empty()) fmt::print("  {}\n", note);
}

/// One line, cut short: settings and Python lines are whole in --json.
std::string short_text(const std::string& text) {
  const std::string line = text.substr(0, std::min(text.find('\n'), kShort));
  return printable_plain(line) + (line.size() < text.size() ? " ..." : "");
}

/// The settings that a run had, as far as they are not the defaults.
void print_settings(const std::string& yaml) {
  Settings settings;
  try {
    SettingsBuilder builder;
    builder.apply_yaml(yaml, "settings");
    settings = builder.resolve();
  } catch (const Error&) {
    return;  // of another version: --json has the text
  }
  fmt::print("\nsettings that are not the defaults (all by --json)\n");
  for (const std::string& key : differing_keys(Settings{}, settings))
    fmt::print("  {:<28} {}\n", key, printable_plain(find_field(key).get(settings)));
}

void print_text(const std::string& path, const Inspection& inspection) {
  const TensorFile& file = inspection.file;
  fmt::print("{}: {}, {} bytes, {} tensors\nsha256 {}\n", path, format_name(file.format()),
             with_commas(inspection.bytes), file.tensors().size(), inspection.sha256);
  if (inspection.encoders.empty()) fmt::print("no residual encoder is in it\n");
  for (const InspectedEncoder& encoder : inspection.encoders) print_encoder(encoder);
  if (!file.metadata().empty()) fmt::print("\nmetadata (whole by --json)\n");
  for (const auto& [key, value] : file.metadata())
    if (key != "settings") fmt::print("  {:<20} {}\n", printable_plain(key), short_text(value));
  if (file.metadata().contains("settings")) print_settings(file.metadata().at("settings"));
  fmt::print("\n{:<52} {:<5} {:<20} {:>11} {:>11} {:>9}\n", "tensor", "dtype", "shape", "norm",
             "mean", "zeros");
  for (const auto& [name, entry] : file.tensors()) {
    const TensorStatistics found = statistics_of(entry);
    const std::string shape = fmt::format("[{}]", fmt::join(entry.shape, ", "));
    fmt::print("{:<52} {:<5} {:<20} ", printable_plain(name), entry.dtype, shape);
    if (found.measured)
      fmt::print("{:>11.4g} {:>11.4g} {:>9}", found.norm, found.mean, found.zeros);
    fmt::print("{}\n",
               found.not_finite > 0 ? fmt::format("  {} NOT FINITE", found.not_finite) : "");
  }
}

}  // namespace

void add_inspect(CLI::App& app, Context& /*context*/) {
  CLI::App* command = app.add_subcommand(
      "inspect", "what is in a file of weights: encoder, tensors, metadata, whether it loads");
  const auto state = std::make_shared<InspectCommand>();
  command->add_option("file", state->file, "a .safetensors, .pth or .onnx file, or a checkpoint")
      ->required();
  command->add_option("--stem", state->stem, "of a 3x3 file that does not say its stem")
      ->check(CLI::IsMember({"cifar", "cifar-pool"}));
  command->add_flag("--json", state->json, "print as JSON, with all metadata");
  command->footer(R"(Examples:
  simclr inspect runs/a/checkpoints/best.safetensors
  simclr inspect resnet18.pth --json)");
  command->callback([state] {
    std::optional<Stem> stem;
    for (const auto& [value, name] : EnumNames<Stem>::table)
      if (name == state->stem) stem = value;
    const Inspection inspection = inspect_file(state->file, stem);
    if (state->json)
      fmt::print("{}", to_json(state->file.string(), inspection));
    else
      print_text(state->file.string(), inspection);
  });
}

}  // namespace simclr::cli
