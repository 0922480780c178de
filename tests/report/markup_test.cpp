#include "simclr/report/markup.h"

#include <gtest/gtest.h>

namespace simclr {
namespace {

TEST(OneLine, KeepsUtf8AndReplacesTheRest) {
  EXPECT_EQ(one_line(" a\nb\tc\x7F"), "a b c");
  EXPECT_EQ(one_line("grün 猫 🐱"), "grün 猫 🐱");
  EXPECT_EQ(one_line("\n \r"), "");
}

TEST(OneLine, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(one_line("a\xFFz"), "a?z");
  EXPECT_EQ(one_line("cut \xE7\x8C"), "cut ??");
  EXPECT_EQ(one_line("\xC0\xAF"), "??") << "overlong slash";
  EXPECT_EQ(one_line("\xED\xA0\x80"), "???") << "surrogate";
  EXPECT_EQ(one_line("\xF4\x90\x80\x80"), "????") << "beyond U+10FFFF";
}

TEST(CharacterCount, CountsCodePoints) {
  EXPECT_EQ(character_count(""), 0U);
  EXPECT_EQ(character_count("– 猫"), 3U);
}

TEST(EscapeMarkdown, ShowsTextAsItIs) {
  EXPECT_EQ(escape_markdown("<script>&"), "&lt;script&gt;&amp;");
  EXPECT_EQ(escape_markdown("a_b|c*`[x](y)\\"), "a\\_b\\|c\\*\\`\\[x\\](y)\\\\");
  EXPECT_EQ(escape_markdown("runs/a\n# title"), "runs/a \\# title");
}

TEST(CodeBlock, CannotBeLeft) {
  EXPECT_EQ(code_block("x: 1", "yaml"), "```yaml\nx: 1\n```\n");
  EXPECT_EQ(code_block("a\n```\nb\n````", "sh"), "`````sh\na\n```\nb\n````\n`````\n");
}

TEST(Tables, HaveARuleAsWideAsTheirRows) {
  EXPECT_EQ(table_row({"a", "b", "c"}), "| a | b | c |\n");
  EXPECT_EQ(table_rule({false, false, true}), "| :-- | --: | :-- |\n");
}

}  // namespace
}  // namespace simclr
