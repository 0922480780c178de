#include "simclr/report/document.h"

#include <gtest/gtest.h>

#include "simclr/core/files.h"
#include "simclr/report/base64.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

TEST(Base64, IsRfc4648s) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFF\xFE\xFD"), "//79");
}

TEST(CspSource, IsTheDigestThatBrowsersCompute) {
  // From the specification of Content Security Policy, level 3.
  EXPECT_EQ(csp_source("alert('Hello, world.');"),
            "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='");
}

Document sample() {
  Document document{"A <b> title", "lead & more", {}};
  Section section{"One", {}};
  section.blocks.emplace_back(Paragraph{"text with | and *stars*"});
  section.blocks.emplace_back(BulletList{{"first", "<i>second</i>"}});
  section.blocks.emplace_back(Table{"numbers", "what it is", {"a", "b"}, {{"x,y", "1"}}});
  section.blocks.emplace_back(CodeBlock{"a < b\n  c\n", "sh", ""});
  section.blocks.emplace_back(CodeBlock{"long", "yaml", "more"});
  document.sections.push_back(section);
  return document;
}

TEST(Document, IsMarkdown) {
  EXPECT_EQ(to_markdown(sample(), true),
            "# A &lt;b&gt; title\n\nlead &amp; more\n\n## One\n\n"
            "text with \\| and \\*stars\\*\n\n"
            "- first\n- &lt;i&gt;second&lt;/i&gt;\n\n"
            "| a | b |\n| :-- | --: |\n| x,y | 1 |\n\nwhat it is\n\n"
            "```sh\na < b\n  c\n```\n\n"
            "<details>\n<summary>more</summary>\n\n```yaml\nlong\n```\n\n</details>\n\n");
}

TEST(Document, ColumnsOfWordsAreThoseWhoseCellsBeginWithALetterOrAreLong) {
  const Table table{"t",
                    "",
                    {"a", "b", "c", "d"},
                    {{"x", "1", "-", "2"}, {"y", "- 3", "word", std::string(29, '1')}}};
  EXPECT_EQ(columns_of_words(table), (std::vector<bool>{false, false, true, true}));
}

TEST(Document, IsHtmlWithEverythingEscaped) {
  const TempFolder folder;
  const std::string html = to_html(sample(), folder.path());
  for (const char* part :
       {"<title>A &lt;b&gt; title</title>", "<h1>A &lt;b&gt; title</h1>", "lead &amp; more",
        "<li>&lt;i&gt;second&lt;/i&gt;</li>", "<td>x,y</td><td>1</td>", "a &lt; b\n  c\n",
        "<details><summary>more</summary>", "<a href=\"#s0\">One</a>"})
    EXPECT_TRUE(contains(html, part)) << part;
}

TEST(Document, TablesAreCsv) {
  Table table{"t", "", {"a", "b"}, {{"x,y", "\"q\""}}};
  EXPECT_EQ(to_csv(table), "a,b\n\"x,y\",\"\"\"q\"\"\"\n");
  table.csv_head = {"fine"};
  table.csv_rows = {{"1"}};
  EXPECT_EQ(to_csv(table), "fine\n1\n");
}

TEST(Document, HeatShadesByTheShareOfTheRow) {
  const TempFolder folder;
  Document document{"", "", {{"s", {Table{"", "", {"", "a", "b"}, {{"x", "9", "1"}}, true}}}}};
  const std::string html = to_html(document, folder.path());
  EXPECT_TRUE(contains(html, "<td class=\"h9\">9</td><td class=\"h1\">1</td>"));
}

TEST(Document, WritesEveryFileThatItNames) {
  const TempFolder folder;
  Document document = sample();
  Plot plot{"P", "x", "y", "", {{"a", {1, 2}, {1, 2}}}, false};
  document.sections[0].blocks.emplace_back(Figure{"p", "P", "caption", plot});
  EXPECT_EQ(write_document(document, folder.path()), "");
  for (const char* name : {"report.md", "report.html", "tables/numbers.csv", "plots/p.svg",
                           "plots/p.png", "plots/p.pdf"})
    EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
  const std::string html = read_file(folder / "report.html");
  EXPECT_TRUE(contains(html, "src=\"data:image/svg+xml;base64,"));
  EXPECT_TRUE(contains(html, "\"name\":\"p\""));
}

}  // namespace
}  // namespace simclr
