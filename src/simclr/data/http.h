#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace simclr {

struct HttpRequest {
  std::string url;         ///< http or https; followed where it leads, from https to https alone
  std::uint64_t from = 0;  ///< the first byte wanted: more than 0 asks for a range
  std::string if_range;    ///< the range is wanted only if the file is still this one; "" for any
};

/// The head of an answer.
struct HttpAnswer {
  int status = 0;                     ///< 200: the whole file; 206: the range; 0: no answer
  std::uint64_t from = 0;             ///< the first byte that comes
  std::optional<std::uint64_t> size;  ///< bytes of the whole file, if the server says so
  std::string validator;              ///< for if_range another time: ETag, else Last-Modified
};

struct HttpResult {
  HttpAnswer answer;
  std::string failure;  ///< why nothing more came ("could not connect"); "" if all of it did
};

/// One GET. `head` is called before the first byte of a 200 or 206, then `data` for every piece;
/// what they throw comes through. Blocks; gives up after a minute without a byte.
HttpResult http_get(const HttpRequest& request, const std::function<void(const HttpAnswer&)>& head,
                    const std::function<void(std::string_view piece)>& data);

}  // namespace simclr
