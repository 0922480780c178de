#include <gtest/gtest.h>

#include <algorithm>

#include "simclr/formats/image.h"
#include "tests/formats/make_images.h"
#include "tests/support/expect_error.h"

namespace simclr {
namespace {

FileBytes encode_progressive() {
  return encode_jpeg(slope(16, 16),
                     [](jpeg_compress_struct& info) { jpeg_simple_progression(&info); });
}

std::ptrdiff_t find_marker(const FileBytes& file, std::uint8_t marker) {
  const FileBytes pattern = {0xFF, marker};
  return std::ranges::search(file, pattern).begin() - file.begin();
}

/// Every coefficient of every channel in a scan of its own: 190, each of them valid.
FileBytes encode_in_many_scans() {
  std::vector<jpeg_scan_info> scans = {{3, {0, 1, 2, 0}, 0, 0, 0, 0}};
  for (int channel = 0; channel < 3; ++channel) {
    for (int coefficient = 1; coefficient < 64; ++coefficient) {
      scans.push_back({1, {channel, 0, 0, 0}, coefficient, coefficient, 0, 0});
    }
  }
  return encode_jpeg(slope(16, 16), [&](jpeg_compress_struct& info) {
    info.scan_info = scans.data();
    info.num_scans = static_cast<int>(scans.size());
  });
}

TEST(DecodeJpeg, ProgressiveBombEndsAtTheLimitOfScans) {
  const FileBytes bomb = encode_in_many_scans();
  expect_error(ExitCode::kData, "a JPEG of more than 100 scans", [&] { decode_image(bomb); });
  ImageOptions options;
  options.max_scans = 190;
  EXPECT_EQ(decode_image(bomb, options).width, 16);
  options.max_scans = 3;
  const FileBytes usual = encode_progressive();
  expect_error(ExitCode::kData, "a JPEG of more than 3 scans",
               [&] { decode_image(usual, options); });
  EXPECT_EQ(decode_image(usual).width, 16);
}

TEST(DecodeJpeg, BytesBetweenSegmentsAndBehindThePictureDoNoHarm) {
  const FileBytes file = encode_jpeg(slope(16, 16));
  const DecodedImage expected = decode_image(file);
  FileBytes padded = file;
  padded.insert(padded.begin() + find_marker(file, 0xDB), 3, 0);
  EXPECT_EQ(decode_image(padded).pixels, expected.pixels);
  FileBytes before_end = file;
  before_end.insert(before_end.end() - 2, 5, 0);
  EXPECT_EQ(decode_image(before_end).pixels, expected.pixels);
  EXPECT_EQ(decode_image(joined(file, bytes_of("a second picture"))).pixels, expected.pixels);
}

TEST(DecodeJpeg, DataThatEndsEarlyIsAnErrorNotGrey) {
  const FileBytes file = encode_jpeg(slope(64, 64));
  const FileBytes half = first_bytes(file, file.size() * 2 / 3);
  expect_error(ExitCode::kData, "truncated JPEG", [&] { decode_image(half); });
  const FileBytes ended = joined(half, {0xFF, 0xD9});
  expect_error(ExitCode::kData, "damaged JPEG: premature end of data segment",
               [&] { decode_image(ended); });
  FileBytes no_end = first_bytes(file, file.size() - 2);
  expect_error(ExitCode::kData, "truncated JPEG", [&] { decode_image(no_end); });
  no_end.resize(file.size() + 64);
  expect_error(ExitCode::kData, "truncated JPEG", [&] { decode_image(no_end); });
}

TEST(DecodeJpeg, BytesThatNobodyReadBeforeARestartAreAnError) {
  FileBytes file =
      encode_jpeg(slope(64, 64), [](jpeg_compress_struct& info) { info.restart_interval = 2; });
  file.insert(file.begin() + find_marker(file, 0xD1), 64, 0);
  expect_error(ExitCode::kData, "damaged JPEG: ", [&] { decode_image(file); });
}

TEST(DecodeJpeg, LostRestartIsAnError) {
  const FileBytes file =
      encode_jpeg(slope(64, 64), [](jpeg_compress_struct& info) { info.restart_interval = 2; });
  FileBytes lost = file;
  lost[static_cast<std::size_t>(find_marker(file, 0xD1)) + 1] = 0xD5;
  expect_error(ExitCode::kData, "damaged JPEG: ", [&] { decode_image(lost); });
}

TEST(DecodeJpeg, ChannelsThatNobodyCanNameAreAnError) {
  FileBytes file = bytes_of("\xFF\xD8\xFF");
  // SOF0 of two channels, 8 bits, 1 x 1; then a scan.
  for (const int byte : {0xC0, 0,    14, 8,  0, 1, 0, 1, 2, 1, 0x11, 0, 2, 0x11, 0,
                         0xFF, 0xDA, 0,  10, 2, 1, 0, 2, 0, 0, 63,   0, 0, 0xFF, 0xD9}) {
    file.push_back(static_cast<std::uint8_t>(byte));
  }
  expect_error(ExitCode::kData, "a JPEG of 2 channels; 1, 3 and 4 are read",
               [&] { decode_image(file); });
}

}  // namespace
}  // namespace simclr
