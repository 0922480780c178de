#include "cli/bench_pictures.h"

#include <fmt/format.h>
#include <turbojpeg.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/random.h"
#include "simclr/formats/image.h"

namespace simclr::cli {
namespace {

/// A plane wave of light; `edge` makes bands of it.
struct Wave {
  float down;
  float right;
  float phase;
  float edge;
  float strength;

  float at(float y, float x) const {
    return strength * std::tanh(edge * std::sin(down * y + right * x + phase));
  }
};

std::vector<Wave> draw_waves(Random& random) {
  std::vector<Wave> waves;
  for (int i = 0; i < 6; ++i) {
    const float reach = 4.0F * static_cast<float>(i + 1);
    waves.push_back({random.uniform(-reach, reach), random.uniform(-reach, reach),
                     random.uniform(0.0F, 6.28F), random.uniform(0.5F, 4.0F),
                     60.0F / static_cast<float>(i + 1)});
  }
  return waves;
}

std::vector<std::uint8_t> draw_picture(int height, int width, std::uint32_t number) {
  Random random(RandomKey{.seed = 1, .purpose = Purpose::kShapes, .sample = number});
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(height) *
                                   static_cast<std::size_t>(width) * 3);
  for (std::size_t c = 0; c < 3; ++c) {
    const std::vector<Wave> waves = draw_waves(random);
    for (std::size_t i = c; i < pixels.size(); i += 3) {
      const auto pixel = static_cast<int>(i / 3);
      const float y = static_cast<float>(pixel / width) / static_cast<float>(height);
      const float x = static_cast<float>(pixel % width) / static_cast<float>(width);
      float value = random.uniform(118.0F, 138.0F);
      for (const Wave& wave : waves) value += wave.at(y, x);
      pixels[i] = static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F));
    }
  }
  return pixels;
}

struct DestroyHandle {
  void operator()(void* handle) const { tjDestroy(handle); }
};

std::vector<std::uint8_t> compress(const std::vector<std::uint8_t>& pixels, int height, int width) {
  constexpr int kQuality = 90;
  const std::unique_ptr<void, DestroyHandle> handle(tjInitCompress());
  unsigned char* bytes = nullptr;
  unsigned long size = 0;  // NOLINT(google-runtime-int): TurboJPEG's
  const bool done = handle && tjCompress2(handle.get(), pixels.data(), width, 0, height, TJPF_RGB,
                                          &bytes, &size, TJSAMP_420, kQuality, 0) == 0;
  std::vector<std::uint8_t> file(bytes, bytes + size);
  tjFree(bytes);
  if (!done) throw Error(ExitCode::kFailed, "TurboJPEG could not write a JPEG", "");
  return file;
}

}  // namespace

nlohmann::json BenchPictures::to_json() const {
  nlohmann::json digits = nlohmann::json::array();
  for (const std::vector<std::uint8_t>& bytes : pictures)
    digits.push_back(fmt::format("{:02x}", fmt::join(bytes, "")));
  return {{"pictures", digits}, {"height", height}, {"width", width}, {"jpeg", jpeg}};
}

BenchPictures synthetic_pictures(int count, int height, int width) {
  BenchPictures result{.pictures = {}, .height = height, .width = width};
  for (int i = 0; i < count; ++i)
    result.pictures.push_back(draw_picture(height, width, static_cast<std::uint32_t>(i)));
  return result;
}

BenchPictures as_jpegs(const BenchPictures& pixels) {
  BenchPictures result{
      .pictures = {}, .height = pixels.height, .width = pixels.width, .jpeg = true};
  for (const std::vector<std::uint8_t>& picture : pixels.pictures)
    result.pictures.push_back(compress(picture, pixels.height, pixels.width));
  return result;
}

BenchPictures read_jpeg(const std::string& path) {
  const std::string text = read_file(path);
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  if (image_format(bytes) != ImageFormat::kJpeg)
    throw Error(ExitCode::kData, fmt::format("{} is not a JPEG", path), "Give another --image.");
  const ImageSize size = image_size(bytes);
  return {.pictures = {bytes}, .height = size.height, .width = size.width, .jpeg = true};
}

}  // namespace simclr::cli
