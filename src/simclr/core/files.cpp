#include "simclr/core/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "simclr/core/error.h"

namespace simclr {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what) {
  const std::string reason = errno != 0 ? std::strerror(errno) : "unknown reason";
  throw Error(
      ExitCode::kFailed, fmt::format("{}: {}: {}", path.string(), what, reason),
      "Check that the folder exists, that you may write there and that the disk is not full.");
}

/// Forces what was written to `path` onto the disk, so that the rename never outruns the data.
void sync_to_disk(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY);
  if (descriptor < 0) fail(path, "cannot open");
  const int result = ::fsync(descriptor);
  ::close(descriptor);
  if (result != 0) fail(path, "cannot write");
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  if (!in || !(bytes << in.rdbuf())) {
    std::error_code ignored;
    if (in && std::filesystem::file_size(path, ignored) == 0) return {};
    throw Error(ExitCode::kFailed, fmt::format("{}: cannot read: {}", path.string(),
                                               errno != 0 ? std::strerror(errno) : "not a file"));
  }
  return std::move(bytes).str();
}

void write_file_atomically(const std::filesystem::path& path, const std::filesystem::path& beside,
                           const std::function<void(std::ostream&)>& write) {
  try {
    errno = 0;
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    if (!out) fail(path, "cannot write");
    write(out);
    out.close();
    if (!out) fail(path, "cannot write");
    sync_to_disk(beside);
    if (std::rename(beside.c_str(), path.c_str()) != 0) fail(path, "cannot replace");
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(beside, ignored);
    throw;
  }
}

void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(std::ostream&)>& write) {
  write_file_atomically(path, path.string() + ".partial", write);
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  write_file_atomically(path, [&](std::ostream& out) {
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  });
}

void append_line(const std::filesystem::path& path, std::string_view line) {
  errno = 0;
  std::ofstream out(path, std::ios::binary | std::ios::app);
  if (!out) fail(path, "cannot append");
  out << std::string(line) + '\n' << std::flush;
  if (!out) fail(path, "cannot append");
}

}  // namespace simclr
