#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace simclr {

struct TarEntry {
  std::string name;
  std::string bytes = {};
  unsigned type = AE_IFREG;
  std::string link = {};      ///< target of a symbolic link
  std::string hardlink = {};  ///< target of a hard link
};

/// Packs and formats as the name's end says: .zip, or .tar, .tar.gz, .tgz, .tar.bz2, .tar.xz,
/// .tar.zst. With `level` 0 the bytes of gzip and zip are stored as they are.
inline void set_format(archive* out, const std::filesystem::path& path, const std::string& level) {
  const std::string end = path.extension().string();
  if (end == ".zip") {
    archive_write_set_format_zip(out);
    if (level == "0") archive_write_zip_set_compression_store(out);
    return;
  }
  archive_write_set_format_pax_restricted(out);
  if (end == ".bz2") archive_write_add_filter_bzip2(out);
  if (end == ".xz") archive_write_add_filter_xz(out);
  if (end == ".zst") archive_write_add_filter_zstd(out);
  if (end == ".gz" || end == ".tgz") {
    archive_write_add_filter_gzip(out);
    archive_write_set_filter_option(out, "gzip", "compression-level", level.c_str());
  }
}

/// Writes an archive of the kind that its name says. With `level` 0 the bytes are stored as they
/// are, so that a test can find and change them.
inline void make_archive(const std::filesystem::path& path, const std::vector<TarEntry>& entries,
                         const char* level = "6") {
  archive* out = archive_write_new();
  set_format(out, path, level);
  if (archive_write_open_filename(out, path.c_str()) != ARCHIVE_OK) {
    throw std::runtime_error(archive_error_string(out));
  }
  for (const TarEntry& entry : entries) {
    archive_entry* header = archive_entry_new();
    archive_entry_set_pathname(header, entry.name.c_str());
    archive_entry_set_filetype(header, entry.type);
    archive_entry_set_perm(header, 0644);
    archive_entry_set_size(header, static_cast<la_int64_t>(entry.bytes.size()));
    if (!entry.link.empty()) archive_entry_set_symlink(header, entry.link.c_str());
    if (!entry.hardlink.empty()) archive_entry_set_hardlink(header, entry.hardlink.c_str());
    // A .zip has no pipes and devices.
    if (archive_write_header(out, header) == ARCHIVE_OK) {
      archive_write_data(out, entry.bytes.data(), entry.bytes.size());
    }
    archive_entry_free(header);
  }
  archive_write_close(out);
  archive_write_free(out);
}

}  // namespace simclr
