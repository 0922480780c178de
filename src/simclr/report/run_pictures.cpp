#include "simclr/report/run_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/data/open.h"
#include "simclr/report/markup.h"
#include "simclr/report/sheet.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kFilterColumns = 16;

std::string class_name(const std::vector<std::string>& names, std::int64_t label) {
  return label >= 0 && label < std::ssize(names) ? names[static_cast<std::size_t>(label)] : "";
}

Figure embedding(const Json& json, const std::vector<std::string>& names, const std::string& part,
                 const std::string& prefix) {
  const auto x = json.at("x").get<std::vector<double>>();
  const auto y = json.at("y").get<std::vector<double>>();
  const auto labels = json.at("label").get<std::vector<std::int64_t>>();
  const auto shares = json.at("variance_share").get<std::vector<double>>();
  std::map<std::int64_t, Curve> classes;
  for (std::size_t i = 0; i < std::min({x.size(), y.size(), labels.size()}); ++i) {
    Curve& curve = classes[labels[i]];
    curve.x.push_back(x[i]);
    curve.y.push_back(y[i]);
  }
  Plot plot{"Features of " + part + " images",
            fmt::format("first component, {:.1f} %", 100 * shares.at(0)),
            fmt::format("second component, {:.1f} %", 100 * shares.at(1)),
            "",
            {},
            false};
  for (auto& [label, curve] : classes) {
    curve.label = class_name(names, label);
    curve.color = static_cast<int>(label);
    curve.stroke = Stroke::kPoints;
    plot.curves.push_back(std::move(curve));
  }
  return {
      prefix + "embedding", plot.title,
      fmt::format("The first two principal components of {} images' features at unit length, with "
                  "their share of the variance; a colour and shape for each class.",
                  x.size()),
      plot};
}

std::vector<float> tile_of(const Image& image) {
  std::vector<float> tile(image.pixels.size());
  std::transform(image.pixels.begin(), image.pixels.end(), tile.begin(),
                 [](std::uint8_t value) { return static_cast<float>(value) / 255.0F; });
  return tile;
}

/// The images themselves. @return false if they are not those any more
bool draw_neighbours(const Json& rows, const Dataset& images, const std::vector<std::string>& names,
                     int side, const fs::path& file) {
  std::vector<std::vector<std::size_t>> indices;
  std::size_t columns = 0;
  for (const Json& row : rows) {
    std::vector<std::size_t> line{row.at("query").get<std::size_t>()};
    for (const Json& other : row.at("nearest")) line.push_back(other.get<std::size_t>());
    if (std::any_of(line.begin(), line.end(), [&](std::size_t i) { return i >= images.size(); }))
      return false;
    columns = std::max(columns, line.size());
    indices.push_back(std::move(line));
  }
  if (indices.empty()) return false;
  std::vector<std::string> labels;
  std::vector<std::vector<std::string>> headings{{"image"}};
  for (const auto& line : indices) labels.push_back(class_name(names, images.get(line[0]).label));
  for (std::size_t c = 1; c < columns; ++c) headings.push_back({fmt::format("{}", c)});
  Sheet sheet(labels, headings, side, 0);
  for (std::size_t r = 0; r < indices.size(); ++r) {
    for (std::size_t c = 0; c < indices[r].size(); ++c) {
      const Image image = images.get(indices[r][c]);
      if (image.height > side || image.width > side) return false;
      sheet.put(static_cast<int>(r), static_cast<int>(c), tile_of(image), image.height,
                image.width);
    }
  }
  sheet.write(file);
  return true;
}

/// The largest side among the images that are shown.
int side_of(const Json& rows, const Dataset& images) {
  int side = 8;
  const auto look = [&](std::size_t i) {
    if (i >= images.size()) return;
    side = std::max({side, images.get(i).height, images.get(i).width});
  };
  for (const Json& row : rows) {
    look(row.at("query").get<std::size_t>());
    for (const Json& other : row.at("nearest")) look(other.get<std::size_t>());
  }
  return side;
}

