#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "simclr/formats/tensor_file.h"
#include "simclr/model/simclr_model.h"
#include "simclr/weights/encoder_names.h"
#include "simclr/weights/state.h"

namespace simclr {

/// A small encoder, and how others name its tensors.
inline ModelSettings small_encoder(Stem stem = Stem::kImageNet) {
  ModelSettings settings;
  settings.width = 0.25;
  settings.stem = stem;
  settings.head_hidden = 8;
  settings.projection_dim = 4;
  return settings;
}

/// Entries without bytes: names and shapes.
struct Names {
  TensorEntries entries;

  void add(const std::string& name, const std::vector<std::int64_t>& shape) {
    entries[name] = {"F32", shape, nullptr, 0};
  }
  void add(const Names& others) { entries.insert(others.entries.begin(), others.entries.end()); }
};

/// The tensors of an encoder by torchvision's names.
inline std::map<std::string, at::Tensor> encoder_state(const SimclrModel& model) {
  std::map<std::string, at::Tensor> state;
  for (const auto& [name, tensor] : state_of(model))
    if (name.starts_with("encoder.")) state[name.substr(8)] = tensor;
  return state;
}

inline std::map<std::string, std::vector<std::int64_t>> encoder_shapes() {
  static const SimclrModel model = SimclrModel::contrastive(small_encoder(), 0);
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& [name, tensor] : encoder_state(model)) shapes[name] = tensor.sizes().vec();
  return shapes;
}

/// As the parts of a Sequential of torchvision's model: conv1 bn1 relu maxpool layer1 ... by
/// number.
inline std::string numbered(const std::string& name) {
  if (name.starts_with("conv1")) return fmt::format("0{}", name.substr(5));
  if (name.starts_with("bn1")) return fmt::format("1{}", name.substr(3));
  return fmt::format("{}{}", name[5] - '1' + 4, name.substr(6));
}

inline Names torchvision_names(const std::string& prefix) {
  Names names;
  for (const auto& [name, shape] : encoder_shapes()) names.add(prefix + name, shape);
  return names;
}

inline Names numbered_names(const std::string& prefix) {
  Names names;
  for (const auto& [name, shape] : encoder_shapes()) names.add(prefix + numbered(name), shape);
  return names;
}

/// Writes a state under other names; "" leaves a tensor out.
inline void write_state(const std::filesystem::path& path, TensorFormat format,
                        const std::map<std::string, at::Tensor>& state,
                        const std::function<std::string(const std::string&)>& rename,
                        const std::map<std::string, std::string>& metadata = {}) {
  std::vector<std::pair<std::string, TensorEntry>> tensors;
  for (const auto& [name, tensor] : state)
    if (const std::string other = rename(name); !other.empty())
      tensors.emplace_back(other, to_entry(tensor));
  write_tensor_file(path, format, tensors, metadata);
}

}  // namespace simclr
