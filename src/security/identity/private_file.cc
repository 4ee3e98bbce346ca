#include "security/identity/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace weir::identity {
namespace {

namespace fs = std::filesystem;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> system_failure(const fs::path& path, std::string_view act) {
  const int code = errno;
  ErrorCode kind = ErrorCode::kUnavailable;
  if (code == ENOENT) kind = ErrorCode::kNotFound;
  if (code == EACCES || code == EPERM) kind = ErrorCode::kDenied;
  if (code == EEXIST) kind = ErrorCode::kConflict;
  if (code == ENOSPC || code == EDQUOT) kind = ErrorCode::kExhausted;
  return fail(kind, std::string(act) + ": " + std::strerror(code), path.string());
}

std::string octal(mode_t mode) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777));
  return text.data();
}

Status sync_folder(const fs::path& folder) {
  const File file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.fd() < 0 || ::fsync(file.fd()) != 0) return system_failure(folder, "cannot flush the folder");
  return {};
}

Status write_all(int fd, std::string_view text, const fs::path& path) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return system_failure(path, "cannot write");
    text.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Status write_whole(const fs::path& path, std::string_view text, mode_t mode, Existing existing) {
  if (text.size() > kPrivateFileBytesMax) {
    return fail(ErrorCode::kInvalid, "more than " + std::to_string(kPrivateFileBytesMax) + " bytes",
                path.string());
  }
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::string temporary = (folder / ("." + path.filename().string() + ".XXXXXX")).string();
  const File file(::mkostemp(temporary.data(), O_CLOEXEC));  // made 0600
  if (file.fd() < 0) return system_failure(folder, "cannot write into the folder");
  const auto act = [&]() -> Status {
    if (Status written = write_all(file.fd(), text, path); !written) return written;
    if (::fchmod(file.fd(), mode) != 0) return system_failure(path, "cannot set the permissions");
    if (::fsync(file.fd()) != 0) return system_failure(path, "cannot flush");
    if (existing == Existing::kReplace) {
      if (::rename(temporary.c_str(), path.c_str()) != 0) return system_failure(path, "cannot put in place");
      return {};
    }
    if (::link(temporary.c_str(), path.c_str()) != 0) return system_failure(path, "cannot put in place");
    ::unlink(temporary.c_str());
    return {};
  };
  if (Status done = act(); !done) {
    ::unlink(temporary.c_str());
    return done;
  }
  return sync_folder(folder);
}

}  // namespace

Status make_private_folder(const fs::path& folder) {
  std::error_code error;
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return system_failure(folder, "cannot make the folder");
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return system_failure(folder, "cannot look at the folder");
  if (!S_ISDIR(info.st_mode)) return fail(ErrorCode::kDenied, "not a folder", folder.string());
  if (info.st_uid != ::geteuid()) {
    return fail(ErrorCode::kDenied, "belongs to user " + std::to_string(info.st_uid), folder.string(),
                "run as its owner, or `chown " + std::to_string(::geteuid()) + "` it");
  }
  if ((info.st_mode & 022) != 0) {
    return fail(ErrorCode::kDenied, "other users may write it (mode " + octal(info.st_mode) + ")",
                folder.string(), "`chmod 0700 " + folder.string() + "`");
  }
  return {};
}

Result<SecretText> read_private_file(const fs::path& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.fd() < 0) {
    if (errno == ELOOP) {
      return fail(ErrorCode::kDenied, "is a symbolic link", path.string(),
                  "put the file itself in its place");
    }
    return system_failure(path, "cannot open");
  }
  struct stat info {};
  if (::fstat(file.fd(), &info) != 0) return system_failure(path, "cannot look at the file");
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::kDenied, "is not a regular file", path.string());
  if (info.st_uid != ::geteuid()) {
    return fail(ErrorCode::kDenied, "belongs to user " + std::to_string(info.st_uid), path.string(),
                "run as its owner, or `chown " + std::to_string(::geteuid()) + "` it");
  }
  if ((info.st_mode & 077) != 0) {
    return fail(ErrorCode::kDenied,
                "holds a secret that other users may reach (mode " + octal(info.st_mode) + ")", path.string(),
                "`chmod 0600 " + path.string() + "`; if others use this machine, make a new secret");
  }
  if (info.st_size > static_cast<off_t>(kPrivateFileBytesMax)) {
    return fail(ErrorCode::kInvalid, "more than " + std::to_string(kPrivateFileBytesMax) + " bytes",
                path.string());
  }
  std::array<char, kPrivateFileBytesMax + 1> bytes;
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t n = ::read(file.fd(), bytes.data() + size, bytes.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failure(path, "cannot read");
    if (n == 0) break;
    size += static_cast<size_t>(n);
  }
  SecretText text({bytes.data(), size});
  ::explicit_bzero(bytes.data(), size);
  if (size > kPrivateFileBytesMax) {
    return fail(ErrorCode::kInvalid, "more than " + std::to_string(kPrivateFileBytesMax) + " bytes",
                path.string());
  }
  return text;
}

Status write_private_file(const fs::path& path, std::string_view text, Existing existing) {
  return write_whole(path, text, 0600, existing);
}

Status write_public_file(const fs::path& path, std::string_view text) {
  return write_whole(path, text, 0644, Existing::kReplace);
}

}  // namespace weir::identity