std::optional<Figure> neighbours(const Json& json, const RunRecords& records,
                                 const fs::path& folder, const std::string& prefix) {
  const std::string part = json.at("part").get<std::string>();
  try {
    const DataSplits data = open_data(records.settings.data);
    const Dataset& images = part == "test" ? *data.test : *data.validation;
    const Json& rows = json.at("neighbours");
    if (!draw_neighbours(rows, images, data.class_names, side_of(rows, images),
                         folder / "plots" / (prefix + "neighbours.png")))
      return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;  // the images are not on this machine: a report does not need them
  }
  return Figure{prefix + "neighbours", "Nearest neighbours",
                fmt::format("A {} image of each class and the other {} images whose features are "
                            "most similar (cosine), nearest first",
                            part, part),
                std::nullopt};
}

Table confusion(const Json& json, const std::vector<std::string>& names,
                const std::string& prefix) {
  Table table{prefix + "confusion", "", {"class"}, {}, true};
  for (const std::string& name : names) table.head.push_back(name);
  const Json& rows = json.at("confusion");
  for (std::size_t c = 0; c < rows.size(); ++c) {
    std::vector<std::string> row{class_name(names, static_cast<std::int64_t>(c))};
    for (const Json& count : rows[c]) row.push_back(fmt::format("{}", count.get<std::int64_t>()));
    table.rows.push_back(std::move(row));
  }
  table.caption = fmt::format(
      "Test images of each class (row) by the class they were taken for "
      "(column), by {}.",
      json.value("confusion_by", "kNN"));
  return table;
}

/// Weights of the first layer, each filter stretched to [0, 1] about grey.
std::optional<Figure> filters(const Json& json, const fs::path& folder, const std::string& prefix) {
  const auto shape = json.at("shape").get<std::vector<std::int64_t>>();
  const auto values = json.at("values").get<std::vector<float>>();
  if (shape.size() != 4 || shape[1] != 3 || shape[2] != shape[3] || shape[2] < 1)
    return std::nullopt;
  const std::int64_t area = shape[2] * shape[3];
  if (std::ssize(values) != shape[0] * 3 * area) return std::nullopt;
  const auto rows = static_cast<std::size_t>((shape[0] + kFilterColumns - 1) / kFilterColumns);
  Sheet sheet(std::vector<std::string>(rows),
              std::vector<std::vector<std::string>>(kFilterColumns, {""}),
              static_cast<int>(shape[2]), 6);
  for (std::int64_t f = 0; f < shape[0]; ++f) {
    const float* weights = values.data() + f * 3 * area;
    float largest = 1e-9F;
    for (std::int64_t i = 0; i < 3 * area; ++i) largest = std::max(largest, std::abs(weights[i]));
    std::vector<float> tile(static_cast<std::size_t>(3 * area));
    for (std::int64_t i = 0; i < 3 * area; ++i)
      tile[static_cast<std::size_t>(i % area * 3 + i / area)] = 0.5F + 0.5F * weights[i] / largest;
    sheet.put(static_cast<int>(f / kFilterColumns), static_cast<int>(f % kFilterColumns), tile,
              static_cast<int>(shape[2]), static_cast<int>(shape[3]));
  }
  sheet.write(folder / "plots" / (prefix + "filters.png"));
  return Figure{
      prefix + "filters", "First-layer filters",
      fmt::format("{} filters of {} x {}, each stretched about grey", shape[0], shape[2], shape[3]),
      std::nullopt};
}

}  // namespace

std::vector<Block> run_pictures(const RunRecords& records, const fs::path& run,
                                const fs::path& folder, const std::string& prefix) {
  std::vector<Block> blocks;
  const fs::path file = run / "pictures.json";
  if (!fs::exists(file)) return blocks;
  fs::create_directories(folder / "plots");
  try {
    const Json json = Json::parse(read_file(file));
    const auto names = json.at("class_names").get<std::vector<std::string>>();
    blocks.emplace_back(
        embedding(json.at("embedding"), names, json.at("part").get<std::string>(), prefix));
    if (auto figure = neighbours(json, records, folder, prefix)) blocks.emplace_back(*figure);
    if (json.contains("confusion")) blocks.emplace_back(confusion(json, names, prefix));
    if (auto figure = filters(json.at("filters"), folder, prefix)) blocks.emplace_back(*figure);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ExitCode::kData, fmt::format("{}: {}", file.string(), error.what()),
                "Remove the file; `simclr report` makes it again from the checkpoint.");
  }
  return blocks;
}

}  // namespace simclr
