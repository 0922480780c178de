#include "simclr/study/picture_data.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/loader/batch_loader.h"
#include "simclr/train/checkpoint.h"
#include "simclr/train/device.h"
#include "simclr/train/run_folder.h"
#include "simclr/train/run_parts.h"
#include "simclr/train/step.h"

namespace simclr {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kMostPoints = 2000;
constexpr std::int64_t kNeighbours = 8;
constexpr std::int64_t kQueries = 10;
constexpr std::int64_t kVoters = 20;
constexpr double kVoteTemperature = 0.1;

struct LabelledFeatures {
  at::Tensor x;       ///< f32 [n, F]
  at::Tensor labels;  ///< i64 [n]
};

/// LabelledFeatures of every image of a part, whole and in order.
LabelledFeatures features_of(SimclrModel& model, const std::shared_ptr<const Dataset>& part,
                             int side, const Settings& settings) {
  model.set_training(false);
  BatchPlan plan;
  plan.kind = ViewKind::kWholeImage;
  plan.augment.normalization = settings.augment.normalization;
  plan.batch_size = 500;
  plan.side = side;
  const c10::Device device = model.parameters().front().tensor.device();
  BatchLoader loader(part, plan, settings.run.workers);
  std::vector<at::Tensor> features{at::empty({0, model.feature_width()}, at::kFloat)};
  std::vector<std::int64_t> labels;
  while (auto batch = loader.next()) {
    features.push_back(model.encode(views_tensor(*batch, side, device)).to(at::kCPU));
    labels.insert(labels.end(), batch->labels.begin(), batch->labels.end());
  }
  return {at::cat(features), at::tensor(labels, at::kLong)};
}

std::vector<std::int64_t> integers(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kLong).contiguous();
  return {flat.data_ptr<std::int64_t>(), flat.data_ptr<std::int64_t>() + flat.numel()};
}

/// Rounded: four digits are more than a picture shows.
std::vector<double> numbers(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kDouble).contiguous();
  std::vector<double> values(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel());
  for (double& value : values) value = std::round(value * 1e4) / 1e4;
  return values;
}

at::Tensor unit_rows(const at::Tensor& x) {
  return x.div(at::linalg_vector_norm(x, 2, at::IntArrayRef{1}, true).clamp_min(1e-12));
}

/// Principal components of the features at unit length, as cosines see them, centred. Signs are
/// fixed by the largest loading, so that the picture does not flip from machine to machine.
Json embedding(const LabelledFeatures& features) {
  const at::Tensor x = unit_rows(features.x.slice(0, 0, kMostPoints).to(at::kDouble));
  const at::Tensor centred = x.sub(x.mean(0, true));
  const auto [values, vectors] = at::linalg_eigh(centred.t().matmul(centred));  // ascending
  at::Tensor axes = vectors.slice(1, -2).flip({1});                             // [F, 2]
  const at::Tensor largest = axes.gather(0, axes.abs().argmax(0, true));
  axes = axes.mul(largest.sign());
  const at::Tensor points = centred.matmul(axes);
  const at::Tensor shares = values.slice(0, -2).flip({0}).div(values.sum().clamp_min(1e-30));
  return {{"x", numbers(points.select(1, 0))},
          {"y", numbers(points.select(1, 1))},
          {"label", integers(features.labels.slice(0, 0, kMostPoints))},
          {"variance_share", numbers(shares)}};
}

/// The first image of each class, then the second, ..., until there are enough.
std::vector<std::int64_t> queries_of(const std::vector<std::int64_t>& labels) {
  std::vector<std::pair<std::int64_t, std::int64_t>> order;  // rank within the class, index
  std::map<std::int64_t, std::int64_t> seen;
  for (std::size_t i = 0; i < labels.size(); ++i)
    order.emplace_back(seen[labels[i]]++, static_cast<std::int64_t>(i));
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::int64_t> queries;
  for (const auto& [rank, index] : order) {
    if (std::ssize(queries) < kQueries) queries.push_back(index);
  }
  return queries;
}

