#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/onnxruntime_check.h"
#include "cli/short_waits.h"
#include "simclr/eval/export_run.h"
#include "simclr/weights/convert.h"

namespace simclr::cli {
namespace {

const std::map<std::string, TensorFormat> kFormats{{"safetensors", TensorFormat::kSafetensors},
                                                   {"onnx", TensorFormat::kOnnx},
                                                   {"pytorch", TensorFormat::kPytorch}};

struct ExportCommand {
  ExportRunOptions options;
  std::string format = "safetensors";
  std::string python = "python3";
  bool json = false;
};

std::string difference_line(const ExportResult& result) {
  return fmt::format("checked: {}; largest difference {:.2g} where outputs are up to {:.3g}\n",
                     result.checked_by, result.largest_difference, result.largest_value);
}

std::string onnxruntime_line(const std::optional<OnnxruntimeCheck>& check) {
  if (!check) return "not run by ONNX Runtime: no Python with it was found (--python PATH)\n";
  return fmt::format("checked: ONNX Runtime {}; largest difference {:.2g}\n", check->version,
                     check->largest_difference);
}

void print_text(const ExportedRun& exported, bool onnx,
                const std::optional<OnnxruntimeCheck>& check) {
  fmt::print("{}: {} tensors, encoder {}\n", exported.path.string(), exported.result.tensors,
             exported.encoder_sha256.substr(0, 12));
  fmt::print("{}", difference_line(exported.result));
  if (onnx) fmt::print("{}", onnxruntime_line(check));
  if (exported.probe_accuracy)
    fmt::print("fc: a linear probe of {:.2f} % on test images\n", 100 * *exported.probe_accuracy);
  if (!onnx) fmt::print("In Python it loads strictly into:\n\n{}", exported.python);
}

void run(ExportCommand& command) {
  ExportRunOptions& options = command.options;
  options.how.format = kFormats.at(command.format);
  const bool onnx = options.how.format == TensorFormat::kOnnx;
  const std::filesystem::path path = export_place(options);
  if (onnx) {
    options.out = unchecked_place(path);
    options.overwrite = true;  // what a kill may have left there
  }
  ConsoleSink console;
  ExportedRun exported = export_run(options, console);
  std::optional<OnnxruntimeCheck> check;
  if (onnx) check = check_and_place(exported.path, path, exported.result, command.python);
  exported.path = path;
  if (!command.json) return print_text(exported, onnx, check);
  nlohmann::ordered_json line{{"file", exported.path.string()},
                              {"format", command.format},
                              {"tensors", exported.result.tensors},
                              {"encoder_sha256", exported.encoder_sha256},
                              {"largest_difference", exported.result.largest_difference},
                              {"largest_value", exported.result.largest_value},
                              {"python", exported.python}};
  if (check) line["onnxruntime_difference"] = check->largest_difference;
  if (exported.probe_accuracy) line["probe_accuracy"] = *exported.probe_accuracy;
  fmt::print("{}\n", line.dump());
}

void add_onnx_flags(CLI::App& command, bool& fold, bool& pixels, std::string& python) {
  command.add_flag("--fold-bn", fold, "ONNX: fold batch norms into the convolutions before them");
  command.add_flag("--uint8-input", pixels,
                   "ONNX: take u8 images [batch, side, side, 3], their preparation inside");
  command
      .add_option("--python", python,
                  "ONNX: a Python that may have ONNX Runtime, to run the model too; none: do not")
      ->capture_default_str();
}

struct ConvertCommand {
  std::filesystem::path from;
  std::filesystem::path to;
  ConvertOptions options;
  std::string stem;
  std::string normalization;
  std::string python = "python3";
  bool overwrite = false;
};

void run(ConvertCommand& command) {
  if (std::filesystem::exists(command.to) && !command.overwrite) {
    throw Error(ExitCode::kUsage, fmt::format("{} exists", command.to.string()),
                "Replace it by --overwrite, or name another file.");
  }
  for (const auto& [value, name] : EnumNames<Stem>::table)
    if (name == command.stem) command.options.load.stem = value;
  for (const auto& [value, name] : EnumNames<Normalization>::table)
    if (name == command.normalization) command.options.normalization = value;
  const bool onnx = format_of_name(command.to) == TensorFormat::kOnnx;
  const std::filesystem::path written = onnx ? unchecked_place(command.to) : command.to;
  const Converted converted = convert_file(command.from, written, command.options);
  std::optional<OnnxruntimeCheck> check;
  if (onnx) check = check_and_place(written, command.to, *converted.check, command.python);
  fmt::print("{}: {} tensors\n", command.to.string(), converted.tensors);
  if (!converted.check) {
    fmt::print("checked: read back, every tensor and text equal\n");
    return;
  }
  fmt::print("{}", difference_line(*converted.check));
  fmt::print("{}", onnxruntime_line(check));
}

}  // namespace

void add_export(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("export", "write a run's encoder for other programs, and check the file");
  const auto state = std::make_shared<ExportCommand>();
  ExportRunOptions& options = state->options;
  command->add_option("--run", options.run, "folder of the run")->required()->type_name("DIR");
  command->add_option("--format", state->format, "safetensors, onnx, or pytorch (.pth)")
      ->check(CLI::IsMember({"safetensors", "onnx", "pytorch"}))
      ->capture_default_str();
  command->add_option("--out", options.out, "the file; else exports/encoder.* in the run")
      ->type_name("FILE");
  command->add_option("--checkpoint", options.checkpoint, "which weights: best or last")
      ->check(CLI::IsMember({"best", "last"}))
      ->capture_default_str();
  command->add_flag("--ema", options.average, "the average of the weights, kept by --ema-decay");
  command->add_flag("--with-head", options.how.head, "the projection head (or classifier) too");
  command->add_flag("--with-linear", options.linear,
                    "a linear probe as fc, trained on the run's labelled images");
  add_onnx_flags(*command, options.how.fold_norms, options.how.pixels, state->python);
  command->add_flag("--overwrite", options.overwrite, "replace the file");
  command->add_flag("--json", state->json, "print what was written as JSON");
  command->footer(R"(Examples:
  simclr export --run runs/a                                       safetensors, torchvision's names
  simclr export --run runs/a --format pytorch --with-linear
  simclr export --run runs/a --format onnx --uint8-input --fold-bn --out encoder.onnx)");
  command->callback([state, &context] {
    restart_with_short_waits(context.argv);
    run(*state);
  });
}

void add_convert(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "convert", "write a file of weights in another format, which its ending names");
  const auto state = std::make_shared<ConvertCommand>();
  command->add_option("from", state->from, "a .safetensors, .pth or .onnx file, or a checkpoint")
      ->required();
  command->add_option("to", state->to, "the file to write: .safetensors, .pth or .onnx")
      ->required();
  command->add_option("--stem", state->stem, "to ONNX, of a 3x3 file that does not say its stem")
      ->check(CLI::IsMember({"cifar", "cifar-pool"}));
  command
      ->add_option("--normalization", state->normalization,
                   "to ONNX, of a file that does not say how its images were normalised")
      ->check(CLI::IsMember({"none", "cifar10", "imagenet"}));
  add_onnx_flags(*command, state->options.fold_norms, state->options.pixels, state->python);
  command->add_flag("--overwrite", state->overwrite, "replace the file");
  command->footer(R"(Examples:
  simclr convert resnet18.pth resnet18.safetensors                 every tensor and text is kept
  simclr convert encoder.safetensors encoder.onnx --fold-bn)");
  command->callback([state, &context] {
    restart_with_short_waits(context.argv);
    run(*state);
  });
}

}  // namespace simclr::cli
