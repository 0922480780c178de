#include "simclr/train/run_folder.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/headeronly/version.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/version.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

/// config.yaml last: until everything else is gone it is a run, which can be overwritten.
constexpr std::array kRunEntries{
    "command.txt",   "environment.json",    "train.log", "metrics.jsonl", "metrics.csv",
    "checkpoints",   "results.jsonl",       "plots",     "report.md",     "report.html",
    "skipped.jsonl", "evaluations",         "exports",   "pictures.json", "tables",
    "images.json",   "training_images.npy", "init.txt",  "config.yaml"};

bool is_run(const fs::path& path) { return fs::is_regular_file(path / "config.yaml"); }

/// Whether there is nothing but what create() makes before config.yaml, as a kill may leave it.
bool is_bare(const fs::path& path) {
  if (!fs::is_directory(path)) return false;
  const auto is_beginning = [](const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    if (name == "checkpoints" || name == "plots") return fs::is_empty(entry.path());
    return name == "init.txt" || name == "init.txt.partial" || name == "config.yaml.partial";
  };
  return std::all_of(fs::directory_iterator(path), fs::directory_iterator(), is_beginning);
}

void make_room(const fs::path& path, bool overwrite) {
  if (!fs::exists(path)) return;
  if (is_bare(path)) {
    fs::remove(path / "init.txt");
    return;
  }
  if (!overwrite) {
    throw Error(
        ExitCode::kUsage, fmt::format("{} exists", path.string()),
        "Choose another --out, go on with that run by --resume, or replace it by --overwrite.");
  }
  if (!is_run(path)) {
    throw Error(ExitCode::kUsage,
                fmt::format("{} is not a run's folder: not overwritten", path.string()),
                "Choose another --out.");
  }
  for (const fs::path& file : event_files(path)) fs::remove(file);
  for (const char* entry : kRunEntries) fs::remove_all(path / entry);
}

std::string processor_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

double memory_gib() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<double>(sysconf(_SC_PAGE_SIZE)) / 0x1p30;
}

}  // namespace

RunFolder RunFolder::create(const fs::path& path, const Settings& settings,
                            const std::string& command, bool overwrite, const std::string& start) {
  RunFolder run(path);
  try {
    make_room(path, overwrite);
    for (const char* folder : {"checkpoints", "plots"}) fs::create_directories(path / folder);
  } catch (const fs::filesystem_error& error) {
    throw Error(ExitCode::kFailed, fmt::format("{}: {}", path.string(), error.code().message()),
                "Choose an --out where you may write.");
  }
  // With config.yaml it is a run, which must know by then what it starts from.
  if (!start.empty()) write_file_atomically(path / "init.txt", start + "\n");
  run.write_settings(settings);
  write_file_atomically(path / "command.txt", command + "\n");
  write_file_atomically(path / "environment.json", describe_environment());
  return run;
}

RunFolder RunFolder::open(const fs::path& path) {
  if (!is_run(path)) {
    throw Error(ExitCode::kUsage,
                fs::exists(path)
                    ? fmt::format("{} is not a run: it has no config.yaml", path.string())
                    : fmt::format("{} is not a run: there is no such folder", path.string()),
                "Give the folder that `simclr pretrain --out` wrote.");
  }
  return RunFolder(path);
}

Settings RunFolder::settings() const {
  SettingsBuilder builder;
  builder.apply_yaml(read_file(path_ / "config.yaml"), (path_ / "config.yaml").string());
  return builder.resolve();
}

void RunFolder::write_settings(const Settings& settings) const {
  write_file_atomically(path_ / "config.yaml", to_yaml(settings));
}

std::optional<std::string> RunFolder::start() const {
  const fs::path path = path_ / "init.txt";
  if (!fs::exists(path)) return std::nullopt;
  std::string text = read_file(path);
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

fs::path RunFolder::checkpoint(const std::string& name) const {
  return path_ / "checkpoints" / (name + ".safetensors");
}

void LoggingSink::message(std::string_view line) {
  append_line(log_, line);
  next_.message(line);
}

std::vector<fs::path> event_files(const fs::path& run) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(run))
    if (entry.path().filename().string().starts_with("events.out.tfevents."))
      files.push_back(entry.path());
  return files;
}

std::string describe_environment() {
  const nlohmann::ordered_json environment{{"simclr", version()},
                                           {"commit", commit()},
                                           {"libtorch", TORCH_VERSION},
                                           {"cpu", processor_name()},
                                           {"cores", std::thread::hardware_concurrency()},
                                           {"memory_gib", std::round(memory_gib() * 10) / 10},
                                           {"threads", at::get_num_threads()}};
  return environment.dump(2) + "\n";
}

}  // namespace simclr
