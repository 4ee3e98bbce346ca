#pragma once

#include <optional>
#include <string>

#include "infrastructure/store/file_system.h"
#include "infrastructure/store/format.h"

// One checkpoint per file, beside the segments. Little-endian:
//   "WEIRCHKP", format u32, CRC of the state u32, ledger id (16 bytes), version u64, state bytes u64,
//   CRC of the above u32, state
// CRCs are CRC-32C and start from the CRC of the ledger's id.
namespace weir::store {

inline constexpr size_t kCheckpointHeaderBytes = 52;
inline constexpr uint64_t kCheckpointBytesMax = uint64_t{8} << 30;

// What precedes the state in the file.
std::array<std::byte, kCheckpointHeaderBytes> encode_checkpoint_header(const LedgerId& ledger,
                                                                       const Checkpoint& checkpoint);

// kCorrupt: damaged, or of another ledger. kUnsupported: written by a newer format. `path` is for the
// message.
Result<Checkpoint> decode_checkpoint(const LedgerId& ledger, Bytes file, const std::string& path);

// Newest first.
Result<std::vector<Position>> checkpoint_versions(FileSystem& files, const std::string& directory);

struct FoundCheckpoint {
  std::optional<Checkpoint> checkpoint;
  std::vector<Error> skipped;  // newer ones that could not be used, newest first
};

// The newest undamaged one of at most this version. kUnsupported is passed on, damage is skipped.
Result<FoundCheckpoint> find_checkpoint(FileSystem& files, const std::string& directory,
                                        const LedgerId& ledger, Position version_max);

// Durable when it returns. Removes all others but the newest undamaged older one.
Status write_checkpoint(FileSystem& files, const std::string& directory, const LedgerId& ledger,
                        const Checkpoint& checkpoint);

}  // namespace weir::store
