#include "simclr/formats/pickle_stack.h"

#include <fmt/format.h>

namespace simclr::detail {

void PickleStack::push(const PickleValue& value) {
  if (++pushed_ > limits_.max_values) {
    input_.fail(fmt::format("more than {} values", limits_.max_values));
  }
  values_.push_back(value);
}

bool PickleStack::has_item() const { return values_.size() > (marks_.empty() ? 0 : marks_.back()); }

PickleValue& PickleStack::top() {
  if (!has_item()) input_.fail("an opcode finds its value missing");
  return values_.back();
}

PickleValue PickleStack::pop() {
  const PickleValue value = top();
  values_.pop_back();
  return value;
}

std::vector<PickleValue> PickleStack::pop_many(std::size_t count) {
  std::vector<PickleValue> items(count);
  for (std::size_t i = count; i-- > 0;) items[i] = pop();
  return items;
}

void PickleStack::open_mark() {
  if (marks_.size() >= limits_.max_depth) {
    input_.fail(fmt::format("more than {} collections within each other", limits_.max_depth));
  }
  marks_.push_back(values_.size());
}

std::vector<PickleValue> PickleStack::pop_to_mark() {
  if (marks_.empty()) input_.fail("an opcode finds its mark missing");
  const auto first = values_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleValue> items(first, values_.end());
  values_.erase(first, values_.end());
  marks_.pop_back();
  return items;
}

void PickleStack::memorize(std::uint64_t key) {
  memo_[key] = top();
  if (memo_.size() > limits_.max_values) {
    input_.fail(fmt::format("more than {} values to remember", limits_.max_values));
  }
}

void PickleStack::recall(std::uint64_t key) {
  const auto found = memo_.find(key);
  if (found == memo_.end()) input_.fail(fmt::format("it remembers no value {}", key));
  push(found->second);
}

PickleValue PickleStack::finish() {
  const PickleValue value = pop();
  if (!values_.empty() || !marks_.empty()) input_.fail("it ends with more than one value");
  return value;
}

void PickleStack::fail_expected(std::string_view what) const {
  input_.fail(fmt::format("{} is expected, something else found", what));
}

}  // namespace simclr::detail
