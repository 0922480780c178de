#include "cli/data_report.h"

#include <fmt/format.h>

#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "simclr/core/text.h"
#include "simclr/data/statistics.h"

namespace simclr::cli {
namespace {

constexpr std::size_t kPairsShown = 10;

Json describe(const SizeSummary& sizes) {
  const auto sides = [](const Sides& s) { return Json{{"height", s.first}, {"width", s.second}}; };
  return {{"smallest", sides(sizes.smallest)},
          {"largest", sides(sizes.largest)},
          {"most_common", sides(sizes.most_common)},
          {"most_common_images", sizes.most_common_count},
          {"distinct", sizes.distinct}};
}

SizeSummary sizes_of(const Dataset& dataset) {
  SizeCounter counter;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    const Image image = dataset.get(i);
    counter.add(image.height, image.width);
  }
  return counter.summary();
}

std::string sides_text(const Json& sides) {
  return fmt::format("{}x{}", sides["width"].get<int>(), sides["height"].get<int>());
}

std::string sizes_text(const Json& sizes) {
  const auto distinct = sizes["distinct"].get<std::size_t>();
  if (distinct == 0) return "no images";
  if (distinct == 1) return "all " + sides_text(sizes["most_common"]);
  return fmt::format(
      "{} to {}, most often {} ({} images), {} different", sides_text(sizes["smallest"]),
      sides_text(sizes["largest"]), sides_text(sizes["most_common"]),
      with_commas(sizes["most_common_images"].get<std::size_t>()), with_commas(distinct));
}

Json describe_part(const std::string& part, const Dataset& dataset,
                   const std::vector<std::string>& class_names, EventSink& sink) {
  const DataStatistics statistics = measure(dataset, class_names.size(), sink);
  Json classes = Json::object();
  for (std::size_t c = 0; c < class_names.size(); ++c)
    classes[class_names[c]] = statistics.images_per_class[c];
  return {{"part", part},
          {"images", dataset.size()},
          {"sizes", describe(sizes_of(dataset))},
          {"mean", statistics.mean},
          {"deviation", statistics.deviation},
          {"classes", classes}};
}

/// All images of a source, and what to call each.
class WholeSource {
 public:
  explicit WholeSource(const DataSource& source) : pictures_(source.pictures) {
    if (pictures_ && !pictures_->info().names.empty()) {
      images_ = pictures_;
      return;
    }
    std::vector<std::shared_ptr<const Dataset>> parts;
    const std::initializer_list<std::pair<const char*, std::shared_ptr<const Dataset>>> named{
        {"train", source.train}, {"test", source.test}, {"unlabelled", source.unlabelled}};
    for (const auto& [name, part] : named) {
      if (!part) continue;
      parts.push_back(part);
      ends_.emplace_back(name, (ends_.empty() ? 0 : ends_.back().second) + part->size());
    }
    images_ = std::make_shared<Concat>(std::move(parts));
  }

  const Dataset& images() const { return *images_; }

  std::string name_of(std::size_t index) const {
    if (ends_.empty()) return pictures_->info().names[index];
    std::size_t first = 0;
    for (const auto& [name, end] : ends_) {
      if (index < end) return fmt::format("{} {}", name, index - first);
      first = end;
    }
    return "?";
  }

 private:
  std::shared_ptr<const ImageCache> pictures_;
  std::shared_ptr<const Dataset> images_;
  std::vector<std::pair<std::string, std::size_t>> ends_;  ///< of parts; empty: files have names
};

std::size_t count(const Json& json, const char* key) { return json.at(key).get<std::size_t>(); }

}  // namespace

Json describe_parts(const DataSplits& data, EventSink& sink) {
  Json parts = Json::array({describe_part("train", *data.train, data.class_names, sink),
                            describe_part("validation", *data.validation, data.class_names, sink),
                            describe_part("test", *data.test, data.class_names, sink)});
  if (data.pretrain != data.train)
    parts.push_back(describe_part("pretraining", *data.pretrain, data.class_names, sink));
  return parts;
}

std::string parts_table(const Json& parts) {
  std::string text;
  for (const Json& part : parts) {
    if (count(part, "images") == 0) {
      text += fmt::format("{}: no images\n", part["part"].get<std::string>());
      continue;
    }
    const auto mean = part["mean"].get<std::vector<double>>();
    const auto deviation = part["deviation"].get<std::vector<double>>();
    text += fmt::format("{}: {} images, {}; mean {:.4f}, deviation {:.4f} (R, G, B)\n",
                        part["part"].get<std::string>(), with_commas(count(part, "images")),
                        sizes_text(part["sizes"]), fmt::join(mean, " "), fmt::join(deviation, " "));
    std::string classes;
    for (const auto& [name, images] : part["classes"].items()) {
      classes += fmt::format("{}{} {}", classes.empty() ? "  " : ", ", name,
                             with_commas(images.get<std::size_t>()));
    }
    text += (classes.empty() ? "  no labels" : classes) + "\n";
  }
  return text;
}

Json describe_source(const DataSource& source, const std::string& name, EventSink& sink) {
  const WholeSource whole(source);
  const Duplicates duplicates = find_duplicates(whole.images(), kPairsShown, sink);
  Json pairs = Json::array();
  for (const auto& [first, second] : duplicates.first_pairs)
    pairs.push_back(Json::array({whole.name_of(first), whole.name_of(second)}));
  Json damaged = Json::array();
  for (const SkippedFile& file : source.skipped)
    damaged.push_back({{"file", file.name}, {"reason", file.reason}});
  return {{"source", printable(name)},
          {"files", source.files},
          {"images", whole.images().size()},
          {"train", source.train->size()},
          {"test", source.test->size()},
          {"unlabelled", source.unlabelled ? source.unlabelled->size() : 0},
          {"classes", source.class_names.size()},
          {"sizes",
           describe(source.pictures ? source.pictures->info().sizes : sizes_of(whole.images()))},
          {"image_size", source.image_size},
          {"duplicates", {{"images", duplicates.images}, {"first_pairs", pairs}}},
          {"damaged", damaged}};
}

std::string source_table(const Json& found) {
  const Json& damaged = found["damaged"];
  const std::size_t classes = count(found, "classes");
  std::string text =
      fmt::format("{}: {}; {} training, {} test and {} unlabelled images {}\n",
                  found["source"].get<std::string>(),
                  damaged.empty() ? "whole"
                                  : fmt::format("{} damaged file{}", with_commas(damaged.size()),
                                                damaged.size() == 1 ? "" : "s"),
                  with_commas(count(found, "train")), with_commas(count(found, "test")),
                  with_commas(count(found, "unlabelled")),
                  classes == 0 ? "without labels" : fmt::format("of {} classes", classes));
  text += fmt::format("  sizes: {}; views of {}x{}\n", sizes_text(found["sizes"]),
                      found["image_size"].get<int>(), found["image_size"].get<int>());
  const Json& duplicates = found["duplicates"];
  text += fmt::format("  duplicates: {}\n", with_commas(count(duplicates, "images")));
  for (const Json& pair : duplicates["first_pairs"])
    text += fmt::format("    {} = {}\n", pair[0].get<std::string>(), pair[1].get<std::string>());
  if (!damaged.empty()) text += "  damaged:\n";
  for (const Json& file : damaged)
    text += fmt::format("    {}: {}\n", file["file"].get<std::string>(),
                        file["reason"].get<std::string>());
  return text;
}

}  // namespace simclr::cli
