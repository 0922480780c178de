#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/formats/pytorch_files.h"

namespace simclr {
namespace {

using namespace std::string_literals;

const std::string kOffset = "K" + std::string(1, '\0');
const std::string kHooks = "\x89}";  // requires_grad, hooks

std::string storage() { return pickled_storage("FloatStorage", "K\2"); }

/// A file of one tensor over two floats, with these arguments in place of good ones.
std::string tensor_complaint(const std::string& arguments) {
  return pth_complaint(pth_of(pickled_tensor(arguments), {{"0", "12345678"}}));
}

TEST(PytorchAttack, TheTensorThatTheOthersSpoilIsGood) {
  const auto file = read_pth(
      pth_of(pickled_tensor(storage() + kOffset + "K\2\x85K\1\x85" + kHooks), {{"0", "12345678"}}));
  const TensorEntry& x = file.tensors().at("x");
  EXPECT_EQ(std::string(static_cast<const char*>(x.data), x.bytes), "12345678");
}

TEST(PytorchAttack, TensorBeyondItsStorageIsRefused) {
  const std::string large = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f";  // 2^63 - 1
  const std::string huge = "\x8a\x05"s + std::string(4, '\0') + "\x01";  // 2^32
  const std::pair<std::string, std::string_view> cases[] = {
      {kOffset + "K\3\x85K\1\x85", "'x' reaches beyond its 2 elements of data"},
      {"K\1K\2\x85K\1\x85", "'x' reaches beyond its 2 elements"},
      {"K\2K\1\x85K\1\x85", "'x' reaches beyond its 2 elements"},
      {kOffset + "K\2\x85K\2\x85", "'x' reaches beyond its 2 elements"},
      {large + "K\2\x85K\1\x85", "'x' reaches beyond its 2 elements"},
      {kOffset + "K\2\x85" + large + "\x85", "'x' reaches beyond its 2 elements"},
      {kOffset + "K\3\x85" + large + "\x85", "'x' reaches beyond its 2 elements"},
      {kOffset + large + "\x85K\1\x85", "'x' has a shape too large to address"},
      {kOffset + huge + huge + "\x86K\1K\1\x86", "'x' has a shape too large to address"},
      {"J\xff\xff\xff\xffK\2\x85K\1\x85", "'x' has an offset, shape or strides that are no whole"},
      {kOffset + "J\xff\xff\xff\xff\x85K\1\x85", "are no whole numbers >= 0"},
      {kOffset + "K\2\x85J\xff\xff\xff\xff\x85", "are no whole numbers >= 0"},
      {kOffset + "K\2\x85)", "are no whole numbers >= 0"},
      {kOffset + "K\2K\1", "are no whole numbers >= 0"},
      {kOffset + "(" + std::string(65 * 2, 'K') + "t)", "are no whole numbers >= 0"},
      {kOffset + "M\xff\xff\x85" + kOffset + "\x85", "'x' repeats its data to more than the file"},
  };
  for (const auto& [view, words] : cases) {
    const std::string text = tensor_complaint(storage() + view + kHooks);
    EXPECT_TRUE(contains(text, std::string(words))) << text;
  }
}

TEST(PytorchAttack, StorageThatIsNotThereOrOfAnotherSizeIsRefused) {
  const std::string view = kOffset + "K\1\x85K\1\x85" + kHooks;
  const auto complaint = [&](const std::string& kind, const std::string& elements) {
    return tensor_complaint(pickled_storage(kind, elements) + view);
  };
  EXPECT_TRUE(contains(complaint("FloatStorage", "K\3"),
                       "has 8 bytes of data where 3 elements are announced"));
  EXPECT_TRUE(contains(complaint("DoubleStorage", "K\2"), "where 2 elements are announced"));
  EXPECT_TRUE(contains(complaint("FloatStorage", "J\xff\xff\xff\xff"), "has no storage"));
  EXPECT_TRUE(contains(complaint("FloatStorage", "N"), "has no storage"));
  EXPECT_TRUE(contains(complaint("float32", "K\2"), "has no storage"));
  EXPECT_TRUE(contains(complaint("QInt8Storage", "K\2"), "names the global 'torch.QInt8Storage'"));
  EXPECT_TRUE(contains(tensor_complaint("N" + view), "'x' has no storage"));
  EXPECT_TRUE(contains(tensor_complaint(")Q" + view), "'x' has no storage"));
  EXPECT_TRUE(contains(tensor_complaint(storage()), "'x' has not the arguments of a tensor"));
  EXPECT_TRUE(contains(pth_complaint(pth_of(pickled_tensor(storage() + view))),
                       "'x' has its data in '0', which is not there"));
}

TEST(PytorchAttack, EveryOpcodeOffTheListIsNamed) {
  const std::string_view known =
      "()NIJKLMFGSTUVXBC]}lade012.pqrghjcioRPQbstu"
      "\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96";
  int refused = 0;
  for (int code = 0; code < 256; ++code) {
    const char opcode = static_cast<char>(code);
    if (known.find(opcode) != std::string_view::npos) continue;
    const std::string text = pth_complaint(pth_of(std::string{'}', opcode, '.'}));
    EXPECT_TRUE(contains(text, fmt::format("opcode {:#04x} is unknown or refused", code))) << text;
    ++refused;
  }
  EXPECT_EQ(refused, 193);
}

TEST(PytorchAttack, EveryGlobalOffTheListIsNamed) {
  for (const auto& [module, name] :
       std::vector<std::pair<std::string, std::string>>{{"os", "system"},
                                                        {"posix", "system"},
                                                        {"builtins", "eval"},
                                                        {"builtins", "getattr"},
                                                        {"torch", "load"},
                                                        {"torch.hub", "load"},
                                                        {"torch._utils", "_rebuild_qtensor"},
                                                        {"torch._tensor", "_rebuild_from_type_v2"},
                                                        {"numpy.core.multiarray", "scalar"}}) {
    const std::string text = pth_complaint(pth_of(fmt::format("c{}\n{}\n)R.", module, name)));
    EXPECT_TRUE(contains(text, fmt::format("names the global '{}.{}', which is not on the list; "
                                           "nothing was executed",
                                           module, name)))
        << text;
  }
}

TEST(PytorchAttack, TypesMayBeNamedButNotCalled) {
  for (const std::string name : {"FloatStorage", "float32"}) {
    EXPECT_TRUE(contains(pth_complaint(pth_of(fmt::format("ctorch\n{}\n)R.", name))),
                         fmt::format("arguments that 'torch.{}' does not take", name)));
  }
  EXPECT_TRUE(contains(pth_complaint(pth_of("ccollections\nOrderedDict\nK\1\x85R.")),
                       "arguments that 'collections.OrderedDict' does not take"));
}

std::string nested(std::size_t depth, const std::string& open, const std::string& close) {
  std::string text = "}";
  for (std::size_t i = 0; i < depth; ++i) text += open;
  for (std::size_t i = 0; i < depth; ++i) text += close;
  return text + ".";
}

TEST(PytorchAttack, DeepNestingIsRefusedBeforeTheStackEnds) {
  EXPECT_TRUE(read_pth(pth_of(nested(90, "U\1k}", "s"))).tensors().empty());
  for (const std::size_t depth : {101U, 200'000U}) {
    EXPECT_TRUE(contains(pth_complaint(pth_of(nested(depth, "U\1k}", "s"))),
                         "more than 100 dicts and lists within each other at 'k.k."));
  }
  EXPECT_TRUE(contains(pth_complaint(pth_of("}U\1k" + std::string(200'000, ')') +
                                            std::string(199'999, '\x86') + "s.")),
                       "more than 100 dicts and lists within each other at 'k'"));
}

TEST(PytorchAttack, ListsThatHoldThemselvesAreRefused) {
  EXPECT_TRUE(contains(pth_complaint(pth_of("}q\1U\1kh\1s.")), "its values outgrow it"));
  EXPECT_TRUE(contains(pth_complaint(pth_of("}U\1k]q\1h\1as.")), "within each other at 'k'"));
}

TEST(PytorchAttack, ValuesThatOutgrowTheFileAreRefused) {
  // Each list holds the one before it twice: 2^59 in the end.
  std::string doubling = "}U\1k]q\1";
  for (int i = 1; i < 60; ++i)
    doubling += fmt::format("0](h{0}h{0}eq{1}", static_cast<char>(i), static_cast<char>(i + 1));
  EXPECT_TRUE(contains(pth_complaint(pth_of(doubling + "s.")), "its values outgrow it"));
}

TEST(PytorchAttack, NameThatComesTwiceIsRefused) {
  EXPECT_TRUE(contains(pth_complaint(pth_of("}(U\1aK\1U\1aK\2u.")), "has the name 'a' twice"));
  EXPECT_TRUE(
      contains(pth_complaint(pth_of("}(U\3a.bK\1U\1a}U\1bK\2su.")), "has the name 'a.b' twice"));
}

TEST(PytorchAttack, TheRestIsRefusedToo) {
  EXPECT_TRUE(contains(pth_complaint(pth_of("}.more")), "4 bytes behind its pickle's end"));
  EXPECT_TRUE(contains(pth_complaint(pth_of("}NK\1s.")), "its dict '' has a key that is neither"));
  EXPECT_TRUE(contains(pth_complaint(pth_of("}U\1kU\1xQs.")), "'k' is neither a tensor nor"));
  EXPECT_TRUE(contains(pth_complaint(pth_of("}U\1kctorch._utils\n_rebuild_parameter\n)Rs.")),
                       "'k' is a parameter without a tensor"));
  EXPECT_TRUE(contains(pth_complaint(pth_of("}U\4\x1b[2JU\1xQs.")), "'\\x1b[2J'"));
}

}  // namespace
}  // namespace simclr
