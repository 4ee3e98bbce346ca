#include "infrastructure/posix/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "infrastructure/posix/unique_fd.h"

namespace weir::posix {
namespace {

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ESRCH:
    case ENOTDIR:
      return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kDenied;
    case EEXIST:
      return ErrorCode::kConflict;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorCode::kExhausted;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
      return ErrorCode::kInvalid;
    case EOPNOTSUPP:
    case ENOSYS:
      return ErrorCode::kUnsupported;
    default:
      return ErrorCode::kUnavailable;
  }
}

Status write_all(int fd, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return fail_errno("cannot write", path, errno);
    }
    content.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

tl::unexpected<Error> fail_errno(std::string_view what, const std::filesystem::path& path, int error_number) {
  return fail(code_of(error_number), std::string(what) + ": " + std::generic_category().message(error_number),
              path.string());
}

Result<std::string> read_file(const std::filesystem::path& path, size_t bytes_max) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("cannot open", path, errno);
  std::string content;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return fail_errno("cannot read", path, errno);
    }
    if (n == 0) return content;
    if (content.size() + static_cast<size_t>(n) > bytes_max) {
      return fail(ErrorCode::kExhausted, "longer than " + std::to_string(bytes_max) + " bytes",
                  path.string());
    }
    content.append(buffer.data(), static_cast<size_t>(n));
  }
}

Status replace_file(const std::filesystem::path& path, std::string_view content, mode_t mode,
                    Durability durability) {
  const std::filesystem::path temporary =
      path.parent_path() /
      ("." + path.filename().string() + "." + std::to_string(::getpid()) + "." + std::to_string(::gettid()));
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return fail_errno("cannot create", temporary, errno);
  Status status = write_all(fd.get(), content, temporary);
  if (status && durability == Durability::kDurable && ::fsync(fd.get()) != 0) {
    status = fail_errno("cannot flush", temporary, errno);
  }
  fd.reset();
  if (status && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = fail_errno("cannot replace", path, errno);
  }
  if (!status) {
    ::unlink(temporary.c_str());
    return status;
  }
  if (durability == Durability::kDurable) {
    const UniqueFd folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return fail_errno("cannot open", path.parent_path(), errno);
    if (::fsync(folder.get()) != 0) return fail_errno("cannot flush", path.parent_path(), errno);
  }
  return {};
}

Status write_control(const std::filesystem::path& path, std::string_view content) {
  // Kernel control files exist already; O_CREAT makes no difference to them.
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return fail_errno("cannot open", path, errno);
  ssize_t n = 0;
  do {
    n = ::write(fd.get(), content.data(), content.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) return fail_errno("cannot write '" + std::string(content) + "'", path, errno);
  return {};
}

}  // namespace weir::posix
