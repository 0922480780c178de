#include "simclr/core/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "simclr/core/error.h"

namespace simclr {

struct Sha256::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_MD_CTX_free(evp); }
};

namespace {
void check(int result) {
  if (result != 1) throw Error(ExitCode::kFailed, "OpenSSL cannot compute SHA-256");
}
}  // namespace

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  check(EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;

void Sha256::update(const void* bytes, std::size_t size) {
  check(EVP_DigestUpdate(context_->evp, bytes, size));
}

std::string Sha256::hex_digest() {
  std::array<unsigned char, 32> digest{};
  check(EVP_DigestFinal_ex(context_->evp, digest.data(), nullptr));
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace simclr
