#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

#include "simclr/config/settings.h"
#include "simclr/formats/onnx.h"

namespace simclr {

/// An encoder's tensors by torchvision's names, with "fc.weight" and "fc.bias" of a classifier and
/// "head.*" of a projection head where there are such. f32, contiguous, on the CPU.
using EncoderState = std::map<std::string, at::Tensor>;

struct OnnxEncoderOptions {
  Stem stem = Stem::kImageNet;
  std::int64_t image_size = 0;  ///< S; 0: any
  bool fold_norms = false;      ///< batch norms into the convolutions before them
  bool pixels = false;          ///< takes u8 [batch, S, S, 3] and normalises it inside
  Normalization normalization = Normalization::kNone;  ///< with `pixels`
};

/// The network as ONNX: f32 "images" [batch, 3, S, S], normalised, or u8 "pixels" [batch, S, S, 3]
/// to "features" [batch, F]; with a classifier "scores" [batch, classes] instead; with a head also
/// "projections" [batch, D]. Initializers have the state's names; where norms are folded, a bias
/// beside each convolution ("conv1.bias"). They point into `state`, or own what was folded.
OnnxGraph onnx_encoder(const EncoderState& state, const OnnxEncoderOptions& options);

/// What the model computes, operation by operation in LibTorch's arithmetic. For models of the
/// operations that formats/onnx_nodes.h has. @return the graph's outputs by name
/// @throws Error(kData) for another operation, or an input that is not there
std::map<std::string, at::Tensor> run_onnx(const OnnxGraph& graph,
                                           const std::map<std::string, at::Tensor>& inputs);

}  // namespace simclr
