#include "simclr/data/known_sets.h"

#include <gtest/gtest.h>

#include <string_view>

namespace simclr {
namespace {

TEST(KnownSets, AreFoundByTheirNames) {
  EXPECT_EQ(find_known_set("cifar10")->file, "cifar-10-binary.tar.gz");
  EXPECT_EQ(find_known_set("stl10")->size, 2640397119U);
  EXPECT_FALSE(find_known_set("cifar"));
}

TEST(KnownSets, AreFetchedSecurelyAndChecked) {
  for (const KnownSet& set : known_sets()) {
    EXPECT_TRUE(set.url.starts_with("https://")) << set.name;
    EXPECT_TRUE(set.url.ends_with(set.file)) << set.name;
    EXPECT_EQ(set.md5.size(), 32U) << set.name;
    EXPECT_EQ(set.md5.find_first_not_of("0123456789abcdef"), std::string_view::npos) << set.name;
    EXPECT_GT(set.size, 0U) << set.name;
  }
}

}  // namespace
}  // namespace simclr
