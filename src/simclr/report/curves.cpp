#include "simclr/report/curves.h"

#include <fmt/format.h>

#include <cmath>

namespace simclr {

Curve epoch_curve(const RunRecords& records, const std::string& label, double EpochMetrics::*column,
                  int color, Stroke stroke) {
  Curve curve{label, {}, {}, color, stroke};
  for (const EpochMetrics& epoch : records.epochs) {
    curve.x.push_back(static_cast<double>(epoch.epoch));
    curve.y.push_back(epoch.*column);
  }
  return curve;
}

Curve test_curve(const ResultRecord& result, const std::string& label, int color) {
  Curve curve{label, {}, result.test_curve, color, Stroke::kSolid};
  for (std::size_t i = 0; i < curve.y.size(); ++i) curve.x.push_back(static_cast<double>(i + 1));
  return curve;
}

double chance_loss(const RunRecords& records) {
  const auto views = 2.0 * static_cast<double>(records.settings.train.batch_size);
  return std::log(views - (records.settings.loss.kind == LossKind::kDcl ? 2.0 : 1.0));
}

Curve chance_line(const RunRecords& records) {
  const double chance = chance_loss(records);
  Curve curve{fmt::format("chance, ln(2N-1) = {:.2f}", chance), {}, {}, kGrey, Stroke::kDotted};
  for (const EpochMetrics& epoch : records.epochs) {
    curve.x.push_back(static_cast<double>(epoch.epoch));
    curve.y.push_back(chance);
  }
  return curve;
}

std::string picture_link(const std::string& title, const std::string& name) {
  return fmt::format("[![{}](plots/{}.png)](plots/{}.svg)\n\n", title, name, name);
}

std::string percent_text(const std::optional<double>& share) {
  return share ? fmt::format("{:.2f} %", 100 * *share) : "–";
}

}  // namespace simclr
