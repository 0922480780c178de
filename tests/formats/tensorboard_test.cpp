#include "simclr/formats/tensorboard.h"

#include <gtest/gtest.h>

#include <cstring>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "simclr/core/files.h"
#include "simclr/formats/crc.h"
#include "simclr/formats/png.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

using Reader = protozero::pbf_reader;
using namespace std::string_literals;

constexpr double kStart = 1700000000.25;

std::uint32_t crc_of(std::string_view bytes) {
  return crc32c({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::uint32_t masked(std::string_view bytes) {
  const std::uint32_t crc = crc_of(bytes);
  return ((crc >> 15U) | (crc << 17U)) + 0xA282EAD8U;
}

/// The events of a file, every frame checked.
std::vector<std::string> events_of(const std::filesystem::path& path) {
  const std::string file = read_file(path);
  std::string_view rest = file;
  const auto number = [&]<class Number>(Number& to) {
    ASSERT_GE(rest.size(), sizeof to);
    std::memcpy(&to, rest.data(), sizeof to);
    rest.remove_prefix(sizeof to);
  };
  std::vector<std::string> events;
  while (!rest.empty() && !testing::Test::HasFatalFailure()) {
    std::uint64_t size = 0;
    std::uint32_t crc = 0;
    EXPECT_GE(rest.size(), 16U);
    const std::string_view size_bytes = rest.substr(0, 8);
    number(size);
    number(crc);
    EXPECT_EQ(crc, masked(size_bytes));
    events.emplace_back(rest.substr(0, size));
    rest.remove_prefix(size);
    number(crc);
    EXPECT_EQ(crc, masked(events.back()));
  }
  return events;
}

/// The message at the end of a path of fields.
Reader inside(Reader message, std::initializer_list<protozero::pbf_tag_type> path) {
  for (const protozero::pbf_tag_type tag : path) {
    EXPECT_TRUE(message.next(tag));
    message = message.get_message();
  }
  return message;
}

std::string text(Reader message, protozero::pbf_tag_type tag) {
  return message.next(tag) ? message.get_string() : "";
}

double real(Reader message, protozero::pbf_tag_type tag) {
  return message.next(tag) ? message.get_double() : 0.0;
}

std::int64_t whole(Reader message, protozero::pbf_tag_type tag) {
  return message.next(tag) ? message.get_int64() : 0;
}

TEST(Crc32c, EqualsTheValuesOfRfc3720) {
  EXPECT_EQ(crc_of(""), 0U);
  EXPECT_EQ(crc_of("123456789"), 0xE3069283U);
  EXPECT_EQ(crc_of(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc_of(std::string(32, '\xFF')), 0x62A8AB43U);
}

TEST(TensorBoard, FileBeginsWithItsVersion) {
  const TempFolder folder;
  const TensorBoardWriter writer(folder.path(), kStart);
  EXPECT_EQ(writer.path(), folder / "events.out.tfevents.1700000000.simclr.0");
  const auto events = events_of(writer.path());
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(real(Reader(events[0]), 1), kStart);
  EXPECT_EQ(text(Reader(events[0]), 3), "brain.Event:2");
}

TEST(TensorBoard, WritesTheBytesOfTheFormatWrittenByHand) {
  const TempFolder folder;
  TensorBoardWriter writer(folder.path(), kStart);
  writer.add_scalar("a/b", 0.5F, {.step = 300, .unix_seconds = 2.0});
  const std::string expected =
      "\x09\x00\x00\x00\x00\x00\x00\x00\x40"  // wall_time 2.0
      "\x10\xAC\x02"                          // step 300
      "\x2A\x0C\x0A\x0A\x0A\x03"              // summary, its value, the tag
      "a/b\x15\x00\x00\x00\x3F"s;             // simple_value 0.5
  EXPECT_EQ(events_of(writer.path()).at(1), expected);
}

TEST(TensorBoard, EveryEventIsInTheFileBeforeTheCallReturns) {
  const TempFolder folder;
  TensorBoardWriter writer(folder.path(), kStart);
  for (std::size_t step = 1; step < 20; ++step) {
    writer.add_scalar("loss", 1.0F, {static_cast<std::int64_t>(step), kStart});
    EXPECT_EQ(events_of(writer.path()).size(), step + 1);
  }
}

TEST(TensorBoard, ASecondWriterLeavesTheFirstOnesFileAlone) {
  const TempFolder folder;
  TensorBoardWriter first(folder.path(), kStart);
  first.add_scalar("loss", 1.0F, {1, kStart});
  const std::string before = read_file(first.path());
  const TensorBoardWriter second(folder.path(), kStart);
  EXPECT_NE(second.path(), first.path());
  EXPECT_EQ(read_file(first.path()), before);
}

TEST(TensorBoard, ImagesComeWithTheirSizeAndTheirBytes) {
  const TempFolder folder;
  TensorBoardWriter writer(folder.path(), kStart);
  const std::string png = encode_png(std::vector<std::uint8_t>(std::size_t{5 * 7 * 3}), 5, 7);
  writer.add_image("views", {reinterpret_cast<const std::uint8_t*>(png.data()), png.size()},
                   {4, kStart});
  const std::string event = events_of(writer.path()).at(1);
  const Reader value = inside(Reader(event), {5, 1});
  EXPECT_EQ(text(value, 1), "views");
  const Reader image = inside(value, {4});
  EXPECT_EQ(whole(image, 1), 5);
  EXPECT_EQ(whole(image, 2), 7);
  EXPECT_EQ(whole(image, 3), 3);
  EXPECT_EQ(text(image, 4), png);
}

TEST(TensorBoard, WhatIsNoPngIsAnErrorAndNothingIsWritten) {
  const TempFolder folder;
  TensorBoardWriter writer(folder.path(), kStart);
  const std::string png = encode_png(std::vector<std::uint8_t>(3), 1, 1);
  std::string palette = png;
  palette[25] = 1;  // no colour type
  for (const std::string& bytes : {""s, "GIF89a"s, png.substr(0, 25), palette}) {
    const std::vector<std::uint8_t> image(bytes.begin(), bytes.end());
    expect_error(ExitCode::kFailed, "the image 'views' is not a PNG",
                 [&] { writer.add_image("views", image, {}); });
  }
  EXPECT_EQ(events_of(writer.path()).size(), 1U);
}

TEST(TensorBoard, TextIsATensorOfTheTextPlugin) {
  const TempFolder folder;
  TensorBoardWriter writer(folder.path(), kStart);
  writer.add_text("command", "`simclr pretrain`", {1, kStart});
  const std::string event = events_of(writer.path()).at(1);
  const Reader value = inside(Reader(event), {5, 1});
  EXPECT_EQ(whole(inside(value, {8}), 1), 7);  // DT_STRING
  EXPECT_EQ(whole(inside(value, {8, 2, 2}), 1), 1);
  EXPECT_EQ(text(inside(value, {8}), 8), "`simclr pretrain`");
  EXPECT_EQ(text(inside(value, {9, 1}), 1), "text");
}

TEST(TensorBoard, HparamsKeepTheirKinds) {
  const TempFolder folder;
  TensorBoardWriter writer(folder.path(), kStart);
  writer.add_hparams({{"lr", 0.25}, {"name", "resnet18"s}, {"nesterov", true}}, kStart);
  const std::string event = events_of(writer.path()).at(1);
  const Reader value = inside(Reader(event), {5, 1});
  EXPECT_EQ(text(value, 1), "_hparams_/session_start_info");
  EXPECT_EQ(text(inside(value, {9, 1}), 1), "hparams");
  const std::string content = text(inside(value, {9, 1}), 2);
  Reader session = inside(Reader(content), {3});
  std::map<std::string, std::string> found;
  while (session.next(1)) {
    const Reader entry = session.get_message();
    Reader setting = inside(entry, {2});
    ASSERT_TRUE(setting.next());
    found[text(entry, 1)] = setting.tag() == 2   ? std::to_string(setting.get_double())
                            : setting.tag() == 3 ? setting.get_string()
                                                 : (setting.get_bool() ? "true" : "false");
  }
  EXPECT_EQ(found, (std::map<std::string, std::string>{
                       {"lr", "0.250000"}, {"name", "resnet18"}, {"nesterov", "true"}}));
}

TEST(TensorBoard, AFolderThatIsNotThereIsAnErrorThatNamesTheFile) {
  const TempFolder folder;
  expect_error(ExitCode::kFailed, "events.out.tfevents.1700000000.simclr.0: cannot write",
               [&] { const TensorBoardWriter writer(folder / "none", kStart); });
}

}  // namespace
}  // namespace simclr
