#include <ATen/ops/isfinite.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/weights/load_encoder.h"
#include "simclr/weights/state.h"

namespace simclr {
namespace {

constexpr std::string_view kEncoder = "encoder.";
constexpr std::string_view kCounter = "num_batches_tracked";
constexpr std::array<std::string_view, 4> kFloats{"F32", "F64", "F16", "BF16"};
constexpr std::array<std::string_view, 2> kWholes{"I64", "I32"};
constexpr std::size_t kMaxListed = 12;

template <class Names>
bool one_of(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The encoder's tensors by torchvision's names.
std::map<std::string, at::Tensor> encoder_tensors(const SimclrModel& model) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& group : {model.parameters(), model.buffers()}) {
    for (const NamedTensor& named : group)
      if (named.name.starts_with(kEncoder))
        tensors.emplace(named.name.substr(kEncoder.size()), named.tensor);
  }
  return tensors;
}

bool is_named(const std::string& pattern, const std::string& name) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == name;
}

/// Fills a report, tensor by tensor.
class Comparison {
 public:
  Comparison(const SimclrModel& model, const TensorFile& file, const FoundEncoder& found,
             const LoadOptions& options)
      : wanted_(encoder_tensors(model)), file_(file), found_(found), options_(options) {
    report_.prefix = found.prefix;
    report_.scheme = found.numbered ? "parts of a Sequential, by number" : "torchvision's";
    report_.wanted = wanted_.size();
    counters_ = std::any_of(found.names.begin(), found.names.end(),
                            [](const auto& name) { return name.first.ends_with(kCounter); });
  }

  LoadReport report() {
    check_patterns();
    for (const auto& [name, tensor] : wanted_) compare(name, tensor);
    if (!counters_) {
      report_.notes.push_back({"*." + std::string(kCounter),
                               "in none of the file's norms, as before PyTorch 0.4.1: taken as 0"});
    }
    for (const auto& [name, in_file] : found_.names) {
      if (!wanted_.contains(name))
        report_.problems.push_back({in_file, "the encoder has no such tensor"});
    }
    sort_the_rest();
    return std::move(report_);
  }

 private:
  void check_patterns() const {
    for (const std::string& pattern : options_.allow_missing) {
      const bool known = std::any_of(wanted_.begin(), wanted_.end(), [&](const auto& tensor) {
        return is_named(pattern, tensor.first);
      });
      if (known) continue;
      throw Error(ExitCode::kUsage,
                  fmt::format("--allow-missing {}: the encoder has no such tensor", pattern),
                  "Names are torchvision's: layer1.0.bn1.bias, or layer1.0.bn1.* for several.");
    }
  }

  void compare(const std::string& name, const at::Tensor& tensor) {
    const auto at = found_.names.find(name);
    if (at == found_.names.end()) return missing(name);
    const TensorEntry& entry = file_.tensors().at(at->second);
    if (at::IntArrayRef(entry.shape) != tensor.sizes()) {
      report_.problems.push_back(
          {at->second, fmt::format("[{}] in the file, [{}] in the encoder",
                                   fmt::join(entry.shape, ", "), fmt::join(tensor.sizes(), ", "))});
      return;
    }
    const bool whole = tensor.scalar_type() == at::kLong;
    if (whole ? !one_of(kWholes, entry.dtype) : !one_of(kFloats, entry.dtype)) {
      report_.problems.push_back({at->second, fmt::format("of the dtype {}", entry.dtype)});
      return;
    }
    ++report_.matched;
    if (!whole && entry.dtype != "F32") ++converted_[entry.dtype];
    check_finite(at->second, entry);
  }

  void missing(const std::string& name) {
    if (!counters_ && name.ends_with(kCounter)) return;
    const auto& allowed = options_.allow_missing;
    if (std::any_of(allowed.begin(), allowed.end(),
                    [&](const std::string& pattern) { return is_named(pattern, name); })) {
      report_.notes.push_back({name, "missing, as allowed: it keeps its value"});
      return;
    }
    report_.problems.push_back({name, "not in the file"});
  }

  void check_finite(const std::string& name, const TensorEntry& entry) {
    if (!one_of(kFloats, entry.dtype)) return;
    const at::Tensor values = to_tensor(entry);
    const std::int64_t bad = values.numel() - at::isfinite(values).sum().item<std::int64_t>();
    if (bad > 0) report_.notes.push_back({name, fmt::format("{} values are not finite", bad)});
  }

  /// What else the file has: a problem where it looks like a part of this encoder.
  void sort_the_rest() {
    std::set<std::string> taken;
    for (const auto& [name, in_file] : found_.names) taken.insert(in_file);
    std::map<std::string, std::size_t> groups;
    for (const auto& [name, entry] : file_.tensors()) {
      if (taken.contains(name)) continue;
      const bool behind = name.starts_with(found_.prefix);
      const std::string rest = behind ? name.substr(found_.prefix.size()) : name;
      const std::string first = rest.substr(0, rest.find('.'));
      if (behind && looks_like_a_part(first, rest))
        report_.problems.push_back({name, "the encoder has no such tensor"});
      else
        ++groups[(behind ? found_.prefix : "") + first + (rest.size() > first.size() ? ".*" : "")];
    }
    for (const auto& [group, count] : groups)
      report_.left_in_file.push_back(
          {group, fmt::format("{} tensor{}: not the encoder's", count, count == 1 ? "" : "s")});
    for (const auto& [dtype, count] : converted_)
      report_.notes.push_back(
          {fmt::format("{} tensors", count), "converted from " + dtype + " to F32"});
  }

  bool looks_like_a_part(const std::string& first, const std::string& rest) const {
    if (rest.size() == first.size()) return false;
    if (!found_.numbered) {
      return first == "conv1" || first == "bn1" ||
             (first.size() == 6 && first.starts_with("layer"));
    }
    return !first.empty() &&
           std::all_of(first.begin(), first.end(), [](char c) { return c >= '0' && c <= '9'; });
  }

  std::map<std::string, at::Tensor> wanted_;
  const TensorFile& file_;
  const FoundEncoder& found_;
  const LoadOptions& options_;
  bool counters_ = false;
  std::map<std::string, std::size_t> converted_;
  LoadReport report_;
};

std::string listed(std::string_view title, const std::vector<LoadReport::Line>& lines) {
  if (lines.empty()) return "";
  std::string text = fmt::format("\n  {} ({}):", title, lines.size());
  for (std::size_t i = 0; i < std::min(lines.size(), kMaxListed); ++i)
    text += fmt::format("\n    {:<40} {}", printable(lines[i].name), lines[i].why);
  if (lines.size() > kMaxListed)
    text += fmt::format("\n    and {} more", lines.size() - kMaxListed);
  return text;
}

}  // namespace

LoadReport compare_encoder(const SimclrModel& model, const TensorFile& file,
                           const FoundEncoder& found, const LoadOptions& options) {
  return Comparison(model, file, found, options).report();
}

std::string LoadReport::table() const {
  return fmt::format("  {} of {} tensors of the encoder matched; names {}{}{}{}{}", matched, wanted,
                     scheme, prefix.empty() ? "" : fmt::format(", behind '{}'", printable(prefix)),
                     listed("does not fit", problems), listed("notes", notes),
                     listed("left in the file", left_in_file));
}

}  // namespace simclr
