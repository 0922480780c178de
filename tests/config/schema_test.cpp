#include "simclr/config/schema.h"

#include <gtest/gtest.h>

#include <set>

#include "simclr/core/error.h"

namespace simclr {
namespace {

/// The error that `action` throws, as "message / hint".
template <class Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return std::string(error.what()) + " / " + error.hint();
  }
  return "no error";
}

Settings from_yaml(const std::string& yaml) {
  SettingsBuilder builder;
  builder.apply_yaml(yaml, "test.yaml");
  return builder.resolve();
}

TEST(Schema, FlagsAreUniqueAndEveryFieldHasHelp) {
  std::set<std::string> flags;
  for (const Field& field : all_fields()) {
    EXPECT_TRUE(flags.insert(field.flag).second) << field.flag;
    EXPECT_FALSE(field.help.empty()) << field.key();
    EXPECT_FALSE(field.values.empty()) << field.key();
  }
}

TEST(Schema, FindsAFieldByKeyFlagOrFlagWithUnderscores) {
  for (const char* name : {"train.batch_size", "batch-size", "batch_size"}) {
    EXPECT_EQ(find_field(name).key(), "train.batch_size");
  }
  EXPECT_EQ(find_field("data").key(), "data.source");
  EXPECT_EQ(find_field("model").key(), "model.arch");
  EXPECT_EQ(find_field("temperature").key(), "loss.temperature");
  EXPECT_EQ(find_field("knn-temperature").key(), "knn.temperature");
  EXPECT_EQ(find_field("finetune-epochs").key(), "finetune.epochs");
}

TEST(Schema, UnknownNameIsAnErrorWithTheNearestName) {
  EXPECT_EQ(
      error_of([] { find_field("temprature"); }),
      "there is no setting 'temprature' / Did you mean 'temperature'? `simclr config explain` "
      "lists them all.");
  EXPECT_NE(error_of([] { find_field("train.epoch"); }).find("'train.epochs'"), std::string::npos);
}

TEST(Schema, EveryDefaultIsWithinItsOwnRange) {
  Settings settings;
  for (const Field& field : all_fields()) {
    EXPECT_NO_THROW(field.set(settings, field.get(settings))) << field.key();
  }
}

TEST(Schema, RejectsWhatIsOutOfRangeOrNotANumber) {
  Settings settings;
  for (const char* bad : {"0", "-3", "1.5", "ten", "", "10x", "1e400", "nan"}) {
    EXPECT_NE(error_of([&] { find_field("epochs").set(settings, bad); }), "no error") << bad;
  }
  for (const char* bad : {"0", "1.01", "nan", "inf", "-0.5"}) {
    EXPECT_NE(error_of([&] { find_field("train_percent").set(settings, bad); }), "no error") << bad;
  }
  EXPECT_EQ(
      error_of([&] { find_field("train_percent").set(settings, "20"); }),
      "data.train_percent = '20' is not allowed / Wanted: number in (0, 1]; a share of 20 % is "
      "20% or 0.2.");
  EXPECT_EQ(
      error_of([&] { find_field("temperature").set(settings, "0,5"); }),
      "loss.temperature = '0,5' is not allowed / Wanted: number in [0.001, 100], with a decimal "
      "point.");
  EXPECT_EQ(error_of([&] { find_field("optimizer").set(settings, "larz"); }),
            "optim.optimizer = 'larz' is not allowed / Wanted: adam | adamw | sgd | lars.");
  EXPECT_EQ(differing_keys(settings, Settings{}), std::vector<std::string>{});
}

TEST(Schema, YamlOfSettingsReadsBackExactly) {
  Settings settings;
  find_field("lr").set(settings, "0.1234567890123456");
  find_field("seed").set(settings, "18446744073709551615");
  find_field("data").set(settings, "a \"folder\": with\nodd # names");
  find_field("stem").set(settings, "cifar-pool");
  EXPECT_EQ(differing_keys(from_yaml(to_yaml(settings)), settings), std::vector<std::string>{});
}

TEST(Schema, TakesListsOfEpochsAsTextAndAsYaml) {
  using Epochs = std::vector<std::int64_t>;
  EXPECT_EQ(from_yaml("milestones: [60, 80]").optim.milestones, (Epochs{60, 80}));
  EXPECT_EQ(from_yaml("milestones: 5").optim.milestones, Epochs{5});
  for (const char* none : {"none", "[]"})
    EXPECT_EQ(from_yaml(std::string("milestones: ") + none).optim.milestones, Epochs{}) << none;
  Settings settings;
  find_field("milestones").set(settings, "60,80, 95");
  EXPECT_EQ(settings.optim.milestones, (Epochs{60, 80, 95}));
  EXPECT_EQ(differing_keys(from_yaml(to_yaml(settings)), settings), std::vector<std::string>{});
}

TEST(Schema, RefusesListsOfEpochsThatDoNotRise) {
  Settings settings;
  for (const char* bad : {"60,", ",60", "60 80", "80,60", "60,60", "0", "-1", "1.5", "a", "[60",
                          "60,,80", "9999999999999999999"})
    EXPECT_EQ(error_of([&] { find_field("milestones").set(settings, bad); }),
              "optim.milestones = '" + std::string(bad) +
                  "' is not allowed / Wanted: rising whole numbers > 0, as 60,80 | none.");
  EXPECT_TRUE(settings.optim.milestones.empty());
}

