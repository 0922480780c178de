#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "simclr/formats/tensor_entry.h"

namespace simclr {

/// The size of an axis, or the name of one that each run may choose: "batch".
using OnnxDimension = std::variant<std::int64_t, std::string>;

/// What goes into a model or comes out of it. `dtype` is a TensorEntry's: F32, U8, ...
struct OnnxValue {
  std::string name;
  std::string dtype;
  std::vector<OnnxDimension> shape;
};

using OnnxAttribute = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>>;

/// One operation of the opset, between values that are known by their names.
struct OnnxNode {
  std::string op;                   ///< "Conv"
  std::vector<std::string> inputs;  ///< "" leaves out an optional one
  std::vector<std::string> outputs;
  std::map<std::string, OnnxAttribute> attributes;
};

/// A tensor that comes with the model. What it points to must live until it is written: `owner` is
/// there for that, and may be null.
struct OnnxInitializer {
  TensorEntry tensor;
  std::shared_ptr<const void> owner;
};

/// A model as ONNX has it. formats/onnx_nodes.h adds nodes.
struct OnnxGraph {
  std::string name;
  std::vector<OnnxValue> inputs;
  std::vector<OnnxValue> outputs;
  std::vector<OnnxNode> nodes;  ///< each behind those whose outputs it takes
  std::map<std::string, OnnxInitializer> initializers;
  std::map<std::string, std::string> metadata;  ///< metadata_props: about the model, in words
};

inline constexpr std::int64_t kOnnxIrVersion = 8;
inline constexpr std::int64_t kOnnxOpset = 17;

/// Writes the model atomically, IR version 8 with opset 17; equal graphs give equal bytes.
/// https://github.com/onnx/onnx/blob/main/docs/IR.md
/// @throws Error(kFailed) if it cannot be written; if a name is given twice or never, or a tensor's
/// bytes do not match its dtype and shape; if it would pass 2 GB, the most a protocol buffer holds
/// Cost: memory is the model's size.
void write_onnx(const std::filesystem::path& path, const OnnxGraph& graph);

/// Reads a model as write_onnx() writes it, and others of the same kinds: tensors within the file
/// as raw bytes; inputs and outputs that are tensors; attributes that are numbers, lists of whole
/// numbers or texts (others are left out). Initializers point into the file's bytes, which they own
/// together. Every length is checked; nothing is allocated beyond the file's size but names.
/// @throws Error(kData) naming the file and what is wrong with it
OnnxGraph read_onnx(const std::filesystem::path& path);

/// ONNX's number for a TensorEntry's dtype, for nodes that name one. @throws Error(kFailed) if it
/// has none
std::int64_t onnx_dtype(const std::string& dtype);

}  // namespace simclr
