// Settings files: YAML, keys and values; what is accepted comes back the same.
#include <string>

#include "fuzz/target.h"
#include "simclr/config/schema.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string yaml(data, data + size);
  simclr::fuzz::survives([&] {
    simclr::SettingsBuilder builder;
    builder.apply_yaml(yaml, "fuzz.yaml");
    const simclr::Settings settings = builder.resolve();
    simclr::SettingsBuilder again;
    again.apply_yaml(simclr::to_yaml(settings), "again.yaml");
    simclr::fuzz::require(simclr::differing_keys(settings, again.resolve()).empty());
  });
  return 0;
}
