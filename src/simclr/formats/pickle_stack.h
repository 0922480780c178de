#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "simclr/formats/pickle.h"
#include "simclr/formats/pickle_input.h"

namespace simclr::detail {

/// The values a pickle works with: its stack with marks, and its memo. Every access is checked;
/// what fails is told with the input's name and place.
class PickleStack {
 public:
  PickleStack(const PickleInput& input, const PickleLimits& limits)
      : input_(input), limits_(limits) {}

  void push(const PickleValue& value);
  PickleValue& top();
  PickleValue pop();
  std::vector<PickleValue> pop_many(std::size_t count);  ///< in the order they were pushed
  bool has_item() const;                                 ///< above the last mark

  void open_mark();
  std::vector<PickleValue> pop_to_mark();  ///< the values above the last mark; both are taken off

  void memorize(std::uint64_t key);
  void memorize_next() { memorize(memo_.size()); }
  void recall(std::uint64_t key);

  /// The last value, once it is the only one.
  PickleValue finish();

  /// The value as a `Wanted`, or a failure that says `what` it should be.
  template <class Wanted>
  Wanted expect(const PickleValue& value, std::string_view what) const {
    if (const Wanted* wanted = std::get_if<Wanted>(&value)) return *wanted;
    fail_expected(what);
  }

 private:
  [[noreturn]] void fail_expected(std::string_view what) const;

  const PickleInput& input_;
  PickleLimits limits_;
  std::size_t pushed_ = 0;
  std::vector<PickleValue> values_;
  std::vector<std::size_t> marks_;  // sizes of values_
  std::unordered_map<std::uint64_t, PickleValue> memo_;
};

}  // namespace simclr::detail
