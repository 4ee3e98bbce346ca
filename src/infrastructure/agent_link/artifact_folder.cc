#include "infrastructure/agent_link/artifact_folder.h"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>

#include "security/identity/token_text.h"
#include "security/policy/principal.h"

namespace weir::agent_link {
namespace fs = std::filesystem;
namespace {

// Names are those of files directly in the folder: nothing that leads out of it.
bool plain_name(std::string_view name) {
  return !name.empty() && name.size() <= policy::kNameBytesMax && name.front() != '.' &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

Result<std::string> hash_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!file || !context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    return fail(ErrorCode::kUnavailable, "cannot be read", path.string());
  }
  std::array<char, 65536> block;
  while (file.read(block.data(), block.size()) || file.gcount() > 0) {
    EVP_DigestUpdate(context.get(), block.data(), static_cast<size_t>(file.gcount()));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  return identity::hex({reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace

Result<ArtifactFolder::Known> ArtifactFolder::look(const std::string& name) {
  const fs::path path = folder_ / name;
  std::error_code error;
  Known now;
  if (!fs::is_regular_file(path, error) || error) {
    return fail(ErrorCode::kNotFound, "no artifact \"" + name + "\" is registered", {},
                "copy the program into " + folder_.string() + ", or give its digest");
  }
  now.size = fs::file_size(path, error);
  now.changed = fs::last_write_time(path, error);
  const auto it = known_.find(name);
  if (it != known_.end() && it->second.size == now.size && it->second.changed == now.changed) return it->second;
  auto digest = hash_file(path);
  if (!digest) return tl::unexpected(digest.error());
  now.digest = std::move(*digest);
  known_[name] = now;
  return now;
}

Result<std::string> ArtifactFolder::digest(std::string_view name) {
  if (!plain_name(name)) return fail(ErrorCode::kInvalid, "is not the name of an artifact");
  const std::lock_guard lock(mutex_);
  auto known = look(std::string(name));
  if (!known) return tl::unexpected(known.error());
  return known->digest;
}

Result<ArtifactFolder::Found> ArtifactFolder::find(std::string_view digest) {
  if (!identity::is_fingerprint(digest)) {
    return fail(ErrorCode::kInvalid, "a digest is 64 hexadecimal digits in lower case", "ArtifactRequest.digest");
  }
  const std::lock_guard lock(mutex_);
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    if (!plain_name(name) || !entry.is_regular_file(error)) continue;
    const auto known = look(name);
    if (known && known->digest == digest) return Found{entry.path(), known->size};
  }
  return fail(ErrorCode::kNotFound, "no artifact has the digest " + std::string(digest), folder_.string());
}

}  // namespace weir::agent_link
