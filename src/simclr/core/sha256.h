#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace simclr {

/// SHA-256 of a sequence of byte ranges, as 64 lower-case hexadecimal digits.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(const void* bytes, std::size_t size);
  std::string hex_digest();  ///< call once, last

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace simclr
