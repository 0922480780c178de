#include "simclr/eval/embed.h"

#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/sha256.h"
#include "simclr/core/stopwatch.h"
#include "simclr/core/text.h"
#include "simclr/data/image_keys.h"
#include "simclr/eval/features.h"
#include "simclr/formats/npy.h"
#include "simclr/train/step.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

/// A part's name of an image: its index as the source has it.
std::string name_in(const std::string& part, const Dataset& images, std::size_t index) {
  const auto* subset = dynamic_cast<const Subset*>(&images);
  return fmt::format("{}/{}", part, subset != nullptr ? subset->indices()[index] : index);
}

std::string names_sha256(const NamedImages& images) {
  Sha256 sha256;
  for (std::size_t i = 0; i < images.images->size(); ++i) {
    const std::string name = images.name_of(i) + "\n";
    sha256.update(name.data(), name.size());
  }
  return sha256.hex_digest();
}

/// What the vectors are: two calls that agree in it write the same.
std::string description_of(const Embedding& embedding, const NamedImages& images,
                           const EmbedPlan& plan) {
  const nlohmann::ordered_json json{{"about", plan.about},
                                    {"encoder_sha256", embedding.fingerprint()},
                                    {"images", images.images->size()},
                                    {"images_sha256", images_sha256(*images.images)},
                                    {"width", embedding.width},
                                    {"side", embedding.side},
                                    {"normalization", name_of(plan.normalization)},
                                    {"names_sha256", names_sha256(images)}};
  return json.dump(2) + "\n";
}

[[noreturn]] void fail(const fs::path& path) {
  throw Error(ExitCode::kFailed, fmt::format("{}: cannot write", path.string()),
              "Check that you may write there and that the disk is not full; the same call then "
              "goes on where it stopped.");
}

/// The file of vectors while it grows.
class GrowingArray {
 public:
  /// Goes on with what is there if `description` is that of the file beside it.
  GrowingArray(const fs::path& out, const std::string& description, std::size_t rows,
               std::int64_t width)
      : final_(out / "embeddings.npy"),
        partial_(out / "embeddings.npy.partial"),
        description_(out / "embeddings.json.partial"),
        header_(npy_header("f4", {rows, static_cast<std::size_t>(width)})),
        row_bytes_(static_cast<std::uintmax_t>(width) * sizeof(float)) {
    std::error_code ignored;
    const bool same = fs::exists(partial_, ignored) && fs::exists(description_, ignored) &&
                      read_file(description_) == description &&
                      fs::file_size(partial_) >= header_.size();
    if (same) {
      rows_ = static_cast<std::int64_t>((fs::file_size(partial_) - header_.size()) / row_bytes_);
      return;
    }
    fs::remove(partial_, ignored);
    write_file_atomically(description_, description);
    std::ofstream file(partial_, std::ios::binary);
    if (!(file << header_ << std::flush)) fail(partial_);
  }

  std::int64_t rows() const { return rows_; }

  /// From now on rows are added after this many.
  void open_after(std::int64_t rows) {
    fs::resize_file(partial_, header_.size() + static_cast<std::uintmax_t>(rows) * row_bytes_);
    file_.open(partial_, std::ios::binary | std::ios::app);
    if (!file_) fail(partial_);
  }

  void add(const at::Tensor& vectors) {
    const at::Tensor rows = vectors.to(at::kCPU, at::kFloat).contiguous();
    file_.write(reinterpret_cast<const char*>(rows.data_ptr<float>()),
                static_cast<std::streamsize>(rows.nbytes()));
    if (!file_.flush()) fail(partial_);
  }

  /// Of an encoder that moved nothing is kept, or the next call would go on with it.
  void discard() {
    file_.close();
    std::error_code ignored;
    fs::remove(partial_, ignored);
  }

  /// What was there before stands until now.
  void finish() {
    file_.close();
    fs::rename(description_, final_.parent_path() / "embeddings.json");
    fs::rename(partial_, final_);
  }

