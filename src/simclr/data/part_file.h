#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace simclr {

/// A download under way: <target>.part, ours alone while we hold it, and <target>.part.from, which
/// remembers what it is a part of. Both stay when we go, for another call.
class PartFile {
 public:
  /// Makes the target's folder. @throws Error(kFailed) if it cannot be written, Error(kData) if
  /// another process holds it
  explicit PartFile(const std::filesystem::path& target);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const;

  /// The ETag or date of the file that the part is of, "" if it has none; nothing if the part did
  /// not come from `url`.
  std::optional<std::string> validator(const std::string& url) const;

  void start_over(const std::string& url, const std::string& validator);
  void append(std::string_view bytes);

  void become(const std::filesystem::path& target);  ///< on the disk first, then renamed
  void throw_away();

 private:
  void open();
  bool is_in_place() const;

  std::filesystem::path path_;
  std::filesystem::path from_path_;
  int descriptor_ = -1;
};

}  // namespace simclr
