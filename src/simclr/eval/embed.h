#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "simclr/config/settings.h"
#include "simclr/core/events.h"
#include "simclr/data/open.h"
#include "simclr/eval/embedding.h"

namespace simclr {

/// All images of a source in one order, and what each is called.
struct NamedImages {
  std::shared_ptr<const Dataset> images;
  std::function<std::string(std::size_t index)> name_of;  ///< "cats/1.jpg", "train/17"
  std::vector<std::string> class_names;                   ///< empty: unlabelled
};

/// Pictures in the order of their names; other sets part by part (training, test, unlabelled),
/// named by part and index there.
NamedImages every_image(const DataSource& source);

struct EmbedPlan {
  std::filesystem::path out;
  Normalization normalization = Normalization::kNone;
  std::int64_t workers = 1;
  std::string about;       ///< whose vectors these are: part of what must agree to go on
  bool overwrite = false;  ///< replace vectors that are there, once all of the new ones are
  std::function<bool()> stop = [] { return false; };  ///< asked after every batch
};

struct EmbedResult {
  std::int64_t images = 0;
  std::int64_t width = 0;
  std::int64_t kept = 0;     ///< of them from an earlier, interrupted call
  bool interrupted = false;  ///< `stop` said so: the same call goes on from here
};

/// Writes out/embeddings.npy (f32 [images, width]), embeddings.csv (row, name, label, class) and
/// embeddings.json (what they are). Batch by batch: memory does not grow with the number of images.
/// Until all is done the vectors stand in embeddings.npy.partial; called again after any end, with
/// the same encoder and images, it goes on after the last whole batch.
/// @throws Error(kUsage) if embeddings.npy is there already, Error(kFailed) if the disk refuses or
/// the encoder moved
EmbedResult embed_images(const Embedding& embedding, const NamedImages& images,
                         const EmbedPlan& plan, EventSink& sink);

}  // namespace simclr
