#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <utility>
#include <vector>

#include "simclr/core/error.h"
#include "simclr/study/study_file.h"

// What a study file is made of: mappings, lists, names and settings, each with its place for
// errors.
namespace simclr::detail {

using Names = std::vector<std::string>;

/// Reads the nodes of one study file.
class StudyReader {
 public:
  explicit StudyReader(std::string origin) : origin_(std::move(origin)) {}

  /// @throws Error(kUsage) if it is no YAML, or larger than a study file can be
  YAML::Node load(const std::string& yaml) const;

  [[noreturn]] void fail(const YAML::Node& node, const std::string& message,
                         const std::string& hint = "docs/study.md shows the format.") const;

  // Each @throws Error(kUsage) with the node's line, and the nearest name where it is a name.

  /// A mapping's key as text.
  std::string key(const YAML::Node& node) const;
  /// `node` is not there, empty, or a list of at most kMostStudyTrials.
  void check_list(const YAML::Node& node, const std::string& what) const;
  /// `node` is a mapping of these keys.
  void check_keys(const YAML::Node& node, const std::string& what, const Names& known) const;
  /// `name` is one of `known`.
  void check_name(const YAML::Node& node, const std::string& what, const std::string& name,
                  const Names& known) const;
  template <class T>
  T value(const YAML::Node& node, const std::string& what) const {
    try {
      return node.as<T>();
    } catch (const YAML::Exception&) {
      fail(node, what + " is not understood");
    }
  }

  /// The full key of a setting; "init" stays itself.
  std::string setting_key(const YAML::Node& node, const std::string& name) const;
  /// Any value as the one line that settings take as text.
  std::string setting_text(const YAML::Node& node) const;
  /// `{loss.temperature: 0.1, train: {epochs: 3}}` as key -> text, no key twice.
  ArmValues settings(const YAML::Node& node) const;

  const std::string& origin() const { return origin_; }

 private:
  void add_settings(const YAML::Node& node, const std::string& prefix, ArmValues& values) const;

  std::string origin_;
};

}  // namespace simclr::detail
