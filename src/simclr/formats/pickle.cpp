#include "simclr/formats/pickle.h"

#include <fmt/format.h>

#include <algorithm>

#include "simclr/core/error.h"
#include "simclr/core/text.h"
#include "simclr/formats/pickle_constant.h"
#include "simclr/formats/pickle_input.h"
#include "simclr/formats/pickle_stack.h"

namespace simclr {
namespace {

constexpr std::size_t kMostShown = 60;  // bytes of a name in a message

/// Python's pickle machine: each opcode moves values between the input, the stack and the memo.
/// https://docs.python.org/3/library/pickletools.html names them. Without recursion, and in memory
/// bounded by the number of values and the size of the file.
class Machine {
 public:
  Machine(PickleArena& arena, std::string_view name, const PickleAllowList& allowed,
          const PickleLimits& limits)
      : arena_(arena),
        input_({reinterpret_cast<const char*>(arena.input.data()), arena.input.size()}, name),
        name_(name),
        allowed_(allowed),
        stack_(input_, limits) {}

  PickleValue run() {
    while (true) {
      const char opcode = input_.take(1)[0];
      if (opcode == '.') break;
      if (const auto value = detail::read_constant(opcode, input_, arena_)) {
        stack_.push(*value);
      } else if (!collect(opcode) && !remember(opcode) && !call(opcode)) {
        input_.fail(fmt::format("opcode {:#04x} is unknown or refused",
                                static_cast<unsigned char>(opcode)));
      }
    }
    return stack_.finish();
  }

  std::size_t position() const { return input_.position(); }

 private:
  // ---- lists, tuples, dicts; sets are lists ----

  bool collect(char opcode) {
    switch (opcode) {
      case '(':  // MARK
        stack_.open_mark();
        return true;
      case ']':     // EMPTY_LIST
      case '\x8f':  // EMPTY_SET
        stack_.push(&arena_.lists.emplace_back());
        return true;
      case 'l':     // LIST
      case '\x91':  // FROZENSET
        stack_.push(&arena_.lists.emplace_back(PickleList{stack_.pop_to_mark()}));
        return true;
      case 'a':  // APPEND
        extend(stack_.pop_many(1));
        return true;
      case 'e':     // APPENDS
      case '\x90':  // ADDITEMS
        extend(stack_.pop_to_mark());
        return true;
      case '}':  // EMPTY_DICT
        stack_.push(&arena_.dicts.emplace_back());
        return true;
      case 'd':  // DICT
        make_dict();
        return true;
      case 's':  // SETITEM
        set_items(stack_.pop_many(2));
        return true;
      case 'u':  // SETITEMS
        set_items(stack_.pop_to_mark());
        return true;
      default:
        return make_tuple(opcode);
    }
  }

  bool make_tuple(char opcode) {
    std::vector<PickleValue> items;
    if (opcode == 't') {  // TUPLE
      items = stack_.pop_to_mark();
    } else if (opcode >= '\x85' && opcode <= '\x87') {  // TUPLE1 to TUPLE3
      items = stack_.pop_many(static_cast<std::size_t>(opcode - '\x84'));
    } else if (opcode != ')') {  // EMPTY_TUPLE
      return false;
    }
    stack_.push(tuple_of(std::move(items)));
    return true;
  }

  void extend(const std::vector<PickleValue>& items) {
    auto& list = stack_.expect<PickleList*>(stack_.top(), "a list")->items;
    list.insert(list.end(), items.begin(), items.end());
  }

  void make_dict() {
    const std::vector<PickleValue> items = stack_.pop_to_mark();
    stack_.push(&arena_.dicts.emplace_back());
    set_items(items);
  }

  void set_items(const std::vector<PickleValue>& items) {
    if (items.size() % 2 != 0) input_.fail("a key has no value");
    PickleObject* const* object = std::get_if<PickleObject*>(&stack_.top());
    PickleDict& dict = object != nullptr ? (*object)->entries
                                         : *stack_.expect<PickleDict*>(stack_.top(), "a dict");
    for (std::size_t i = 0; i < items.size(); i += 2) {
      dict.items.emplace_back(items[i], items[i + 1]);
    }
  }

  // ---- the memo ----

  bool remember(char opcode) {
    switch (opcode) {
      case '0':  // POP takes a mark if there is nothing above it
        if (stack_.has_item())
          stack_.pop();
        else
          stack_.pop_to_mark();
        return true;
      case '1':  // POP_MARK
        stack_.pop_to_mark();
        return true;
      case '2':  // DUP
        stack_.push(PickleValue(stack_.top()));
        return true;
      case 'p':  // PUT
        stack_.memorize(static_cast<std::uint64_t>(input_.integer_line()));
        return true;
      case 'q':  // BINPUT
        stack_.memorize(input_.unsigned_number(1));
        return true;
      case 'r':  // LONG_BINPUT
        stack_.memorize(input_.unsigned_number(4));
        return true;
      case '\x94':  // MEMOIZE
        stack_.memorize_next();
        return true;
      case 'g':  // GET
        stack_.recall(static_cast<std::uint64_t>(input_.integer_line()));
        return true;
      case 'h':  // BINGET
        stack_.recall(input_.unsigned_number(1));
        return true;
      case 'j':  // LONG_BINGET
        stack_.recall(input_.unsigned_number(4));
        return true;
      default:
        return frame(opcode);
    }
  }

