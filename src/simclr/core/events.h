#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace simclr {

/// What the library wants to tell while it works. It never prints: the program decides where this
/// goes.
class EventSink {
 public:
  EventSink() = default;
  virtual ~EventSink() = default;
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;

  /// One line worth keeping (start, end of an epoch, a note).
  virtual void message(std::string_view line) = 0;

  /// How far `task` is; `rate_text` is ready to print ("512 views/s"). Called often: keep it cheap.
  virtual void progress(std::string_view task, std::int64_t done, std::int64_t total,
                        std::string_view rate_text) = 0;
};

/// For callers that want silence.
class NullSink final : public EventSink {
 public:
  void message(std::string_view /*line*/) override {}
  void progress(std::string_view /*task*/, std::int64_t /*done*/, std::int64_t /*total*/,
                std::string_view /*rate_text*/) override {}
};

}  // namespace simclr
