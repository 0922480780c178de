#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>

#include "simclr/core/random.h"
#include "simclr/formats/image.h"
#include "tests/formats/golden_images.h"
#include "tests/support/expect_error.h"

namespace simclr {
namespace {

std::int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

/// True if it decodes, false if it is refused as it should be; anything else fails the test.
bool decodes(const FileBytes& file, const ImageOptions& options = {}) {
  try {
    const DecodedImage image = decode_image(file, options);
    EXPECT_EQ(image.pixels.size(), static_cast<std::size_t>(image.height * image.width * 3));
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kData);
    return false;
  }
}

std::uint32_t png_checksum(const FileBytes& bytes) {
  std::uint32_t rest = 0xFFFFFFFF;
  for (const std::uint8_t byte : bytes) {
    rest ^= byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~rest;
}

/// Headers that claim a picture of these sides in some 200 bytes.
std::vector<std::pair<std::string, FileBytes>> claims(std::uint32_t height, std::uint32_t width) {
  FileBytes jpeg = encode_jpeg(slope(8, 8));
  const FileBytes frame = {0xFF, 0xC0};
  const auto sof = std::ranges::search(jpeg, frame).begin() - jpeg.begin();
  std::ranges::copy(joined(big(height, 2), big(width, 2)), jpeg.begin() + sof + 5);
  FileBytes progressive = jpeg;
  progressive[static_cast<std::size_t>(sof) + 1] = 0xC2;
  FileBytes header = joined(joined(bytes_of("IHDR"), big(width, 4)), big(height, 4));
  header = joined(header, {8, 2, 0, 0, 0});
  FileBytes png = joined(joined(bytes_of("\x89PNG\r\n\x1A\n"), big(13, 4)), header);
  png = joined(joined(png, big(png_checksum(header), 4)), FileBytes(150));
  FileBytes webp = bytes_of("RIFF");
  webp = joined(joined(webp, little(200, 4)), bytes_of("WEBPVP8X"));
  webp = joined(joined(webp, little(10, 4)), {0, 0, 0, 0});
  webp = joined(joined(webp, little(width - 1, 3)), little(height - 1, 3));
  webp = joined(webp, FileBytes(170));
  const FileBytes bmp =
      bmp_header(static_cast<std::int32_t>(height), static_cast<std::int32_t>(width), 24);
  const std::string sides = std::to_string(width) + " " + std::to_string(height);
  return {{"JPEG", jpeg},
          {"progressive JPEG", progressive},
          {"PNG", png},
          {"WebP", webp},
          {"BMP", joined(bmp, FileBytes(150))},
          {"PPM", joined(bytes_of("P6 " + sides + " 255\n"), FileBytes(150))},
          {"plain PGM", bytes_of("P2 " + sides + " 255\n" + std::string(150, ' '))},
          {"plain PBM", bytes_of("P1 " + sides + "\n" + std::string(150, '1'))}};
}

TEST(DecodeImage, FewBytesThatClaimManyPixelsCostNoMemory) {
  constexpr std::int64_t kAllowed = std::int64_t{16} << 20;
  const auto at_start = claims(64, 64);  // what the encoders take, before measuring
  const std::int64_t before = peak_bytes();
  for (const auto& [name, file] : claims(65'000, 65'000)) {
    SCOPED_TRACE(name);
    ASSERT_LT(file.size(), 1000U);
    expect_error(ExitCode::kData, "65000 x 65000 pixels, more than 100000000",
                 [&] { decode_image(file); });
  }
  for (const auto& [name, file] : claims(65'001, 1)) {
    SCOPED_TRACE(name);
    expect_error(ExitCode::kData, "1 x 65001 pixels, more than 65000 a side",
                 [&] { decode_image(file); });
  }
  for (const auto& [name, file] : claims(9'999, 9'999)) {
    if (name == "WebP") continue;  // within the limits, and its least size is not known
    SCOPED_TRACE(name);
    expect_error(ExitCode::kData, "truncated ", [&] { decode_image(file); });
  }
  EXPECT_LT(peak_bytes() - before, kAllowed);
}

TEST(DecodeImage, ProfileThatUnpacksToMoreThanTheLimitIsRefused) {
  const auto png_with_profile = [](std::size_t bytes) {
    std::vector<char> profile(bytes);
    return encode_png(slope(4, 4), [&](spng_ctx* context) {
      spng_iccp iccp{};
      iccp.profile_name[0] = 'p';
      iccp.profile_len = profile.size();
      iccp.profile = profile.data();
      spng_set_iccp(context, &iccp);
    });
  };
  EXPECT_EQ(decode_image(png_with_profile(1'000'000)).width, 4);
  const FileBytes bomb = png_with_profile(20'000'000);
  EXPECT_LT(bomb.size(), 100'000U);
  expect_error(ExitCode::kData, "damaged PNG: reached chunk/cache limits",
               [&] { decode_image(bomb); });
}

TEST(DecodeImage, CutShortIsAnErrorOrAllPixelsAreThere) {
  for (const GoldenImage& golden : golden_images()) {
    const DecodedImage whole = decode_image(golden.file);
    for (std::size_t count = 0; count < golden.file.size(); count += count < 64 ? 1 : 8) {
      SCOPED_TRACE(golden.name + ", " + std::to_string(count) + " bytes");
      const FileBytes cut = first_bytes(golden.file, count);
      if (!decodes(cut)) continue;
      EXPECT_EQ(decode_image(cut).pixels, whole.pixels);
      EXPECT_GE(count + 64, golden.file.size());
    }
  }
}

TEST(DecodeImage, FlippedBytesGiveAnErrorOrAPicture) {
  constexpr int kTrials = 60;
  ImageOptions options;
  options.max_pixels = 1'000'000;
  options.exif_orientation = true;
  int decoded = 0;
  int refused = 0;
  std::uint32_t sample = 0;
  for (const GoldenImage& golden : golden_images()) {
    Random random(RandomKey{.seed = 4, .sample = sample++});
    for (int trial = 0; trial < kTrials; ++trial) {
      FileBytes file = golden.file;
      const auto places = static_cast<std::uint32_t>(trial < kTrials / 2 ? 64 : file.size());
      for (int flips = 0; flips <= trial % 4; ++flips) {
        file[random.below(places)] = static_cast<std::uint8_t>(random.next());
      }
      SCOPED_TRACE(golden.name + ", trial " + std::to_string(trial));
      ++(decodes(file, options) ? decoded : refused);
    }
  }
  EXPECT_GT(decoded, 100);
  EXPECT_GT(refused, 1000);
}

TEST(DecodeImage, NoiseBehindEveryMagicIsAnErrorOrAPicture) {
  ImageOptions options;
  options.max_pixels = 1'000'000;
  std::uint32_t sample = 0;
  for (const auto& [name, file] : one_of_each()) {
    for (int trial = 0; trial < 200; ++trial) {
      Random random(RandomKey{.seed = 5, .sample = sample++});
      FileBytes noise = first_bytes(file, 4 + random.below(12));
      for (int i = 0; i < 200; ++i) noise.push_back(static_cast<std::uint8_t>(random.next()));
      decodes(noise, options);
    }
  }
}

}  // namespace
}  // namespace simclr
