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

TEST(DidYouMean, NamesOnlyWhatIsNear) {
  const std::vector<std::string> names{"cifar10", "stl10", "temperature"};
  EXPECT_EQ(did_you_mean("temprature", names), "Did you mean 'temperature'? ");
  EXPECT_EQ(did_you_mean("cifar", names), "Did you mean 'cifar10'? ");
  EXPECT_EQ(did_you_mean("mnist", names), "");
  EXPECT_EQ(did_you_mean("", names), "");
  EXPECT_EQ(did_you_mean("x", {}), "");
}

TEST(IsUtf8, TakesEveryCharacterAndNothingElse) {
  for (const char* text :
       {"", "a\nb\x7f", "\u00e9\u0080", "\u732b\ud7ff\uffff", "\U0001f408\U0010ffff"}) {
    EXPECT_TRUE(is_utf8(text)) << printable(text);
  }
  EXPECT_TRUE(is_utf8(std::string_view("a\0b", 3)));
  for (const char* text : {"caf\xE9", "\xC3", "\x80", "\xC0\x80", "\xE0\x9F\xBF", "\xED\xA0\x80",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF0\x9F\x90"}) {
    EXPECT_FALSE(is_utf8(text)) << printable(text);
  }
}

TEST(Printable, LeavesWhatPeopleWriteAsItIs) {
  EXPECT_EQ(printable(""), "");
  EXPECT_EQ(printable("cats & dogs/it's (1).jpg"), "cats & dogs/it's (1).jpg");
  EXPECT_EQ(printable("\u00e9\u00df\u732b\U0001f408"), "\u00e9\u00df\u732b\U0001f408");
}

TEST(Printable, EscapesControlCharactersQuotesAndBackslashes) {
  EXPECT_EQ(printable("a\nb\r\tc"), "a\\nb\\r\\tc");
  EXPECT_EQ(printable("\x1b[31m\x7f"), "\\x1b[31m\\x7f");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\"\\"), "\\\"\\\\");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // U+009B starts a terminal's commands
}

TEST(Printable, OutsideOfQuotesLeavesQuotesAndBackslashes) {
  EXPECT_EQ(printable_plain("[\"a\\b\"]\n\xff"), "[\"a\\b\"]\\n\\xff");
}

TEST(Printable, EscapesEveryByteThatIsNotUtf8) {
  EXPECT_EQ(printable("a\xff"
                      "b"),
            "a\\xffb");
  EXPECT_EQ(printable("\xc3"), "\\xc3");  // cut short
  EXPECT_EQ(printable("\xe7\x8c"
                      "x"),
            "\\xe7\\x8cx");                                          // likewise
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");                    // longer than need be
  EXPECT_EQ(printable("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");           // likewise
  EXPECT_EQ(printable("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf");  // likewise
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
}

TEST(WithCommas, SetsOffGroupsOfThree) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(60000), "60,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
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

TEST(CsvCell, QuotesWhatWouldSplitARow) {
  EXPECT_EQ(csv_cell("plain text"), "plain text");
  EXPECT_EQ(csv_cell("0.1"), "0.1");
  EXPECT_EQ(csv_cell("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_cell("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(csv_cell("a\nb"), "\"a\nb\"");
  EXPECT_EQ(csv_cell("say \"b\"\n"), "\"say \"\"b\"\"\n\"");
}

}  // namespace
}  // namespace simclr
