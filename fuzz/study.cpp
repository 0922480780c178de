// Study files: what is accepted has arms, not too many, and claims about arms that are there.
#include "simclr/study/study_file.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "fuzz/target.h"

namespace {

void check(const simclr::ArmValues& values) {
  std::set<std::string> keys;
  for (const auto& [key, value] : values) simclr::fuzz::require(keys.insert(key).second);
}

void check(const simclr::Claim& claim, const simclr::StudyFile& file) {
  const auto sub = std::find_if(file.sub_studies.begin(), file.sub_studies.end(),
                                [&](const auto& s) { return s.name == claim.sub_study; });
  simclr::fuzz::require(sub != file.sub_studies.end() && std::isfinite(claim.within));
  for (const std::string& arm : claim.arms) {
    const auto is_it = [&](const simclr::ArmSpec& spec) { return spec.label == arm; };
    simclr::fuzz::require(std::any_of(sub->arms.begin(), sub->arms.end(), is_it));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string yaml(data, data + size);
  simclr::fuzz::survives([&] {
    const simclr::StudyFile file = simclr::parse_study_file(yaml, "fuzz.yaml");
    std::size_t arms = 0;
    for (const simclr::SubStudySpec& sub : file.sub_studies) {
      simclr::fuzz::require(!sub.arms.empty());
      arms += sub.arms.size();
      check(sub.base);
      for (const simclr::ArmSpec& arm : sub.arms) check(arm.values);
    }
    simclr::fuzz::require(arms > 0 && arms <= simclr::kMostStudyTrials);
    for (const simclr::Claim& claim : file.claims) check(claim, file);
  });
  return 0;
}
