#include "simclr/data/folder_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/text.h"

namespace simclr {
namespace {

/// The folders of a file that are still to be explained, from the top.
using Folders = std::vector<std::string_view>;

Folders folders_of(std::string_view name) {
  Folders folders;
  while (true) {
    const std::size_t slash = name.find('/');
    if (slash == std::string_view::npos) return folders;
    if (slash > 0) folders.push_back(name.substr(0, slash));
    name.remove_prefix(slash + 1);
  }
}

/// Drops leading folders that all files share, but leaves each at least `keep`.
void drop_shared(std::vector<Folders>& all, std::size_t keep) {
  if (all.empty()) return;
  std::size_t shared = 0;
  const auto is_shared = [&](const Folders& folders) {
    return folders.size() > shared + keep && folders[shared] == all.front()[shared];
  };
  while (std::all_of(all.begin(), all.end(), is_shared)) ++shared;
  for (Folders& folders : all)
    folders.erase(folders.begin(), folders.begin() + static_cast<std::ptrdiff_t>(shared));
}

enum class PartName { kTrain, kTest, kValidation, kUnlabelled };

std::optional<PartName> part_name(std::string_view folder) {
  static constexpr std::array<std::pair<std::string_view, PartName>, 7> kNames{
      {{"train", PartName::kTrain},
       {"test", PartName::kTest},
       {"val", PartName::kValidation},
       {"valid", PartName::kValidation},
       {"validation", PartName::kValidation},
       {"unlabelled", PartName::kUnlabelled},
       {"unlabeled", PartName::kUnlabelled}}};
  const std::string lower = lower_case(std::string(folder));
  for (const auto& [name, part] : kNames)
    if (name == lower) return part;
  return std::nullopt;
}

/// Takes the parts' folders away and sets every file's part, if all top folders are parts.
void take_parts(std::vector<Folders>& all, ImageFiles& images) {
  std::set<PartName> parts;
  for (const Folders& folders : all) {
    const auto part = folders.empty() ? std::nullopt : part_name(folders.front());
    if (!part) return;
    parts.insert(*part);
  }
  if (!parts.contains(PartName::kTrain) || parts.size() < 2) return;
  const bool has_test = parts.contains(PartName::kTest);
  if (parts.contains(PartName::kValidation)) {
    images.notes.emplace_back(
        has_test
            ? "The validation folder joins the training images, from which validation is drawn."
            : "The validation folder is the test part, as there is no test folder.");
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const PartName part = *part_name(all[i].front());
    const bool test = part == PartName::kTest || (part == PartName::kValidation && !has_test);
    images.files[i].part = part == PartName::kUnlabelled ? SourcePart::kUnlabelled
                           : test                        ? SourcePart::kTest
                                                         : SourcePart::kTrain;
    all[i].erase(all[i].begin());
  }
}

/// Why the folders are no classes; "" if they are.
std::string why_unlabelled(const std::vector<Folders>& all, const ImageFiles& images) {
  std::set<std::string_view> classes;
  bool any_folder = false;
  for (const Folders& folders : all) any_folder = any_folder || !folders.empty();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (images.files[i].part == SourcePart::kUnlabelled) continue;
    if (all[i].size() != 1) {
      if (!any_folder) return "there are no class folders";
      return fmt::format("{} lies {}", printable(images.files[i].name),
                         all[i].empty() ? "in no class folder" : "deeper than in a class folder");
    }
    classes.insert(all[i].front());
  }
  return classes.size() < 2 ? "there is only one class folder" : "";
}

void set_labels(const std::vector<Folders>& all, ImageFiles& images) {
  std::map<std::string_view, std::int32_t> classes;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (images.files[i].part == SourcePart::kUnlabelled) continue;
    if (all[i].empty()) {
      throw Error(ExitCode::kData,
                  fmt::format("{}: {} lies in no class folder", printable(images.source.string()),
                              printable(images.files[i].name)),
                  "Move it into the folder of its class, or use data.labels = none.");
    }
    classes.emplace(all[i].front(), 0);
  }
  for (auto& [name, label] : classes) {
    label = static_cast<std::int32_t>(images.class_names.size());
    images.class_names.push_back(printable(name));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (images.files[i].part != SourcePart::kUnlabelled)
      images.files[i].label = classes.at(all[i].front());
  }
}

}  // namespace

void label_by_folder(LabelSource labels, ImageFiles& images) {
  std::vector<Folders> all;
  all.reserve(images.files.size());
  for (const ImageFile& file : images.files) all.push_back(folders_of(file.name));
  drop_shared(all, labels == LabelSource::kFolders ? 1 : 0);
  take_parts(all, images);
  if (labels == LabelSource::kNone) return;
  if (labels == LabelSource::kAuto) {
    const std::string reason = why_unlabelled(all, images);
    if (!reason.empty()) {
      images.notes.push_back(fmt::format("No labels: {}.", reason));
      return;
    }
  }
  set_labels(all, images);
}

}  // namespace simclr