Json neighbours(const LabelledFeatures& features) {
  const at::Tensor unit = unit_rows(features.x);
  Json rows = Json::array();
  for (const std::int64_t query : queries_of(integers(features.labels))) {
    at::Tensor cosines = unit.matmul(unit.select(0, query));
    cosines.index_put_({at::tensor({query})}, at::tensor(-2.0F));
    const auto [nearest, indices] = at::topk(cosines, std::min(kNeighbours, unit.size(0) - 1));
    rows.push_back(
        {{"query", query}, {"nearest", integers(indices)}, {"cosine", numbers(nearest)}});
  }
  return rows;
}

/// [class][voted class] of the test images.
Json confusion(const LabelledFeatures& bank, const LabelledFeatures& test, std::int64_t classes) {
  const at::Tensor bank_unit = unit_rows(bank.x);
  at::Tensor counts = at::zeros({classes * classes}, at::kLong);
  for (std::int64_t first = 0; first < test.x.size(0); first += 500) {
    const std::int64_t last = std::min(test.x.size(0), first + 500);
    const at::Tensor cosines = unit_rows(test.x.slice(0, first, last)).matmul(bank_unit.t());
    const auto [nearest, indices] = at::topk(cosines, std::min(kVoters, bank.x.size(0)), 1);
    const at::Tensor labels = bank.labels.index_select(0, indices.flatten()).view_as(indices);
    const at::Tensor votes = at::zeros({last - first, classes})
                                 .scatter_add_(1, labels, nearest.div(kVoteTemperature).exp());
    const at::Tensor cells = test.labels.slice(0, first, last) * classes + votes.argmax(1);
    counts.scatter_add_(0, cells, at::ones_like(cells));
  }
  Json rows = Json::array();
  for (std::int64_t c = 0; c < classes; ++c)
    rows.push_back(integers(counts.slice(0, c * classes, (c + 1) * classes)));
  return rows;
}

Json filters(const SimclrModel& model) {
  const at::Tensor weights =
      model.parameters().front().tensor.detach().to(at::kCPU);  // [F, C, k, k]
  return {{"shape", weights.sizes().vec()}, {"values", numbers(weights.contiguous())}};
}

}  // namespace

void write_picture_data(const std::filesystem::path& file, SimclrModel& model,
                        const DataSplits& data, const Settings& settings) {
  const c10::NoGradGuard no_gradient;
  const bool labelled = !data.class_names.empty() && data.test->size() > 0;
  const LabelledFeatures shown =
      features_of(model, labelled ? data.test : data.validation, data.image_size, settings);
  Json json{{"part", labelled ? "test" : "validation"},
            {"class_names", data.class_names},
            {"embedding", embedding(shown)},
            {"neighbours", neighbours(shown)}};
  if (labelled) {
    json["confusion"] = confusion(features_of(model, data.train, data.image_size, settings), shown,
                                  static_cast<std::int64_t>(data.class_names.size()));
    json["confusion_by"] = fmt::format("kNN, k = {}", kVoters);
  }
  json["filters"] = filters(model);
  write_file_atomically(file, json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void write_picture_data(const std::filesystem::path& path, EventSink& sink) {
  const RunFolder run = RunFolder::open(path);
  const Settings settings = run.settings();
  const DataSplits data = open_data(settings.data, sink);
  if (!std::filesystem::exists(run.checkpoint("best"))) {
    throw Error(ExitCode::kUsage, fmt::format("{}: no checkpoint", path.string()),
                "Train first: `simclr pretrain --out` writes it after every epoch.");
  }
  const c10::Device device = prepare_device(settings.run);
  SimclrModel model = make_model(settings, data);
  load_model(run.checkpoint("best"), model);
  model.to(device);
  sink.message(fmt::format("{}: embedding, neighbours, confusion matrix, filters", path.string()));
  write_picture_data(path / "pictures.json", model, data, settings);
}

}  // namespace simclr
