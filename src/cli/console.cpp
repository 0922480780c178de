#include "cli/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "simclr/core/text.h"

namespace simclr::cli {
namespace {

constexpr int kBarWidth = 24;

bool stderr_is_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && term != nullptr && std::strcmp(term, "dumb") != 0;
}

bool colours_wanted() {
  const char* no_color = std::getenv("NO_COLOR");
  return stderr_is_terminal() && (no_color == nullptr || *no_color == '\0');
}

}  // namespace

ConsoleSink::ConsoleSink() : terminal_(stderr_is_terminal()) {}

ConsoleSink::~ConsoleSink() { clear_bar(); }

void ConsoleSink::message(std::string_view line) {
  clear_bar();
  fmt::print(stderr, "{}\n", line);
}

void ConsoleSink::progress(std::string_view task, std::int64_t done, std::int64_t total,
                           std::string_view rate_text) {
  if (!terminal_) return;
  const auto now = Clock::now();
  if (task != task_) {
    task_ = task;
    first_done_ = done - 1;
    task_start_ = now;
  } else if (now - last_drawn_ < std::chrono::milliseconds(100) && done != total) {
    return;
  }
  last_drawn_ = now;
  bar_shown_ = true;
  if (total <= 0) {  // it is not known how many there are
    fmt::print(stderr, "\r\x1b[K{} {}  {}", task, done, rate_text);
    std::fflush(stderr);
    return;
  }
  const double seconds = std::chrono::duration<double>(now - task_start_).count();
  const double per_item =
      seconds / static_cast<double>(std::max<std::int64_t>(done - first_done_ - 1, 1));
  const auto filled = static_cast<std::size_t>(kBarWidth * done / total);
  fmt::print(stderr, "\r\x1b[K{} [{}{}] {}/{}  {}  {} left", task, std::string(filled, '#'),
             std::string(kBarWidth - filled, '.'), done, total, rate_text,
             format_duration(per_item * static_cast<double>(total - done)));
  std::fflush(stderr);
}

void ConsoleSink::clear_bar() {
  if (!bar_shown_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  bar_shown_ = false;
}

void print_error(std::string_view message, std::string_view hint) {
  const bool colours = colours_wanted();
  fmt::print(stderr, "{}error:{} {}\n", colours ? "\x1b[1;31m" : "", colours ? "\x1b[0m" : "",
             message);
  if (!hint.empty()) fmt::print(stderr, "{}\n", hint);
}

void print_error(const Error& error) { print_error(error.what(), error.hint()); }

}  // namespace simclr::cli
