#include "simclr/formats/pickle_numpy.h"

#include <fmt/format.h>

#include <utility>

#include "simclr/core/error.h"

namespace simclr {
namespace {

using Items = std::vector<PickleValue>;

/// An array as its pickle says it; a null or nothing stands for what is missing or of a wrong type.
struct Parts {
  const PickleValue* dtype = nullptr;
  const PickleTuple* shape = nullptr;
  bool fortran_order = false;
  std::optional<std::string_view> bytes;
};

template <class Wanted>
const Wanted* get(const Items& items, std::size_t at) {
  return at < items.size() ? std::get_if<Wanted>(&items[at]) : nullptr;
}

const PickleTuple* get_tuple(const PickleValue& value) {
  PickleTuple* const* tuple = std::get_if<PickleTuple*>(&value);
  return tuple == nullptr ? nullptr : *tuple;
}

/// numpy.ndarray.__reduce__: _reconstruct(...), then the state (version, shape, dtype, is Fortran,
/// bytes).
Parts reconstructed(const PickleObject& object) {
  const PickleTuple* state = get_tuple(object.state);
  if (state == nullptr || state->items.size() != 5) return {};
  const Items& items = state->items;
  const bool* fortran_order = get<bool>(items, 3);
  if (fortran_order == nullptr) return {};
  return {&items[2], get_tuple(items[1]), *fortran_order, pickle_text(items[4])};
}

/// Protocol 5: _frombuffer(bytes, dtype, shape, order).
Parts from_buffer(const PickleObject& object) {
  const Items& items = object.args->items;
  if (items.size() != 4) return {};
  const auto order = pickle_text(items[3]);
  if (order != "C" && order != "F") return {};
  return {&items[1], get_tuple(items[2]), order == "F", pickle_text(items[0])};
}

/// dtype("u1", ...), then the state (version, byte order, ...).
std::optional<detail::NpyLayout> layout_of(const PickleValue& value) {
  PickleObject* const* object = std::get_if<PickleObject*>(&value);
  if (object == nullptr || (*object)->global != "numpy.dtype") return std::nullopt;
  const PickleTuple* state = get_tuple((*object)->state);
  const Items& args = (*object)->args->items;
  if (state == nullptr || state->items.size() < 2 || args.empty()) return std::nullopt;
  const auto name = pickle_text(args[0]);
  const auto order = pickle_text(state->items[1]);
  if (!name || !order || name->size() != 2 || order->size() != 1) return std::nullopt;
  return detail::parse_dtype(fmt::format("{}{}", *order, *name));
}

std::optional<std::vector<std::size_t>> sides_of(const PickleTuple& tuple) {
  std::vector<std::size_t> sides;
  for (const PickleValue& item : tuple.items) {
    const auto* side = std::get_if<std::int64_t>(&item);
    if (side == nullptr || *side < 0) return std::nullopt;
    sides.push_back(static_cast<std::size_t>(*side));
  }
  return sides;
}

/// _codecs.encode(text, "latin1"): how Python 3 writes bytes in protocols 0 to 2.
std::optional<PickleValue> encode_latin1(PickleObject& call, PickleArena& arena) {
  const Items& args = call.args->items;
  const auto* text = get<PickleText>(args, 0);
  if (args.size() != 2 || text == nullptr || pickle_text(args[1]) != "latin1") return std::nullopt;
  std::string bytes;
  bytes.reserve(text->text.size());
  for (std::size_t i = 0; i < text->text.size(); ++i) {
    const auto first = static_cast<std::uint8_t>(text->text[i]);
    if (first < 0x80) {
      bytes.push_back(text->text[i]);
      continue;
    }
    // U+0080 to U+00FF are C2 or C3 and one more byte.
    if ((first != 0xC2 && first != 0xC3) || ++i == text->text.size()) return std::nullopt;
    const auto second = static_cast<std::uint8_t>(text->text[i]);
    if ((second & 0xC0) != 0x80) return std::nullopt;
    bytes.push_back(static_cast<char>(((first & 0x03) << 6) | (second & 0x3F)));
  }
  return PickleBytes{arena.keep(std::move(bytes))};
}

/// bytes(): how Python 3 writes empty bytes in protocols 0 to 2.
std::optional<PickleValue> empty_bytes(PickleObject& call, PickleArena& /*arena*/) {
  if (!call.args->items.empty()) return std::nullopt;
  return PickleBytes{};
}

std::optional<PickleValue> no_call(PickleObject& /*call*/, PickleArena& /*arena*/) {
  return std::nullopt;
}

[[noreturn]] void fail(std::string_view name, std::string_view what) {
  throw Error(ExitCode::kData, fmt::format("{}: {}", name, what),
              "The file is damaged or of another kind: fetch it again.");
}

}  // namespace

PickleAllowList numpy_globals() {
  return {{"numpy.core.multiarray._reconstruct", keep_call},
          {"numpy._core.multiarray._reconstruct", keep_call},
          {"numpy.core.numeric._frombuffer", keep_call},
          {"numpy._core.numeric._frombuffer", keep_call},
          {"numpy.ndarray", no_call},
          {"numpy.dtype", keep_call},
          {"_codecs.encode", encode_latin1},
          {"__builtin__.bytes", empty_bytes}};
}

NpyArray numpy_array(const PickleValue& value, std::string_view name) {
  PickleObject* const* object = std::get_if<PickleObject*>(&value);
  Parts parts;
  if (object != nullptr && (*object)->global.ends_with("._reconstruct")) {
    parts = reconstructed(**object);
  } else if (object != nullptr && (*object)->global.ends_with("._frombuffer")) {
    parts = from_buffer(**object);
  }
  if (parts.dtype == nullptr || parts.shape == nullptr || !parts.bytes) {
    fail(name, "not an array of numbers");
  }
  std::optional<detail::NpyLayout> layout = layout_of(*parts.dtype);
  auto sides = sides_of(*parts.shape);
  if (!layout || !sides) fail(name, "not an array of numbers");
  layout->fortran_order = parts.fortran_order;
  layout->shape = std::move(*sides);
  const std::optional<std::size_t> expected = detail::npy_bytes(*layout);
  if (expected != parts.bytes->size()) {
    fail(name, fmt::format("{} bytes of data, which its shape does not need", parts.bytes->size()));
  }
  return detail::to_npy_array(*layout, {parts.bytes->begin(), parts.bytes->end()});
}

}  // namespace simclr
