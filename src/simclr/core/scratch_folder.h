#pragma once

#include <filesystem>
#include <string>

namespace simclr {

/// A new folder for files that nobody keeps, where temporary ones belong (TMPDIR); it goes, with
/// all that is in it, when this does.
class ScratchFolder {
 public:
  /// @param purpose  a word for its name
  /// @throws Error(kFailed) if it cannot be made
  explicit ScratchFolder(const std::string& purpose);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace simclr
