#include "simclr/report/plot.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/commands.h"
#include "simclr/report/curves.h"
#include "simclr/report/metric_plot.h"

namespace simclr::cli {
namespace {

struct PlotCommand {
  std::vector<std::filesystem::path> runs;
  std::vector<std::string> metrics{"val_loss"};
  std::filesystem::path out = "plot";
};

void run(const PlotCommand& command) {
  const Plot plot = metric_plot(command.runs, command.metrics);
  if (command.out.has_parent_path()) std::filesystem::create_directories(command.out.parent_path());
  if (!draw_plot(plot, command.out)) {
    throw Error(ExitCode::kFailed, kNoGnuplot,
                "Install it (Debian: gnuplot-nox); `simclr report` draws charts without it.");
  }
  const std::string stem = command.out.string();
  fmt::print("{}.svg\n{}.png\n{}.pdf\n", stem, stem, stem);
}

}  // namespace

void add_plot(CLI::App& app, Context& context) {
  (void)context;
  CLI::App* command =
      app.add_subcommand("plot", "any metrics of any runs as SVG, PNG and PDF, drawn by gnuplot");
  const auto state = std::make_shared<PlotCommand>();
  command->add_option("runs", state->runs, "folders of runs")->required()->type_name("RUN");
  command
      ->add_option("--metric", state->metrics,
                   "columns of metrics.jsonl: the first solid, the second dashed, others dotted")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B,...")
      ->capture_default_str();
  command->add_option("--out", state->out, "the pictures' name without its ending")
      ->type_name("PATH")
      ->capture_default_str();
  command->footer(R"(Examples:
  simclr plot runs/a runs/b
  simclr plot runs/a --metric val_loss,train_loss --out plots/loss
  simclr plot studies/quick/trials/* --metric val_accuracy)");
  command->callback([state] { run(*state); });
}

}  // namespace simclr::cli
