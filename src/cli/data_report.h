#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "simclr/core/events.h"
#include "simclr/data/open.h"

// What `simclr data` says of images, as JSON and as the table made from that.
namespace simclr::cli {

using Json = nlohmann::ordered_json;

/// Of each part of a run's images: count, classes, sizes, mean and deviation.
Json describe_parts(const DataSplits& data, EventSink& sink);
std::string parts_table(const Json& parts);

/// Of a whole source: counts, classes, sizes, duplicates, and the files that were skipped.
Json describe_source(const DataSource& source, const std::string& name, EventSink& sink);
std::string source_table(const Json& found);

}  // namespace simclr::cli
