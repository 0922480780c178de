#include "simclr/data/download.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "simclr/core/error.h"
#include "simclr/data/http.h"
#include "simclr/data/part_file.h"

namespace simclr {
namespace fs = std::filesystem;

namespace {

constexpr int kMostTries = 20;  // each of which brought something
constexpr int kWhole = 200;
constexpr int kRange = 206;
constexpr int kRangeRefused = 416;
constexpr double kMegabyte = 1e6;
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

std::string by_hand(const DownloadRequest& request) {
  return fmt::format(
      "Run this again to go on where it stopped. Without a network: fetch {} on another machine "
      "and put it at {}, or give the file itself with --data PATH.",
      request.url, request.target.string());
}

/// Tells how far it is, in megabytes.
class Progress {
 public:
  Progress(EventSink& events, std::string task) : events_(events), task_(std::move(task)) {}

  void tell(std::uint64_t done, std::uint64_t total) {
    if (first_ > done) first_ = done;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start_;
    const double rate = static_cast<double>(done - first_) / kMegabyte / (seconds.count() + 1e-3);
    events_.progress(task_, megabytes(done), megabytes(total), fmt::format("{:.1f} MB/s", rate));
  }

 private:
  static std::int64_t megabytes(std::uint64_t bytes) {
    return static_cast<std::int64_t>(static_cast<double>(bytes) / kMegabyte);
  }

  EventSink& events_;
  std::string task_;
  std::uint64_t first_ = UINT64_MAX;  // where this call began
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::string file_name(const DownloadRequest& request) { return request.target.filename().string(); }

/// The checksum of a whole file in hexadecimal.
std::string digest_of(const fs::path& path, const EVP_MD* kind, Progress& progress) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  bool good = EVP_DigestInit_ex(context.get(), kind, nullptr) == 1;
  std::ifstream in(path, std::ios::binary);
  const std::uint64_t size = fs::file_size(path);
  std::uint64_t done = 0;
  std::vector<char> piece(kPieceBytes);
  while (in && good) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    const auto count = static_cast<std::size_t>(in.gcount());
    good = EVP_DigestUpdate(context.get(), piece.data(), count) == 1;
    progress.tell(done += count, size);
  }
  std::vector<unsigned char> digest(static_cast<std::size_t>(EVP_MD_get_size(kind)));
  good = good && EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1;
  if (!good) throw Error(ExitCode::kFailed, "OpenSSL cannot compute a checksum");
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

/// What is wrong with a file that should be the one asked for; "" if nothing is.
std::string fault_of(const DownloadRequest& request, const fs::path& path, EventSink& events) {
  const std::uint64_t size = fs::file_size(path);
  if (request.size != 0 && size != request.size) {
    return fmt::format("has {} bytes, published are {}", size, request.size);
  }
  Progress progress(events, fmt::format("checking {} (MB)", file_name(request)));
  if (!request.md5.empty()) {
    const std::string md5 = digest_of(path, EVP_md5(), progress);
    if (md5 != request.md5) return fmt::format("has MD5 {}, published is {}", md5, request.md5);
  }
  if (!request.sha256.empty()) {
    const std::string sha256 = digest_of(path, EVP_sha256(), progress);
    if (sha256 != request.sha256) {
      return fmt::format("has SHA-256 {}, published is {}", sha256, request.sha256);
    }
  }
  return "";
}

/// One GET that adds to the part what it can.
HttpResult fetch_more(const DownloadRequest& request, PartFile& part, Progress& progress) {
  const std::uint64_t have = part.size();
  const auto validator = part.validator(request.url);
  // Without a validator only the checksum will tell whether both pieces are of one file.
  const bool checkable = !request.md5.empty() || !request.sha256.empty();
  const bool goes_on = have > 0 && (request.size == 0 || have < request.size) && validator &&
                       (checkable || !validator->empty());
  std::uint64_t total = request.size;
  std::uint64_t done = 0;
  const auto begin = [&](const HttpAnswer& answer) {
    if (answer.size && request.size != 0 && *answer.size != request.size) {
      throw Error(ExitCode::kData,
                  fmt::format("{}: the server's file has {} bytes, published are {}", request.url,
                              *answer.size, request.size),
                  by_hand(request));
    }
    total = answer.size.value_or(request.size);
    done = answer.from;
    if (answer.status == kRange && goes_on && answer.from == have) return;
    if (answer.from != 0) {
      throw Error(ExitCode::kFailed,
                  fmt::format("{}: the server sends from byte {}, asked was {}", request.url,
                              answer.from, have),
                  by_hand(request));
    }
    part.start_over(request.url, answer.validator);
  };
  const auto add = [&](std::string_view piece) {
    done += piece.size();
    if (total != 0 && done > total) {
      throw Error(ExitCode::kData,
                  fmt::format("{}: more than the {} bytes published come", request.url, total),
                  by_hand(request));
    }
    part.append(piece);
    progress.tell(done, total);
  };
  return http_get({request.url, goes_on ? have : 0, goes_on ? *validator : ""}, begin, add);
}

/// Tries as long as every try brings something.
void fetch(const DownloadRequest& request, PartFile& part, EventSink& events) {
  Progress progress(events, fmt::format("fetching {} (MB)", file_name(request)));
  for (int tries = 1;; ++tries) {
    const std::uint64_t before = part.size();
    if (request.size != 0 && before == request.size && part.validator(request.url)) return;
    const HttpResult result = fetch_more(request, part, progress);
    const int status = result.answer.status;
    if (status == kRangeRefused && before > 0) {
      part.start_over(request.url, "");
      continue;
    }
    if (status != 0 && status != kWhole && status != kRange) {
      throw Error(ExitCode::kFailed,
                  fmt::format("{}: the server answers with status {}", request.url, status),
                  by_hand(request));
    }
    if (status != 0 && result.failure.empty() && part.size() >= request.size) return;
    if (part.size() > before && tries < kMostTries) continue;
    throw Error(ExitCode::kFailed,
                fmt::format("{}: {}; {} bytes are kept", request.url,
                            result.failure.empty() ? "it broke off" : result.failure, part.size()),
                by_hand(request));
  }
}

bool is_there(const DownloadRequest& request, EventSink& events) {
  std::error_code ignored;
  if (!fs::is_regular_file(request.target, ignored)) return false;
  const std::string fault = fault_of(request, request.target, events);
  if (fault.empty()) {
    events.message(fmt::format("{} is there already", request.target.string()));
    return true;
  }
  events.message(fmt::format("{} {}: it is fetched anew", request.target.string(), fault));
  return false;
}

}  // namespace

void download(const DownloadRequest& request, EventSink& events) {
  if (is_there(request, events)) return;
  PartFile part(request.target);
  fetch(request, part, events);
  if (const std::string fault = fault_of(request, part.path(), events); !fault.empty()) {
    part.throw_away();
    throw Error(ExitCode::kData,
                fmt::format("{}: what came {}; it was thrown away", request.url, fault),
                by_hand(request));
  }
  part.become(request.target);
  events.message(fmt::format("{} is whole", request.target.string()));
}

}  // namespace simclr
