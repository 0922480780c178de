#include "simclr/formats/pytorch_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/text.h"

namespace simclr::detail {
namespace {

using Items = std::vector<PickleValue>;

constexpr std::string_view kTensor2 = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kTensor3 = "torch._utils._rebuild_tensor_v3";
constexpr std::string_view kParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kParameterState = "torch._utils._rebuild_parameter_with_state";
constexpr std::string_view kUntyped = "torch.storage.UntypedStorage";
constexpr std::string_view kTorch = "torch.";
constexpr std::size_t kMaxSides = 64;  // PyTorch's own limit

template <class Wanted>
const Wanted* get(const Items& items, std::size_t at) {
  return at < items.size() ? std::get_if<Wanted>(&items[at]) : nullptr;
}

std::optional<PickleValue> no_call(PickleObject& /*call*/, PickleArena& /*arena*/) {
  return std::nullopt;
}

std::optional<PickleValue> call_without_arguments(PickleObject& call, PickleArena& /*arena*/) {
  if (!call.args->items.empty()) return std::nullopt;
  return &call;
}

/// set([...]) or torch.Size((...)): what it is made of.
std::optional<PickleValue> first_argument(PickleObject& call, PickleArena& /*arena*/) {
  if (call.args->items.size() != 1) return std::nullopt;
  return call.args->items[0];
}

/// torch.device("cuda", 1): "cuda:1".
std::optional<PickleValue> device_text(PickleObject& call, PickleArena& arena) {
  const Items& args = call.args->items;
  const auto* type = get<PickleText>(args, 0);
  if (type == nullptr || args.size() > 2) return std::nullopt;
  if (args.size() == 1) return *type;
  const auto* index = get<std::int64_t>(args, 1);
  if (index == nullptr) return std::nullopt;
  return PickleText{arena.keep(fmt::format("{}:{}", type->text, *index))};
}

/// The numbers of a tuple, none below 0.
std::optional<std::vector<std::int64_t>> numbers(const Items& items, std::size_t at) {
  PickleTuple* const* tuple = get<PickleTuple*>(items, at);
  if (tuple == nullptr || (*tuple)->items.size() > kMaxSides) return std::nullopt;
  std::vector<std::int64_t> values;
  for (const PickleValue& item : (*tuple)->items) {
    const auto* value = std::get_if<std::int64_t>(&item);
    if (value == nullptr || *value < 0) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

bool is_empty_dict(const PickleValue& value) {
  PickleDict* const* dict = std::get_if<PickleDict*>(&value);
  return dict != nullptr && (*dict)->items.empty();
}

/// Row-major without gaps; the stride of a side of 1 is of no account.
bool is_contiguous(const std::vector<std::int64_t>& shape,
                   const std::vector<std::int64_t>& strides) {
  std::int64_t expected = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] == 1) continue;
    if (strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

}  // namespace

/// What a tensor looks at.
struct TensorReader::Storage {
  std::span<const std::uint8_t> bytes;
  const PytorchDtype* dtype = nullptr;  ///< null if its storage has no type
};

/// How it looks at it, in elements.
struct TensorReader::View {
  std::uint64_t offset = 0;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

PickleAllowList pytorch_globals() {
  PickleAllowList allowed{{"collections.OrderedDict", call_without_arguments},
                          {"torch.Size", first_argument},
                          {"torch.device", device_text},
                          {"__builtin__.set", first_argument},
                          {"builtins.set", first_argument},
                          {std::string(kUntyped), no_call}};
  for (const std::string_view name : {kTensor2, kTensor3, kParameter, kParameterState})
    allowed.emplace(name, keep_call);
  for (const PytorchDtype& dtype : pytorch_dtypes()) {
    allowed.emplace(fmt::format("{}{}", kTorch, dtype.torch), no_call);
    if (!dtype.storage.empty())
      allowed.emplace(fmt::format("{}{}", kTorch, dtype.storage), no_call);
  }
  return allowed;
}

bool is_tensor(const PickleObject& object) {
  return object.global == kTensor2 || object.global == kTensor3 || object.global == kParameter ||
         object.global == kParameterState;
}

TensorEntry TensorReader::read(const std::string& name, const PickleObject& object) {
  if (object.global != kParameter && object.global != kParameterState)
    return read_view(name, object);
  PickleObject* const* tensor = get<PickleObject*>(object.args->items, 0);
  if (tensor == nullptr || ((*tensor)->global != kTensor2 && (*tensor)->global != kTensor3))
    fail(name, "is a parameter without a tensor");
  return read_view(name, **tensor);
}

TensorEntry TensorReader::read_view(const std::string& name, const PickleObject& object) {
  const Items& args = object.args->items;
  const bool with_dtype = object.global == kTensor3;
  const std::size_t least = with_dtype ? 7 : 6;
  if (args.size() < least || args.size() > least + 1)
    fail(name, "has not the arguments of a tensor");
  if (args.size() > least && !is_empty_dict(args[least]))
    fail(name, "is a conjugated or negated view", "Save it after .resolve_conj().resolve_neg().");
  Storage storage = storage_of(name, args[0]);
  if (with_dtype) {
    const auto* global = get<PickleGlobal>(args, 6);
    if (global == nullptr || !global->name.starts_with(kTorch)) fail(name, "has no dtype");
    storage.dtype = find_dtype(&PytorchDtype::torch, global->name.substr(kTorch.size()));
  }
  if (storage.dtype == nullptr) fail(name, "has no dtype");

  const View view = view_of(name, args);
  const std::uint64_t element = storage.dtype->bytes;
  const std::optional<std::uint64_t> bytes = shape_bytes(view.shape, element);
  if (!bytes) fail(name, "has a shape too large to address");
  TensorEntry entry{std::string(storage.dtype->name), view.shape, nullptr, *bytes};
  if (*bytes == 0) return entry;
  check_within(name, view, storage.bytes.size() / element);
  if (!is_contiguous(view.shape, view.strides))
    return copied(name, view, storage, std::move(entry));
  entry.data = storage.bytes.data() + view.offset * element;
  return entry;
}

/// ("storage", class, key, device, elements), as torch.save's persistent ids are.
TensorReader::Storage TensorReader::storage_of(const std::string& name,
                                               const PickleValue& id) const {
  PickleId* const* outside = std::get_if<PickleId*>(&id);
  PickleTuple* const* tuple =
      outside == nullptr ? nullptr : std::get_if<PickleTuple*>(&(*outside)->id);
  if (tuple == nullptr) fail(name, "has no storage");
  const Items& items = (*tuple)->items;
  const auto* kind = get<PickleGlobal>(items, 1);
  const auto* key = get<PickleText>(items, 2);
  const auto* elements = get<std::int64_t>(items, 4);
  if (items.size() != 5 || pickle_text(items[0]) != "storage" || kind == nullptr ||
      key == nullptr || elements == nullptr || *elements < 0)
    fail(name, "has no storage");
  Storage storage;
  if (kind->name != kUntyped) {
    if (!kind->name.starts_with(kTorch)) fail(name, "has no storage");
    storage.dtype = find_dtype(&PytorchDtype::storage, kind->name.substr(kTorch.size()));
    if (storage.dtype == nullptr) fail(name, "has no storage");
  }
  const auto found = entries_.find(fmt::format("{}data/{}", folder_, key->text));
  if (found == entries_.end())
    fail(name, fmt::format("has its data in '{}', which is not there", printable(key->text)));
  storage.bytes = found->second;
  const auto expected =
      shape_bytes({*elements}, storage.dtype == nullptr ? 1 : storage.dtype->bytes);
  if (expected != storage.bytes.size()) {
    fail(name, fmt::format("has {} bytes of data where {} elements are announced",
                           storage.bytes.size(), *elements));
  }
  return storage;
}

TensorReader::View TensorReader::view_of(const std::string& name, const Items& args) const {
  const auto* offset = get<std::int64_t>(args, 1);
  auto shape = numbers(args, 2);
  auto strides = numbers(args, 3);
  if (offset == nullptr || *offset < 0 || !shape || !strides || shape->size() != strides->size())
    fail(name, "has an offset, shape or strides that are no whole numbers >= 0");
  return {static_cast<std::uint64_t>(*offset), std::move(*shape), std::move(*strides)};
}

/// The last element that the view reaches must be one of the storage's.
void TensorReader::check_within(const std::string& name, const View& view,
                                std::uint64_t elements) const {
  std::uint64_t last = view.offset;
  bool reached = true;
  for (std::size_t i = 0; i < view.shape.size(); ++i) {
    std::uint64_t step = 0;
    reached = reached &&
              !__builtin_mul_overflow(static_cast<std::uint64_t>(view.shape[i] - 1),
                                      static_cast<std::uint64_t>(view.strides[i]), &step) &&
              !__builtin_add_overflow(last, step, &last);
  }
  if (!reached || last >= elements)
    fail(name, fmt::format("reaches beyond its {} elements of data", elements));
}

TensorEntry TensorReader::copied(const std::string& name, const View& view, const Storage& storage,
                                 TensorEntry entry) {
  if (entry.bytes > copy_bytes_left_) {
    fail(
        name, "repeats its data to more than the file has",
        "It is an expanded view, or one of several of the same data: save it after .contiguous().");
  }
  copy_bytes_left_ -= entry.bytes;
  const std::size_t element = storage.dtype->bytes;
  std::vector<std::byte> copy(entry.bytes);
  std::vector<std::int64_t> index(view.shape.size(), 0);
  std::uint64_t from = view.offset;
  for (std::size_t to = 0; to < copy.size(); to += element) {
    std::memcpy(copy.data() + to, storage.bytes.data() + from * element, element);
    for (std::size_t i = index.size(); i-- > 0;) {
      const auto stride = static_cast<std::uint64_t>(view.strides[i]);
      from += stride;
      if (++index[i] < view.shape[i]) break;
      from -= stride * static_cast<std::uint64_t>(index[i]);
      index[i] = 0;
    }
  }
  entry.data = copies_.emplace_back(std::move(copy)).data();
  return entry;
}

void TensorReader::fail(const std::string& name, std::string_view what,
                        std::string_view hint) const {
  throw Error(ExitCode::kData, fmt::format("{}: its tensor '{}' {}", file_, printable(name), what),
              std::string(hint.empty() ? "The file is damaged or of another kind: copy it again or "
                                         "save it anew, as torch.save(model.state_dict(), path)."
                                       : hint));
}

}  // namespace simclr::detail
