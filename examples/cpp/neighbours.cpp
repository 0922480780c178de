// The pictures of a folder that are nearest to one of them: neighbours ENCODER FOLDER INDEX.
// ENCODER is a checkpoint, an export, or another program's .safetensors or .pth.
#include <ATen/ATen.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "simclr/core/error.h"
#include "simclr/data/open.h"
#include "simclr/weights/encoder_features.h"

int main(int count, char** arguments) try {
  if (count != 4) {
    std::fprintf(stderr, "usage: neighbours ENCODER FOLDER INDEX\n");
    return 2;
  }
  simclr::OpenedEncoder encoder = simclr::open_encoder(arguments[1]);
  simclr::DataSettings settings;
  settings.source = arguments[2];
  settings.labels = simclr::LabelSource::kNone;
  const simclr::DataSource pictures = simclr::open_source(settings);
  const at::Tensor h = simclr::features_of(encoder, pictures.train, /*workers=*/1);  // [n, F]
  const at::Tensor unit = h / h.norm(2, 1, true);
  const at::Tensor cosine = unit.mv(unit[std::stol(arguments[3])]);
  const auto [values, order] = cosine.sort(0, true);
  for (std::int64_t i = 0; i < std::min<std::int64_t>(6, order.size(0)); ++i)
    std::printf("%ld %.4f\n", order[i].item<std::int64_t>(), values[i].item<double>());
  return 0;
} catch (const simclr::Error& error) {
  std::fprintf(stderr, "error: %s\n%s\n", error.what(), error.hint().c_str());
  return static_cast<int>(error.code());
}
