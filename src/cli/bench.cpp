#include "cli/bench.h"

#include <memory>

#include "cli/commands.h"
#include "cli/settings_flags.h"
#include "simclr/core/error.h"

namespace simclr::cli {
namespace {

struct LoaderCommand {
  explicit LoaderCommand(CLI::App& command) : settings(command, {"data", "augment"}) {}

  SettingsFlags settings;
  BenchLoaderOptions options;
};

struct StepCommand {
  explicit StepCommand(CLI::App& command) : settings(command, {"model", "loss", "optim"}) {}

  SettingsFlags settings;
  BenchStepOptions options;
};

void add_step(CLI::App& bench) {
  CLI::App* command = bench.add_subcommand("step", "whole training steps, and where time goes");
  const auto state = std::make_shared<StepCommand>(*command);
  BenchStepOptions& options = state->options;
  command->add_option("--views", options.views, "views in a step: two for each image")
      ->check(CLI::Range(2, 131072))
      ->capture_default_str();
  command->add_option("--side", options.side, "side of the views")
      ->check(CLI::Range(8, 1024))
      ->capture_default_str();
  command->add_option("--threads", options.threads, "0 takes every core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_option("--steps", options.steps, "timed steps")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--warm-up", options.warm_up, "steps before them")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      ->add_option("--simd", options.simd, "instruction set of our kernels: avx2, avx3 (AVX-512)")
      ->type_name("NAME");
  command->add_flag("--forward", options.forward_only,
                    "only the encoder's forward pass, as evaluations use it");
  command->add_flag("--json", options.json, "print as JSON");
  command->footer(R"(Examples:
  simclr bench step
  simclr bench step --stem cifar --views 256 --engine torch
  simclr bench step --forward --views 256 --json)");
  command->callback([state] { bench_step(state->settings.resolve(), state->options); });
}

void add_loss(CLI::App& bench) {
  CLI::App* command =
      bench.add_subcommand("loss", "NT-Xent's time and memory against the number of views");
  const auto options = std::make_shared<BenchLossOptions>();
  command->add_option("--views", options->views, "views in a batch, one or more")
      ->check(CLI::Range(2, 1048576))
      ->delimiter(',');
  command->add_option("--width", options->width, "of the projections")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command->add_option("--temperature", options->temperature)
      ->check(CLI::Range(0.001, 100.0))
      ->capture_default_str();
  command->add_option("--threads", options->threads, "0 takes every core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_option("--runs", options->runs, "timed, of each number of views")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_flag("--json", options->json, "print as JSON");
  command->footer("Examples:\n  simclr bench loss\n  simclr bench loss --views 4096,65536 --json");
  command->callback([options] {
    for (const std::int64_t views : options->views) {
      if (views % 2 == 0) continue;
      throw Error(ExitCode::kUsage, "--views must be even: two of each image");
    }
    bench_loss(*options);
  });
}

void add_conv(CLI::App& bench) {
  CLI::App* command = bench.add_subcommand(
      "conv", "convolutions by every algorithm: whether the table still holds");
  const auto options = std::make_shared<BenchConvOptions>();
  command->add_option("--views", options->views, "images in a batch")
      ->check(CLI::Range(2, 65536))
      ->capture_default_str();
  command->add_option("--threads", options->threads, "0 takes every core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_option("--seconds", options->seconds, "of measuring, an algorithm and pass")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  command->add_flag("--json", options->json, "print as JSON");
  command->footer("Examples:\n  simclr bench conv\n  simclr bench conv --views 512 --json");
  command->callback([options] { bench_conv(*options); });
}

struct CurvesCommand {
  explicit CurvesCommand(CLI::App& command)
      : settings(command, {"data", "augment", "model", "loss", "optim", "train", "run"}) {}

  SettingsFlags settings;
  BenchCurvesOptions options;
};

void add_curves(CLI::App& bench) {
  CLI::App* command = bench.add_subcommand(
      "curves", "the loss by both engines, beside what rounding alone does to it");
  const auto state = std::make_shared<CurvesCommand>(*command);
  command->add_option("--steps", state->options.steps, "of each training")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--window", state->options.window, "steps whose losses are averaged")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_flag("--json", state->options.json, "print as JSON");
  command->footer(R"(Examples:
  simclr bench curves
  simclr bench curves --preset seed --data cifar10 --batch-size 64 --json)");
  command->callback([state] { bench_curves(state->settings.resolve(), state->options); });
}

void add_augment(CLI::App& bench) {
  CLI::App* command = bench.add_subcommand(
      "augment", "every operation and pipeline, beside torchvision's where Python has it");
  const auto options = std::make_shared<BenchAugmentOptions>();
  command->add_option("--side", options->side, "side of the views")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--image-side", options->image_side, "side of the pictures; 0: as the views")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command->add_option("--seconds", options->seconds, "of measuring, for each row and side")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  command->add_option("--only", options->only, "these pipelines instead of all: seed, [flip]")
      ->type_name("PIPELINE")
      ->allow_extra_args(false);
  command->add_flag("--jpeg", options->only_jpeg, "only the views of decoded JPEGs");
  command->add_option("--image", options->image, "a JPEG to decode instead of made ones")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  command
      ->add_option("--python", options->python, "a Python with torchvision; none: do not compare")
      ->type_name("NAME");
  command->add_flag("--json", options->json, "print as JSON");
  command->footer(R"(Examples:
  simclr bench augment
  simclr bench augment --only seed --only seed+noise --seconds 3 --json)");
  command->callback([options] { bench_augment(*options); });
}

void add_loader(CLI::App& bench) {
  CLI::App* command = bench.add_subcommand("loader", "batches of views, by number of workers");
  const auto state = std::make_shared<LoaderCommand>(*command);
  BenchLoaderOptions& options = state->options;
  command->add_option("--workers", options.workers, "numbers of workers, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(0, 256))
      ->type_name("N,N,...");
  command->add_option("--batch-size", options.batch_size, "images of a batch")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command->add_option("--seconds", options.seconds, "of measuring, for each number of workers")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  command
      ->add_option("--views-per-second", options.views_per_second,
                   "what training takes (its log says): compare with it")
      ->check(CLI::PositiveNumber);
  command->add_flag("--json", options.json, "print as JSON");
  command->footer(R"(Examples:
  simclr bench loader
  simclr bench loader --workers 0,1,2 --views-per-second 900)");
  command->callback([state] { bench_loader(state->settings.resolve(), state->options); });
}

void add_eval(CLI::App& bench, const std::string& name, const std::string& about,
              void (*run)(const BenchEvalOptions&)) {
  CLI::App* command = bench.add_subcommand(name, about);
  const auto options = std::make_shared<BenchEvalOptions>();
  command->add_option("--bank", options->bank, "features of training images")
      ->check(CLI::Range(200, 10'000'000))
      ->capture_default_str();
  command->add_option("--queries", options->queries, "features of test images")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command->add_option("--width", options->width, "numbers in a feature")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command->add_option("--classes", options->classes)
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  command->add_option("--threads", options->threads, "0 takes every core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_option("--rounds", options->rounds, "the median of so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_flag("--json", options->json, "print as JSON");
  command->footer("Examples:\n  simclr bench " + name + "\n  simclr bench " + name +
                  " --bank 10000 --queries 1000 --json");
  command->callback([options, run] { run(*options); });
}

}  // namespace

void add_bench(CLI::App& app, Context& /*context*/) {
  CLI::App* command =
      app.add_subcommand("bench", "how fast this machine trains, makes views and scores");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n  simclr bench step\n  simclr bench augment\n  simclr bench loader --workers "
      "0,1,2");
  add_step(*command);
  add_loss(*command);
  add_conv(*command);
  add_curves(*command);
  add_augment(*command);
  add_loader(*command);
  add_eval(*command, "knn", "nearest neighbours of made features", bench_knn);
  add_eval(*command, "probe", "the L-BFGS probe and its choice of L2 on made features",
           bench_probe);
}

}  // namespace simclr::cli
