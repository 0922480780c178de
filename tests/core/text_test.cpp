#include "simclr/core/text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace simclr {
namespace {

TEST(NearestName, IsTheOneWithFewestEdits) {
  const std::vector<std::string> names{"epochs", "batch_size", "lr"};
  EXPECT_EQ(nearest_name("epoch", names), "epochs");  // one inserted
  EXPECT_EQ(nearest_name("batchsize", names), "batch_size");
  EXPECT_EQ(nearest_name("lrr", names), "lr");         // one removed
  EXPECT_EQ(nearest_name("epoxhs", names), "epochs");  // one replaced
  EXPECT_EQ(nearest_name("epochs", names), "epochs");
}

TEST(NearestName, TiesGoToTheFirst) {
  EXPECT_EQ(nearest_name("b", {"ab", "bc"}), "ab");
  EXPECT_EQ(nearest_name("b", {"bc", "ab"}), "bc");
}

TEST(NearestName, WorksAtTheEdges) {
  EXPECT_EQ(nearest_name("anything", {}), "");
  EXPECT_EQ(nearest_name("", {"long", "a"}), "a");
  EXPECT_EQ(nearest_name("a", {""}), "");
}

TEST(FormatDuration, UsesTheUnitThatFits) {
  EXPECT_EQ(format_duration(0.0), "0 s");
  EXPECT_EQ(format_duration(59.4), "59 s");
  EXPECT_EQ(format_duration(59.6), "1 min 00 s");
  EXPECT_EQ(format_duration(725.0), "12 min 05 s");
  EXPECT_EQ(format_duration(3599.0), "59 min 59 s");
  EXPECT_EQ(format_duration(3600.0), "1 h 00 min");
  EXPECT_EQ(format_duration(4980.0), "1 h 23 min");
}

TEST(FormatDuration, NegativeIsNone) { EXPECT_EQ(format_duration(-3.0), "0 s"); }

}  // namespace
}  // namespace simclr
