#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "simclr/formats/safetensors.h"
#include "simclr/model/simclr_model.h"

namespace simclr {

/// Which part of a model is meant.
enum class Part { kEncoder, kAll };

/// A tensor as a safetensors entry (floats, whole numbers up to i64, bool). It must be contiguous
/// and on the CPU, and outlive the entry.
TensorEntry to_entry(const at::Tensor& tensor);
/// A copy of an entry. @throws Error(kData) for a dtype LibTorch has no match for
at::Tensor to_tensor(const TensorEntry& entry);

/// Parameters and buffers by name, as contiguous CPU copies in torchvision's layout.
std::map<std::string, at::Tensor> state_of(const SimclrModel& model);

/// Loads every parameter and buffer of `part` from `tensors[prefix + name]`, or nothing at all.
/// @return the number of tensors that were loaded (all of them)
/// @throws Error(kData) that lists the names missing from the file, the names the model does not
/// have and the shapes
///         that differ; the model then keeps its weights
std::size_t load_strictly(SimclrModel& model, const std::map<std::string, TensorEntry>& tensors,
                          const std::string& prefix, Part part);

/// SHA-256 over names, shapes and bytes of the encoder's parameters and buffers: equal means
/// unmoved.
std::string encoder_sha256(const SimclrModel& model);

}  // namespace simclr
