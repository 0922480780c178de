#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "simclr/config/range.h"

// How an image becomes a view, as settings: a list of operations, in order. What each does to
// pixels is in augment/view.h. Every default of an operation stands here; names, meanings and
// ranges stand in visit_fields below it.
namespace simclr {

/// RandomResizedCrop: a box of random area and ratio, resized to the view.
struct ResizedCropSettings {
  static constexpr std::string_view kName = "resized_crop";
  double scale_min = 0.08;
  double scale_max = 1.0;
  double ratio_min = 3.0 / 4.0;
  double ratio_max = 4.0 / 3.0;
};
template <class Visitor>
void visit_fields(ResizedCropSettings& s, Visitor&& visit) {
  visit(FieldText{"scale_min", "smallest share of the area"}, s.scale_min, Range{0.0, 1.0, true});
  visit(FieldText{"scale_max", "largest share of the area"}, s.scale_max, Range{0.0, 1.0, true});
  visit(FieldText{"ratio_min", "smallest width / height"}, s.ratio_min, kPositive);
  visit(FieldText{"ratio_max", "largest width / height"}, s.ratio_max, kPositive);
}

/// RandomCrop: the image resized to the view, padded with black, cut at a random place.
struct CropSettings {
  static constexpr std::string_view kName = "crop";
  std::int64_t padding = 4;
};
template <class Visitor>
void visit_fields(CropSettings& s, Visitor&& visit) {
  visit(FieldText{"padding", "black pixels on every side"}, s.padding, Range{0, 1024});
}

struct FlipSettings {
  static constexpr std::string_view kName = "flip";
  double p = 0.5;
};
template <class Visitor>
void visit_fields(FlipSettings& s, Visitor&& visit) {
  visit(FieldText{"p", "probability of mirroring left and right"}, s.p, kProbability);
}

/// AutoAugment with the CIFAR-10 policy. Cubuk et al. 2019. On pixels rounded to 8 bits.
struct AutoAugmentSettings {
  static constexpr std::string_view kName = "autoaugment";
  double p = 1.0;
};
template <class Visitor>
void visit_fields(AutoAugmentSettings& s, Visitor&& visit) {
  visit(FieldText{"p", "probability of one sub-policy of the CIFAR-10 policy"}, s.p, kProbability);
}

/// ColorJitter: its four operations in random order.
struct JitterSettings {
  static constexpr std::string_view kName = "jitter";
  double p = 0.8;
  double brightness = 0.2;
  double contrast = 0.2;
  double saturation = 0.2;
  double hue = 0.1;
};
template <class Visitor>
void visit_fields(JitterSettings& s, Visitor&& visit) {
  visit(FieldText{"p", "probability of the colour jitter"}, s.p, kProbability);
  visit(FieldText{"brightness", "factor in 1 +- this, not below 0"}, s.brightness, Range{0, 10});
  visit(FieldText{"contrast", "factor in 1 +- this, not below 0"}, s.contrast, Range{0, 10});
  visit(FieldText{"saturation", "factor in 1 +- this, not below 0"}, s.saturation, Range{0, 10});
  visit(FieldText{"hue", "turn of the hue circle in +- this"}, s.hue, Range{0, 0.5});
}

struct GreyscaleSettings {
  static constexpr std::string_view kName = "greyscale";
  double p = 0.2;
};
template <class Visitor>
void visit_fields(GreyscaleSettings& s, Visitor&& visit) {
  visit(FieldText{"p", "probability of turning grey"}, s.p, kProbability);
}

/// Gaussian blur. Chen et al. 2020, appendix A.
struct BlurSettings {
  static constexpr std::string_view kName = "blur";
  double p = 0.5;
  double sigma_min = 0.1;
  double sigma_max = 2.0;
  double kernel = 0.1;
};
template <class Visitor>
void visit_fields(BlurSettings& s, Visitor&& visit) {
  visit(FieldText{"p", "probability of blurring"}, s.p, kProbability);
  visit(FieldText{"sigma_min", "smallest standard deviation, in pixels of the view"}, s.sigma_min,
        Range{0.0, 100.0, true});
  visit(FieldText{"sigma_max", "largest standard deviation, in pixels of the view"}, s.sigma_max,
        Range{0.0, 100.0, true});
  visit(
      FieldText{"kernel", "width of the kernel as share of the view's side; made odd, at least 3"},
      s.kernel, Range{0.0, 1.0, true});
}

struct SolarizeSettings {
  static constexpr std::string_view kName = "solarize";
  double p = 0.2;
  double threshold = 0.5;
};
template <class Visitor>
void visit_fields(SolarizeSettings& s, Visitor&& visit) {
  visit(FieldText{"p", "probability of solarising"}, s.p, kProbability);
  visit(FieldText{"threshold", "values from here on are inverted"}, s.threshold, Range{0.0, 1.0});
}

/// Gaussian noise on every value, clamped to [0, 1].
struct NoiseSettings {
  static constexpr std::string_view kName = "noise";
  double p = 0.5;
  double sigma = 0.05;
};
template <class Visitor>
void visit_fields(NoiseSettings& s, Visitor&& visit) {
  visit(FieldText{"p", "probability of adding noise"}, s.p, kProbability);
  visit(FieldText{"sigma", "standard deviation, of values in [0, 1]"}, s.sigma, Range{0.0, 1.0});
}

/// In the order in which a pipeline may hold them where order is not free: crops, flip, the rest.
using OperationSettings =
    std::variant<ResizedCropSettings, CropSettings, FlipSettings, AutoAugmentSettings,
                 JitterSettings, GreyscaleSettings, BlurSettings, SolarizeSettings, NoiseSettings>;

/// Each operation at most once, at most one of the two crops; crops come first, then the flip.
using Pipeline = std::vector<OperationSettings>;

/// The operation of this type, or nullptr.
template <class Operation>
const Operation* find_operation(const Pipeline& pipeline) {
  for (const OperationSettings& operation : pipeline)
    if (const auto* found = std::get_if<Operation>(&operation)) return found;
  return nullptr;
}

std::string_view operation_name(const OperationSettings& operation);

/// Named pipelines, `seed` first.
std::vector<std::string> pipeline_names();

/// What people write, as a pipeline: a YAML list `[resized_crop: {scale_min: 0.2}, flip]`, or a
/// name (`seed`, `paper`, ...), to which `+operation` adds one with its defaults and from which
/// `-operation` takes one away (`seed+noise`, `seed-greyscale`). An added crop replaces the other.
/// @throws Error(kUsage) saying what is wrong, with the nearest name
Pipeline parse_pipeline(std::string_view text);

/// The YAML list, every parameter written out; parse_pipeline reads it back exactly.
std::string to_text(const Pipeline& pipeline);

/// Sets one parameter: `path` is "jitter.hue". @throws Error(kUsage)
void set_parameter(Pipeline& pipeline, std::string_view path, std::string_view value);

/// One line for each operation and parameter, for help and documents.
struct ParameterText {
  std::string operation;
  std::string name;
  std::string preset;  ///< the default
  std::string values;
  std::string help;
};
std::vector<ParameterText> pipeline_parameters();

}  // namespace simclr
