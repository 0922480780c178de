#include "simclr/report/preview.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "simclr/augment/apply.h"
#include "simclr/augment/view.h"
#include "simclr/core/random.h"
#include "simclr/data/resize.h"
#include "simclr/report/sheet.h"

namespace simclr {
namespace {

/// Indices in turn from each class, in the order of labels.
std::vector<std::size_t> choose(const Dataset& images, int count) {
  const auto wanted = std::min(static_cast<std::size_t>(count), images.size());
  std::map<std::int32_t, std::vector<std::size_t>> classes;
  for (std::size_t i = 0; i < images.size(); ++i) {
    std::vector<std::size_t>& members = classes[images.get(i).label];
    if (members.size() < wanted) members.push_back(i);
  }
  std::vector<std::size_t> chosen;
  for (std::size_t turn = 0; chosen.size() < wanted; ++turn) {
    for (const auto& [label, members] : classes) {
      if (turn < members.size() && chosen.size() < wanted) chosen.push_back(members[turn]);
    }
  }
  return chosen;
}

std::vector<std::vector<std::string>> headings(int views, bool two_pipelines) {
  std::vector<std::vector<std::string>> result{{"original"}};
  for (int view = 0; view < views; ++view) {
    result.push_back({fmt::format("view {}", view + 1)});
    if (two_pipelines) result.back().emplace_back(view % 2 == 1 ? "pipeline 2" : "pipeline 1");
  }
  return result;
}

int side_of(const Dataset& images, const PreviewOptions& options) {
  return options.side > 0 ? options.side : images.get(0).height;
}

/// Fills a sheet row by row.
class Painter {
 public:
  Painter(Sheet& sheet, const PreviewOptions& options, int side)
      : sheet_(sheet),
        options_(options),
        side_(side),
        tile_(static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3) {}

  /// Whole, in its own ratio, as large as fits.
  void put_original(int row, const Image& image) {
    const int longer = std::max(image.height, image.width);
    const auto fitting = [&](int size) {
      return std::max(1, static_cast<int>(std::int64_t{size} * side_ / longer));
    };
    const ImageSize size{fitting(image.height), fitting(image.width)};
    const DecodedImage resized =
        resize_antialiased(image.pixels, {image.height, image.width}, size);
    std::vector<float> values;
    for (const std::uint8_t byte : resized.pixels)
      values.push_back(static_cast<float>(byte) / 255.0F);
    sheet_.put(row, 0, values, size.height, size.width);
  }

  void put_view(int row, int view, const Image& image, std::size_t index,
                const Pipeline& pipeline) {
    Random random({options_.seed, Purpose::kPreview, 0, static_cast<std::uint32_t>(index),
                   static_cast<std::uint32_t>(view)});
    const ViewParams params = draw_view(pipeline, image.height, image.width, side_, random);
    apply_view(image, params, Normalization::kNone, side_, scratch_, tile_);
    sheet_.put(row, view + 1, tile_, side_, side_);
  }

 private:
  Sheet& sheet_;
  const PreviewOptions& options_;
  int side_;
  ViewScratch scratch_;
  std::vector<float> tile_;
};

struct NamedPipeline {
  std::string name;
  Pipeline pipeline;
};

/// Every operation alone, then every named pipeline.
std::vector<NamedPipeline> operations(const AugmentSettings& augment) {
  std::vector<NamedPipeline> rows;
  for (const ParameterText& line : pipeline_parameters()) {
    if (!rows.empty() && rows.back().name == line.operation) continue;
    rows.push_back({line.operation, parse_pipeline(fmt::format("[{}]", line.operation))});
    Pipeline& alone = rows.back().pipeline;
    for (const OperationSettings& used : augment.pipeline)
      if (used.index() == alone[0].index()) alone[0] = used;
    if (line.name == "p") set_parameter(alone, line.operation + ".p", "1");
  }
  for (const std::string& name : pipeline_names()) rows.push_back({name, parse_pipeline(name)});
  return rows;
}

}  // namespace

std::vector<std::string> write_preview(const Dataset& images,
                                       const std::vector<std::string>& class_names,
                                       const AugmentSettings& augment,
                                       const PreviewOptions& options,
                                       const std::filesystem::path& path) {
  const std::vector<std::size_t> chosen = choose(images, options.images);
  std::vector<std::string> names;
  std::vector<std::string> labels;
  for (const std::size_t index : chosen) {
    const std::int32_t label = images.get(index).label;
    const bool named = label >= 0 && static_cast<std::size_t>(label) < class_names.size();
    names.push_back(named ? class_names[static_cast<std::size_t>(label)] : "");
    labels.push_back(named ? names.back() : fmt::format("#{}", index));
  }
  const int side = side_of(images, options);
  Sheet sheet(labels, headings(options.views, augment.second_pipeline.has_value()), side,
              options.scale);
  Painter painter(sheet, options, side);
  for (int row = 0; row < static_cast<int>(chosen.size()); ++row) {
    const std::size_t index = chosen[static_cast<std::size_t>(row)];
    const Image image = images.get(index);
    painter.put_original(row, image);
    for (int view = 0; view < options.views; ++view) {
      const bool second = view % 2 == 1 && augment.second_pipeline;
      painter.put_view(row, view, image, index,
                       second ? *augment.second_pipeline : augment.pipeline);
    }
  }
  sheet.write(path);
  return names;
}

void write_operations(const Dataset& images, const AugmentSettings& augment,
                      const PreviewOptions& options, const std::filesystem::path& path) {
  const std::vector<NamedPipeline> rows = operations(augment);
  std::vector<std::string> labels;
  for (const NamedPipeline& row : rows) labels.push_back(row.name);
  const int side = side_of(images, options);
  const Image image = images.get(0);
  Sheet sheet(labels, headings(options.views, false), side, options.scale);
  Painter painter(sheet, options, side);
  for (int row = 0; row < static_cast<int>(rows.size()); ++row) {
    painter.put_original(row, image);
    for (int view = 0; view < options.views; ++view)
      painter.put_view(row, view, image, 0, rows[static_cast<std::size_t>(row)].pipeline);
  }
  sheet.write(path);
}

}  // namespace simclr
