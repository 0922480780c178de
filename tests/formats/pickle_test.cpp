#include "simclr/formats/pickle.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "simclr/formats/pickle_numpy.h"
#include "tests/formats/pickles.h"
#include "tests/support/expect_error.h"

namespace simclr {
namespace {

using namespace std::string_literals;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

std::string show(const PickleValue& value, int depth = 0);

std::string show_items(const std::vector<PickleValue>& items, int depth) {
  std::string text;
  for (const PickleValue& item : items)
    text += fmt::format("{}{}", text.empty() ? "" : ",", show(item, depth + 1));
  return text;
}

std::string show_dict(const PickleDict& dict, int depth) {
  std::string text;
  for (const auto& [key, item] : dict.items) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", show(key, depth + 1),
                        show(item, depth + 1));
  }
  return fmt::format("{{{}}}", text);
}

/// One text per value, the same as make_pickles.py's.
struct Show {
  std::string operator()(std::monostate) const { return "None"; }
  std::string operator()(bool value) const { return value ? "True" : "False"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const {
    return fmt::format("f{:016x}", std::bit_cast<std::uint64_t>(value));
  }
  std::string operator()(PickleBytes value) const { return fmt::format("b{}", hex(value.bytes)); }
  std::string operator()(PickleText value) const { return fmt::format("s{}", hex(value.text)); }
  std::string operator()(PickleGlobal value) const { return std::string(value.name); }
  std::string operator()(const PickleList* list) const {
    return fmt::format("[{}]", show_items(list->items, depth));
  }
  std::string operator()(const PickleTuple* tuple) const {
    return fmt::format("({})", show_items(tuple->items, depth));
  }
  std::string operator()(const PickleDict* dict) const { return show_dict(*dict, depth); }
  std::string operator()(const PickleObject* object) const {
    return std::string(object->global) + show_dict(object->entries, depth);
  }
  std::string operator()(const PickleId* id) const {
    return fmt::format("<{}>", show(id->id, depth + 1));
  }

  int depth;
};

std::string show(const PickleValue& value, int depth) {
  return depth > 20 ? "..." : std::visit(Show{depth}, value);
}

PickleAllowList allowed() {
  PickleAllowList list = numpy_globals();
  list["collections.OrderedDict"] = keep_call;
  return list;
}

Pickle read(std::string_view bytes, const PickleLimits& limits = {}) {
  return read_pickle(bytes_of(bytes), "a.pkl", allowed(), limits);
}

std::string shown(std::string_view bytes) { return show(read(bytes).value); }

/// What reading these bytes complains of.
std::string complaint(std::string_view bytes, const PickleLimits& limits = {}) {
  const Error error = expect_error(ExitCode::kData, [&] { read(bytes, limits); });
  EXPECT_TRUE(contains(error.what(), "a.pkl: ")) << error.what();
  EXPECT_FALSE(error.hint().empty());
  return error.what();
}

class PickleProtocols : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(All, PickleProtocols, testing::Range(0, 6));

TEST_P(PickleProtocols, EveryKindOfValueComesAsPythonWroteIt) {
  const auto golden = golden_pickles()["values"][std::to_string(GetParam())];
  const auto bytes = from_base64(golden["pickle"].get<std::string>());
  const Pickle pickle = read_pickle(bytes, "a.pkl", allowed());
  EXPECT_EQ(show(pickle.value), golden["shows"].get<std::string>());
  EXPECT_EQ(pickle.size, bytes.size());
}

TEST_P(PickleProtocols, CutAnywhereIsAnError) {
  const auto golden = golden_pickles()["values"][std::to_string(GetParam())];
  const auto bytes = from_base64(golden["pickle"].get<std::string>());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<std::uint8_t> cut(bytes.begin(),
                                        bytes.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_THROW(read_pickle(cut, "a.pkl", allowed()), Error) << size;
  }
}

TEST_P(PickleProtocols, FlippedBytesAreReadOrRefusedButNeverHarm) {
  const auto golden = golden_pickles()["values"][std::to_string(GetParam())];
  const auto bytes = from_base64(golden["pickle"].get<std::string>());
  int refused = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 1 + bytes.size() / 700) {
    for (const int flip : {0x01, 0x20, 0xFF}) {
      auto changed = bytes;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ flip);
      try {
        show(read_pickle(changed, "a.pkl", allowed()).value);
      } catch (const Error& error) {
        ASSERT_EQ(error.code(), ExitCode::kData);
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(Pickle, GlobalOffTheListIsNamedAndNothingIsExecuted) {
  for (const std::string_view bytes :
       {"cos\nsystem\n(S'touch harm'\ntR.", "\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.",
        "(S'touch harm'\nios\nsystem\n.", "(cos\nsystem\nS'touch harm'\no."}) {
    const Error error = expect_error(ExitCode::kData, [&] { read(bytes); });
    EXPECT_EQ(std::string(error.what()),
              "a.pkl: names the global 'os.system', which is not on the list; nothing was "
              "executed");
    EXPECT_TRUE(contains(error.hint(), "do not trust it")) << error.hint();
  }
}

TEST(Pickle, NameOfAGlobalIsEscapedAndCutInTheMessage) {
  const std::string text = complaint("c\x1b[2J\n" + std::string(5000, 'y') + "\n.");
  EXPECT_TRUE(contains(text, R"('\x1b[2J.yyy)")) << text;
  EXPECT_LT(text.size(), 200U);
}

TEST(Pickle, GlobalMayBeNamedButCalledOnlyAsItsHandlerAllows) {
  EXPECT_EQ(shown("cnumpy\nndarray\n."), "numpy.ndarray");
  EXPECT_TRUE(contains(complaint("cnumpy\nndarray\n)R."),
                       "arguments that 'numpy.ndarray' does not take (at byte 17)"));
}

TEST(Pickle, CallsAreWrittenDown) {
  const Pickle pickle = read("ccollections\nOrderedDict\n(K\x01K\x02tR}(U\x01kK\x03ub.");
  const auto* object = std::get<PickleObject*>(pickle.value);
  EXPECT_EQ(object->global, "collections.OrderedDict");
  EXPECT_EQ(object->args->items.size(), 2U);
  EXPECT_EQ(show(object->state), "{b6b:3}");
}

TEST(Pickle, EveryWayToCallGivesTheSame) {
  for (const std::string& bytes :
       {"ccollections\nOrderedDict\n)R."s, "ccollections\nOrderedDict\n)\x81."s,
        "ccollections\nOrderedDict\n)}\x92."s, "(icollections\nOrderedDict\n."s,
        "(ccollections\nOrderedDict\no."s,
        "\x8c\x0b"
        "collections\x8c\x0bOrderedDict\x93)R."s}) {
    EXPECT_EQ(shown(bytes), "collections.OrderedDict{}");
  }
}

TEST(Pickle, CollectionsAreBuiltByEveryOpcode) {
  EXPECT_EQ(shown("(K\x01K\x02l."), "[1,2]");
  EXPECT_EQ(shown("]K\x01"
                  "a(K\x02K\x03"
                  "e."),
            "[1,2,3]");
  EXPECT_EQ(shown("\x8f(K\x02K\x03\x90."), "[2,3]");
  EXPECT_EQ(shown("(K\x05\x91."), "[5]");
  EXPECT_EQ(shown("(K\x01K\x02"
                  "d."),
            "{1:2}");
  EXPECT_EQ(shown("}K\x01K\x02s(K\x03K\x04u."), "{1:2,3:4}");
  EXPECT_EQ(shown(")K\x01\x85K\x02K\x03\x86\x87."), "((),(1),(2,3))");
}

TEST(Pickle, StackOpcodesDoWhatPythonsDo) {
  EXPECT_EQ(shown("K\x01K\x02"
                  "0."),
            "1");
  EXPECT_EQ(shown("K\x01(0."), "1");  // POP of a mark
  EXPECT_EQ(shown("K\x01(K\x02K\x03"
                  "1."),
            "1");
  EXPECT_EQ(shown("K\x01"
                  "2\x86."),
            "(1,1)");
  EXPECT_EQ(shown("K\x07p300\n0g300\n."), "7");
  EXPECT_EQ(shown("K\x07r\x00\x01\x00\x00"
                  "0j\x00\x01\x00\x00."s),
            "7");
}

TEST(Pickle, TextsOfProtocolZeroAreDecoded) {
  EXPECT_EQ(shown(R"(S'a\n\x41\101\\\'\q')"
                  "\n."),
            "b"s + hex("a\nAA\\'\\q"));
  EXPECT_EQ(shown("S\"it's\"\n."), "b"s + hex("it's"));
  EXPECT_EQ(shown("V\xe9\\u2603\\U0001f600\\n\n."), "s"s + hex("é☃😀\\n"));
  for (const std::string_view bytes : {"Sabc\n.", "S'abc\n.", "S'\n.", "S'a\\'\n.", "S'\\x4'\n.",
                                       "V\\u12\n.", "V\\U00110000\n."}) {
    EXPECT_TRUE(contains(complaint(bytes), "a text is malformed")) << bytes;
  }
}

TEST(Pickle, NumbersEndAtSixtyFourBits) {
  EXPECT_EQ(shown("I9223372036854775807\n."), "9223372036854775807");
  EXPECT_EQ(shown("L-9223372036854775808L\n."), "-9223372036854775808");
  EXPECT_EQ(shown("\x8a\x00."s), "0");
  EXPECT_EQ(shown("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80."s), "-9223372036854775808");
  EXPECT_EQ(shown("I00\n."), "False");
  EXPECT_EQ(shown("I01\n."), "True");
  EXPECT_EQ(shown("I1\n."), "1");
  for (const std::string& bytes :
       {"I9223372036854775808\n."s, "L-9223372036854775809L\n."s,
        "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00."s, "\x8b\xff\xff\xff\xff."s}) {
    EXPECT_TRUE(contains(complaint(bytes), "a number beyond 64 bits")) << hex(bytes);
  }
  for (const std::string_view bytes : {"I\n.", "I1x\n.", "I 1\n.", "F1,5\n.", "F\n."}) {
    EXPECT_TRUE(contains(complaint(bytes), "a number is malformed")) << bytes;
  }
}

TEST(Pickle, WhatIsMissingIsAnErrorWithItsPlace) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "it ends where 1 bytes should follow (at byte 0)"},
      {".", "an opcode finds its value missing"},
      {"K\x01K\x02.", "it ends with more than one value"},
      {"(K\x01.", "it ends with more than one value"},
      {"a.", "an opcode finds its value missing"},
      {"]a.", "an opcode finds its value missing"},
      {"](a.", "an opcode finds its value missing"},
      {"e.", "an opcode finds its mark missing"},
      {"0.", "an opcode finds its mark missing"},
      {"2.", "an opcode finds its value missing"},
      {"q\x01.", "an opcode finds its value missing"},
      {"h\x05.", "it remembers no value 5"},
      {"K\x01K\x02"
       "a.",
       "a list is expected, something else found"},
      {"K\x01K\x02K\x03s.", "a dict is expected, something else found"},
      {"}(K\x01u.", "a key has no value"},
      {"K\x01)R.", "a global is expected, something else found"},
      {"cnumpy\nndarray\nK\x01R.", "a tuple is expected, something else found"},
      {"K\x01K\x02"
       "b.",
       "an object is expected, something else found"},
      {"K\x01K\x02\x93.", "a name is expected, something else found"},
      {"(o.", "an object has no class"},
      {"ccollections\nOrderedDict\n)}K\x01K\x02s\x92.", "arguments by name are refused"},
      {"X\xff\xff\xff\x7f.", "it ends where 2147483647 bytes should follow"},
      {"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "it ends where 18446744073709551615 bytes should"},
      {"\x95\xff\xff\xff\xff\xff\xff\xff\xff.", "it ends within a frame"},
      {"\x80\x06K\x01.", "protocol 6 is unknown"},
      {"S'abc", "it ends within a line"},
      {"\x82\x01.", "opcode 0x82 is unknown or refused"},  // EXT1
      {"\x97.", "opcode 0x97 is unknown or refused"},      // NEXT_BUFFER
      {"\xff.", "opcode 0xff is unknown or refused"},
  };
  for (const auto& [bytes, words] : cases) {
    const std::string text = complaint(bytes);
    EXPECT_TRUE(contains(text, std::string(words))) << text;
  }
}

TEST(Pickle, ListMayHoldItself) {
  EXPECT_TRUE(shown("]q\x01h\x01"
                    "a.")
                  .starts_with("[[[["));
}

TEST(Pickle, DeepNestingNeedsNoStack) {
  const Pickle pickle = read(")" + std::string(1'000'000, '\x85') + ".");
  EXPECT_TRUE(show(pickle.value).starts_with("(((("));
}

TEST(Pickle, LimitsAreKept) {
  const PickleLimits limits{100, 10};
  EXPECT_EQ(read(std::string(99, 'N') + std::string(98, '0') + ".", limits).size, 198U);
  EXPECT_TRUE(contains(complaint(std::string(101, 'N'), limits), "more than 100 values"));
  EXPECT_TRUE(contains(complaint("N" + std::string(100, '2'), limits), "more than 100 values"));
  std::string puts = "N";
  for (int i = 0; i < 101; ++i) puts += fmt::format("p{}\n", i);
  EXPECT_TRUE(contains(complaint(puts, limits), "more than 100 values to remember"));
  EXPECT_TRUE(contains(complaint(std::string(11, '('), limits),
                       "more than 10 collections within each other"));
}

TEST(Pickle, TextsThatOutgrowTheFileAreRefused) {
  std::string bytes =
      "c_codecs\nencode\nq\x01V" + std::string(1000, 'x') + "\nq\x02V" + "latin1\nq\x03" + "]";
  for (int i = 0; i < 500; ++i) bytes += "h\x01h\x02h\x03\x86Ra";
  EXPECT_TRUE(contains(complaint(bytes + "."), "its texts outgrow it"));
}

TEST(Pickle, BytesOfProtocolZeroMayGrow) {
  const Pickle pickle = read("c_codecs\nencode\n(V" + std::string(1000, '\xe9') + "\nVlatin1\ntR.");
  EXPECT_EQ(pickle_text(pickle.value), std::string(1000, '\xe9'));
}

TEST(PickleFind, KeyMayBeTextOrBytesAndTheLastCounts) {
  const Pickle pickle = read(
      "}(U\x01"
      "aK\x01"
      "X\x01\x00\x00\x00"
      "bK\x02U\x01"
      "aK\x03K\x07K\x04u."s);
  const auto& dict = *std::get<PickleDict*>(pickle.value);
  EXPECT_EQ(show(*pickle_find(dict, "a")), "3");
  EXPECT_EQ(show(*pickle_find(dict, "b")), "2");
  EXPECT_EQ(pickle_find(dict, "c"), nullptr);
}

TEST(Pickle, ValuesOutliveTheAllowListAndTheMove) {
  std::vector<Pickle> kept;
  kept.push_back(read("cnumpy\nndarray\n."));
  kept.push_back(read("S'" + std::string(100, 'x') + "'\n."));
  EXPECT_EQ(show(kept[0].value), "numpy.ndarray");
  EXPECT_EQ(show(kept[1].value).size(), 201U);
}

}  // namespace
}  // namespace simclr
