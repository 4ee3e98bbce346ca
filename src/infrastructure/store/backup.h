#pragma once

#include <string>

#include "core/ledger/merkle.h"
#include "infrastructure/store/file_system.h"
#include "infrastructure/store/format.h"

// A backup is a directory that is itself a ledger, for any reader, with a manifest:
//
//   weir-backup 1
//   ledger <32 hexadecimal digits>
//   records 1234
//   root <64 hexadecimal digits>
namespace weir::store {

struct Backup {
  LedgerId ledger{};
  TreeHead head;
  friend bool operator==(const Backup&, const Backup&) = default;
};

std::string manifest_text(const Backup& backup);
// kInvalid names the line.
Result<Backup> manifest_from_text(std::string_view text);

// Copies what is on disk now, also while a writer runs, with the newest checkpoint; then reads the copy back
// and compares its root with the original's. `to` is made, or must hold no ledger (kConflict).
Result<Backup> backup_ledger(const std::string& from, const std::string& to,
                             FileSystem& files = posix_file_system());

// Makes a ledger from a backup. `to` is made, or must hold no ledger (kConflict). kCorrupt: the backup is not
// what its manifest says, and nothing was restored. A restore that is cut short leaves a directory that does
// not open as a ledger.
Result<Backup> restore_ledger(const std::string& from, const std::string& to,
                              FileSystem& files = posix_file_system());

}  // namespace weir::store
