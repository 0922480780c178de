#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "simclr/core/error.h"

namespace simclr::cli {

/// What every command is given, and where it leaves its exit code.
struct Context {
  char** argv = nullptr;
  std::string command_line;  ///< as typed, quoted for a shell
  ExitCode result = ExitCode::kOk;
};

// Each adds one subcommand; `context` must outlive the parsing.
void add_demo(CLI::App& app, Context& context);
void add_pretrain(CLI::App& app, Context& context);
void add_evaluations(CLI::App& app, Context& context);  ///< knn, linear, finetune
void add_embed(CLI::App& app, Context& context);
void add_study(CLI::App& app, Context& context);
void add_report(CLI::App& app, Context& context);
void add_plot(CLI::App& app, Context& context);
void add_preview(CLI::App& app, Context& context);
void add_export(CLI::App& app, Context& context);
void add_inspect(CLI::App& app, Context& context);
void add_convert(CLI::App& app, Context& context);
void add_data(CLI::App& app, Context& context);
void add_config(CLI::App& app, Context& context);
void add_bench(CLI::App& app, Context& context);

}  // namespace simclr::cli
