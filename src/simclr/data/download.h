#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "simclr/core/events.h"

namespace simclr {

struct DownloadRequest {
  std::string url;               ///< http or https
  std::filesystem::path target;  ///< its folder is made
  std::string md5;               ///< 32 lower-case hexadecimal digits; "" if unknown
  std::string sha256;            ///< 64 of them; "" if unknown
  std::uint64_t size = 0;        ///< bytes; 0 if unknown
};

/// Fetches a file. It stands under its name only once it is whole and its checksums are right;
/// until then it is <target>.part, which another call goes on with (a Range, if the server still
/// has the same file: <target>.part.from remembers the URL and the ETag or date). A target that is
/// there already is only checked. A connection that breaks is taken up again a few times.
/// Events: messages, and progress in megabytes.
/// @throws Error(kFailed) if the server cannot be reached, refuses, or breaks off, with the steps
///         to do by hand; Error(kData) if what came has another size or checksum (it is thrown
///         away), or if another process is fetching the same target
void download(const DownloadRequest& request, EventSink& events);

}  // namespace simclr
