#include "simclr/weights/encoder_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <tuple>

#include "simclr/core/error.h"
#include "simclr/core/text.h"

namespace simclr {
namespace {

using Parts = std::vector<std::string>;

constexpr std::size_t kStages = 4;
constexpr std::array<std::string_view, 5> kNormTensors{"weight", "bias", "running_mean",
                                                       "running_var", "num_batches_tracked"};

Parts split(std::string_view name) {
  Parts parts;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    parts.emplace_back(name.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool is_number(const std::string& part) {
  return !part.empty() && part.size() < 4 &&
         std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_norm_tensor(const std::string& part) {
  return std::find(kNormTensors.begin(), kNormTensors.end(), part) != kNormTensors.end();
}

/// "conv1.weight", "bn2.running_mean": of a layer called `kind` and a number up to `most`.
bool is_layer(const Parts& parts, std::size_t at, char most) {
  if (parts.size() != at + 2) return false;
  const std::string& layer = parts[at];
  const auto called = [&](std::string_view kind) {
    return layer.size() == kind.size() + 1 && layer.starts_with(kind) && layer.back() >= '1' &&
           layer.back() <= most;
  };
  return (called("conv") && parts[at + 1] == "weight") ||
         (called("bn") && is_norm_tensor(parts[at + 1]));
}

bool is_shortcut(const Parts& parts, std::size_t at) {
  if (parts.size() != at + 3 || (parts[at] != "downsample" && parts[at] != "shortcut"))
    return false;
  return (parts[at + 1] == "0" && parts[at + 2] == "weight") ||
         (parts[at + 1] == "1" && is_norm_tensor(parts[at + 2]));
}

/// Torchvision's name for one that lies behind an encoder's prefix.
class Translator {
 public:
  /// @param names  behind the prefix; of numbered parts, those with blocks are the stages
  Translator(bool numbered, const std::vector<std::string>& names) : numbered_(numbered) {
    std::set<int> stages;
    for (const std::string& name : names) {
      const Parts parts = split(name);
      if (numbered && parts.size() > 3 && is_number(parts[0]) && is_number(parts[1]) &&
          (is_layer(parts, 2, '3') || is_shortcut(parts, 2)))
        stages.insert(std::stoi(parts[0]));
    }
    stages_.assign(stages.begin(), stages.end());
  }

  std::optional<std::string> operator()(const std::string& name) const {
    Parts parts = split(name);
    if (numbered_ && !name_parts(parts)) return std::nullopt;
    const std::string& first = parts.front();
    if (is_layer(parts, 0, '1')) return fmt::format("{}", fmt::join(parts, "."));
    const bool in_stage = first.size() == 6 && first.starts_with("layer") && first[5] >= '1' &&
                          first[5] <= '4' && parts.size() > 2 && is_number(parts[1]);
    if (!in_stage) return std::nullopt;
    if (is_shortcut(parts, 2))
      parts[2] = "downsample";
    else if (!is_layer(parts, 2, '3'))
      return std::nullopt;
    return fmt::format("{}", fmt::join(parts, "."));
  }

 private:
  /// 0 and 1 are the stem's convolution and norm; the n-th number with blocks is the n-th stage.
  bool name_parts(Parts& parts) const {
    if (!is_number(parts[0])) return false;
    const int number = std::stoi(parts[0]);
    const auto stage = std::find(stages_.begin(), stages_.end(), number);
    if (stage != stages_.end())
      parts[0] = fmt::format("layer{}", stage - stages_.begin() + 1);
    else if (number < 2)
      parts[0] = number == 0 ? "conv1" : "bn1";
    else
      return false;
    return true;
  }

  bool numbered_;
  std::vector<int> stages_;
};

/// The encoder behind `prefix`, if there is one: at least its first convolution and a block.
std::optional<FoundEncoder> encoder_behind(const std::string& prefix, bool numbered,
                                           const TensorEntries& tensors) {
  FoundEncoder found{prefix, numbered, {}};
  std::vector<std::string> names;
  for (auto at = tensors.lower_bound(prefix); at != tensors.end() && at->first.starts_with(prefix);
       ++at)
    names.push_back(at->first.substr(prefix.size()));
  const Translator translate(numbered, names);
  for (const std::string& name : names) {
    const std::optional<std::string> ours = translate(name);
    if (ours) found.names.emplace(*ours, prefix + name);
  }
  if (!found.names.contains("conv1.weight") || !found.names.contains("layer1.0.conv1.weight"))
    return std::nullopt;
  return found;
}

bool says_average(const std::string& prefix) {
  for (const std::string& part : split(prefix)) {
    if (part == "encoder_k") return true;  // MoCo's
    for (const std::string_view word : {"ema", "momentum", "teacher", "target", "key", "average"}) {
      if (part == word || part.starts_with(fmt::format("{}_", word)) ||
          part.ends_with(fmt::format("_{}", word)))
        return true;
    }
  }
  return false;
}

/// The prefixes that something ending in `ending` leaves, a whole part before it or nothing.
void add_prefixes(const TensorEntries& tensors, std::string_view ending,
                  std::set<std::string>& found) {
  for (const auto& [name, entry] : tensors) {
    if (entry.shape.size() != 4 || !name.ends_with(ending)) continue;
    const std::string front = name.substr(0, name.size() - ending.size());
    if (front.empty() || front.back() == '.') found.insert(front);
  }
}

Arch arch_of(const std::array<std::int64_t, kStages>& blocks, bool bottleneck) {
  using Blocks = std::array<std::int64_t, kStages>;
  if (!bottleneck && blocks == Blocks{2, 2, 2, 2}) return Arch::kResNet18;
  if (!bottleneck && blocks == Blocks{3, 4, 6, 3}) return Arch::kResNet34;
  if (bottleneck && blocks == Blocks{3, 4, 6, 3}) return Arch::kResNet50;
  throw Error(ExitCode::kData,
              fmt::format("its encoder has stages of {} {} blocks", fmt::join(blocks, ", "),
                          bottleneck ? "bottleneck" : "basic"),
              "Encoders are ResNet-18, ResNet-34 and ResNet-50.");
}

}  // namespace

bool is_average(const FoundEncoder& encoder) { return says_average(encoder.prefix); }

std::vector<FoundEncoder> find_encoders(const TensorEntries& tensors, bool average) {
  std::vector<FoundEncoder> found;
  for (const bool numbered : {false, true}) {
    std::set<std::string> prefixes;
    add_prefixes(tensors, numbered ? "0.weight" : "conv1.weight", prefixes);
    for (const std::string& prefix : prefixes) {
      std::optional<FoundEncoder> encoder = encoder_behind(prefix, numbered, tensors);
      if (encoder) found.push_back(std::move(*encoder));
    }
  }
  const auto rank = [&](const FoundEncoder& encoder) {
    return std::tuple(is_average(encoder) != average,
                      -static_cast<std::int64_t>(encoder.names.size()), encoder.prefix.size());
  };
  std::stable_sort(found.begin(), found.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return found;
}

EncoderShape shape_of(const FoundEncoder& encoder, const TensorEntries& tensors) {
  std::array<std::int64_t, kStages> blocks{};
  bool bottleneck = false;
  for (const auto& [name, in_file] : encoder.names) {
    if (!name.starts_with("layer")) continue;
    const Parts parts = split(name);
    std::int64_t& count = blocks.at(static_cast<std::size_t>(parts[0][5] - '1'));
    count = std::max<std::int64_t>(count, std::stoi(parts[1]) + 1);
    bottleneck = bottleneck || parts[2] == "conv3";
  }
  EncoderShape shape;
  shape.arch = arch_of(blocks, bottleneck);
  const TensorEntry& stem = tensors.at(encoder.names.at("conv1.weight"));
  shape.stem_kernel = stem.shape[2];
  const bool square = stem.shape[2] == stem.shape[3] && (stem.shape[2] == 3 || stem.shape[2] == 7);
  shape.width = static_cast<double>(stem.shape[0]) / 64.0;
  if (!square || stem.shape[1] != 3) {
    throw Error(ExitCode::kData,
                fmt::format("its first convolution is [{}]", fmt::join(stem.shape, ", ")),
                "It must be 7x7 or 3x3, over three channels.");
  }
  return shape;
}

}  // namespace simclr
