#include "simclr/report/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "simclr/core/files.h"
#include "simclr/core/text.h"
#include "simclr/report/curves.h"
#include "simclr/report/markup.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

/// Draws every plot. @return false if gnuplot is missing
bool draw_figures(const Document& document, const fs::path& folder) {
  fs::create_directories(folder / "plots");
  for (const Section& section : document.sections) {
    for (const Block& block : section.blocks) {
      const auto* figure = std::get_if<Figure>(&block);
      if (figure == nullptr || !figure->plot) continue;
      if (!draw_plot(*figure->plot, folder / "plots" / figure->name)) return false;
    }
  }
  return true;
}

void write_tables(const Document& document, const fs::path& folder) {
  for (const Section& section : document.sections) {
    for (const Block& block : section.blocks) {
      const auto* table = std::get_if<Table>(&block);
      if (table == nullptr || table->name.empty()) continue;
      fs::create_directories(folder / "tables");
      write_file_atomically(folder / "tables" / (table->name + ".csv"), to_csv(*table));
    }
  }
}

/// What Markdown makes of each kind of block.
struct MarkdownWriter {
  bool pictures;

  std::string operator()(const Paragraph& paragraph) const {
    return escape_markdown(paragraph.text) + "\n\n";
  }
  std::string operator()(const BulletList& list) const {
    std::string text;
    for (const std::string& item : list.items) text += fmt::format("- {}\n", escape_markdown(item));
    return text + "\n";
  }
  std::string operator()(const Table& table) const {
    const auto row = [](const std::vector<std::string>& cells) {
      std::vector<std::string> escaped;
      for (const std::string& cell : cells) escaped.push_back(escape_markdown(cell));
      return table_row(escaped);
    };
    std::string text =
        row(table.head) + table_rule(table.name.empty() ? std::vector<bool>(table.head.size(), true)
                                                        : columns_of_words(table));
    for (const auto& cells : table.rows) text += row(cells);
    if (!table.caption.empty()) text += fmt::format("\n{}\n", escape_markdown(table.caption));
    return text + "\n";
  }
  std::string operator()(const CodeBlock& code) const {
    const std::string block = code_block(code.text, code.language);
    if (code.summary.empty()) return block + "\n";
    return fmt::format("<details>\n<summary>{}</summary>\n\n{}\n</details>\n\n",
                       escape_markdown(code.summary), block);
  }
  std::string operator()(const Figure& figure) const {
    if (figure.plot && !pictures) return "";
    std::string text = figure.plot ? picture_link(escape_markdown(figure.title), figure.name)
                                   : fmt::format("![{}](plots/{}.png)\n\n",
                                                 escape_markdown(figure.title), figure.name);
    if (!figure.caption.empty()) text += escape_markdown(figure.caption) + "\n\n";
    return text;
  }
};

bool has_plots(const Section& section) {
  for (const Block& block : section.blocks) {
    const auto* figure = std::get_if<Figure>(&block);
    if (figure != nullptr && figure->plot) return true;
  }
  return false;
}

}  // namespace

bool is_long_cell(std::string_view cell) { return character_count(cell) > 28; }

std::vector<bool> columns_of_words(const Table& table) {
  std::vector<bool> words(table.head.size(), false);
  for (const auto& row : table.rows) {
    for (std::size_t i = 1; i < std::min(row.size(), words.size()); ++i) {
      const bool letter =
          !row[i].empty() && std::isalpha(static_cast<unsigned char>(row[i].front())) != 0;
      words[i] = words[i] || letter || is_long_cell(row[i]);
    }
  }
  return words;
}

std::string to_csv(const Table& table) {
  const bool finer = !table.csv_head.empty();
  std::string text;
  const auto add = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i)
      text += fmt::format("{}{}", i == 0 ? "" : ",", csv_cell(cells[i]));
    text += "\n";
  };
  add(finer ? table.csv_head : table.head);
  for (const auto& row : finer ? table.csv_rows : table.rows) add(row);
  return text;
}

std::string to_markdown(const Document& document, bool pictures) {
  std::string text = fmt::format("# {}\n\n", escape_markdown(document.title));
  if (!document.lead.empty()) text += escape_markdown(document.lead) + "\n\n";
  for (const Section& section : document.sections) {
    text += fmt::format("## {}\n\n", escape_markdown(section.title));
    for (const Block& block : section.blocks) text += std::visit(MarkdownWriter{pictures}, block);
    if (!pictures && has_plots(section)) text += std::string(kNoGnuplot) + "\n\n";
  }
  return text;
}

std::string write_document(const Document& document, const fs::path& folder) {
  const bool pictures = draw_figures(document, folder);
  write_tables(document, folder);
  write_file_atomically(folder / "report.md", to_markdown(document, pictures));
  write_file_atomically(folder / "report.html", to_html(document, folder));
  return pictures ? "" : kNoGnuplot;
}

}  // namespace simclr
