#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "simclr/eval/protocols.h"
#include "simclr/eval/subject.h"

namespace simclr {

/// The outcomes of all seeds as one: means, their deviation, confusions added up.
struct MergedOutcome {
  Spread test;
  Spread test_top5;
  double validation_accuracy = 0.0;
  at::Tensor confusion;           ///< i64 [classes, classes]
  std::vector<double> per_class;  ///< NaN: no images
  nlohmann::ordered_json fields;  ///< all of it, as results.jsonl has it
};
MergedOutcome merge(const std::vector<Outcome>& outcomes,
                    const std::vector<std::string>& class_names);

/// Writes a confusion matrix: a row for each class with its images by the class that was named, how
/// many there are, and the share that is right.
void write_confusion(const std::filesystem::path& path, const MergedOutcome& outcome,
                     const std::vector<std::string>& class_names);

}  // namespace simclr
