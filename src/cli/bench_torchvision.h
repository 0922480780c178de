#pragma once

#include <sys/types.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace simclr::cli {

/// A Python process that runs bench/torchvision_views.py and answers lines of JSON.
class Torchvision {
 public:
  /// Tries the interpreters in turn. @return nothing where none has torchvision and Pillow
  static std::unique_ptr<Torchvision> find(const std::vector<std::string>& interpreters);

  ~Torchvision();
  Torchvision(const Torchvision&) = delete;
  Torchvision& operator=(const Torchvision&) = delete;

  const std::string& versions() const { return versions_; }

  /// @throws Error(kFailed) with what Python said, or if it ended
  nlohmann::json ask(const nlohmann::json& request);

 private:
  Torchvision(pid_t child, int socket) : child_(child), socket_(socket) {}
  bool greeted();
  std::optional<std::string> read_line();
  bool write_line(const std::string& line);

  pid_t child_;
  int socket_;
  std::string unread_;
  std::string versions_;
};

}  // namespace simclr::cli
