#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simclr/config/choices.h"
#include "simclr/config/pipeline.h"

namespace simclr {

// One plain struct per stage; the one place where each default is written.
// Names, help and ranges are in fields.h; `simclr config explain` prints them.

/// A length of time, written as 45s, 90m or 1.5h.
struct Duration {
  double seconds = 0.0;  ///< 0: none
};

struct DataSettings {
  std::string source = "shapes10";
  LabelSource labels = LabelSource::kAuto;
  std::int64_t subset_classes = 0;
  double test_percent = 0.2;
  double train_percent = 1.0;
  bool train_rest = false;
  double validation_percent = 0.2;
  std::uint64_t split_seed = 0;
  std::int64_t shapes_images = 5000;
  std::int64_t image_size = 0;
  std::int64_t stored_side = 0;
  bool exif = false;
  bool strict = false;
  std::string cache = "";
};

struct AugmentSettings {
  Pipeline pipeline{ResizedCropSettings{}, FlipSettings{}, JitterSettings{}, GreyscaleSettings{}};
  std::optional<Pipeline> second_pipeline;  ///< of the second view; none: as the first
  Normalization normalization = Normalization::kNone;
};

struct ModelSettings {
  Arch arch = Arch::kResNet18;
  double width = 1.0;
  Stem stem = Stem::kImageNet;
  Head head = Head::kMlpBn;
  std::int64_t head_hidden = 512;
  std::int64_t projection_dim = 128;
  EngineKind engine = EngineKind::kAuto;
  ConvKind conv = ConvKind::kAuto;
  NormViews bn = NormViews::kJoint;
};

struct LossSettings {
  LossKind kind = LossKind::kNtXent;
  double temperature = 0.5;
};

struct OptimSettings {
  OptimizerKind optimizer = OptimizerKind::kAdam;
  double lr = 1e-3;
  LrScaling lr_scaling = LrScaling::kNone;
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 0.0;
  DecayExclusion weight_decay_exclude = DecayExclusion::kNone;
  double lars_trust = 0.001;
  double clip_norm = 0.0;
  double ema_decay = 0.0;
  Schedule schedule = Schedule::kConstant;
  double warmup_epochs = 0.0;
  std::vector<std::int64_t> milestones;
  double step_factor = 0.1;
};

struct TrainSettings {
  Objective objective = Objective::kContrastive;
  std::int64_t epochs = 40;
  std::int64_t batch_size = 256;
  std::int64_t micro_batch = 0;
  Duration time_budget;
  std::int64_t patience = 0;
  std::uint64_t seed = 0;
};

struct RunSettings {
  DeviceKind device = DeviceKind::kAuto;
  std::int64_t threads = 0;
  std::int64_t workers = 1;
  Precision precision = Precision::kF32;
};

struct SaveSettings {
  std::int64_t epochs = 1;
  double minutes = 10.0;
  std::int64_t keep_every = 0;
};

struct MonitorSettings {
  std::int64_t images = 1000;
  bool knn = true;
  bool linear = true;
  bool views = true;
  bool rank = true;
  bool gradient = true;
  bool tensorboard = true;
};

/// What all protocols share.
struct EvalSettings {
  ScoredVectors on = ScoredVectors::kFeatures;
  std::int64_t seeds = 1;
};

struct KnnSettings {
  std::vector<std::int64_t> k{1, 10, 20, 200};
  double temperature = 0.1;
};

struct LinearSettings {
  LinearProtocol protocol = LinearProtocol::kLbfgs;
  std::int64_t iterations = 300;
  std::int64_t epochs = 90;
  std::int64_t batch_size = 256;
};

struct FinetuneSettings {
  Freeze freeze = Freeze::kEncoder;
  std::int64_t epochs = 40;
  std::int64_t batch_size = 256;
  double lr = 1e-3;
  FinetuneViews views = FinetuneViews::kAuto;
  double labels = 1.0;
};

/// Everything a run can be told. Later code takes the const part it needs, never the whole.
struct Settings {
  DataSettings data;
  AugmentSettings augment;
  ModelSettings model;
  LossSettings loss;
  OptimSettings optim;
  TrainSettings train;
  RunSettings run;
  SaveSettings save;
  MonitorSettings monitor;
  EvalSettings eval;
  KnnSettings knn;
  LinearSettings linear;
  FinetuneSettings finetune;
};

}  // namespace simclr
