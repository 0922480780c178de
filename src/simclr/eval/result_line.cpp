#include "simclr/eval/result_line.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "simclr/core/files.h"
#include "simclr/core/text.h"

namespace simclr {
namespace {

using Json = nlohmann::ordered_json;

/// A matrix of more classes is kept in its CSV file only.
constexpr std::size_t kMostClassesInALine = 100;

std::vector<double> values_of(const std::vector<Outcome>& outcomes, double ClassScores::*member) {
  std::vector<double> values;
  for (const Outcome& outcome : outcomes) values.push_back(outcome.test.*member);
  return values;
}

/// Each curve's mean over the seeds, epoch by epoch.
Json mean_curves(const std::vector<Outcome>& outcomes) {
  Json curves = Json::object();
  for (const auto& [name, first] : outcomes.front().curves.items()) {
    std::vector<double> mean(first.size(), 0.0);
    for (const Outcome& outcome : outcomes) {
      for (std::size_t e = 0; e < mean.size(); ++e)
        mean[e] += outcome.curves[name][e].get<double>() / static_cast<double>(outcomes.size());
    }
    curves[name] = mean;
  }
  return curves;
}

std::vector<std::vector<std::int64_t>> rows_of(const at::Tensor& confusion) {
  std::vector<std::vector<std::int64_t>> rows;
  const auto* from = confusion.data_ptr<std::int64_t>();
  for (std::int64_t c = 0; c < confusion.size(0); ++c, from += confusion.size(1))
    rows.emplace_back(from, from + confusion.size(1));
  return rows;
}

}  // namespace

MergedOutcome merge(const std::vector<Outcome>& outcomes,
                    const std::vector<std::string>& class_names) {
  MergedOutcome merged;
  const std::vector<double> accuracies = values_of(outcomes, &ClassScores::top1);
  merged.test = spread_of(accuracies);
  merged.test_top5 = spread_of(values_of(outcomes, &ClassScores::top5));
  ClassScores all;
  for (const Outcome& outcome : outcomes) {
    merged.validation_accuracy +=
        outcome.validation_accuracy / static_cast<double>(outcomes.size());
    all.confusion = all.confusion.defined() ? all.confusion.add(outcome.test.confusion)
                                            : outcome.test.confusion;
  }
  merged.confusion = all.confusion;
  merged.per_class = all.per_class();

  const bool several = outcomes.size() > 1;
  merged.fields = {{"test_accuracy", merged.test.mean},
                   {"test_deviation", several ? Json(merged.test.deviation) : Json()},
                   {"test_accuracies", accuracies},
                   {"test_top5", merged.test_top5.mean},
                   {"validation_accuracy", merged.validation_accuracy}};
  Json per_class = Json::object();
  for (std::size_t c = 0; c < class_names.size(); ++c)
    per_class[class_names[c]] = merged.per_class[c];
  merged.fields["per_class"] = std::move(per_class);
  if (class_names.size() <= kMostClassesInALine)
    merged.fields["confusion"] = rows_of(merged.confusion);
  merged.fields["details"] = outcomes.front().details;
  for (std::size_t i = 0; several && i < outcomes.size(); ++i)
    merged.fields["details_by_seed"].push_back(outcomes[i].details);
  merged.fields.update(mean_curves(outcomes));
  return merged;
}

void write_confusion(const std::filesystem::path& path, const MergedOutcome& outcome,
                     const std::vector<std::string>& class_names) {
  std::string csv = "class";
  for (const std::string& name : class_names) csv.append(1, ',').append(csv_cell(name));
  csv += ",images,accuracy\n";
  const auto rows = rows_of(outcome.confusion);
  for (std::size_t c = 0; c < rows.size(); ++c) {
    csv += csv_cell(class_names[c]);
    std::int64_t images = 0;
    for (const std::int64_t count : rows[c]) {
      csv += fmt::format(",{}", count);
      images += count;
    }
    const double share = outcome.per_class[c];
    csv += fmt::format(",{},{}\n", images, std::isnan(share) ? "" : fmt::format("{}", share));
  }
  std::filesystem::create_directories(path.parent_path());
  write_file_atomically(path, csv);
}

}  // namespace simclr
