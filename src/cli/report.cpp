#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/short_waits.h"
#include "simclr/report/run_report.h"
#include "simclr/report/runs_as_study.h"
#include "simclr/report/study_report.h"
#include "simclr/study/picture_data.h"
#include "simclr/train/run_folder.h"

namespace simclr::cli {
namespace {

namespace fs = std::filesystem;

struct ReportCommand {
  std::vector<fs::path> inputs;
  fs::path out;
  bool pictures = true;
};

bool is_study(const fs::path& folder) { return fs::exists(folder / "study.json"); }

/// What a report shows of the encoder itself, computed once from the checkpoint.
void make_picture_data(const fs::path& run, EventSink& sink) {
  if (fs::exists(run / "pictures.json") || !fs::exists(run / "checkpoints/best.safetensors"))
    return;
  write_picture_data(run, sink);
}

void run(ReportCommand& command) {
  ConsoleSink console;
  std::vector<fs::path> runs;
  for (const fs::path& input : command.inputs) {
    if (is_study(input)) {
      if (command.inputs.size() > 1) {
        for (const TrialRecord& trial : read_study_records(input).trials)
          if (trial.records && trial.stage == "done") runs.push_back(trial.run);
      }
      continue;
    }
    RunFolder::open(input);  // says so if it is no run
    if (command.pictures) make_picture_data(input, console);
    runs.push_back(input);
  }
  if (command.inputs.size() == 1 && is_study(command.inputs[0])) {
    fmt::print("{}", write_study_report(command.inputs[0]));
    return;
  }
  if (command.inputs.size() == 1) {
    const std::string note = write_run_report(command.inputs[0]);
    if (!note.empty()) console.message(note);
    fmt::print("Report: {}\n", (command.inputs[0] / "report.html").string());
    return;
  }
  const StudyRecords study = runs_as_study(runs);
  const fs::path out = command.out.empty() ? fs::path("reports/comparison") : command.out;
  fs::create_directories(out);
  fmt::print("{}", write_comparison(study, out));
}

}  // namespace

void add_report(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "report", "one self-contained report.html of a run, of a study, or of several side by side");
  const auto state = std::make_shared<ReportCommand>();
  command->add_option("inputs", state->inputs, "folders of runs and studies")
      ->required()
      ->type_name("RUN|STUDY");
  command
      ->add_option("--out", state->out,
                   "folder of the report where several are compared; one is reported in its own "
                   "folder (default: reports/comparison)")
      ->type_name("DIR");
  command->add_flag(
      "!--no-pictures", state->pictures,
      "no embedding, neighbours, confusion matrix and filters: they need the encoder");
  command->footer(R"(Examples:
  simclr report runs/a
  simclr report studies/quick
  simclr report runs/a runs/b runs/c --out reports/abc)");
  command->callback([state, &context] {
    restart_with_short_waits(context.argv);
    run(*state);
  });
}

}  // namespace simclr::cli
