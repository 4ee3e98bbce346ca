#include "infrastructure/store/checkpoint_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "infrastructure/store/bytes.h"
#include "infrastructure/store/crc32c.h"

namespace weir::store {
namespace {

constexpr std::string_view kMagic = "WEIRCHKP";

tl::unexpected<Error> damaged(std::string what, const std::string& path) {
  return fail(ErrorCode::kCorrupt, std::move(what), path,
              "an older checkpoint or the whole ledger is replayed instead");
}

}  // namespace

std::array<std::byte, kCheckpointHeaderBytes> encode_checkpoint_header(const LedgerId& ledger,
                                                                       const Checkpoint& checkpoint) {
  std::array<std::byte, kCheckpointHeaderBytes> out{};
  uint32_t seed = crc_seed(ledger);
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  store_u32(&out[8], kFormatVersion);
  store_u32(&out[12], crc32c(seed, checkpoint.state));
  std::copy(ledger.begin(), ledger.end(), out.begin() + 16);
  store_u64(&out[32], checkpoint.version);
  store_u64(&out[40], checkpoint.state.size());
  store_u32(&out[48], crc32c(seed, std::span(out).first(48)));
  return out;
}

Result<Checkpoint> decode_checkpoint(const LedgerId& ledger, Bytes file, const std::string& path) {
  if (file.size() < kCheckpointHeaderBytes || std::memcmp(file.data(), kMagic.data(), kMagic.size()) != 0) {
    return damaged("not a checkpoint", path);
  }
  uint32_t format = load_u32(&file[8]);
  if (format > kFormatVersion) {
    return fail(ErrorCode::kUnsupported,
                "written by a newer Weir (checkpoint format " + std::to_string(format) +
                    "; this one reads up to " + std::to_string(kFormatVersion) + ")",
                path, "upgrade this Weir");
  }
  uint32_t seed = crc_seed(ledger);
  if (format == 0 || load_u32(&file[48]) != crc32c(seed, file.first(48)) ||
      !std::equal(ledger.begin(), ledger.end(), file.begin() + 16)) {
    return damaged("the checkpoint's header is damaged or belongs to another ledger", path);
  }
  Bytes state = file.subspan(kCheckpointHeaderBytes);
  if (state.size() != load_u64(&file[40])) return damaged("the checkpoint is incomplete", path);
  if (load_u32(&file[12]) != crc32c(seed, state)) return damaged("the checkpoint's state is damaged", path);
  return Checkpoint{load_u64(&file[32]), std::vector<std::byte>(state.begin(), state.end())};
}

Result<std::vector<Position>> checkpoint_versions(FileSystem& files, const std::string& directory) {
  Result<std::vector<std::string>> names = files.list(directory);
  if (!names) return tl::unexpected(names.error());
  std::vector<Position> out;
  for (const std::string& name : *names) {
    if (std::optional<Position> version = version_of_checkpoint_name(name)) out.push_back(*version);
  }
  std::sort(out.rbegin(), out.rend());
  return out;
}

namespace {

// `vanished`: a checkpoint was removed between being listed and being read.
Result<FoundCheckpoint> search_once(FileSystem& files, const std::string& directory, const LedgerId& ledger,
                                    Position version_max, bool& vanished) {
  vanished = false;
  Result<std::vector<Position>> versions = checkpoint_versions(files, directory);
  if (!versions) return tl::unexpected(versions.error());
  FoundCheckpoint out;
  for (Position version : *versions) {
    if (version > version_max) continue;
    std::string path = directory + "/" + checkpoint_name(version);
    Result<std::vector<std::byte>> bytes = read_file(files, path, kCheckpointBytesMax);
    if (!bytes && bytes.error().code == ErrorCode::kNotFound) {
      vanished = true;
      continue;
    }
    if (!bytes && bytes.error().code != ErrorCode::kCorrupt) return tl::unexpected(bytes.error());
    Result<Checkpoint> checkpoint =
        bytes ? decode_checkpoint(ledger, *bytes, path) : Result<Checkpoint>(tl::unexpected(bytes.error()));
    if (checkpoint && checkpoint->version != version) {
      checkpoint =
          damaged("holds version " + std::to_string(checkpoint->version) + ", not as it is named", path);
    }
    if (checkpoint) {
      out.checkpoint = std::move(*checkpoint);
      return out;
    }
    if (checkpoint.error().code == ErrorCode::kUnsupported) return tl::unexpected(checkpoint.error());
    out.skipped.push_back(checkpoint.error());
  }
  return out;
}

}  // namespace

Result<FoundCheckpoint> find_checkpoint(FileSystem& files, const std::string& directory,
                                        const LedgerId& ledger, Position version_max) {
  constexpr int kAttempts = 3;
  bool vanished = true;
  FoundCheckpoint out;
  // A writer may replace all of them between listing and reading.
  for (int attempt = 0; attempt < kAttempts && vanished && !out.checkpoint; ++attempt) {
    Result<FoundCheckpoint> found = search_once(files, directory, ledger, version_max, vanished);
    if (!found) return found;
    out = std::move(*found);
  }
  return out;
}

Status write_checkpoint(FileSystem& files, const std::string& directory, const LedgerId& ledger,
                        const Checkpoint& checkpoint) {
  if (checkpoint.state.size() > kCheckpointBytesMax - kCheckpointHeaderBytes) {
    return fail(ErrorCode::kInvalid, "a checkpoint of " + std::to_string(checkpoint.state.size()) +
                                         " bytes; the limit is " + std::to_string(kCheckpointBytesMax));
  }
  auto header = encode_checkpoint_header(ledger, checkpoint);
  std::array<Bytes, 2> parts = {Bytes(header), Bytes(checkpoint.state)};
  if (Status written = replace_file(files, directory, checkpoint_name(checkpoint.version), parts); !written)
    return written;

  std::optional<Position> older;
  if (checkpoint.version > 0) {
    Result<FoundCheckpoint> found = find_checkpoint(files, directory, ledger, checkpoint.version - 1);
    if (!found) return tl::unexpected(found.error());
    if (found->checkpoint) older = found->checkpoint->version;
  }
  Result<std::vector<Position>> versions = checkpoint_versions(files, directory);
  if (!versions) return tl::unexpected(versions.error());
  for (Position version : *versions) {
    if (version == checkpoint.version || version == older) continue;
    if (Status removed = files.remove(directory + "/" + checkpoint_name(version)); !removed) return removed;
  }
  return {};
}

}  // namespace weir::store
