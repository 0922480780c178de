#pragma once

#include <limits>

#include "simclr/config/settings.h"

// One visit_fields per settings struct: the single list of names, meanings and ranges from which
// flags, YAML keys, help, `config explain`, docs/settings.md and a run's config.yaml all come. The
// visitor is called as
//   visit(FieldText{...}, member, Range{...})        numbers
//   visit(FieldText{...}, member)                    text and choices
namespace simclr {

struct FieldText {
  std::string_view name;  ///< key within its section, snake_case; its flag is the same with dashes
  std::string_view help;  ///< one sentence; units and special values included
  std::string_view flag = "";  ///< only where the flag is not the name
};

/// Allowed numbers: low <= value <= high, or low < value with `open_low`.
struct Range {
  double low = 0.0;
  double high = std::numeric_limits<double>::infinity();
  bool open_low = false;
};

inline constexpr Range kProbability{0.0, 1.0};
inline constexpr Range kPositive{0.0, std::numeric_limits<double>::infinity(), true};
inline constexpr Range kAtLeastOne{1.0, 1e9};
inline constexpr Range kAnySeed{0.0, 18446744073709551615.0};

template <class Visitor>
void visit_fields(DataSettings& s, Visitor&& visit) {
  visit(
      FieldText{"source", "images: shapes10 (built in), or a CIFAR-10/100 binary folder or .tar.gz",
                "data"},
      s.source);
  visit(FieldText{"subset_classes", "keep only the first k classes; 0 keeps all"}, s.subset_classes,
        Range{0, 1e6});
  visit(FieldText{"train_percent", "share of the training images used, same share of every class"},
        s.train_percent, Range{0.0, 1.0, true});
  visit(
      FieldText{"validation_percent", "share of the used training images set aside for validation"},
      s.validation_percent, Range{0.0, 0.9, true});
  visit(FieldText{"split_seed", "key of the subset and the validation split"}, s.split_seed,
        kAnySeed);
  visit(FieldText{"shapes_images",
                  "training images that shapes10 makes; half as many are made for testing"},
        s.shapes_images, Range{100, 1e6});
}

template <class Visitor>
void visit_fields(AugmentSettings& s, Visitor&& visit) {
  visit(FieldText{"crop_scale_min", "random resized crop: smallest share of the area"},
        s.crop_scale_min, Range{0.0, 1.0, true});
  visit(FieldText{"crop_scale_max", "random resized crop: largest share of the area"},
        s.crop_scale_max, Range{0.0, 1.0, true});
  visit(FieldText{"crop_ratio_min", "random resized crop: smallest width / height"},
        s.crop_ratio_min, kPositive);
  visit(FieldText{"crop_ratio_max", "random resized crop: largest width / height"},
        s.crop_ratio_max, kPositive);
  visit(FieldText{"flip", "probability of a horizontal flip"}, s.flip, kProbability);
  visit(FieldText{"jitter", "probability of the colour jitter"}, s.jitter, kProbability);
  visit(FieldText{"brightness", "colour jitter: factor in 1 +- this, not below 0"}, s.brightness,
        Range{0.0, 10.0});
  visit(FieldText{"contrast", "colour jitter: factor in 1 +- this, not below 0"}, s.contrast,
        Range{0.0, 10.0});
  visit(FieldText{"saturation", "colour jitter: factor in 1 +- this, not below 0"}, s.saturation,
        Range{0.0, 10.0});
  visit(FieldText{"hue", "colour jitter: turn of the hue circle in +- this"}, s.hue,
        Range{0.0, 0.5});
  visit(FieldText{"greyscale", "probability of turning grey"}, s.greyscale, kProbability);
  visit(FieldText{"normalization",
                  "subtract mean, divide by standard deviation, per channel, of this data set"},
        s.normalization);
}

template <class Visitor>
void visit_fields(ModelSettings& s, Visitor&& visit) {
  visit(FieldText{"arch", "encoder", "model"}, s.arch);
  visit(FieldText{"width", "width multiplier of the encoder: 0.25, 0.5, 1, 2 or 4"}, s.width,
        Range{0.25, 4.0});
  visit(FieldText{"stem",
                  "first layers: imagenet (7x7/2 + max-pool), cifar (3x3/1), cifar-pool (3x3/1 + "
                  "2x2 max-pool)"},
        s.stem);
  visit(FieldText{"head", "projection head"}, s.head);
  visit(FieldText{"head_hidden", "hidden width of an mlp head"}, s.head_hidden, Range{1, 65536});
  visit(FieldText{"projection_dim", "width of the projection"}, s.projection_dim, Range{1, 65536});
}

template <class Visitor>
void visit_fields(LossSettings& s, Visitor&& visit) {
  visit(FieldText{"temperature", "NT-Xent temperature"}, s.temperature, Range{0.001, 100.0});
}

template <class Visitor>
void visit_fields(OptimSettings& s, Visitor&& visit) {
  visit(FieldText{"optimizer", "adam, or sgd with momentum"}, s.optimizer);
  visit(FieldText{"lr", "learning rate after warm-up"}, s.lr, kPositive);
  visit(FieldText{"momentum", "momentum of sgd"}, s.momentum, Range{0.0, 0.9999});
  visit(FieldText{"weight_decay", "L2 term added to the gradient of every parameter"},
        s.weight_decay, Range{0.0, 10.0});
  visit(FieldText{"schedule",
                  "learning rate after warm-up: constant, or cosine to 0 at the last step"},
        s.schedule);
  visit(FieldText{"warmup_epochs", "epochs of linear warm-up from 0"}, s.warmup_epochs,
        Range{0.0, 1e6});
}

template <class Visitor>
void visit_fields(TrainSettings& s, Visitor&& visit) {
  visit(FieldText{"objective", "contrastive (SimCLR, no labels), or supervised (cross-entropy)"},
        s.objective);
  visit(FieldText{"epochs", "passes over the training images"}, s.epochs, kAtLeastOne);
  visit(FieldText{"batch_size", "images N per step; 2N views go through the network"}, s.batch_size,
        Range{1, 65536});
  visit(FieldText{"patience",
                  "stop after this many epochs without a better validation loss; 0 never"},
        s.patience, Range{0, 1e9});
  visit(FieldText{"seed", "key of initial weights, order and views"}, s.seed, kAnySeed);
}

template <class Visitor>
void visit_fields(RunSettings& s, Visitor&& visit) {
  visit(FieldText{"device", "where the network runs; auto takes CUDA where LibTorch finds it"},
        s.device);
  visit(FieldText{"threads", "threads of the network's arithmetic; 0 takes every core"}, s.threads,
        Range{0, 1024});
  visit(
      FieldText{
          "workers",
          "threads that prepare views ahead; 0 prepares them in step; never changes the result"},
      s.workers, Range{0, 256});
}

template <class Visitor>
void visit_fields(KnnSettings& s, Visitor&& visit) {
  visit(FieldText{"k", "neighbours that vote"}, s.k, kAtLeastOne);
  visit(FieldText{"temperature", "a neighbour's vote weighs exp(cosine / this)"}, s.temperature,
        kPositive);
}

template <class Visitor>
void visit_fields(LinearSettings& s, Visitor&& visit) {
  visit(FieldText{"iterations", "most L-BFGS iterations per L2 strength"}, s.iterations,
        kAtLeastOne);
}

template <class Visitor>
void visit_fields(FinetuneSettings& s, Visitor&& visit) {
  visit(FieldText{"freeze", "what keeps its weights"}, s.freeze);
  visit(FieldText{"epochs", "passes over the labelled images"}, s.epochs, kAtLeastOne);
  visit(FieldText{"batch_size", "images per step"}, s.batch_size, Range{1, 65536});
  visit(FieldText{"lr", "learning rate of Adam"}, s.lr, kPositive);
  visit(FieldText{"views", "none (images as they are, features computed once), or crop-flip"},
        s.views);
}

/// Calls visit(section name, struct) for every stage, in the order of help and config.yaml.
template <class Visitor>
void visit_sections(Settings& s, Visitor&& visit) {
  visit("data", s.data);
  visit("augment", s.augment);
  visit("model", s.model);
  visit("loss", s.loss);
  visit("optim", s.optim);
  visit("train", s.train);
  visit("run", s.run);
  visit("knn", s.knn);
  visit("linear", s.linear);
  visit("finetune", s.finetune);
}

}  // namespace simclr
