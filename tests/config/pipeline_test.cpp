#include "simclr/config/pipeline.h"

#include <gtest/gtest.h>

#include <set>

#include "simclr/config/schema.h"
#include "simclr/core/error.h"
#include "tests/support/expect_error.h"

namespace simclr {
namespace {

std::string names_of(const std::string& text) {
  std::string names;
  for (const OperationSettings& operation : parse_pipeline(text))
    names += std::string(names.empty() ? "" : " ") + std::string(operation_name(operation));
  return names;
}

void expect_refused(const std::string& text, const std::string& message, const std::string& hint) {
  const Error error = expect_error(ExitCode::kUsage, [&] { parse_pipeline(text); });
  EXPECT_EQ(error.what(), message);
  EXPECT_NE(error.hint().find(hint), std::string::npos) << error.hint();
}

Settings from_yaml(const std::string& yaml) {
  SettingsBuilder builder;
  builder.apply_yaml(yaml, "test.yaml");
  return builder.resolve();
}

TEST(Pipeline, TheSeedsIsTheDefault) {
  EXPECT_EQ(names_of("seed"), "resized_crop flip jitter greyscale");
  EXPECT_EQ(to_text(Settings{}.augment.pipeline), to_text(parse_pipeline("seed")));
  EXPECT_EQ(to_text(parse_pipeline("seed")),
            "[resized_crop: {scale_min: 0.08, scale_max: 1, ratio_min: 0.75, ratio_max: "
            "1.3333333333333333}, flip: {p: 0.5}, jitter: {p: 0.8, brightness: 0.2, contrast: 0.2, "
            "saturation: 0.2, hue: 0.1}, greyscale: {p: 0.2}]");
}

TEST(Pipeline, EveryNamedOneReadsBackExactly) {
  for (const std::string& name : pipeline_names())
    EXPECT_EQ(to_text(parse_pipeline(to_text(parse_pipeline(name)))),
              to_text(parse_pipeline(name)));
}

TEST(Pipeline, NamedOnesHoldWhatTheirSourcesSay) {
  const Pipeline paper = parse_pipeline("paper");
  EXPECT_EQ(find_operation<JitterSettings>(paper)->brightness, 0.8);
  EXPECT_EQ(find_operation<JitterSettings>(paper)->hue, 0.2);
  EXPECT_EQ(find_operation<BlurSettings>(paper)->p, 0.5);
  const Pipeline cifar = parse_pipeline("paper-cifar");
  EXPECT_EQ(find_operation<JitterSettings>(cifar)->saturation, 0.4);
  EXPECT_EQ(find_operation<ResizedCropSettings>(cifar)->scale_min, 0.08);
  const Pipeline best = parse_pipeline("best-cifar");
  EXPECT_EQ(find_operation<ResizedCropSettings>(best)->scale_min, 0.2);
  EXPECT_EQ(find_operation<GreyscaleSettings>(best)->p, 0.1);
  EXPECT_TRUE(parse_pipeline("none").empty());
}

TEST(Pipeline, PlusAddsInPlaceAndMinusTakesAway) {
  EXPECT_EQ(names_of("seed+noise"), "resized_crop flip jitter greyscale noise");
  EXPECT_EQ(names_of("seed+autoaugment"), "resized_crop flip autoaugment jitter greyscale");
  EXPECT_EQ(names_of("seed+crop"), "crop flip jitter greyscale");
  EXPECT_EQ(names_of("paper-cifar-jitter+blur-flip"), "resized_crop greyscale blur");
  EXPECT_EQ(names_of("none+flip"), "flip");
}

TEST(Pipeline, IsAYamlListWithParameters) {
  const Pipeline pipeline = parse_pipeline("[crop: {padding: 2}, jitter: {hue: 0.3, p: 1}, blur:]");
  EXPECT_EQ(find_operation<CropSettings>(pipeline)->padding, 2);
  EXPECT_EQ(find_operation<JitterSettings>(pipeline)->hue, 0.3);
  EXPECT_EQ(find_operation<JitterSettings>(pipeline)->brightness, 0.2);
  EXPECT_NE(find_operation<BlurSettings>(pipeline), nullptr);
  EXPECT_EQ(find_operation<FlipSettings>(pipeline), nullptr);
}

TEST(Pipeline, RefusesWhatItDoesNotKnow) {
  expect_refused("sed", "there is no pipeline 'sed'", "Did you mean 'seed'?");
  expect_refused("seed+blurr", "there is no operation 'blurr'", "Did you mean 'blur'?");
  expect_refused("seed-blur", "there is no blur to take away", "");
  expect_refused("[jitter: {hu: 1}]", "there is no parameter 'jitter.hu'", "'hue'");
  expect_refused("[jitter: {hue: 0.6}]", "jitter.hue = '0.6' is not allowed", "[0, 0.5]");
  expect_refused("[jitter: 3]", "jitter needs its parameters as {name: value}", "");
  expect_refused("[[flip]]", "an operation is a name, or `name: {parameter: value}`", "");
  expect_refused("{flip: 1}", "'{flip: 1}' is not a pipeline", "YAML list");
}

TEST(Pipeline, RefusesWhatCannotBe) {
  expect_refused("[jitter, flip]", "flip comes after jitter", "Crops come first");
  expect_refused("[flip, flip]", "flip stands twice", "once");
  expect_refused("[crop, resized_crop]", "resized_crop and crop exclude each other", "one");
  expect_refused("[resized_crop: {scale_min: 0.9, scale_max: 0.5}]",
                 "resized_crop: a smallest value is above its largest", "Swap");
  expect_refused("[blur: {sigma_min: 3}]", "blur: a smallest value is above its largest", "Swap");
}

TEST(Pipeline, IsASettingLikeAnyOther) {
  const Settings settings = from_yaml(
      "augment: {pipeline: [flip: {p: 0.25}], second_pipeline: seed-jitter}\n"
      "augment.second_pipeline.greyscale.p: 0.7\n");
  EXPECT_EQ(to_text(settings.augment.pipeline), "[flip: {p: 0.25}]");
  EXPECT_EQ(find_operation<GreyscaleSettings>(*settings.augment.second_pipeline)->p, 0.7);
  EXPECT_EQ(differing_keys(from_yaml(to_yaml(settings)), settings), std::vector<std::string>{});
}

TEST(Pipeline, OneParameterCanBeSet) {
  const Settings settings = from_yaml("augment.pipeline.jitter.hue: 0.4");
  EXPECT_EQ(find_operation<JitterSettings>(settings.augment.pipeline)->hue, 0.4);
  EXPECT_FALSE(settings.augment.second_pipeline.has_value());
  const Error error =
      expect_error(ExitCode::kUsage, [] { from_yaml("augment.pipeline.noise.sigma: 0.4"); });
  EXPECT_EQ(std::string(error.what()), "test.yaml:1: the pipeline has no 'noise'");
}

TEST(Pipeline, EveryParameterHasHelpAndADefaultInItsRange) {
  std::set<std::string> operations;
  for (const ParameterText& line : pipeline_parameters()) {
    EXPECT_FALSE(line.help.empty()) << line.operation << "." << line.name;
    operations.insert(line.operation);
    Pipeline pipeline = parse_pipeline("[" + line.operation + "]");
    EXPECT_NO_THROW(set_parameter(pipeline, line.operation + "." + line.name, line.preset));
  }
  EXPECT_EQ(operations.size(), 9U);
}

}  // namespace
}  // namespace simclr
