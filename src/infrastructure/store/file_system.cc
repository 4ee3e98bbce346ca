#include "infrastructure/store/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace weir::store {
namespace {

tl::unexpected<Error> system_error(int code, std::string_view doing, const std::string& path) {
  std::string what = std::string(doing) + ": " + std::generic_category().message(code);
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return fail(ErrorCode::kExhausted, what, path, "free space on this file system");
    case ENOENT:
      return fail(ErrorCode::kNotFound, what, path);
    case EACCES:
    case EPERM:
    case EROFS:
      return fail(ErrorCode::kDenied, what, path, "check the owner and mode of the directory");
    default:
      return fail(ErrorCode::kUnavailable, what, path);
  }
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }

 private:
  int value_;
};

template <class Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<size_t> write_at(uint64_t offset, Bytes data) override {
    ssize_t n = retried(
        [&] { return ::pwrite(descriptor_.get(), data.data(), data.size(), static_cast<off_t>(offset)); });
    if (n < 0) return system_error(errno, "cannot write", path_);
    return static_cast<size_t>(n);
  }

  Result<size_t> read_at(uint64_t offset, std::span<std::byte> out) const override {
    ssize_t n = retried(
        [&] { return ::pread(descriptor_.get(), out.data(), out.size(), static_cast<off_t>(offset)); });
    if (n < 0) return system_error(errno, "cannot read", path_);
    return static_cast<size_t>(n);
  }

  Status sync() override {
    if (::fdatasync(descriptor_.get()) != 0) return system_error(errno, "cannot flush", path_);
    return {};
  }

  Status allocate(uint64_t bytes) override {
    int rc = retried([&] { return ::fallocate(descriptor_.get(), 0, 0, static_cast<off_t>(bytes)); });
    if (rc == 0) return {};
    if (errno != EOPNOTSUPP) return system_error(errno, "cannot reserve space", path_);
    // glibc writes to every block where the file system cannot reserve.
    int code = ::posix_fallocate(descriptor_.get(), 0, static_cast<off_t>(bytes));
    if (code != 0) return system_error(code, "cannot reserve space", path_);
    return {};
  }

  Result<uint64_t> size() const override {
    struct stat status {};
    if (::fstat(descriptor_.get(), &status) != 0) return system_error(errno, "cannot inspect", path_);
    return static_cast<uint64_t>(status.st_size);
  }

  const std::string& path() const override { return path_; }

 private:
  Descriptor descriptor_;
  std::string path_;
};

