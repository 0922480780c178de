#include "simclr/weights/state.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "simclr/core/error.h"
#include "simclr/core/sha256.h"

namespace simclr {
namespace {

constexpr std::array<std::pair<at::ScalarType, const char*>, 10> kDtypes{{{at::kFloat, "F32"},
                                                                          {at::kDouble, "F64"},
                                                                          {at::kHalf, "F16"},
                                                                          {at::kBFloat16, "BF16"},
                                                                          {at::kLong, "I64"},
                                                                          {at::kInt, "I32"},
                                                                          {at::kShort, "I16"},
                                                                          {at::kChar, "I8"},
                                                                          {at::kByte, "U8"},
                                                                          {at::kBool, "BOOL"}}};
constexpr const char* kEncoderPrefix = "encoder.";
constexpr std::size_t kMaxListed = 10;

const char* dtype_name(at::ScalarType type) {
  for (const auto& [candidate, name] : kDtypes) {
    if (candidate == type) return name;
  }
  return nullptr;
}

std::vector<NamedTensor> tensors_of(const SimclrModel& model, Part part) {
  std::vector<NamedTensor> tensors;
  for (const std::vector<NamedTensor>& group : {model.parameters(), model.buffers()}) {
    for (const NamedTensor& named : group) {
      if (part == Part::kAll || named.name.starts_with(kEncoderPrefix)) tensors.push_back(named);
    }
  }
  return tensors;
}

std::string listed(const char* title, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  std::string text = fmt::format("\n  {} ({}):", title, names.size());
  for (std::size_t i = 0; i < std::min(names.size(), kMaxListed); ++i) text += "\n    " + names[i];
  if (names.size() > kMaxListed)
    text += fmt::format("\n    and {} more", names.size() - kMaxListed);
  return text;
}

/// What does not fit between a file and a model, by name.
struct Mismatch {
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;
  std::vector<std::string> different;

  bool none() const { return missing.empty() && unexpected.empty() && different.empty(); }
};

Mismatch compare(const std::vector<NamedTensor>& wanted,
                 const std::map<std::string, TensorEntry>& tensors, const std::string& scope,
                 const std::string& prefix) {
  Mismatch mismatch;
  std::set<std::string> known;
  for (const auto& [name, tensor] : wanted) {
    known.insert(prefix + name);
    const auto found = tensors.find(prefix + name);
    if (found == tensors.end()) {
      mismatch.missing.push_back(prefix + name);
    } else if (at::IntArrayRef(found->second.shape) != tensor.sizes() ||
               found->second.dtype != dtype_name(tensor.scalar_type())) {
      mismatch.different.push_back(
          fmt::format("{}: {} [{}] in the file, {} [{}] in the model", prefix + name,
                      found->second.dtype, fmt::join(found->second.shape, ", "),
                      dtype_name(tensor.scalar_type()), fmt::join(tensor.sizes(), ", ")));
    }
  }
  for (const auto& [name, entry] : tensors) {
    if (name.starts_with(scope) && !known.contains(name)) mismatch.unexpected.push_back(name);
  }
  return mismatch;
}

/// Where only the names' front differs from `prefix`: the file's name for the first of `wanted`.
std::optional<std::string> renamed(const std::vector<NamedTensor>& wanted,
                                   const std::map<std::string, TensorEntry>& tensors,
                                   const std::string& prefix) {
  for (const std::string_view dropped : {"", kEncoderPrefix}) {
    const auto tail = [&](const NamedTensor& named) { return named.name.substr(dropped.size()); };
    const auto drops = [&](const NamedTensor& named) { return named.name.starts_with(dropped); };
    if (!std::all_of(wanted.begin(), wanted.end(), drops)) continue;
    const std::string first = tail(wanted.front());
    for (const auto& [name, entry] : tensors) {
      if (!name.ends_with(first) || name == prefix + wanted.front().name) continue;
      const std::string front = name.substr(0, name.size() - first.size());
      const auto fits = [&](const NamedTensor& named) {
        return tensors.contains(front + tail(named));
      };
      if (std::all_of(wanted.begin(), wanted.end(), fits)) return name;
    }
  }
  return std::nullopt;
}

std::string hint_for(const std::vector<NamedTensor>& wanted,
                     const std::map<std::string, TensorEntry>& tensors, const std::string& prefix) {
  if (const std::optional<std::string> name = renamed(wanted, tensors, prefix)) {
    return fmt::format("The names fit but for their front: the file has '{}' for '{}'.", *name,
                       prefix + wanted.front().name);
  }
  return "Architecture, width, stem and head must be those the weights were made with.";
}

}  // namespace

TensorEntry to_entry(const at::Tensor& tensor) {
  const char* dtype = dtype_name(tensor.scalar_type());
  TORCH_CHECK(dtype != nullptr, "[to_entry] no safetensors dtype for ", tensor.scalar_type());
  TORCH_CHECK(tensor.is_contiguous() && tensor.is_cpu(),
              "[to_entry] expected a contiguous tensor on the CPU");
  return {dtype, tensor.sizes().vec(), tensor.const_data_ptr(), tensor.nbytes()};
}

at::Tensor to_tensor(const TensorEntry& entry) {
  for (const auto& [type, name] : kDtypes) {
    if (entry.dtype != name) continue;
    at::Tensor tensor = at::empty(entry.shape, at::TensorOptions(type));
    if (entry.bytes > 0) std::memcpy(tensor.data_ptr(), entry.data, entry.bytes);
    return tensor;
  }
  throw Error(ExitCode::kData, fmt::format("tensors of dtype {} cannot be loaded", entry.dtype));
}

std::map<std::string, at::Tensor> state_of(const SimclrModel& model) {
  std::map<std::string, at::Tensor> state;
  for (const auto& [name, tensor] : tensors_of(model, Part::kAll)) {
    state[name] = tensor.detach().cpu().clone(at::MemoryFormat::Contiguous);
  }
  return state;
}

std::size_t load_strictly(SimclrModel& model, const std::map<std::string, TensorEntry>& tensors,
                          const std::string& prefix, Part part) {
  const std::vector<NamedTensor> wanted = tensors_of(model, part);
  const std::string scope = part == Part::kEncoder ? prefix + kEncoderPrefix : prefix;
  const Mismatch mismatch = compare(wanted, tensors, scope, prefix);
  if (!mismatch.none()) {
    throw Error(ExitCode::kData,
                fmt::format("the weights do not fit the model: nothing was loaded{}{}{}",
                            listed("missing from the file", mismatch.missing),
                            listed("not in the model", mismatch.unexpected),
                            listed("of another shape or dtype", mismatch.different)),
                hint_for(wanted, tensors, prefix));
  }
  const c10::NoGradGuard no_grad;
  for (const auto& [name, tensor] : wanted) tensor.copy_(to_tensor(tensors.at(prefix + name)));
  return wanted.size();
}

std::string encoder_sha256(const SimclrModel& model) {
  Sha256 digest;
  for (const auto& [name, tensor] : state_of(model)) {
    if (!name.starts_with(kEncoderPrefix)) continue;
    const std::string header = fmt::format("{} {} [{}]\n", name, dtype_name(tensor.scalar_type()),
                                           fmt::join(tensor.sizes(), ","));
    digest.update(header.data(), header.size());
    digest.update(tensor.const_data_ptr(), tensor.nbytes());
  }
  return digest.hex_digest();
}

}  // namespace simclr