 private:
  fs::path final_;
  fs::path partial_;
  fs::path description_;
  std::string header_;
  std::uintmax_t row_bytes_;
  std::int64_t rows_ = 0;
  std::ofstream file_;
};

void write_names(const fs::path& path, const NamedImages& images) {
  write_file_atomically(path, [&](std::ostream& out) {
    out << "row,name,label,class\n";
    for (std::size_t i = 0; i < images.images->size(); ++i) {
      const std::int32_t label = images.images->get(i).label;
      const bool labelled =
          label >= 0 && static_cast<std::size_t>(label) < images.class_names.size();
      out << i << ',' << csv_cell(images.name_of(i)) << ',';
      if (labelled)
        out << label << ',' << csv_cell(images.class_names[static_cast<std::size_t>(label)]);
      else
        out << ',';
      out << '\n';
    }
  });
}

void make_room(const EmbedPlan& plan) {
  const fs::path file = plan.out / "embeddings.npy";
  std::error_code error;
  if (fs::exists(file, error) && !plan.overwrite) {
    throw Error(ExitCode::kUsage, fmt::format("{} exists", file.string()),
                "Choose another --out, or replace it by --overwrite.");
  }
  fs::create_directories(plan.out, error);
  if (error) fail(plan.out);
}

}  // namespace

NamedImages every_image(const DataSource& source) {
  if (source.pictures) {
    return {source.pictures,
            [pictures = source.pictures](std::size_t i) { return pictures->info().names.at(i); },
            source.class_names};
  }
  std::vector<std::pair<std::string, std::shared_ptr<const Dataset>>> parts{{"train", source.train},
                                                                            {"test", source.test}};
  if (source.unlabelled) parts.emplace_back("unlabelled", source.unlabelled);
  std::vector<std::shared_ptr<const Dataset>> datasets;
  for (const auto& [name, part] : parts) datasets.push_back(part);
  return {std::make_shared<Concat>(datasets),
          [parts](std::size_t i) {
            for (const auto& [name, part] : parts) {
              if (i < part->size()) return name_in(name, *part, i);
              i -= part->size();
            }
            return std::string();
          },
          source.class_names};
}

EmbedResult embed_images(const Embedding& embedding, const NamedImages& images,
                         const EmbedPlan& plan, EventSink& sink) {
  make_room(plan);
  BatchPlan batches = whole_images(embedding, plan.normalization);
  const auto total = static_cast<std::int64_t>(images.images->size());
  GrowingArray array(plan.out, description_of(embedding, images, plan), images.images->size(),
                     embedding.width);
  batches.first_batch = array.rows() == total
                            ? batches_per_epoch(images.images->size(), batches.batch_size, false)
                            : array.rows() / batches.batch_size;
  EmbedResult result{total, embedding.width,
                     std::min(total, batches.first_batch * batches.batch_size), false};
  array.open_after(result.kept);
  if (result.kept > 0)
    sink.message(fmt::format("Going on after {} of {} images.", result.kept, total));

  const c10::NoGradGuard no_gradient;
  const std::string before = embedding.fingerprint();
  BatchLoader loader(images.images, batches, plan.workers);
  const Stopwatch watch;
  std::int64_t done = result.kept;
  while (auto batch = loader.next()) {
    array.add(embedding.vectors_of(views_tensor(*batch, embedding.side, embedding.device)));
    done += batch->images;
    const double seconds = watch.seconds();
    sink.progress(
        "Embedding", done, total,
        fmt::format("{:.0f} images/s", static_cast<double>(done - result.kept) / seconds));
    if (done < total && plan.stop()) {
      result.interrupted = true;
      return result;
    }
  }
  if (embedding.fingerprint() != before) {
    array.discard();
    throw Error(ExitCode::kFailed, "the encoder changed while images were embedded");
  }
  write_names(plan.out / "embeddings.csv", images);
  array.finish();
  return result;
}

}  // namespace simclr
