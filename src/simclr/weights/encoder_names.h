#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/formats/tensor_entry.h"

namespace simclr {

using TensorEntries = std::map<std::string, TensorEntry>;

/// A residual encoder found among the names of a file. Its own names are torchvision's, whatever
/// the file calls them.
struct FoundEncoder {
  std::string prefix;     ///< before every name: "model.encoder.", or ""
  bool numbered = false;  ///< parts of a Sequential by number: "4.0.conv1.weight"
  std::map<std::string, std::string> names;  ///< torchvision's name -> the file's
};

/// Every encoder in a file, told by whole sets of names, never by characters: those of torchvision
/// and timm (conv1, bn1, layer1 ...), of a Sequential of their parts (0, 1, 4.0 ...: lightly, and
/// the parts of a torchvision model without its last layer), "shortcut" for "downsample"; behind
/// any prefix (module., backbone., encoder., _orig_mod., several of them). The one to take comes
/// first: a model before an average of it (ema., momentum_, teacher., target_, key) unless
/// `average`, then the one with the most tensors, then the shortest prefix.
std::vector<FoundEncoder> find_encoders(const TensorEntries& tensors, bool average = false);

/// Does its prefix say that these weights are an average of others?
bool is_average(const FoundEncoder& encoder);

/// What names and shapes tell of an encoder.
struct EncoderShape {
  Arch arch = Arch::kResNet18;
  double width = 1.0;
  std::int64_t stem_kernel = 0;  ///< 7: the ImageNet stem; 3: one of the CIFAR stems
};

/// @throws Error(kData) if no ResNet-18, 34 or 50 has these blocks, or the stem is of another kind
EncoderShape shape_of(const FoundEncoder& encoder, const TensorEntries& tensors);

}  // namespace simclr
