#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "simclr/core/error.h"
#include "simclr/core/events.h"

namespace simclr::cli {

/// Events on stderr: a progress bar with rate and time left on a terminal, plain lines elsewhere.
class ConsoleSink final : public EventSink {
 public:
  ConsoleSink();
  ~ConsoleSink() override;

  void message(std::string_view line) override;
  void progress(std::string_view task, std::int64_t done, std::int64_t total,
                std::string_view rate_text) override;

 private:
  void clear_bar();

  using Clock = std::chrono::steady_clock;
  bool terminal_;
  bool bar_shown_ = false;
  std::string task_;
  std::int64_t first_done_ = 0;  ///< of the task, when it was first seen
  Clock::time_point task_start_;
  Clock::time_point last_drawn_;
};

/// Prints "error: <message>" and its hint on stderr; red on a terminal unless NO_COLOR is set.
void print_error(const Error& error);
void print_error(std::string_view message, std::string_view hint);

}  // namespace simclr::cli
