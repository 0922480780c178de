#include "simclr/core/sha256.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace simclr {
namespace {

std::string digest(const std::string& text) {
  Sha256 sha;
  sha.update(text.data(), text.size());
  return sha.hex_digest();
}

// FIPS 180-4, the examples of NIST.
TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesGiveTheDigestOfTheWhole) {
  const std::string text(1000, 'q');
  Sha256 sha;
  for (std::size_t at = 0; at < text.size(); at += 7) {
    sha.update(text.data() + at, std::min<std::size_t>(7, text.size() - at));
  }
  sha.update(text.data(), 0);
  EXPECT_EQ(sha.hex_digest(), digest(text));
}

}  // namespace
}  // namespace simclr
