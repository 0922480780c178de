#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace simclr {

struct PickleList;
struct PickleTuple;
struct PickleDict;
struct PickleObject;
struct PickleId;

/// Python 3's bytes and bytearray, Python 2's str.
struct PickleBytes {
  std::string_view bytes;
};

/// Python 3's str, Python 2's unicode, as the file has it: UTF-8, unchecked.
struct PickleText {
  std::string_view text;
};

/// A class or function by its name, "module.name". It stands on the caller's allow-list.
struct PickleGlobal {
  std::string_view name;
};

/// One value of a pickle; std::monostate is None, a set is a list. Small, and no owner: what it
/// points to lives in the PickleArena. Several values may point to one list, and a list may hold
/// itself, as in Python: who walks through values must bound the depth.
using PickleValue =
    std::variant<std::monostate, bool, std::int64_t, double, PickleBytes, PickleText, PickleGlobal,
                 PickleList*, PickleTuple*, PickleDict*, PickleObject*, PickleId*>;

struct PickleList {
  std::vector<PickleValue> items;
};

struct PickleTuple {
  std::vector<PickleValue> items;
};

/// In the file's order; a key may come twice, and then the last counts.
struct PickleDict {
  std::vector<std::pair<PickleValue, PickleValue>> items;
};

/// What the pickle would have had Python make: written down, not made.
struct PickleObject {
  std::string_view global;            ///< what it calls
  const PickleTuple* args = nullptr;  ///< with these
  PickleValue state;                  ///< then sets this (opcode BUILD)
  PickleDict entries;                 ///< and these, as on a dict
};

/// A reference to something outside the pickle, such as a tensor's storage.
struct PickleId {
  PickleValue id;
};

/// Owns what values point to.
struct PickleArena {
  std::string_view keep(std::string text);

  std::vector<std::uint8_t> input;
  std::deque<std::string> texts;
  std::size_t text_bytes = 0;
  std::set<std::string, std::less<>> globals;
  std::deque<PickleList> lists;
  std::deque<PickleTuple> tuples;
  std::deque<PickleDict> dicts;
  std::deque<PickleObject> objects;
  std::deque<PickleId> ids;
};

/// Answers a call of a global: `call` has its global and args. Gives &call to keep it as it is
/// written down, another value in its place, or nothing if it cannot be called so.
using PickleHandler = std::function<std::optional<PickleValue>(PickleObject& call, PickleArena&)>;

/// The globals a pickle may name, as "module.name".
using PickleAllowList = std::map<std::string, PickleHandler, std::less<>>;

/// The handler that keeps the call as it is written down.
std::optional<PickleValue> keep_call(PickleObject& call, PickleArena& arena);

struct PickleLimits {
  std::size_t max_values = 4'000'000;  ///< in all; each takes up to 150 bytes of memory
  std::size_t max_depth = 1000;        ///< of collections begun and not yet ended
};

struct Pickle {
  PickleValue value;  ///< lives as long as `arena`
  std::shared_ptr<PickleArena> arena;
  std::size_t size = 0;  ///< bytes read; the file may go on behind them
};

/// Reads a Python pickle of protocol 0 to 5 and executes nothing. Globals must be on `allowed`;
/// numbers must fit 64 bits; extension codes and out-of-band buffers are refused.
/// @param name  of the file, for messages
/// @throws Error(kData) naming the file and the byte, or the global that is not on the list
/// Cost: O(bytes); texts and bytes are views of the input, not copies.
Pickle read_pickle(std::vector<std::uint8_t> bytes, std::string_view name,
                   const PickleAllowList& allowed, const PickleLimits& limits = {});

/// The text or bytes of a value (Python 2 made no difference), or nothing.
std::optional<std::string_view> pickle_text(const PickleValue& value);

/// The value behind a key that is a text or bytes, or null.
const PickleValue* pickle_find(const PickleDict& dict, std::string_view key);

}  // namespace simclr
