#pragma once

#include <optional>
#include <string>

#include "simclr/report/statistics.h"
#include "simclr/report/study_records.h"

namespace simclr {

enum class Verdict { kSupported, kContradicted, kNotDistinguishable, kNotRun };

/// What a study says about a statement, by a fixed rule.
struct Judgement {
  Verdict verdict = Verdict::kNotRun;
  std::string rule;     ///< what was compared with what
  std::string figure;   ///< the number with its interval
  std::string caution;  ///< how far it can be trusted; "" if over seeds
};

/// Rules, all by 95 % confidence intervals over seeds, paired by seed:
///   rises, falls     slope of the figure per doubling of the arm's value (or per arm, in the order
///                    given, where values are no numbers): supported if the interval lies on the
///                    claimed side of 0, contradicted if on the other
///   greater          the first arm less the mean of the others: likewise
///   extremes-worse   mean of the inner arms less the first, and less the last: supported if both
///                    intervals are above 0, contradicted if one is below
///   same             the first arm less the mean of the others: supported if the interval lies
///                    within +-`within`, contradicted if wholly outside
/// With one seed the spread over seeds is taken from arms that have several; without any, from the
/// test images (accuracies) or from how the curve wobbles (losses), and `caution` says so.
Judgement judge(const StudyRecords& study, const ClaimRecord& claim);

std::string verdict_text(Verdict verdict);

/// How a figure varies over seeds in this study, as far as it shows; see judge.
std::optional<Noise> noise_of(const StudyRecords& study, const SubStudyRecord& sub,
                              const std::string& figure);

/// Differences of two arms in the seeds that both have, first less second.
std::vector<double> paired_differences(const StudyRecords& study, const ArmRecord& first,
                                       const ArmRecord& second, const std::string& figure);

}  // namespace simclr
