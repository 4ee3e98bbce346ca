#include "infrastructure/site_local/artifact_store.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "infrastructure/posix/file.h"
#include "infrastructure/posix/unique_fd.h"

namespace weir::site_local {
namespace {

namespace fs = std::filesystem;
using posix::fail_errno;
using posix::UniqueFd;

constexpr size_t kBufferBytes = 256 << 10;

// Hashes `from` to its end, and copies it to `to` unless that is -1.
Result<std::string> hash(int from, const fs::path& from_path, int to, const fs::path& to_path) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  bool ok = context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  const auto buffer = std::make_unique<char[]>(kBufferBytes);
  for (;;) {
    const ssize_t n = ::read(from, buffer.get(), kBufferBytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("cannot read", from_path, errno);
    if (n == 0) break;
    ok = ok && EVP_DigestUpdate(context.get(), buffer.get(), static_cast<size_t>(n)) == 1;
    for (ssize_t done = 0; to >= 0 && done < n;) {
      const ssize_t m = ::write(to, buffer.get() + done, static_cast<size_t>(n - done));
      if (m < 0 && errno == EINTR) continue;
      if (m < 0) return fail_errno("cannot write", to_path, errno);
      done += m;
    }
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  ok = ok && EVP_DigestFinal_ex(context.get(), bytes.data(), &size) == 1 && size == 32;
  if (!ok) return fail(ErrorCode::kInternal, "SHA-256 is not available");
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

tl::unexpected<Error> mismatch(const fs::path& path, const std::string& wanted, const std::string& found) {
  return fail(ErrorCode::kCorrupt, "its SHA-256 is " + found + ", not " + wanted, path.string(),
              "name the digest of the file that you mean, or bring the right file");
}

Status check_digest(const std::string& digest) {
  if (valid_digest(digest)) return {};
  return fail(ErrorCode::kInvalid, "'" + digest.substr(0, 80) + "' is not a SHA-256 digest",
              "artifact.digest", "write 64 lower-case hexadecimal digits");
}

}  // namespace

bool valid_digest(std::string_view digest) {
  return digest.size() == 64 && std::all_of(digest.begin(), digest.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<std::string> digest_of(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("cannot open", path, errno);
  return hash(fd.get(), path, -1, {});
}

Result<ArtifactStore> ArtifactStore::open(const fs::path& folder) {
  const fs::path store = fs::absolute(folder) / "sha256";
  std::error_code error;
  fs::create_directories(store, error);
  if (error) return fail_errno("cannot make", store, error.value());
  if (::chmod(store.c_str(), 0755) != 0 || ::chmod(folder.c_str(), 0755) != 0) {
    return fail_errno("cannot open to readers", store, errno);
  }
  return ArtifactStore(store);
}

Result<ArtifactStore::Stamp> ArtifactStore::stamp_of(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return fail_errno("cannot look at", path, errno);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::kCorrupt, "not a regular file", path.string());
  const auto ns = [](const timespec& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; };
  return Stamp{info.st_dev, info.st_ino, static_cast<uint64_t>(info.st_size), ns(info.st_mtim),
               ns(info.st_ctim)};
}

Status ArtifactStore::fetch(const fs::path& from, const std::string& digest) {
  if (Status ok = check_digest(digest); !ok) return ok;
  if (verified(digest)) return {};
  const UniqueFd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) return fail_errno("cannot open", from, errno);
  const fs::path temporary =
      folder_ / ("." + digest + "." + std::to_string(::getpid()) + "." + std::to_string(::gettid()));
  UniqueFd out(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out) return fail_errno("cannot create", temporary, errno);
  const auto found = hash(in.get(), from, out.get(), temporary);
  Status ok;
  if (!found) {
    ok = tl::unexpected(found.error());
  } else if (*found != digest) {
    ok = mismatch(from, digest, *found);
  } else if (::fchmod(out.get(), 0555) != 0 || ::fsync(out.get()) != 0) {
    ok = fail_errno("cannot finish", temporary, errno);
  } else {
    // Closed before it is visible: a program that is open for writing cannot be run.
    out.reset();
    if (::rename(temporary.c_str(), (folder_ / digest).c_str()) != 0) {
      ok = fail_errno("cannot name", temporary, errno);
    }
  }
  if (!ok) ::unlink(temporary.c_str());
  return ok;
}

Result<fs::path> ArtifactStore::verified(const std::string& digest) {
  if (Status ok = check_digest(digest); !ok) return tl::unexpected(ok.error());
  fs::path path = folder_ / digest;
  const auto before = stamp_of(path);
  if (!before) {
    Error error = before.error();
    if (error.code == ErrorCode::kNotFound) {
      error.what = "no artifact of this digest";
      error.remedy = "fetch it to this site first";
    }
    return tl::unexpected(error);
  }
  {
    const std::lock_guard lock(mutex_);
    const auto known = checked_.find(digest);
    if (known != checked_.end() && known->second == *before) return path;
  }
  const auto found = digest_of(path);
  if (!found) return tl::unexpected(found.error());
  if (*found != digest) return mismatch(path, digest, *found);
  const std::lock_guard lock(mutex_);
  checked_.insert_or_assign(digest, *before);
  return path;
}

}  // namespace weir::site_local
