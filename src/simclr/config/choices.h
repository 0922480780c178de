#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace simclr {

// Each choice has one name table, used by flags, YAML, help and error messages.

enum class Arch { kResNet18, kResNet34, kResNet50 };
enum class Stem { kImageNet, kCifar, kCifarPool };
enum class Head { kMlpBn, kMlp, kLinear, kNone };
enum class Normalization { kNone, kCifar10, kImageNet };
enum class OptimizerKind { kAdam, kAdamW, kSgd, kLars };
enum class DecayExclusion { kNone, kNormBias };
enum class LrScaling { kNone, kLinear, kSqrt };
enum class Schedule { kConstant, kCosine, kStep };
enum class LossKind { kNtXent, kDcl, kSupCon };
enum class Objective { kContrastive, kSupervised };
enum class DeviceKind { kAuto, kCpu, kCuda };
enum class ScoredVectors { kFeatures, kProjection };
enum class LinearProtocol { kLbfgs, kSgd };
enum class Freeze { kEncoder, kNone };
enum class FinetuneViews { kAuto, kNone, kCropFlip };
enum class LabelSource { kAuto, kFolders, kNone };
enum class EngineKind { kAuto, kNative, kTorch };
enum class ConvKind { kAuto, kExact, kF2, kF4 };
enum class NormViews { kJoint, kPerView };
enum class Precision { kF32, kBf16, kFp16 };

template <class E>
struct EnumNames;
template <class E, std::size_t n>
using EnumTable = std::array<std::pair<E, std::string_view>, n>;

template <>
struct EnumNames<Arch> {
  static constexpr EnumTable<Arch, 3> table{{{Arch::kResNet18, "resnet18"},
                                             {Arch::kResNet34, "resnet34"},
                                             {Arch::kResNet50, "resnet50"}}};
};
template <>
struct EnumNames<Stem> {
  static constexpr EnumTable<Stem, 3> table{
      {{Stem::kImageNet, "imagenet"}, {Stem::kCifar, "cifar"}, {Stem::kCifarPool, "cifar-pool"}}};
};
template <>
struct EnumNames<Head> {
  static constexpr EnumTable<Head, 4> table{{{Head::kMlpBn, "mlp-bn"},
                                             {Head::kMlp, "mlp"},
                                             {Head::kLinear, "linear"},
                                             {Head::kNone, "none"}}};
};
template <>
struct EnumNames<Normalization> {
  static constexpr EnumTable<Normalization, 3> table{{{Normalization::kNone, "none"},
                                                      {Normalization::kCifar10, "cifar10"},
                                                      {Normalization::kImageNet, "imagenet"}}};
};
template <>
struct EnumNames<OptimizerKind> {
  static constexpr EnumTable<OptimizerKind, 4> table{{{OptimizerKind::kAdam, "adam"},
                                                      {OptimizerKind::kAdamW, "adamw"},
                                                      {OptimizerKind::kSgd, "sgd"},
                                                      {OptimizerKind::kLars, "lars"}}};
};
template <>
struct EnumNames<DecayExclusion> {
  static constexpr EnumTable<DecayExclusion, 2> table{
      {{DecayExclusion::kNone, "none"}, {DecayExclusion::kNormBias, "norm-bias"}}};
};
template <>
struct EnumNames<LrScaling> {
  static constexpr EnumTable<LrScaling, 3> table{
      {{LrScaling::kNone, "none"}, {LrScaling::kLinear, "linear"}, {LrScaling::kSqrt, "sqrt"}}};
};
template <>
struct EnumNames<Schedule> {
  static constexpr EnumTable<Schedule, 3> table{{{Schedule::kConstant, "constant"},
                                                 {Schedule::kCosine, "cosine"},
                                                 {Schedule::kStep, "step"}}};
};
template <>
struct EnumNames<LossKind> {
  static constexpr EnumTable<LossKind, 3> table{
      {{LossKind::kNtXent, "nt-xent"}, {LossKind::kDcl, "dcl"}, {LossKind::kSupCon, "supcon"}}};
};
template <>
struct EnumNames<Objective> {
  static constexpr EnumTable<Objective, 2> table{
      {{Objective::kContrastive, "contrastive"}, {Objective::kSupervised, "supervised"}}};
};
template <>
struct EnumNames<DeviceKind> {
  static constexpr EnumTable<DeviceKind, 3> table{
      {{DeviceKind::kAuto, "auto"}, {DeviceKind::kCpu, "cpu"}, {DeviceKind::kCuda, "cuda"}}};
};
template <>
struct EnumNames<ScoredVectors> {
  static constexpr EnumTable<ScoredVectors, 2> table{
      {{ScoredVectors::kFeatures, "features"}, {ScoredVectors::kProjection, "projection"}}};
};
template <>
struct EnumNames<LinearProtocol> {
  static constexpr EnumTable<LinearProtocol, 2> table{
      {{LinearProtocol::kLbfgs, "lbfgs"}, {LinearProtocol::kSgd, "sgd"}}};
};
template <>
struct EnumNames<Freeze> {
  static constexpr EnumTable<Freeze, 2> table{
      {{Freeze::kEncoder, "encoder"}, {Freeze::kNone, "none"}}};
};
template <>
struct EnumNames<FinetuneViews> {
  static constexpr EnumTable<FinetuneViews, 3> table{{{FinetuneViews::kAuto, "auto"},
                                                      {FinetuneViews::kNone, "none"},
                                                      {FinetuneViews::kCropFlip, "crop-flip"}}};
};

template <>
struct EnumNames<LabelSource> {
  static constexpr EnumTable<LabelSource, 3> table{{{LabelSource::kAuto, "auto"},
                                                    {LabelSource::kFolders, "folders"},
                                                    {LabelSource::kNone, "none"}}};
};

template <>
struct EnumNames<EngineKind> {
  static constexpr EnumTable<EngineKind, 3> table{{{EngineKind::kAuto, "auto"},
                                                   {EngineKind::kNative, "native"},
                                                   {EngineKind::kTorch, "torch"}}};
};
template <>
struct EnumNames<ConvKind> {
  static constexpr EnumTable<ConvKind, 4> table{{{ConvKind::kAuto, "auto"},
                                                 {ConvKind::kExact, "exact"},
                                                 {ConvKind::kF2, "f2"},
                                                 {ConvKind::kF4, "f4"}}};
};

template <>
struct EnumNames<NormViews> {
  static constexpr EnumTable<NormViews, 2> table{
      {{NormViews::kJoint, "joint"}, {NormViews::kPerView, "per-view"}}};
};
template <>
struct EnumNames<Precision> {
  static constexpr EnumTable<Precision, 3> table{
      {{Precision::kF32, "f32"}, {Precision::kBf16, "bf16"}, {Precision::kFp16, "fp16"}}};
};

/// The name of a choice, as people write it.
template <class E>
std::string_view name_of(E value) {
  for (const auto& [candidate, name] : EnumNames<E>::table)
    if (candidate == value) return name;
  return "?";
}

}  // namespace simclr
