#pragma once

#include "simclr/data/open.h"
#include "simclr/data/source_kind.h"
#include "simclr/formats/stl10.h"

// The sources whose images go through the cache.
namespace simclr {

/// A folder, list or archive of pictures: settings.source. Parts are as the source has them.
DataSource open_pictures(SourceKind kind, const DataSettings& settings, bool read_again,
                         EventSink& sink);

/// STL-10: its folder or archive; 3.1 GB of pixels, hence the cache.
/// @throws Error(kData), see read_stl10
DataSource open_stl10(const DataSettings& settings, bool read_again, EventSink& sink,
                      const Stl10Counts& counts = {});

}  // namespace simclr
