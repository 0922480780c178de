#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <exception>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/usage_error.h"
#include "simclr/core/version.h"

namespace simclr::cli {
namespace {

constexpr const char* kAbout =
    "SimCLR (Chen et al. 2020) as one program: learns an encoder from images without labels, and "
    "shows how good it is.";
constexpr const char* kExamples = R"(Start here:
  simclr demo                                         under a minute, nothing to download
  simclr pretrain --data DIR --preset seed --out runs/a
  simclr linear --run runs/a

Exit codes: 0 done, 1 failed, 2 usage or settings, 3 data missing or corrupt, 4 diverged,
75 stopped by a signal with a checkpoint saved.)";

/// The command as one line that a shell reads back.
std::string quoted(int argc, char** argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) {
    const std::string word = i == 0 ? "simclr" : argv[i];
    const bool plain = !word.empty() && word.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789-_=./,:+@%") == std::string::npos;
    std::string escaped;
    for (const char c : word) escaped += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += (i > 0 ? " " : "") + (plain ? word : "'" + escaped + "'");
  }
  return line;
}

int run(int argc, char** argv) {
  CLI::App app(kAbout, "simclr");
  Context context;
  context.argv = argv;
  context.command_line = quoted(argc, argv);
  app.set_version_flag("--version", fmt::format("simclr {} ({})", version(), commit()));
  app.require_subcommand(1);
  app.footer(kExamples);
  add_demo(app, context);
  add_pretrain(app, context);
  add_evaluations(app, context);
  add_embed(app, context);
  add_study(app, context);
  add_report(app, context);
  add_plot(app, context);
  add_preview(app, context);
  add_export(app, context);
  add_inspect(app, context);
  add_convert(app, context);
  add_data(app, context);
  add_config(app, context);
  add_bench(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    const UsageError usage = explain(app, {argv + 1, argv + argc}, error);
    print_error(usage.message, usage.hint);
    return static_cast<int>(ExitCode::kUsage);
  }
  return static_cast<int>(context.result);
}

}  // namespace
}  // namespace simclr::cli

int main(int argc, char** argv) {
  try {
    return simclr::cli::run(argc, argv);
  } catch (const simclr::Error& error) {
    simclr::cli::print_error(error);
    return static_cast<int>(error.code());
  } catch (const c10::Error& error) {
    simclr::cli::print_error(error.what_without_backtrace(), "");
    return static_cast<int>(simclr::ExitCode::kFailed);
  } catch (const std::exception& error) {
    simclr::cli::print_error(error.what(), "");
    return static_cast<int>(simclr::ExitCode::kFailed);
  }
}
