#include "infrastructure/store/backup.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "infrastructure/store/audit.h"
#include "infrastructure/store/checkpoint_file.h"
#include "infrastructure/store/ledger_reader.h"

namespace weir::store {
namespace {

constexpr std::string_view kManifestName = "MANIFEST";
constexpr std::string_view kManifestTitle = "weir-backup 1";
constexpr uint64_t kManifestBytesMax = 4096;
constexpr size_t kCopyBytes = 1 << 20;
constexpr std::string_view kUnfinishedSuffix = ".copying";

std::string hex_of(const LedgerId& id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::byte b : id) {
    out.push_back(kDigits[std::to_integer<size_t>(b) >> 4]);
    out.push_back(kDigits[std::to_integer<size_t>(b) & 15]);
  }
  return out;
}

std::optional<LedgerId> id_from_hex(std::string_view digits) {
  LedgerId out;
  if (digits.size() != 2 * out.size()) return std::nullopt;
  for (size_t i = 0; i < out.size(); ++i) {
    unsigned value = 0;
    auto [end, code] = std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, value, 16);
    if (code != std::errc{} || end != digits.data() + 2 * i + 2) return std::nullopt;
    out[i] = static_cast<std::byte>(value);
  }
  return out;
}

Status copy_bytes(const File& from, FileSystem& files, const std::string& path, uint64_t bytes,
                  uint64_t bytes_allocated) {
  Result<std::unique_ptr<File>> to = files.open(path, FileSystem::Mode::kCreate);
  if (!to) return tl::unexpected(to.error());
  if (Status allocated = (*to)->allocate(bytes_allocated); !allocated) return allocated;
  std::vector<std::byte> buffer(kCopyBytes);
  for (uint64_t offset = 0; offset < bytes;) {
    size_t wanted = static_cast<size_t>(std::min<uint64_t>(buffer.size(), bytes - offset));
    Result<size_t> n = read_fully(from, offset, std::span(buffer).first(wanted));
    if (!n) return tl::unexpected(n.error());
    if (*n == 0) return fail(ErrorCode::kCorrupt, "the file is shorter than its content", from.path());
    if (Status written = write_fully(**to, offset, Bytes(buffer).first(*n)); !written) return written;
    offset += *n;
  }
  return (*to)->sync();
}

// Makes `to` a copy of the ledger that `from` has open, without records beyond its end. Segments get their
// names from last to first, so that an unfinished copy lacks record 0 and does not open.
Status copy_ledger(const LedgerReader& from, const std::string& to, FileSystem& files, bool preallocate) {
  if (Status made = files.make_directory(to); !made) return made;
  Result<std::vector<std::string>> names = files.list(to);
  if (!names) return tl::unexpected(names.error());
  for (const std::string& name : *names) {
    if (position_of_segment_name(name) || version_of_checkpoint_name(name)) {
      return fail(ErrorCode::kConflict, "the directory already holds a ledger", to,
                  "name an empty directory");
    }
  }
  std::vector<std::shared_ptr<Segment>> segments = from.segments();
  for (const std::shared_ptr<Segment>& segment : segments) {
    uint64_t bytes = segment->header().segment_bytes;
    if (segment == segments.back()) bytes = from.end_of_last_segment().offset;
    Result<uint64_t> file_bytes = segment->file().size();
    if (!file_bytes) return tl::unexpected(file_bytes.error());
    bytes = std::min(bytes, *file_bytes);
    std::string path = to + "/" + segment_name(segment->header().first) + std::string(kUnfinishedSuffix);
    Status copied = copy_bytes(segment->file(), files, path, bytes,
                               preallocate ? segment->header().segment_bytes : bytes);
    if (!copied) return copied;
  }
  Result<std::optional<Checkpoint>> checkpoint = from.newest_checkpoint();
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  if (*checkpoint) {
    if (Status written = write_checkpoint(files, to, from.ledger_id(), **checkpoint); !written)
      return written;
  }
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    std::string path = to + "/" + segment_name((*segment)->header().first);
    if (Status renamed = files.rename(path + std::string(kUnfinishedSuffix), path); !renamed) return renamed;
    if (Status synced = files.sync_directory(to); !synced) return synced;
  }
  return {};
}

Result<TreeHead> hash_all(const LedgerReader& ledger) {
  MerkleTree tree(kTreeBaseLevel, leaves_of(ledger));
  if (Status hashed = extend_tree(tree, ledger, ledger.durable_end()); !hashed)
    return tl::unexpected(hashed.error());
  return tree.head();
}