TEST(Schema, TextThatYamlCannotHoldIsRefused) {
  Settings settings;
  EXPECT_EQ(
      error_of([&] { find_field("data").set(settings, "caf\xE9"); }),
      "data.source = 'caf\\xe9' is not allowed / Wanted: text in UTF-8; a link can give a path "
      "another name.");
  find_field("data").set(settings, "caf\u00e9");
  EXPECT_EQ(differing_keys(from_yaml(to_yaml(settings)), settings), std::vector<std::string>{});
}

TEST(Schema, YamlTakesSectionsDottedKeysAndShortNames) {
  const Settings settings =
      from_yaml("train: {epochs: 3}\ndata.train_percent: 0.5\nbatch_size: 64\n");
  EXPECT_EQ(settings.train.epochs, 3);
  EXPECT_EQ(settings.data.train_percent, 0.5);
  EXPECT_EQ(settings.train.batch_size, 64);
  EXPECT_EQ(differing_keys(from_yaml(""), Settings{}), std::vector<std::string>{});
}

TEST(Schema, YamlErrorsNameFileLineAndKey) {
  EXPECT_NE(error_of([] {
              from_yaml("train:\n  epochs: 3\n  epoch: 4\n");
            }).find("test.yaml:3: there is no setting 'train.epoch'"),
            std::string::npos);
  EXPECT_NE(
      error_of([] { from_yaml("train: {epochs: {a: 2}}"); }).find("train.epochs needs one value"),
      std::string::npos);
  EXPECT_NE(error_of([] { from_yaml("train: {epochs: [1, 2]}"); }).find("'[1, 2]' is not allowed"),
            std::string::npos);
  EXPECT_NE(error_of([] { from_yaml("- 1\n"); }).find("not a mapping"), std::string::npos);
  EXPECT_NE(error_of([] { from_yaml("a: [1\nb"); }).find("not YAML"), std::string::npos);
}

TEST(Schema, LaterLayersWinAndTheirOriginIsKept) {
  SettingsBuilder builder;
  builder.apply_preset("seed");
  builder.set("epochs", "7", "--epochs");
  EXPECT_EQ(builder.resolve().train.epochs, 7);
  EXPECT_EQ(builder.origin(find_field("epochs")), "--epochs");
  EXPECT_EQ(builder.origin(find_field("train_percent")), "preset seed");
  EXPECT_EQ(builder.origin(find_field("patience")), "default");
}

TEST(Schema, EveryPresetResolves) {
  ASSERT_GE(preset_names().size(), 3U);
  for (const std::string& name : preset_names()) {
    SettingsBuilder builder;
    builder.apply_preset(name);
    EXPECT_NO_THROW(builder.resolve()) << name;
  }
}

TEST(Schema, SeedPresetIsTheSeedsExperiment) {
  SettingsBuilder builder;
  builder.apply_preset("seed");
  const Settings s = builder.resolve();
  EXPECT_EQ(s.data.train_percent, 0.2);
  EXPECT_EQ(s.data.validation_percent, 0.2);
  EXPECT_EQ(to_text(s.augment.pipeline), to_text(Settings{}.augment.pipeline));
  EXPECT_EQ(s.model.stem, Stem::kImageNet);
  EXPECT_EQ(s.model.head, Head::kMlpBn);
  EXPECT_EQ(s.loss.temperature, 0.5);
  EXPECT_EQ(s.train.batch_size, 256);
  EXPECT_EQ(s.optim.optimizer, OptimizerKind::kAdam);
  EXPECT_EQ(s.optim.lr, 1e-3);
}

TEST(Schema, UnknownPresetIsAnErrorWithTheNearestName) {
  EXPECT_NE(error_of([] { preset_yaml("sed"); }).find("Did you mean 'seed'?"), std::string::npos);
}

TEST(Schema, RefusesSettingsThatContradictEachOther) {
  EXPECT_NE(error_of([] { from_yaml("width: 0.7"); }).find("0.25, 0.5, 1, 2 or 4"),
            std::string::npos);
  EXPECT_NE(error_of([] { from_yaml("schedule: step"); }).find("--milestones 60,80"),
            std::string::npos);
  EXPECT_NE(error_of([] { from_yaml("nesterov: true\nmomentum: 0"); }).find("momentum above 0"),
            std::string::npos);
  EXPECT_EQ(error_of([] { from_yaml("schedule: step\nmilestones: 3\nnesterov: true"); }),
            "no error");
}

TEST(Schema, SharesAreTakenAsPercentToo) {
  SettingsBuilder builder;
  builder.set("finetune.labels", "10%", "test");
  EXPECT_EQ(builder.resolve().finetune.labels, 0.1);
  builder.set("finetune.labels", "100%", "test");
  EXPECT_EQ(builder.resolve().finetune.labels, 1.0);
  EXPECT_THROW(builder.set("finetune.labels", "101%", "test"), Error);
  EXPECT_THROW(builder.set("finetune.labels", "%", "test"), Error);
  EXPECT_THROW(builder.set("optim.lr", "10%", "test"), Error);  // not a share
}

TEST(Schema, NeighboursAreAListThatIsNotEmpty) {
  SettingsBuilder builder;
  builder.set("knn.k", "5", "test");  // as runs of old have it
  EXPECT_EQ(builder.resolve().knn.k, std::vector<std::int64_t>{5});
  builder.set("knn.k", "none", "test");
  EXPECT_THROW(builder.resolve(), Error);
}

}  // namespace
}  // namespace simclr
