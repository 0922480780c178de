#include "simclr/config/pipeline.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "simclr/config/value_text.h"
#include "simclr/core/error.h"
#include "simclr/core/text.h"

namespace simclr {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kNamed{
    {{"seed", "[resized_crop, flip, jitter, greyscale]"},
     {"paper-cifar",
      "[resized_crop, flip, jitter: {brightness: 0.4, contrast: 0.4, saturation: 0.4}, greyscale]"},
     {"paper",
      "[resized_crop, flip, jitter: {brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.2}, "
      "greyscale, blur]"},
     {"best-cifar",
      "[resized_crop: {scale_min: 0.2}, flip, jitter: {brightness: 0.4, contrast: 0.4, saturation: "
      "0.4}, greyscale: {p: 0.1}]"},
     {"crop-flip", "[resized_crop, flip]"},
     {"none", "[]"}}};

[[noreturn]] void fail(const std::string& message, const std::string& hint = "") {
  throw Error(ExitCode::kUsage, message, hint);
}

/// Every operation with its defaults, in the variant's order.
template <std::size_t... i>
std::array<OperationSettings, sizeof...(i)> make_all(std::index_sequence<i...> /*indices*/) {
  return {OperationSettings(std::in_place_index<i>)...};
}
std::array<OperationSettings, std::variant_size_v<OperationSettings>> all_operations() {
  return make_all(std::make_index_sequence<std::variant_size_v<OperationSettings>>{});
}

OperationSettings operation_called(const std::string& name) {
  std::vector<std::string> known;
  for (const OperationSettings& operation : all_operations()) {
    if (operation_name(operation) == name) return operation;
    known.emplace_back(operation_name(operation));
  }
  fail(fmt::format("there is no operation '{}'", name),
       fmt::format("{}Operations: {}.", did_you_mean(name, known), fmt::join(known, ", ")));
}

void set_parameter(OperationSettings& operation, const std::string& name, std::string_view value) {
  const std::string key = fmt::format("{}.{}", operation_name(operation), name);
  std::vector<std::string> known;
  bool found = false;
  const auto visit = [&](const FieldText& text, auto& member, const auto&... range) {
    known.emplace_back(text.name);
    if (text.name != name) return;
    detail::parse_value(key, value, range..., member);
    found = true;
  };
  std::visit([&](auto& settings) { visit_fields(settings, visit); }, operation);
  if (!found) {
    fail(fmt::format("there is no parameter '{}'", key),
         fmt::format("{}{} has: {}.", did_you_mean(name, known), operation_name(operation),
                     fmt::join(known, ", ")));
  }
}

void check_bounds(const OperationSettings& operation) {
  bool fine = true;
  if (const auto* crop = std::get_if<ResizedCropSettings>(&operation))
    fine = crop->scale_min <= crop->scale_max && crop->ratio_min <= crop->ratio_max;
  if (const auto* blur = std::get_if<BlurSettings>(&operation))
    fine = blur->sigma_min <= blur->sigma_max;
  if (fine) return;
  fail(fmt::format("{}: a smallest value is above its largest", operation_name(operation)),
       "Swap the two.");
}

bool is_crop(const OperationSettings& operation) {
  return std::holds_alternative<ResizedCropSettings>(operation) ||
         std::holds_alternative<CropSettings>(operation);
}

/// 0 for crops, 1 for the flip, 2 for what may stand in any order.
int stage_of(const OperationSettings& operation) {
  if (is_crop(operation)) return 0;
  return std::holds_alternative<FlipSettings>(operation) ? 1 : 2;
}

void check(const Pipeline& pipeline) {
  for (std::size_t i = 0; i < pipeline.size(); ++i) {
    const std::string_view name = operation_name(pipeline[i]);
    check_bounds(pipeline[i]);
    for (std::size_t j = 0; j < i; ++j) {
      if (pipeline[j].index() == pipeline[i].index())
        fail(fmt::format("{} stands twice", name), "Each operation is allowed once.");
      if (is_crop(pipeline[j]) && is_crop(pipeline[i]))
        fail("resized_crop and crop exclude each other", "Keep one of the two.");
      if (stage_of(pipeline[j]) > stage_of(pipeline[i])) {
        fail(fmt::format("{} comes after {}", name, operation_name(pipeline[j])),
             "Crops come first, then the flip, then everything else in any order.");
      }
    }
  }
}

/// `flip`, or `flip: {p: 0.3}`.
OperationSettings parse_operation(const YAML::Node& node) {
  if (node.IsScalar()) return operation_called(node.Scalar());
  if (!node.IsMap() || node.size() != 1 || !node.begin()->first.IsScalar())
    fail("an operation is a name, or `name: {parameter: value}`");
  OperationSettings operation = operation_called(node.begin()->first.Scalar());
  const YAML::Node parameters = node.begin()->second;
  if (parameters.IsNull()) return operation;
  if (!parameters.IsMap())
    fail(fmt::format("{} needs its parameters as {{name: value}}", operation_name(operation)));
  for (const auto& entry : parameters) {
    if (!entry.first.IsScalar() || !entry.second.IsScalar())
      fail(fmt::format("{}: each parameter has one value", operation_name(operation)));
    set_parameter(operation, entry.first.Scalar(), entry.second.Scalar());
  }
  return operation;
}

Pipeline parse_list(const YAML::Node& list) {
  Pipeline pipeline;
  for (const auto& node : list) pipeline.push_back(parse_operation(node));
  return pipeline;
}

void remove_operation(Pipeline& pipeline, const std::string& name) {
  const auto index = operation_called(name).index();
  const auto found =
      std::find_if(pipeline.begin(), pipeline.end(),
                   [&](const OperationSettings& operation) { return operation.index() == index; });
  if (found == pipeline.end()) fail(fmt::format("there is no {} to take away", name));
  pipeline.erase(found);
}

/// Before the first operation that the variant lists later.
void add_operation(Pipeline& pipeline, const std::string& name) {
  const OperationSettings added = operation_called(name);
  if (is_crop(added)) std::erase_if(pipeline, is_crop);
  const auto later = std::find_if(
      pipeline.begin(), pipeline.end(),
      [&](const OperationSettings& operation) { return operation.index() > added.index(); });
  pipeline.insert(later, added);
}

/// `seed+noise-greyscale`: the longest name that `text` begins with, then what is added and taken.
Pipeline parse_expression(const std::string& text) {
  std::string_view base;
  std::string_view list;
  for (const auto& [name, yaml] : kNamed) {
    const bool fits =
        text.starts_with(name) &&
        (text.size() == name.size() || text.find_first_of("+-", name.size()) == name.size());
    if (fits && name.size() > base.size()) std::tie(base, list) = std::tie(name, yaml);
  }
  if (base.empty()) {
    fail(fmt::format("there is no pipeline '{}'", text),
         fmt::format("{}Named pipelines: {}; or give a YAML list of operations.",
                     did_you_mean(text, pipeline_names()), fmt::join(pipeline_names(), ", ")));
  }
  Pipeline pipeline = parse_list(YAML::Load(std::string(list)));
  for (std::size_t at = base.size(); at < text.size();) {
    const std::size_t end = std::min(text.find_first_of("+-", at + 1), text.size());
    const std::string name = text.substr(at + 1, end - at - 1);
    if (text[at] == '+')
      add_operation(pipeline, name);
    else
      remove_operation(pipeline, name);
    at = end;
  }
  return pipeline;
}

}  // namespace

