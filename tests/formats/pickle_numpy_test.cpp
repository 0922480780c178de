#include "simclr/formats/pickle_numpy.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/formats/pickles.h"
#include "tests/support/expect_error.h"

namespace simclr {
namespace {

using namespace std::string_literals;

std::vector<std::uint8_t> from_hex(const std::string& text) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

NpyArray array_of(std::vector<std::uint8_t> bytes) {
  const Pickle pickle = read_pickle(std::move(bytes), "a.pkl", numpy_globals());
  return numpy_array(pickle.value, "a.pkl: its data");
}

/// A protocol-2 array of six bytes, put together from its parts.
std::string array_text(const std::string& shape = "K\x02K\x03\x86",
                       const std::string& dtype = "U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNtb"s,
                       const std::string& rest =
                           "\x89U\x06"
                           "abcdef") {
  return "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01"
         "b\x87R(K\x01"s +
         shape + "cnumpy\ndtype\n" + dtype + rest + "tb.";
}

TEST(NumpyArray, IsReadFromEveryProtocol) {
  const auto arrays = golden_pickles()["arrays"];
  ASSERT_EQ(arrays.size(), 6U);
  for (const auto& [name, golden] : arrays.items()) {
    ASSERT_EQ(golden["pickles"].size(), 6U);
    for (const auto& pickle : golden["pickles"]) {
      const NpyArray array = array_of(from_base64(pickle.get<std::string>()));
      EXPECT_EQ(array.dtype, golden["dtype"].get<std::string>()) << name;
      EXPECT_EQ(array.shape, golden["shape"].get<std::vector<std::size_t>>()) << name;
      EXPECT_EQ(array.bytes, from_hex(golden["bytes"].get<std::string>())) << name;
    }
  }
}

TEST(NumpyArray, IsReadAsPythonTwoWroteIt) {
  const Pickle pickle = read_pickle(from_base64(golden_pickles()["python2"].get<std::string>()),
                                    "a.pkl", numpy_globals());
  const auto& batch = *std::get<PickleDict*>(pickle.value);
  const NpyArray array = numpy_array(*pickle_find(batch, "data"), "a.pkl: its data");
  EXPECT_EQ(array.dtype, "u1");
  EXPECT_EQ(array.shape, (std::vector<std::size_t>{2, 3072}));
  for (std::size_t i = 0; i < array.bytes.size(); ++i) ASSERT_EQ(array.bytes[i], i % 251);
}

TEST(NumpyArray, CutOrFlippedAnywhereNeverHarms) {
  const auto pickles = golden_pickles()["arrays"]["u1"]["pickles"];
  ASSERT_EQ(pickles.size(), 6U);
  for (const auto& pickle : pickles) {
    const auto bytes = from_base64(pickle.get<std::string>());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      auto cut = bytes;
      cut.resize(at);
      EXPECT_THROW(array_of(cut), Error);
      for (const int flip : {0x01, 0x80}) {
        auto changed = bytes;
        changed[at] = static_cast<std::uint8_t>(changed[at] ^ flip);
        try {
          array_of(changed);
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ExitCode::kData);
        }
      }
    }
  }
}

TEST(NumpyArray, PartsAreReadByTheirMeaning) {
  EXPECT_EQ(array_of(bytes_of(array_text())).bytes, bytes_of("abcdef"));
  EXPECT_EQ(
      array_of(bytes_of(array_text("K\x02K\x03\x86", "U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNtb"s,
                                   "\x88U\x06"
                                   "abcdef")))
          .bytes,
      bytes_of("acebdf"));
}

TEST(NumpyArray, WhatIsNoArrayOfNumbersIsAnError) {
  const std::string u1 = "U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNtb"s;
  const std::string two_by_three = "K\x02K\x03\x86";
  for (const std::string& bytes : {
           "K\x01."s,
           array_text("K\x02"),                                                    // shape
           array_text("K\x02J\xff\xff\xff\xff\x86"),                               // side -1
           array_text("K\x02N\x86"),                                               // side None
           array_text(two_by_three, "U\x02u1K\x00K\x01\x87R"s),                    // no state
           array_text(two_by_three, "U\x02O8K\x00K\x01\x87R(K\x03U\x01|NNNtb"s),   // objects
           array_text(two_by_three, "U\x02u9K\x00K\x01\x87R(K\x03U\x01|NNNtb"s),   // 9 bytes
           array_text(two_by_three, "U\x03|u1K\x00K\x01\x87R(K\x03U\x01|NNNtb"s),  // order twice
           array_text(two_by_three, ")R(K\x03U\x01|NNNtb"s),                       // no name
           array_text(two_by_three, "U\x02u1K\x00K\x01\x87R(K\x03tb"s),            // no order
           array_text(two_by_three, u1,
                      "K\x00U\x06"
                      "abcdef"s),                  // order 0
           array_text(two_by_three, u1, "\x89]"),  // list
           array_text(two_by_three, u1, "\x89"),   // no bytes
       }) {
    const Error error = expect_error(ExitCode::kData, [&] { array_of(bytes_of(bytes)); });
    EXPECT_EQ(std::string(error.what()), "a.pkl: its data: not an array of numbers");
  }
}

TEST(NumpyArray, BytesThatDoNotFillTheShapeAreAnError) {
  for (const std::string& shape :
       {"K\x02K\x04\x86"s, "K\x05\x85"s, ")"s,
        "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40\x86"s}) {
    const Error error =
        expect_error(ExitCode::kData, [&] { array_of(bytes_of(array_text(shape))); });
    EXPECT_TRUE(contains(error.what(), "6 bytes of data, which its shape does not need"))
        << error.what();
  }
}

TEST(NumpyArray, EncodedTextMustBeLatin1) {
  for (const std::string& text : {"\xc4\x80"s, "\xc3"s, "\xc3(s"s, "\xe2\x98\x83"s}) {
    const std::string bytes = "c_codecs\nencode\nX" +
                              std::string(1, static_cast<char>(text.size())) + "\x00\x00\x00"s +
                              text + "X\x06\x00\x00\x00latin1\x86R."s;
    expect_error(ExitCode::kData, "arguments that '_codecs.encode' does not take",
                 [&] { read_pickle(bytes_of(bytes), "a.pkl", numpy_globals()); });
  }
  expect_error(ExitCode::kData, "does not take", [] {
    read_pickle(bytes_of("c_codecs\nencode\nVx\nVutf-7\n\x86R."), "a.pkl", numpy_globals());
  });
}

}  // namespace
}  // namespace simclr
