#pragma once

#include "simclr/config/evaluation_fields.h"
#include "simclr/config/range.h"
#include "simclr/config/settings.h"
#include "simclr/config/training_fields.h"

// One visit_fields per settings struct: the single list of names, meanings and ranges from which
// flags, YAML keys, help, `config explain`, docs/settings.md and a run's config.yaml all come. The
// visitor is called as
//   visit(FieldText{...}, member, Range{...})        numbers
//   visit(FieldText{...}, member)                    text, choices and lists of epochs
namespace simclr {

template <class Visitor>
void visit_fields(DataSettings& s, Visitor&& visit) {
  visit(FieldText{"source",
                  "images: shapes10 (built in), cifar10, cifar100 or stl10 (once fetched), or the "
                  "path of a folder, an archive or a list of pictures, a CIFAR or STL-10 set, or "
                  "an .npy array",
                  "data"},
        s.source);
  visit(FieldText{"labels",
                  "of pictures: auto takes class folders and lists that name labels, folders "
                  "insists on class folders, none ignores them"},
        s.labels);
  visit(FieldText{"subset_classes", "keep only the first k classes; 0 keeps all"}, s.subset_classes,
        Range{0, 1e6});
  visit(FieldText{"test_percent",
                  "share of every class set aside for testing where the source has no test part"},
        s.test_percent, Range{0.0, 0.9, true});
  visit(FieldText{"train_percent", "share of the training images used, same share of every class"},
        s.train_percent, Range{0.0, 1.0, true});
  visit(FieldText{"train_rest",
                  "use the training images that train_percent leaves out, instead of its share"},
        s.train_rest);
  visit(
      FieldText{"validation_percent", "share of the used training images set aside for validation"},
      s.validation_percent, Range{0.0, 0.9, true});
  visit(FieldText{"split_seed", "key of the subset and of the test and validation splits"},
        s.split_seed, kAnySeed);
  visit(FieldText{"shapes_images",
                  "training images that shapes10 makes; half as many are made for testing"},
        s.shapes_images, Range{100, 1e6});
  visit(FieldText{"image_size",
                  "side of the views in pixels; 0: the images' own if they are equal squares of at "
                  "most 96, else 64"},
        s.image_size, Range{0, 4096});
  visit(FieldText{"stored_side",
                  "pictures whose shorter side is longer are shrunk to it when they are read; 0: "
                  "twice the image size"},
        s.stored_side, Range{0, 65536});
  visit(FieldText{"exif", "turn pictures as their EXIF orientation says"}, s.exif);
  visit(FieldText{"strict", "stop at the first file that cannot be read, instead of skipping it"},
        s.strict);
  visit(FieldText{"cache",
                  "folder where decoded pictures are kept for the next run; empty keeps them in "
                  "memory only; default: in the program's cache folder"},
        s.cache);
}

template <class Visitor>
void visit_fields(AugmentSettings& s, Visitor&& visit) {
  visit(FieldText{"pipeline",
                  "how a view is made: a YAML list of operations, or a named one with operations "
                  "added and taken away (seed+noise-greyscale)",
                  "augment"},
        s.pipeline);
  visit(FieldText{"second_pipeline", "the second view's own pipeline; same: as the first's",
                  "augment-second"},
        s.second_pipeline);
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
  visit(FieldText{"engine",
                  "what computes the network: native (ours, CPU only), torch; auto takes native on "
                  "a CPU"},
        s.engine);
  visit(FieldText{"conv",
                  "3x3 convolutions of the native engine: exact, f2 or f4 (Winograd, fewer "
                  "multiplications), or auto, the fastest by shape"},
        s.conv);
  visit(FieldText{"bn",
                  "batch norm's statistics in training: joint (both views in one pass, as the "
                  "paper's code) or per-view (a pass for each)"},
        s.bn);
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
  visit(FieldText{"precision",
                  "of the network's arithmetic: f32, or bf16 or fp16 by LibTorch's autocast where "
                  "the device gains by it"},
        s.precision);
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
  visit("save", s.save);
  visit("monitor", s.monitor);
  visit("eval", s.eval);
  visit("knn", s.knn);
  visit("linear", s.linear);
  visit("finetune", s.finetune);
}

}  // namespace simclr
