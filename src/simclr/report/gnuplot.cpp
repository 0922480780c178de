#include "simclr/report/gnuplot.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "simclr/core/error.h"
#include "simclr/report/markup.h"

namespace simclr {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using TemporaryFile = std::unique_ptr<std::FILE, CloseFile>;

[[noreturn]] void fail(const std::string& why) {
  throw Error(ExitCode::kFailed, "gnuplot could not draw: " + why,
              "The data are unharmed; run `gnuplot --version` to see if it works here.");
}

/// Files rather than pipes: neither side can wait for the other, however much they write.
TemporaryFile temporary_file(const std::string& content) {
  TemporaryFile file(std::tmpfile());
  if (!file) fail(std::strerror(errno));
  std::fwrite(content.data(), 1, content.size(), file.get());
  if (std::fflush(file.get()) != 0) fail(std::strerror(errno));
  std::rewind(file.get());
  return file;
}

std::string content_of(std::FILE* file) {
  std::rewind(file);
  std::string content;
  char buffer[1 << 14];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, file))
    content.append(buffer, n);
  return content;
}

/// @return waitpid's status; nothing if there is no such program
std::optional<int> spawn_and_wait(std::FILE* in, std::FILE* out, std::FILE* err) {
  std::string program = "gnuplot";
  std::string default_settings = "-d";
  char* const arguments[] = {program.data(), default_settings.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(err), STDERR_FILENO);
  pid_t child = 0;
  const int error = posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT || error == ENOTDIR || error == EACCES) return std::nullopt;
  if (error != 0) fail(std::strerror(error));
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail(std::strerror(errno));
  }
  return status;
}

}  // namespace

std::optional<std::string> run_gnuplot(const std::string& script) {
  const TemporaryFile in = temporary_file(script);
  const TemporaryFile out = temporary_file("");
  const TemporaryFile err = temporary_file("");
  const std::optional<int> status = spawn_and_wait(in.get(), out.get(), err.get());
  if (!status) return std::nullopt;
  std::string drawn = content_of(out.get());
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0 || drawn.empty()) {
    const std::string words = one_line(content_of(err.get()));
    fail(words.empty() ? fmt::format("wait status {}", *status) : words);
  }
  return drawn;
}

std::string gnuplot_string(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : one_line(text)) {
    const auto byte = static_cast<unsigned char>(c);
    // Digits too: gnuplot takes any that follow for a part of the number.
    const bool plain = std::isalpha(byte) != 0 || byte >= 0x80 || c == ' ';
    quoted += plain ? std::string(1, c) : fmt::format("\\{:03o}", byte);
  }
  return quoted + "\"";
}

}  // namespace simclr
