#include "simclr/formats/container.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <system_error>

#include "simclr/core/error.h"

namespace simclr {
namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const fs::path& file, std::string_view reason) {
  throw Error(ExitCode::kData, fmt::format("{}: cannot read: {}", file.string(), reason),
              "Check that you may read the file and that its disk is sound.");
}

/// Opens the file when it is first read: most are passed over.
EntryReader reader_of(const fs::path& file) {
  // A std::function is copied, a stream cannot be.
  const auto in = std::make_shared<std::ifstream>();
  return [in, file](std::uint8_t* to, std::size_t bytes) {
    if (!in->is_open()) in->open(file, std::ios::binary);
    if (!in->is_open()) fail(file, "no access");
    in->read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(bytes));
    if (in->bad()) fail(file, "the disk fails");
    return static_cast<std::size_t>(in->gcount());
  };
}

}  // namespace

std::vector<fs::path> list_files(const fs::path& folder) {
  std::vector<fs::path> names;
  std::vector<fs::path> folders{""};  // itself, then those in it
  for (std::size_t i = 0; i < folders.size(); ++i) {
    const fs::path inner = folders[i];
    std::error_code failure;
    for (fs::directory_iterator entry(folder / inner, failure), end; !failure && entry != end;
         entry.increment(failure)) {
      std::error_code unknown;  // as of a link that leads to itself
      if (entry->is_regular_file(unknown)) names.push_back(inner / entry->path().filename());
      if (i == 0 && entry->is_directory(unknown)) folders.push_back(entry->path().filename());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

void stream_files(const fs::path& path, const ArchiveVisitor& visit) {
  std::error_code failure;
  if (!fs::is_directory(path, failure)) {
    stream_archive(path, visit);
    return;
  }
  for (const fs::path& name : list_files(path)) {
    const std::uintmax_t size = fs::file_size(path / name, failure);
    if (failure) fail(path / name, failure.message());
    visit({name.string(), size}, reader_of(path / name));
  }
}

}  // namespace simclr
