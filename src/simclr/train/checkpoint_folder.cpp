#include "simclr/train/checkpoint_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "simclr/core/error.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

const std::string kEpochPrefix = "epoch-";

[[noreturn]] void fail(const fs::path& path, const std::error_code& error) {
  throw Error(ExitCode::kFailed, fmt::format("{}: {}", path.string(), error.message()),
              "Check that you may write in that folder; the checkpoints that were there stand.");
}

void move_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) fail(to, error);
}

/// The same content under a second name, in the place of what had it. Checkpoints are replaced,
/// never changed, so two names may stand for one file; where the disk knows no such names, it is
/// copied.
void also_name(const fs::path& file, const fs::path& name) {
  const fs::path beside = name.string() + ".partial";
  std::error_code error;
  // Renaming one name of a file over another of it does nothing, and would leave `beside`.
  if (fs::equivalent(file, name, error)) return;
  fs::remove(beside, error);
  fs::create_hard_link(file, beside, error);
  if (error) fs::copy_file(file, beside, fs::copy_options::overwrite_existing, error);
  if (error) {
    std::error_code ignored;
    fs::remove(beside, ignored);
    fail(name, error);
  }
  move_file(beside, name);
}

/// N of "epoch-N.safetensors"; 0 for others.
std::int64_t epoch_of(const fs::path& file) {
  const std::string name = file.stem().string();
  if (!name.starts_with(kEpochPrefix) || file.extension() != ".safetensors") return 0;
  std::int64_t epoch = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kEpochPrefix.size(), end, epoch);
  return error == std::errc() && stop == end ? epoch : 0;
}

}  // namespace

void CheckpointFolder::save(const Names& names, const Write& write) const {
  const fs::path next = run_.checkpoint("next");
  try {
    write(next);
  } catch (const Error& error) {
    throw Error(error.code(), error.what(),
                error.hint() +
                    " The checkpoints that were there stand: mend that, then go on with --resume.");
  }
  name_next(names);
}

/// Gives the names to the checkpoint that was just written, in an order that can be begun anew.
void CheckpointFolder::name_next(const Names& names) const {
  const fs::path next = run_.checkpoint("next");
  if (names.best) also_name(next, run_.checkpoint("best"));
  if (names.epoch)
    also_name(next, run_.checkpoint(fmt::format("{}{}", kEpochPrefix, *names.epoch)));
  if (names.last) {
    const fs::path last = run_.checkpoint("last");
    if (fs::exists(last)) move_file(last, run_.checkpoint("previous"));
    move_file(next, last);
  } else {
    fs::remove(next);
  }
}

std::vector<fs::path> CheckpointFolder::newest_first() const {
  std::vector<fs::path> epochs;
  if (!fs::is_directory(run_.path() / "checkpoints")) return {};
  for (const auto& entry : fs::directory_iterator(run_.path() / "checkpoints"))
    if (epoch_of(entry.path()) > 0) epochs.push_back(entry.path());
  std::sort(epochs.begin(), epochs.end(),
            [](const fs::path& a, const fs::path& b) { return epoch_of(a) > epoch_of(b); });
  std::vector<fs::path> all;
  for (const char* name : {"next", "last", "previous"}) all.push_back(run_.checkpoint(name));
  all.insert(all.end(), epochs.begin(), epochs.end());
  all.push_back(run_.checkpoint("best"));
  std::erase_if(all, [](const fs::path& path) { return !fs::exists(path); });
  return all;
}

bool CheckpointFolder::restore(const Load& load, EventSink& sink) const {
  const std::vector<fs::path> all = newest_first();
  std::optional<Error> first_error;
  std::vector<fs::path> damaged;
  for (const fs::path& path : all) {
    Names names;
    try {
      names = load(path);
    } catch (const Error& error) {
      if (error.code() != ExitCode::kData) throw;
      sink.message(fmt::format("Not usable: {}", error.what()));
      if (!first_error) first_error = error;
      damaged.push_back(path);
      continue;
    }
    // Set aside only now that another one serves: it must not take the place of a whole one.
    for (const fs::path& file : damaged) move_file(file, file.string() + ".damaged");
    if (!damaged.empty()) sink.message(fmt::format("Going on from {}.", path.string()));
    if (path == run_.checkpoint("next")) {
      names.last = true;  // the newest that there is
      name_next(names);
    }
    return true;
  }
  if (first_error) throw *first_error;
  return false;
}

}  // namespace simclr
