#include <fmt/format.h>

#include "cli/bench.h"
#include "cli/bench_timing.h"
#include "cli/bench_torchvision.h"
#include "cli/bench_views.h"
#include "simclr/kernels/pixels.h"

namespace simclr::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kJpegHeight = 375;  // of a usual picture of ImageNet
constexpr int kJpegWidth = 500;
constexpr int kJpegViewSide = 224;
constexpr double kJpegSeconds = 5.0;  // times the others', since a view takes milliseconds

/// [["jitter", {"p": 0.8, ...}], ...]
nlohmann::json as_json(const Pipeline& pipeline) {
  nlohmann::json operations = nlohmann::json::array();
  for (OperationSettings operation : pipeline) {
    nlohmann::json parameters = nlohmann::json::object();
    const auto visit = [&](const FieldText& text, auto& member, const auto&... /*range*/) {
      parameters[std::string(text.name)] = member;
    };
    std::visit([&](auto& settings) { visit_fields(settings, visit); }, operation);
    operations.push_back({operation_name(operation), parameters});
  }
  return operations;
}

Json in_microseconds(const Timing& timing) {
  return {{"median", timing.median * 1e6}, {"low", timing.low * 1e6}, {"high", timing.high * 1e6}};
}

/// Both sides of one block of the table.
class Block {
 public:
  Block(BenchPictures pictures, int side, double seconds, Torchvision* torchvision)
      : pictures_(std::move(pictures)), side_(side), seconds_(seconds), torchvision_(torchvision) {
    nlohmann::json request = pictures_.to_json();
    request["side"] = side;
    if (torchvision_ != nullptr) torchvision_->ask(request);
  }

  Json time(const BenchCase& bench_case) const {
    ViewMaker maker(pictures_, bench_case.pipeline, side_);
    maker.prove();
    std::vector<Work> sides{[&](std::int64_t views) { return maker.seconds(views); }};
    if (torchvision_ != nullptr) {
      torchvision_->ask({{"pipeline", as_json(bench_case.pipeline)}});
      sides.emplace_back([&](std::int64_t views) {
        return torchvision_->ask({{"views", views}})["seconds"].get<double>();
      });
    }
    const std::vector<Timing> timings = time_in_turn(sides, seconds_);
    Json row{{"name", bench_case.name}, {"microseconds", in_microseconds(timings[0])}};
    if (torchvision_ != nullptr) {
      row["torchvision_microseconds"] = in_microseconds(timings[1]);
      row["ratio"] = timings[1].median / timings[0].median;
    }
    return row;
  }

  std::string title() const {
    return fmt::format("{0}x{0} from {1}{2}x{3}", side_, pictures_.jpeg ? "a decoded JPEG of " : "",
                       pictures_.width, pictures_.height);
  }

 private:
  BenchPictures pictures_;
  int side_;
  double seconds_;
  Torchvision* torchvision_;
};

std::string cell(const Json& timing) {
  const auto number = [&](const char* key) {
    const auto value = timing[key].get<double>();
    return fmt::format("{:.{}f}", value, value < 100 ? 2 : 0);
  };
  return fmt::format("{:>8} ({} - {})", number("median"), number("low"), number("high"));
}

void print_row(const Json& row) {
  std::string line =
      fmt::format("  {:<20} {:<26}", row["name"].get<std::string>(), cell(row["microseconds"]));
  if (row.contains("ratio"))
    line += fmt::format(" {:<28} {:>6.1f}x", cell(row["torchvision_microseconds"]),
                        row["ratio"].get<double>());
  fmt::print("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
  std::fflush(stdout);
}

std::vector<BenchCase> chosen(std::vector<BenchCase> cases, const std::vector<std::string>& only) {
  if (only.empty()) return cases;
  std::vector<BenchCase> kept;
  for (const std::string& name : only) kept.push_back({name, parse_pipeline(name)});
  return kept;
}

Json time_block(const Block& block, const std::vector<BenchCase>& cases, bool print) {
  Json rows = Json::array();
  if (print) fmt::print("\n{}\n", block.title());
  for (const BenchCase& bench_case : cases) {
    rows.push_back(block.time(bench_case));
    if (print) print_row(rows.back());
  }
  return {{"views", block.title()}, {"rows", rows}};
}

void print_heading(const Torchvision* torchvision) {
  fmt::print(
      "us per view on one core: CPU time of the thread, median (lowest - highest) of {} "
      "rounds; {} here{}\n",
      kRounds, instruction_set(),
      torchvision != nullptr ? fmt::format(", {}, rounds in turn", torchvision->versions())
                             : "; no Python with torchvision and Pillow was found to compare with");
  fmt::print(
      "  {:<20} {:>8} {:<17}{}\n", "operation", "simclr", "",
      torchvision != nullptr ? fmt::format(" {:>8} {:<19} {:>6}", "torchvis.", "", "ratio") : "");
}

}  // namespace

void bench_augment(const BenchAugmentOptions& options) {
  std::vector<std::string> interpreters{"python3", "/usr/bin/python3"};
  if (!options.python.empty()) interpreters = {options.python};
  if (options.python == "none") interpreters.clear();
  const auto torchvision = Torchvision::find(interpreters);
  if (!options.json) print_heading(torchvision.get());

  Json blocks = Json::array();
  const int image_side = options.image_side > 0 ? options.image_side : options.side;
  std::vector<BenchCase> cases = operation_cases();
  for (BenchCase& pipeline : pipeline_cases()) cases.push_back(std::move(pipeline));
  const Block views(synthetic_pictures(16, image_side, image_side), options.side, options.seconds,
                    torchvision.get());
  if (!options.only_jpeg)
    blocks.push_back(time_block(views, chosen(cases, options.only), !options.json));

  const Block photos(options.image.empty()
                         ? as_jpegs(synthetic_pictures(4, kJpegHeight, kJpegWidth))
                         : read_jpeg(options.image),
                     kJpegViewSide, kJpegSeconds * options.seconds, torchvision.get());
  cases = {{"none", {}}};
  for (const char* name : {"seed", "paper"}) cases.push_back({name, parse_pipeline(name)});
  blocks.push_back(time_block(photos, chosen(cases, options.only), !options.json));
  if (!options.json) return;
  const Json result{{"unit", "microseconds of the thread's CPU time per view"},
                    {"rounds", kRounds},
                    {"instruction_set", instruction_set()},
                    {"beside", torchvision ? Json(torchvision->versions()) : Json(nullptr)},
                    {"blocks", blocks}};
  fmt::print("{}\n", result.dump(2));
}

}  // namespace simclr::cli
