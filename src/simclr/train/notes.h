#pragma once

#include <set>
#include <string>
#include <vector>

#include "simclr/config/settings.h"
#include "simclr/formats/metrics.h"

namespace simclr {

/// The loss of a network that tells nothing apart, all projections equal: ln(2N-1), for dcl
/// ln(2N-2), for the supervised objective ln(classes).
double chance_loss(const Settings& settings, std::int64_t classes);

/// Notices after an epoch what a person should know at once, and tells it once, as long as it
/// lasts: a training loss at chance, projections or features that have collapsed.
class Notes {
 public:
  explicit Notes(double chance) : chance_(chance) {}

  /// Lines that are new with this epoch.
  std::vector<std::string> on(const EpochMetrics& row);

 private:
  double chance_;
  std::set<std::string> lasting_;
};

}  // namespace simclr
