#include <fmt/format.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>
#include <new>

#include "simclr/formats/image_readers.h"

namespace simclr::detail {
namespace {

struct DeleteDecoder {
  void operator()(WebPAnimDecoder* decoder) const { WebPAnimDecoderDelete(decoder); }
};

void check(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OK:
      return;
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      throw bad_image("truncated WebP");
    case VP8_STATUS_OUT_OF_MEMORY:
      throw std::bad_alloc();
    default:
      throw bad_image(fmt::format("damaged WebP (status {} of libwebp)", static_cast<int>(status)));
  }
}

ImageSize read_features(Bytes bytes, const ImageOptions& options, WebPBitstreamFeatures& features) {
  check(WebPGetFeatures(bytes.data(), bytes.size(), &features));
  return checked_size(features.height, features.width, options);
}

void decode_still(Bytes bytes, DecodedImage& image) {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) throw bad_image("libwebp is of another version");
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {image.pixels.data(), image.width * 3, image.pixels.size()};
  check(WebPDecode(bytes.data(), bytes.size(), &config));
}

/// The first frame on its canvas.
void decode_animation(Bytes bytes, DecodedImage& image) {
  const WebPData data{bytes.data(), bytes.size()};
  const std::unique_ptr<WebPAnimDecoder, DeleteDecoder> decoder(WebPAnimDecoderNew(&data, nullptr));
  WebPAnimInfo info{};
  std::uint8_t* canvas = nullptr;  // RGBA, the decoder's own
  int milliseconds = 0;
  const bool is_read =
      decoder && WebPAnimDecoderGetInfo(decoder.get(), &info) != 0 &&
      std::size_t{3} * info.canvas_width * info.canvas_height == image.pixels.size() &&
      WebPAnimDecoderGetNext(decoder.get(), &canvas, &milliseconds) != 0;
  if (!is_read) {
    throw bad_image("damaged WebP: its first frame cannot be read");
  }
  for (std::size_t i = 0; i < image.pixels.size() / 3; ++i) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      image.pixels[3 * i + channel] = canvas[4 * i + channel];
    }
  }
}

}  // namespace

ImageSize webp_size(Bytes bytes, const ImageOptions& options) {
  WebPBitstreamFeatures features;
  return read_features(bytes, options, features);
}

DecodedImage decode_webp(Bytes bytes, const ImageOptions& options) {
  WebPBitstreamFeatures features;
  DecodedImage image = blank_image(read_features(bytes, options, features), bytes, 0, "WebP");
  if (features.has_animation != 0) {
    decode_animation(bytes, image);
  } else {
    decode_still(bytes, image);
  }
  return image;
}

}  // namespace simclr::detail