std::string_view operation_name(const OperationSettings& operation) {
  return std::visit([](const auto& settings) { return settings.kName; }, operation);
}

std::vector<std::string> pipeline_names() {
  std::vector<std::string> names;
  for (const auto& [name, yaml] : kNamed) names.emplace_back(name);
  return names;
}

Pipeline parse_pipeline(std::string_view text) {
  YAML::Node node;
  try {
    node = YAML::Load(std::string(text));
  } catch (const YAML::Exception& error) {
    fail(fmt::format("'{}' is not a pipeline: {}", text, error.msg),
         "Write a name (seed+noise), or a YAML list: [resized_crop: {scale_min: 0.2}, flip].");
  }
  if (!node.IsScalar() && !node.IsSequence())
    fail(fmt::format("'{}' is not a pipeline", text),
         "Write a name (seed+noise), or a YAML list: [resized_crop: {scale_min: 0.2}, flip].");
  Pipeline pipeline = node.IsScalar() ? parse_expression(node.Scalar()) : parse_list(node);
  check(pipeline);
  return pipeline;
}

std::string to_text(const Pipeline& pipeline) {
  std::vector<std::string> operations;
  for (OperationSettings operation : pipeline) {
    std::vector<std::string> parameters;
    const auto visit = [&](const FieldText& text, auto& member, const auto&... /*range*/) {
      parameters.push_back(fmt::format("{}: {}", text.name, detail::value_text(member)));
    };
    std::visit([&](auto& settings) { visit_fields(settings, visit); }, operation);
    operations.push_back(
        fmt::format("{}: {{{}}}", operation_name(operation), fmt::join(parameters, ", ")));
  }
  return fmt::format("[{}]", fmt::join(operations, ", "));
}

void set_parameter(Pipeline& pipeline, std::string_view path, std::string_view value) {
  const std::size_t dot = path.find('.');
  const std::string operation(path.substr(0, dot));
  if (dot == std::string_view::npos)
    fail(fmt::format("'{}' names no parameter", path), "Write operation.parameter: jitter.hue.");
  for (OperationSettings& candidate : pipeline) {
    if (operation_name(candidate) != operation) continue;
    set_parameter(candidate, std::string(path.substr(dot + 1)), value);
    check(pipeline);
    return;
  }
  fail(fmt::format("the pipeline has no '{}'", operation_name(operation_called(operation))),
       "Add it first: seed+" + operation + ".");
}

std::vector<ParameterText> pipeline_parameters() {
  std::vector<ParameterText> lines;
  for (OperationSettings operation : all_operations()) {
    const auto visit = [&](const FieldText& text, auto& member, const auto&... range) {
      using T = std::remove_reference_t<decltype(member)>;
      lines.push_back({std::string(operation_name(operation)), std::string(text.name),
                       detail::value_text(member), detail::allowed<T>(range...),
                       std::string(text.help)});
    };
    std::visit([&](auto& settings) { visit_fields(settings, visit); }, operation);
  }
  return lines;
}

}  // namespace simclr