class PosixLock final : public DirectoryLock {
 public:
  explicit PosixLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;  // closing it releases the lock
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    int flags = O_CLOEXEC;
    if (mode == Mode::kRead) flags |= O_RDONLY;
    if (mode == Mode::kReadWrite) flags |= O_RDWR;
    if (mode == Mode::kCreate) flags |= O_RDWR | O_CREAT | O_TRUNC;
    Descriptor descriptor(retried([&] { return ::open(path.c_str(), flags, 0640); }));
    if (descriptor.get() < 0) return system_error(errno, "cannot open", path);
    return std::make_unique<PosixFile>(std::move(descriptor), path);
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    DIR* stream = ::opendir(directory.c_str());
    if (stream == nullptr) return system_error(errno, "cannot list", directory);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {
      std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(std::move(name));
    }
    int code = errno;
    ::closedir(stream);
    if (code != 0) return system_error(code, "cannot list", directory);
    std::sort(names.begin(), names.end());
    return names;
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error(errno, "cannot rename to " + to, from);
    return {};
  }

  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return system_error(errno, "cannot remove", path);
    return {};
  }

  Status sync_directory(const std::string& directory) override {
    Descriptor descriptor(
        retried([&] { return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (descriptor.get() < 0) return system_error(errno, "cannot open", directory);
    if (::fsync(descriptor.get()) != 0) return system_error(errno, "cannot flush", directory);
    return {};
  }

  Status make_directory(const std::string& directory) override {
    if (::mkdir(directory.c_str(), 0750) == 0) {
      size_t slash = directory.find_last_of('/');
      return sync_directory(slash == std::string::npos ? "." : slash == 0 ? "/" : directory.substr(0, slash));
    }
    struct stat status {};
    if (errno == EEXIST && ::stat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
    return system_error(errno, "cannot make the directory", directory);
  }

  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& directory) override {
    std::string path = directory + "/LOCK";
    Descriptor descriptor(retried([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640); }));
    if (descriptor.get() < 0) return system_error(errno, "cannot open", path);
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return system_error(errno, "cannot lock", path);
      char digits[32] = {};
      ssize_t n = ::pread(descriptor.get(), digits, sizeof digits - 1, 0);
      std::string holder(digits, n > 0 ? std::strcspn(digits, "\n") : 0);
      return fail(ErrorCode::kConflict,
                  holder.empty() ? "the ledger is in use by another process"
                                 : "the ledger is in use by process " + holder,
                  path, "stop that process, or give this one another directory");
    }
    std::string own = std::to_string(::getpid()) + "\n";
    // A full disk must not keep the ledger closed: the number is only for the message above.
    if (::ftruncate(descriptor.get(), 0) == 0) (void)!::pwrite(descriptor.get(), own.data(), own.size(), 0);
    return std::make_unique<PosixLock>(std::move(descriptor));
  }
};

}  // namespace

FileSystem& posix_file_system() {
  static PosixFileSystem files;
  return files;
}

Status write_fully(File& file, uint64_t offset, Bytes data) {
  while (!data.empty()) {
    Result<size_t> written = file.write_at(offset, data);
    if (!written) return tl::unexpected(written.error());
    if (*written == 0) return fail(ErrorCode::kUnavailable, "the disk takes no more bytes", file.path());
    offset += *written;
    data = data.subspan(*written);
  }
  return {};
}

Result<size_t> read_fully(const File& file, uint64_t offset, std::span<std::byte> out) {
  size_t total = 0;
  while (total < out.size()) {
    Result<size_t> n = file.read_at(offset + total, out.subspan(total));
    if (!n) return n;
    if (*n == 0) break;
    total += *n;
  }
  return total;
}

Result<std::vector<std::byte>> read_file(FileSystem& files, const std::string& path, uint64_t bytes_max) {
  Result<std::unique_ptr<File>> file = files.open(path, FileSystem::Mode::kRead);
  if (!file) return tl::unexpected(file.error());
  Result<uint64_t> size = (*file)->size();
  if (!size) return tl::unexpected(size.error());
  if (*size > bytes_max) {
    return fail(ErrorCode::kCorrupt,
                "a file of " + std::to_string(*size) + " bytes; at most " + std::to_string(bytes_max) +
                    " are expected",
                path);
  }
  std::vector<std::byte> content(*size);
  Result<size_t> n = read_fully(**file, 0, content);
  if (!n) return tl::unexpected(n.error());
  content.resize(*n);
  return content;
}

Status replace_file(FileSystem& files, const std::string& directory, const std::string& name,
                    std::span<const Bytes> parts) {
  std::string path = directory + "/" + name, temporary = path + ".tmp";
  auto write = [&]() -> Status {
    Result<std::unique_ptr<File>> file = files.open(temporary, FileSystem::Mode::kCreate);
    if (!file) return tl::unexpected(file.error());
    uint64_t offset = 0;
    for (Bytes part : parts) {
      if (Status written = write_fully(**file, offset, part); !written) return written;
      offset += part.size();
    }
    return (*file)->sync();
  };
  if (Status written = write(); !written) {
    (void)files.remove(temporary);
    return written;
  }
  if (Status renamed = files.rename(temporary, path); !renamed) return renamed;
  return files.sync_directory(directory);
}

}  // namespace weir::store