  bool frame(char opcode) {
    if (opcode == '\x80') {  // PROTO
      const std::uint64_t protocol = input_.unsigned_number(1);
      if (protocol > 5) input_.fail(fmt::format("protocol {} is unknown", protocol));
    } else if (opcode == '\x95') {  // FRAME: a hint for buffering
      if (input_.unsigned_number(8) > input_.left()) input_.fail("it ends within a frame");
    } else {
      return false;
    }
    return true;
  }

  // ---- globals and what is done with them ----

  bool call(char opcode) {
    switch (opcode) {
      case 'c':  // GLOBAL
        stack_.push(global_in_lines());
        return true;
      case '\x93':  // STACK_GLOBAL
        stack_.push(global_on_stack());
        return true;
      case 'i':  // INST
        apply(global_in_lines(), tuple_of(stack_.pop_to_mark()));
        return true;
      case 'o':  // OBJ
        apply_class(stack_.pop_to_mark());
        return true;
      case '\x92':  // NEWOBJ_EX
        if (!stack_.expect<PickleDict*>(stack_.pop(), "a dict")->items.empty()) {
          input_.fail("arguments by name are refused");
        }
        [[fallthrough]];
      case 'R':       // REDUCE
      case '\x81': {  // NEWOBJ
        const auto args = stack_.expect<PickleTuple*>(stack_.pop(), "a tuple");
        apply(stack_.pop(), args);
        return true;
      }
      default:
        return refer(opcode);
    }
  }

  bool refer(char opcode) {
    if (opcode == 'b') {  // BUILD
      const PickleValue state = stack_.pop();
      stack_.expect<PickleObject*>(stack_.top(), "an object")->state = state;
    } else if (opcode == 'P') {  // PERSID
      stack_.push(&arena_.ids.emplace_back(PickleId{PickleText{input_.line()}}));
    } else if (opcode == 'Q') {  // BINPERSID
      stack_.push(&arena_.ids.emplace_back(PickleId{stack_.pop()}));
    } else {
      return false;
    }
    return true;
  }

  PickleGlobal global_in_lines() {
    const std::string_view module = input_.line();
    return allowed_global(module, input_.line());
  }

  PickleGlobal global_on_stack() {
    const auto name = stack_.expect<PickleText>(stack_.pop(), "a name");
    return allowed_global(stack_.expect<PickleText>(stack_.pop(), "a name").text, name.text);
  }

  PickleGlobal allowed_global(std::string_view module, std::string_view name) const {
    const auto found = allowed_.find(fmt::format("{}.{}", module, name));
    if (found == allowed_.end()) {
      throw Error(
          ExitCode::kData,
          fmt::format("{}: names the global '{}.{}', which is not on the list; nothing was "
                      "executed",
                      name_, printable(module.substr(0, kMostShown)),
                      printable(name.substr(0, kMostShown))),
          "A pickle can run any program when Python opens it, and this one asks for more than "
          "data: do not trust it, fetch it again from its publisher. If it is a network that "
          "PyTorch saved whole, save its state_dict() instead.");
    }
    return {*arena_.globals.insert(found->first).first};
  }

  void apply_class(std::vector<PickleValue> items) {
    if (items.empty()) input_.fail("an object has no class");
    const PickleValue callee = items.front();
    items.erase(items.begin());
    apply(callee, tuple_of(std::move(items)));
  }

  PickleTuple* tuple_of(std::vector<PickleValue> items) {
    return &arena_.tuples.emplace_back(PickleTuple{std::move(items)});
  }

  void apply(const PickleValue& callee, const PickleTuple* args) {
    const std::string_view global = stack_.expect<PickleGlobal>(callee, "a global").name;
    PickleObject& object = arena_.objects.emplace_back(PickleObject{global, args, {}, {}});
    const auto result = allowed_.find(global)->second(object, arena_);
    if (!result) input_.fail(fmt::format("arguments that '{}' does not take", global));
    // Protocol 0 makes two bytes of one, a handler at most as many as it is given: a text that is
    // asked for again and again would make any number.
    if (arena_.text_bytes > 3 * arena_.input.size()) input_.fail("its texts outgrow it");
    stack_.push(*result);
  }

  PickleArena& arena_;
  detail::PickleInput input_;
  std::string_view name_;
  const PickleAllowList& allowed_;
  detail::PickleStack stack_;
};

}  // namespace

std::string_view PickleArena::keep(std::string text) {
  text_bytes += text.size();
  return texts.emplace_back(std::move(text));
}

std::optional<PickleValue> keep_call(PickleObject& call, PickleArena& /*arena*/) { return &call; }

Pickle read_pickle(std::vector<std::uint8_t> bytes, std::string_view name,
                   const PickleAllowList& allowed, const PickleLimits& limits) {
  auto arena = std::make_shared<PickleArena>();
  arena->input = std::move(bytes);
  Machine machine(*arena, name, allowed, limits);
  const PickleValue value = machine.run();
  return {value, std::move(arena), machine.position()};
}

std::optional<std::string_view> pickle_text(const PickleValue& value) {
  if (const auto* text = std::get_if<PickleText>(&value)) return text->text;
  if (const auto* bytes = std::get_if<PickleBytes>(&value)) return bytes->bytes;
  return std::nullopt;
}

const PickleValue* pickle_find(const PickleDict& dict, std::string_view key) {
  const auto found = std::find_if(dict.items.rbegin(), dict.items.rend(),
                                  [&](const auto& item) { return pickle_text(item.first) == key; });
  return found == dict.items.rend() ? nullptr : &found->second;
}

}  // namespace simclr
