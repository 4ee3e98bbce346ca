#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/log_store.h"
#include "core/result/result.h"

// The seam between the ledger's files and the operating system: tests put a disk that fails behind it.
// Errors carry the path. kExhausted: no space. kNotFound: no such file. kUnavailable: everything else.
namespace weir::store {

// May be used by several threads at once, as long as no byte is written while it is read.
class File {
 public:
  virtual ~File() = default;
  // Both may transfer fewer bytes than asked; reading gives 0 only at the end of the file.
  virtual Result<size_t> write_at(uint64_t offset, Bytes data) = 0;
  virtual Result<size_t> read_at(uint64_t offset, std::span<std::byte> out) const = 0;
  // The file's bytes and size survive a crash once it returns.
  virtual Status sync() = 0;
  // Makes the file at least this long, with space reserved for all of it; new bytes read as zero.
  virtual Status allocate(uint64_t bytes) = 0;
  virtual Result<uint64_t> size() const = 0;
  virtual const std::string& path() const = 0;
};

// Held until destroyed.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;
};

class FileSystem {
 public:
  enum class Mode { kRead, kReadWrite, kCreate };  // kCreate empties a file that exists

  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) = 0;
  // Sorted names of the directory's files.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  // Renames, creations and removals in the directory survive a crash once it returns.
  virtual Status sync_directory(const std::string& directory) = 0;
  // ok if it is there already; its parent must be.
  virtual Status make_directory(const std::string& directory) = 0;
  // kConflict names the process that holds it.
  virtual Result<std::unique_ptr<DirectoryLock>> lock(const std::string& directory) = 0;
};

FileSystem& posix_file_system();

Status write_fully(File& file, uint64_t offset, Bytes data);
// Reads until `out` is full or the file ends; returns the bytes read.
Result<size_t> read_fully(const File& file, uint64_t offset, std::span<std::byte> out);
Result<std::vector<std::byte>> read_file(FileSystem& files, const std::string& path, uint64_t bytes_max);
// The file has either its old or its new content after a crash: temporary file, sync, rename, sync directory.
Status replace_file(FileSystem& files, const std::string& directory, const std::string& name,
                    std::span<const Bytes> parts);

}  // namespace weir::store
