#include "cli/bench_torchvision.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "simclr/core/error.h"

namespace simclr {
const char* torchvision_views();  // bench/torchvision_views.py, embedded
}

namespace simclr::cli {
namespace {

/// Standard input and output of the child are one end of `socket`; what it complains of is dropped.
std::optional<pid_t> start(std::string interpreter, int socket) {
  std::string option = "-c";
  std::string script = torchvision_views();
  char* const arguments[] = {interpreter.data(), option.data(), script.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, socket, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int error =
      posix_spawnp(&child, interpreter.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return std::nullopt;
  return child;
}

}  // namespace

std::unique_ptr<Torchvision> Torchvision::find(const std::vector<std::string>& interpreters) {
  for (const std::string& interpreter : interpreters) {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return nullptr;
    const std::optional<pid_t> child = start(interpreter, ends[1]);
    close(ends[1]);
    if (!child) {
      close(ends[0]);
      continue;
    }
    std::unique_ptr<Torchvision> found(new Torchvision(*child, ends[0]));
    if (found->greeted()) return found;
  }
  return nullptr;
}

Torchvision::~Torchvision() {
  close(socket_);  // the end of its input ends the script
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
}

bool Torchvision::greeted() {
  const std::optional<std::string> line = read_line();
  if (!line) return false;
  const auto greeting = nlohmann::json::parse(*line, nullptr, false);
  if (!greeting.is_object() || !greeting.contains("torchvision")) return false;
  versions_ = fmt::format(
      "torchvision {}, PyTorch {}, Pillow {}", greeting["torchvision"].get<std::string>(),
      greeting["torch"].get<std::string>(), greeting["pillow"].get<std::string>());
  return true;
}

nlohmann::json Torchvision::ask(const nlohmann::json& request) {
  const std::optional<std::string> line =
      write_line(request.dump() + "\n") ? read_line() : std::nullopt;
  if (!line) throw Error(ExitCode::kFailed, "torchvision's Python ended before its answer", "");
  auto answer = nlohmann::json::parse(*line, nullptr, false);
  if (!answer.is_object())
    throw Error(ExitCode::kFailed, fmt::format("torchvision's Python answered '{}'", *line), "");
  if (answer.contains("error"))
    throw Error(ExitCode::kFailed,
                fmt::format("torchvision failed: {}", answer["error"].get<std::string>()),
                "Measure without it: --python none.");
  return answer;
}

std::optional<std::string> Torchvision::read_line() {
  std::size_t end = 0;
  while ((end = unread_.find('\n')) == std::string::npos) {
    std::array<char, 4096> buffer{};
    const ssize_t n = recv(socket_, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    unread_.append(buffer.data(), static_cast<std::size_t>(n));
  }
  std::string line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return line;
}

bool Torchvision::write_line(const std::string& line) {
  std::size_t sent = 0;
  while (sent < line.size()) {
    const ssize_t n = send(socket_, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace simclr::cli
