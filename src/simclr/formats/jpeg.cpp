// libjpeg reports errors through callbacks that must not return: they jump back to `guarded`. The
// steps that run inside it own nothing, so that no destructor is jumped over.
#include <fmt/format.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <new>
#include <string>
#include <string_view>
#include <vector>
// clang-format off: they need <cstdio> before them
#include <jerror.h>
#include <jpeglib.h>
// clang-format on

#include "simclr/formats/image_readers.h"

namespace simclr::detail {
namespace {

constexpr int kEndOfImage = 0xD9;
constexpr int kFirstRestart = 0xD0;

/// Warnings after which the pixels are still those of the file. Bytes between segments are the
/// habit of many cameras; at a restart or within the data they mean that something is missing.
bool is_harmless(const jpeg_error_mgr& errors) {
  switch (errors.msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL:
      return true;
    case JWRN_EXTRANEOUS_DATA:
      return errors.msg_parm.i[1] < kFirstRestart || errors.msg_parm.i[1] >= kEndOfImage;
    default:
      return false;
  }
}

class JpegDecoder {
 public:
  JpegDecoder(Bytes bytes, const ImageOptions& options) : bytes_(bytes), options_(options) {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = on_error;
    errors_.emit_message = on_message;
    errors_.output_message = [](j_common_ptr) {};
    info_.client_data = this;
    progress_.progress_monitor = on_progress;
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&info_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  ImageSize read_header();
  DecodedImage decode();  ///< after read_header

 private:
  static JpegDecoder& self(j_common_ptr info) {
    return *static_cast<JpegDecoder*>(info->client_data);
  }
  [[noreturn]] static void on_error(j_common_ptr info) { std::longjmp(self(info).escape_, 1); }
  static void on_message(j_common_ptr info, int level);
  static void on_progress(j_common_ptr info);
  template <class Step>
  void guarded(Step step);
  [[noreturn]] void fail();
  std::uint64_t least_bytes() const;
  void read_rgb(std::uint8_t* out);
  void read_cmyk(std::uint8_t* out, std::vector<std::uint8_t>& row);

  Bytes bytes_;
  const ImageOptions& options_;
  ImageSize size_;
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  bool too_many_scans_ = false;
  std::jmp_buf escape_{};
};

void JpegDecoder::on_message(j_common_ptr info, int level) {
  if (level < 0 && !is_harmless(*info->err)) on_error(info);
}

void JpegDecoder::on_progress(j_common_ptr info) {
  JpegDecoder& decoder = self(info);
  decoder.too_many_scans_ = decoder.info_.input_scan_number > decoder.options_.max_scans;
  if (decoder.too_many_scans_) on_error(info);
}

template <class Step>
void JpegDecoder::guarded(Step step) {
  if (setjmp(escape_) != 0) fail();
  step();
}

void JpegDecoder::fail() {
  if (too_many_scans_)
    throw bad_image(fmt::format("a JPEG of more than {} scans", options_.max_scans));
  switch (errors_.msg_code) {
    case JWRN_JPEG_EOF:
    case JERR_INPUT_EOF:
      throw bad_image("truncated JPEG");
    case JERR_OUT_OF_MEMORY:
      throw std::bad_alloc();
    case JERR_IMAGE_TOO_BIG:
      checked_size(info_.image_height, info_.image_width, options_);  // says both sides
      break;
    default:
      break;
  }
  std::array<char, JMSG_LENGTH_MAX> text{};
  errors_.format_message(reinterpret_cast<j_common_ptr>(&info_), text.data());
  constexpr std::string_view kPrefix = "Corrupt JPEG data: ";
  std::string_view reason(text.data());
  if (reason.starts_with(kPrefix)) reason.remove_prefix(kPrefix.size());
  throw bad_image(fmt::format("damaged JPEG: {}", reason));
}

ImageSize JpegDecoder::read_header() {
  guarded([this] {
    jpeg_create_decompress(&info_);
    info_.client_data = this;
    info_.progress = &progress_;
    jpeg_mem_src(&info_, bytes_.data(), static_cast<unsigned long>(bytes_.size()));
    jpeg_read_header(&info_, TRUE);
  });
  const int channels = info_.num_components;
  if (channels != 1 && channels != 3 && channels != 4) {
    throw bad_image(fmt::format("a JPEG of {} channels; 1, 3 and 4 are read", channels));
  }
  size_ = checked_size(info_.image_height, info_.image_width, options_);
  return size_;
}

/// Huffman coding spends at least one bit on every block of 64 pixels; arithmetic coding need not.
std::uint64_t JpegDecoder::least_bytes() const {
  if (info_.arith_code != 0) return 0;
  return std::uint64_t{info_.image_height} * info_.image_width / (64 * 8);
}

void JpegDecoder::read_rgb(std::uint8_t* out) {
  jpeg_start_decompress(&info_);
  const std::size_t row_bytes = std::size_t{3} * info_.output_width;
  while (info_.output_scanline < info_.output_height) {
    JSAMPROW row = out + info_.output_scanline * row_bytes;
    jpeg_read_scanlines(&info_, &row, 1);
  }
  jpeg_finish_decompress(&info_);
}

/// As PIL's convert("RGB"): Adobe's inversion is assumed with or without Adobe's marker, so `ink`
/// here is 255 minus the ink, and `paper` 255 minus black.
void JpegDecoder::read_cmyk(std::uint8_t* out, std::vector<std::uint8_t>& row) {
  jpeg_start_decompress(&info_);
  while (info_.output_scanline < info_.output_height) {
    JSAMPROW in = row.data();
    jpeg_read_scanlines(&info_, &in, 1);
    for (JDIMENSION x = 0; x < info_.output_width; ++x, in += 4) {
      const int paper = in[3];
      for (int channel = 0; channel < 3; ++channel) {
        const int product = (255 - in[channel]) * paper + 128;  // over 255, rounded:
        *out++ = static_cast<std::uint8_t>(paper - ((product + (product >> 8)) >> 8));
      }
    }
  }
  jpeg_finish_decompress(&info_);
}

DecodedImage JpegDecoder::decode() {
  const bool is_cmyk = info_.num_components == 4;
  DecodedImage image = blank_image(size_, bytes_, least_bytes(), "JPEG");
  info_.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  info_.dct_method = JDCT_ISLOW;
  info_.do_fancy_upsampling = TRUE;
  std::uint8_t* out = image.pixels.data();
  if (is_cmyk) {
    std::vector<std::uint8_t> row(std::size_t{4} * info_.image_width);
    guarded([&] { read_cmyk(out, row); });
  } else {
    guarded([&] { read_rgb(out); });
  }
  return image;
}

}  // namespace

ImageSize jpeg_size(Bytes bytes, const ImageOptions& options) {
  return JpegDecoder(bytes, options).read_header();
}

DecodedImage decode_jpeg(Bytes bytes, const ImageOptions& options) {
  JpegDecoder decoder(bytes, options);
  decoder.read_header();
  return decoder.decode();
}

}  // namespace simclr::detail
