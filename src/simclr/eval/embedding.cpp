#include "simclr/eval/embedding.h"

#include <algorithm>
#include <utility>

#include "simclr/weights/state.h"

namespace simclr {
namespace {

constexpr int kMostPixelsASide = 32;  // 3,072 numbers: what the probes can take

}  // namespace

Embedding embedding_of(SimclrModel& model, ScoredVectors on, int side, std::string name) {
  const at::Tensor head = model.parameters().back().tensor;
  const bool features = on == ScoredVectors::kFeatures;
  const bool has_head = model.parameters().back().name.starts_with("head.");
  Embedding embedding;
  embedding.name = std::move(name);
  embedding.vectors_of = [&model, features](const at::Tensor& views) {
    model.set_training(false);
    const at::Tensor h = model.encode(views);
    return features ? h : model.project(h);
  };
  embedding.fingerprint = [&model] { return encoder_sha256(model); };
  embedding.width = features || !has_head ? model.feature_width() : head.size(0);
  embedding.side = side;
  embedding.device = head.device();
  return embedding;
}

Embedding raw_pixels(int side) {
  Embedding embedding;
  embedding.name = "raw pixels";
  embedding.side = std::min(side, kMostPixelsASide);
  embedding.width = std::int64_t{3} * embedding.side * embedding.side;
  embedding.vectors_of = [](const at::Tensor& views) { return views.contiguous().flatten(1); };
  embedding.fingerprint = [] { return std::string(); };
  return embedding;
}

}  // namespace simclr
