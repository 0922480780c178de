#include "simclr/data/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <system_error>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/core/version.h"

namespace simclr {
namespace {

constexpr long kConnectSeconds = 30;
constexpr long kSilentSeconds = 60;
constexpr long kMostRedirects = 10;
constexpr int kWhole = 200;
constexpr int kRange = 206;

struct FreeCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

/// One request under way; libcurl calls it back with lines of the head and pieces of the body.
class Transfer {
 public:
  Transfer(const std::function<void(const HttpAnswer&)>& head,
           const std::function<void(std::string_view)>& data)
      : head_(head), data_(data) {}

  /// A line of the head. False stops the transfer: no exception may pass through libcurl.
  bool take_line(std::string_view line) {
    return guarded([&] { note(line); });
  }

  /// A piece of the body.
  bool take_piece(CURL* curl, std::string_view piece) {
    return guarded([&] {
      begin(curl);
      if (begun_) data_(piece);
    });
  }

  /// The answer; calls `head` if that is still to be done.
  HttpAnswer finish(CURL* curl) {
    if (!error_) guarded([&] { begin(curl); });
    if (error_) std::rethrow_exception(error_);
    return answer_;
  }

 private:
  void note(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // after a redirect: forget the answer before
      answer_ = {};
      length_ = range_from_ = range_size_ = std::nullopt;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string name = lower_case(std::string(line.substr(0, colon)));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (name == "content-length") {
      length_ = number(value);
    } else if (name == "content-range") {
      take_range(value);
    } else if ((name == "etag" && !value.starts_with("W/")) ||  // a weak one says little of bytes
               (name == "last-modified" && answer_.validator.empty())) {
      answer_.validator = value;
    }
  }

  /// "bytes 100-199/200", or with * for what is unknown.
  void take_range(std::string_view value) {
    const std::size_t dash = value.find('-');
    const std::size_t slash = value.find('/');
    if (!value.starts_with("bytes ") || dash == std::string_view::npos) return;
    range_from_ = number(value.substr(6, dash - 6));
    if (slash != std::string_view::npos) range_size_ = number(value.substr(slash + 1));
  }

  void begin(CURL* curl) {
    if (begun_) return;
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    answer_.status = static_cast<int>(status);
    if (status == kRange && range_from_) {
      answer_.from = *range_from_;
      answer_.size = range_size_;
    } else if (status == kRange) {
      answer_.status = 0;  // a range that is not told
    } else {
      answer_.size = length_;
    }
    if (answer_.status != kWhole && answer_.status != kRange) return;
    begun_ = true;
    head_(answer_);
  }

  template <class Action>
  bool guarded(Action action) {
    try {
      action();
      return true;
    } catch (...) {
      error_ = std::current_exception();
      return false;
    }
  }

  const std::function<void(const HttpAnswer&)>& head_;
  const std::function<void(std::string_view)>& data_;
  HttpAnswer answer_;
  std::optional<std::uint64_t> length_;
  std::optional<std::uint64_t> range_from_;
  std::optional<std::uint64_t> range_size_;
  bool begun_ = false;
  std::exception_ptr error_;
};

/// What libcurl calls back with.
struct Callback {
  CURL* curl;
  Transfer transfer;
};

std::size_t on_line(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto* callback = static_cast<Callback*>(context);
  return callback->transfer.take_line({bytes, size * count}) ? size * count : 0;
}

std::size_t on_piece(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto* callback = static_cast<Callback*>(context);
  const bool taken = callback->transfer.take_piece(callback->curl, {bytes, size * count});
  return taken ? size * count : CURL_WRITEFUNC_ERROR;
}

void add_header(std::unique_ptr<curl_slist, FreeList>& list, const std::string& line) {
  curl_slist* grown = curl_slist_append(list.get(), line.c_str());
  if (grown == nullptr) throw std::bad_alloc();
  static_cast<void>(list.release());
  list.reset(grown);
}

std::unique_ptr<CURL, FreeCurl> new_curl() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  std::unique_ptr<CURL, FreeCurl> curl(ready == CURLE_OK ? curl_easy_init() : nullptr);
  if (!curl) throw Error(ExitCode::kFailed, "libcurl cannot be started");
  return curl;
}

void set_up(CURL* curl, const std::string& url, Callback& callback, std::span<char> reason) {
  const bool secure = url.starts_with("https:");
  const std::string agent = fmt::format("simclr/{}", version());
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMostRedirects);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, agent.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kSilentSeconds);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason.data());
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_line);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &callback);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_piece);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &callback);
}

}  // namespace

HttpResult http_get(const HttpRequest& request, const std::function<void(const HttpAnswer&)>& head,
                    const std::function<void(std::string_view piece)>& data) {
  const std::unique_ptr<CURL, FreeCurl> curl = new_curl();
  Callback callback{curl.get(), Transfer(head, data)};
  std::array<char, CURL_ERROR_SIZE> reason{};
  set_up(curl.get(), request.url, callback, reason);
  std::unique_ptr<curl_slist, FreeList> headers;
  if (request.from > 0) {
    add_header(headers, fmt::format("Range: bytes={}-", request.from));
    if (!request.if_range.empty()) add_header(headers, "If-Range: " + request.if_range);
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  }
  const CURLcode code = curl_easy_perform(curl.get());
  HttpResult result{callback.transfer.finish(curl.get()), ""};
  if (code != CURLE_OK)
    result.failure = reason[0] != '\0' ? reason.data() : curl_easy_strerror(code);
  return result;
}

}  // namespace simclr
