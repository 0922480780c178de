#include "cli/bench_views.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "simclr/core/error.h"
#include "simclr/formats/image.h"

namespace simclr::cli {
namespace {

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

std::vector<BenchCase> operation_cases() {
  std::vector<BenchCase> cases{{"none", {}}};
  const auto add = [&](const std::string& name, const std::string& pipeline) {
    cases.push_back({name, parse_pipeline(pipeline)});
  };
  std::string last;
  for (const ParameterText& line : pipeline_parameters()) {
    if (line.operation == last) continue;
    last = line.operation;
    const bool crops = line.name != "p";  // a crop always happens
    add(last, fmt::format("[{}{}]", last, crops ? "" : ": {p: 1}"));
    if (last != "jitter") continue;
    add("  brightness", "[jitter: {p: 1, contrast: 0, saturation: 0, hue: 0}]");
    add("  contrast", "[jitter: {p: 1, brightness: 0, saturation: 0, hue: 0}]");
    add("  saturation", "[jitter: {p: 1, brightness: 0, contrast: 0, hue: 0}]");
    add("  hue", "[jitter: {p: 1, brightness: 0, contrast: 0, saturation: 0}]");
  }
  return cases;
}

std::vector<BenchCase> pipeline_cases() {
  std::vector<BenchCase> cases;
  for (const std::string& name : pipeline_names())
    if (name != "none") cases.push_back({name, parse_pipeline(name)});
  for (const char* name : {"seed+crop", "seed+noise", "seed+autoaugment"})
    cases.push_back({name, parse_pipeline(name)});
  return cases;
}

ViewMaker::ViewMaker(const BenchPictures& pictures, const Pipeline& pipeline, int side)
    : pictures_(pictures),
      pipeline_(pipeline),
      side_(side),
      view_(static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3) {}

void ViewMaker::make(std::int64_t number) {
  const auto index = static_cast<std::size_t>(number);
  const std::vector<std::uint8_t>& picture = pictures_.pictures[index % pictures_.pictures.size()];
  Image image{picture, pictures_.height, pictures_.width};
  DecodedImage decoded;
  if (pictures_.jpeg) {
    decoded = decode_image(picture);
    image = {decoded.pixels, decoded.height, decoded.width};
  }
  Random random(RandomKey{
      .seed = 1, .purpose = Purpose::kView, .sample = static_cast<std::uint32_t>(number)});
  draw_view(pipeline_, image.height, image.width, side_, random, params_);
  apply_view(image, params_, Normalization::kNone, side_, scratch_, view_);
}

void ViewMaker::prove() {
  constexpr std::int64_t kProved = 16;
  std::vector<std::vector<float>> first;
  for (std::int64_t i = 0; i < kProved; ++i) {
    make(i);
    first.push_back(view_);
    const auto inside = [](float value) { return value >= 0.0F && value <= 1.0F; };
    if (!std::all_of(view_.begin(), view_.end(), inside))
      throw Error(ExitCode::kFailed, fmt::format("view {} has a value outside [0, 1]", i), "");
  }
  for (std::int64_t i = kProved; i-- > 0;) {
    make(i);
    if (view_ != first[static_cast<std::size_t>(i)])
      throw Error(ExitCode::kFailed, fmt::format("view {} is another when made again", i), "");
  }
}

double ViewMaker::seconds(std::int64_t views) {
  const double start = thread_seconds();
  for (std::int64_t i = 0; i < views; ++i) make(i);
  return thread_seconds() - start;
}

}  // namespace simclr::cli