// Reads the copy back and compares it.
Status check_copy(const std::string& directory, FileSystem& files, const Backup& expected) {
  Result<std::unique_ptr<LedgerReader>> copy = LedgerReader::open(directory, files);
  if (!copy) return tl::unexpected(copy.error());
  Result<TreeHead> head = hash_all(**copy);
  if (!head) return tl::unexpected(head.error());
  if (*head == expected.head && (*copy)->ledger_id() == expected.ledger) return {};
  return fail(ErrorCode::kCorrupt,
              "holds " + std::to_string(head->size) + " records with root " + to_hex(head->root) +
                  ", expected " + std::to_string(expected.head.size) + " with root " +
                  to_hex(expected.head.root),
              directory, "do not use this copy");
}

}  // namespace

std::string manifest_text(const Backup& backup) {
  return std::string(kManifestTitle) + "\nledger " + hex_of(backup.ledger) + "\nrecords " +
         std::to_string(backup.head.size) + "\nroot " + to_hex(backup.head.root) + "\n";
}

Result<Backup> manifest_from_text(std::string_view text) {
  std::array<std::string_view, 4> lines;
  for (size_t i = 0; i < lines.size(); ++i) {
    size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      return fail(ErrorCode::kInvalid, "the manifest is incomplete", "line " + std::to_string(i + 1));
    }
    lines[i] = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  auto wrong = [](int line, const char* expected) {
    return fail(ErrorCode::kInvalid, std::string("expected ") + expected, "line " + std::to_string(line));
  };
  auto value = [&](size_t line, std::string_view name) {
    return lines[line].starts_with(name) ? lines[line].substr(name.size()) : std::string_view{};
  };
  if (lines[0] != kManifestTitle) return wrong(1, "\"weir-backup 1\"");
  std::optional<LedgerId> id = id_from_hex(value(1, "ledger "));
  if (!id) return wrong(2, "the ledger's identity, 32 hexadecimal digits");
  Backup out;
  out.ledger = *id;
  std::string_view digits = value(2, "records ");
  auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), out.head.size);
  if (code != std::errc{} || end != digits.data() + digits.size()) return wrong(3, "the number of records");
  Result<Hash> root = hash_from_hex(value(3, "root "));
  if (!root) return wrong(4, "the root, 64 hexadecimal digits");
  out.head.root = *root;
  if (!text.empty()) return wrong(5, "the end of the text");
  return out;
}

Result<Backup> backup_ledger(const std::string& from, const std::string& to, FileSystem& files) {
  Result<std::unique_ptr<LedgerTree>> original = LedgerTree::open(from, files);
  if (!original) return tl::unexpected(original.error());
  Backup backup{(*original)->ledger().ledger_id(), (*original)->head()};
  if (Status copied = copy_ledger((*original)->ledger(), to, files, false); !copied)
    return tl::unexpected(copied.error());
  if (Status checked = check_copy(to, files, backup); !checked) return tl::unexpected(checked.error());
  std::string text = manifest_text(backup);
  std::array<Bytes, 1> parts = {std::as_bytes(std::span(text))};
  if (Status written = replace_file(files, to, std::string(kManifestName), parts); !written) {
    return tl::unexpected(written.error());
  }
  return backup;
}

Result<Backup> restore_ledger(const std::string& from, const std::string& to, FileSystem& files) {
  std::string path = from + "/" + std::string(kManifestName);
  Result<std::vector<std::byte>> bytes = read_file(files, path, kManifestBytesMax);
  if (!bytes) {
    if (bytes.error().code != ErrorCode::kNotFound) return tl::unexpected(bytes.error());
    return fail(ErrorCode::kNotFound, "no finished backup here: there is no manifest", path,
                "name another directory");
  }
  Result<Backup> manifest = manifest_from_text({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  if (!manifest) return fail(ErrorCode::kCorrupt, manifest.error().text(), path, "use another backup");
  if (Status checked = check_copy(from, files, *manifest); !checked) return tl::unexpected(checked.error());
  Result<std::unique_ptr<LedgerReader>> backup = LedgerReader::open(from, files);
  if (!backup) return tl::unexpected(backup.error());
  if (Status copied = copy_ledger(**backup, to, files, true); !copied) return tl::unexpected(copied.error());
  if (Status checked = check_copy(to, files, *manifest); !checked) return tl::unexpected(checked.error());
  return *manifest;
}

}  // namespace weir::store
