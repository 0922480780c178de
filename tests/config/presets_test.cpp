#include <gtest/gtest.h>

#include <algorithm>

#include "simclr/config/schema.h"

namespace simclr {
namespace {

Settings preset(const std::string& name) {
  SettingsBuilder builder;
  builder.apply_preset(name);
  return builder.resolve();
}

TEST(Presets, AreThoseOfTheConfigsFolder) {
  std::vector<std::string> names = preset_names();
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"cifar10", "imagenette", "paper-cifar", "quick",
                                             "seed", "stl10"}));
}

TEST(Presets, Cifar10IsTheBestPublishedRecipeOfResNet18) {
  const Settings s = preset("cifar10");
  EXPECT_EQ(s.model.arch, Arch::kResNet18);
  EXPECT_EQ(s.model.stem, Stem::kCifar);
  EXPECT_EQ(s.model.head, Head::kMlp);
  EXPECT_EQ(s.model.head_hidden, 1024);
  EXPECT_EQ(s.model.projection_dim, 128);
  EXPECT_EQ(s.loss.kind, LossKind::kNtXent);
  EXPECT_EQ(s.loss.temperature, 0.5);
  EXPECT_EQ(s.optim.optimizer, OptimizerKind::kSgd);
  EXPECT_EQ(s.optim.lr, 0.03);
  EXPECT_EQ(s.optim.lr_scaling, LrScaling::kLinear);
  EXPECT_EQ(s.optim.weight_decay, 5e-4);
  EXPECT_EQ(s.optim.schedule, Schedule::kCosine);
  EXPECT_EQ(s.train.epochs, 1000);
  EXPECT_EQ(s.train.batch_size, 512);
  EXPECT_EQ(find_operation<ResizedCropSettings>(s.augment.pipeline)->scale_min, 0.2);
  EXPECT_EQ(find_operation<GreyscaleSettings>(s.augment.pipeline)->p, 0.1);
  EXPECT_EQ(find_operation<JitterSettings>(s.augment.pipeline)->hue, 0.1);
}

TEST(Presets, PaperCifarIsTheAppendixOfThePaper) {
  const Settings s = preset("paper-cifar");
  EXPECT_EQ(s.model.arch, Arch::kResNet50);
  EXPECT_EQ(s.model.stem, Stem::kCifar);
  EXPECT_EQ(s.optim.optimizer, OptimizerKind::kLars);
  EXPECT_EQ(s.optim.lr, 1.0);
  EXPECT_EQ(s.optim.lr_scaling, LrScaling::kLinear);
  EXPECT_EQ(s.optim.weight_decay, 1e-6);
  EXPECT_EQ(s.optim.lars_trust, 0.001);
  EXPECT_EQ(s.optim.warmup_epochs, 10);
  EXPECT_EQ(s.optim.schedule, Schedule::kCosine);
  EXPECT_EQ(s.train.epochs, 1000);
  EXPECT_EQ(s.loss.temperature, 0.5);
  EXPECT_EQ(find_operation<JitterSettings>(s.augment.pipeline)->brightness, 0.4);
  EXPECT_EQ(find_operation<BlurSettings>(s.augment.pipeline), nullptr);
}

TEST(Presets, Stl10TakesItsOwnSize) {
  const Settings s = preset("stl10");
  EXPECT_EQ(s.data.image_size, 96);
  EXPECT_EQ(s.model.stem, Stem::kImageNet);
  EXPECT_EQ(s.optim.optimizer, OptimizerKind::kAdam);
  EXPECT_EQ(s.optim.weight_decay_exclude, DecayExclusion::kNormBias);
  EXPECT_EQ(s.train.batch_size, 256);
  EXPECT_NE(find_operation<BlurSettings>(s.augment.pipeline), nullptr);
}

TEST(Presets, ImagenetteHas64Pixels) {
  const Settings s = preset("imagenette");
  EXPECT_EQ(s.data.image_size, 64);
  EXPECT_EQ(s.model.stem, Stem::kCifarPool);
  EXPECT_EQ(s.optim.optimizer, OptimizerKind::kSgd);
  EXPECT_EQ(s.optim.lr_scaling, LrScaling::kLinear);
  EXPECT_EQ(s.train.epochs, 200);
}

TEST(Presets, QuickIsSmallEnoughForTheDemo) {
  const Settings s = preset("quick");
  EXPECT_EQ(s.data.source, "shapes10");
  EXPECT_EQ(s.model.width, 0.25);
  EXPECT_LE(s.train.epochs, 30);
}

}  // namespace
}  // namespace simclr
