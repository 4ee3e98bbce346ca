#include <sys/stat.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "app/client.h"
#include "app/commands.h"
#include "app/exit_code.h"
#include "app/ledger_proof.h"
#include "app/help_page.h"
#include "core/ledger/proof_text.h"
#include "infrastructure/store/audit.h"
#include "infrastructure/store/backup.h"

namespace weir::app {
namespace {

namespace fs = std::filesystem;

struct Options {
  Target target;
  std::string data, to, from, format = "table";
  uint64_t position = 0, size = 0, old_size = 0;
};

// A brain's data directory, or the ledger's own.
std::string ledger_directory(const std::string& data) {
  std::error_code error;
  const fs::path inner = fs::path(data) / "ledger";
  return fs::is_directory(inner, error) ? inner.string() : data;
}

void print_head(const TreeHead& head) {
  std::cout << "size " << head.size << "\nroot " << to_hex(head.root) << "\n";
}

// For programs; the fields in their order, numbers as they are and the root as a text.
void print_fields(const std::string& format, const TreeHead& head,
                  const std::vector<std::pair<std::string, uint64_t>>& more = {}) {
  const bool json = format == "json";
  const std::string quote = json ? "\"" : "", between = json ? ", " : "\n";
  std::cout << (json ? "{" : "") << quote << "size" << quote << ": " << head.size << between << quote
            << "root" << quote << ": \"" << to_hex(head.root) << "\"";
  for (const auto& [name, value] : more) std::cout << between << quote << name << quote << ": " << value;
  std::cout << (json ? "}" : "") << "\n";
}

Result<v1::LedgerHeadResponse> online_head(Client& client) {
  v1::LedgerHeadResponse response;
  const Status called = client.call(&v1::Weir::Stub::LedgerHead, v1::LedgerHeadRequest(), response);
  if (!called) return tl::unexpected(called.error());
  return response;
}

Result<InclusionProof> online_proof(Client& client, uint64_t position, uint64_t size) {
  v1::LedgerProofRequest request;
  request.set_position(position);
  request.set_size(size);
  v1::LedgerProofResponse response;
  const Status called = client.call(&v1::Weir::Stub::LedgerProof, request, response);
  if (!called) return tl::unexpected(called.error());
  return inclusion_of(response);
}

Status verify(const Options& o) {
  if (!o.data.empty()) {
    const auto verified = store::verify_ledger(ledger_directory(o.data));
    if (!verified) return tl::unexpected(verified.error());
    if (o.format != "table") {
      print_fields(o.format, verified->head,
                   {{"record_bytes", verified->record_bytes},
                    {"segments", verified->segments},
                    {"blocks_compared", verified->blocks_compared},
                    {"torn_writes", verified->torn ? 1 : 0},
                    {"damaged_checkpoints", verified->damaged_checkpoints.size()}});
      return {};
    }
    std::cout << "Every record is as it was written: " << verified->head.size << " records, " << verified->record_bytes
              << " bytes in " << verified->segments << " segments";
    if (verified->blocks_compared > 0) std::cout << ", " << verified->blocks_compared << " blocks compared with kept hashes";
    std::cout << ".\n";
    print_head(verified->head);
    if (verified->torn) std::cout << "The last write is incomplete; it was never acknowledged.\n";
    for (const Error& damaged : verified->damaged_checkpoints) {
      std::cout << "A checkpoint cannot be used (the ledger does not need it): " << damaged.text() << "\n";
    }
    return {};
  }
  // Without the files: that the last record is in the tree whose head the brain claims.
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  const auto head = online_head(*client);
  if (!head) return tl::unexpected(head.error());
  if (head->size() > 0) {
    const auto proof = online_proof(*client, head->size() - 1, head->size());
    if (!proof) return tl::unexpected(proof.error());
    const Status holds = verify_inclusion(proof->index, proof->leaf, proof->head, proof->hashes);
    if (!holds) return holds;
  }
  if (o.format != "table") {
    const auto root = hash_of(head->root_sha256());
    if (!root) return tl::unexpected(root.error());
    print_fields(o.format, {head->size(), *root});
    return {};
  }
  std::cout << "The brain proved its last record. Every record is checked by 'weir ledger verify --data DIR'.\n"
            << "size " << head->size() << "\n";
  return {};
}

Status head(const Options& o) {
  const auto print = [&o](const TreeHead& head) {
    o.format == "table" ? print_head(head) : print_fields(o.format, head);
  };
  if (!o.data.empty()) {
    const auto tree = store::LedgerTree::open(ledger_directory(o.data));
    if (!tree) return tl::unexpected(tree.error());
    print((*tree)->head());
    return {};
  }
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  const auto answer = online_head(*client);
  if (!answer) return tl::unexpected(answer.error());
  const auto root = hash_of(answer->root_sha256());
  if (!root) return tl::unexpected(root.error());
  print({answer->size(), *root});
  return {};
}

Status prove(const Options& o) {
  if (!o.data.empty()) {
    const auto tree = store::LedgerTree::open(ledger_directory(o.data));
    if (!tree) return tl::unexpected(tree.error());
    const uint64_t size = o.size == 0 ? (*tree)->head().size : o.size;
    const auto proof = (*tree)->prove_inclusion(o.position, size);
    if (!proof) return tl::unexpected(proof.error());
    std::cout << to_text(*proof);
    if (o.old_size != 0) {
      const auto growth = (*tree)->prove_consistency(o.old_size, size);
      if (!growth) return tl::unexpected(growth.error());
      std::cout << to_text(*growth);
    }
    return {};
  }
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  const auto proof = online_proof(*client, o.position, o.size);
  if (!proof) return tl::unexpected(proof.error());
  if (const Status holds = verify_inclusion(proof->index, proof->leaf, proof->head, proof->hashes); !holds) return holds;
  std::cout << to_text(*proof);
  return {};
}

void print_backup(const store::Backup& backup, const std::string& to) {
  std::cout << to << " holds " << backup.head.size << " records\n";
  print_head(backup.head);
}

// The ledger, and the CA's key, without which every agent would have to join again.
Status copy_identity(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::is_directory(from / "ca", error)) return {};
  fs::create_directories(to / "ca", error);
  for (const char* name : {"ca.pem", "ca.crt"}) {
    if (!fs::exists(from / "ca" / name, error)) continue;
    if (fs::exists(to / "ca" / name, error)) {
      return fail(ErrorCode::kConflict, "exists already", (to / "ca" / name).string(), "choose an empty directory");
    }
    fs::copy_file(from / "ca" / name, to / "ca" / name, error);
    if (error) return fail(ErrorCode::kUnavailable, error.message(), (to / "ca" / name).string());
    fs::permissions(to / "ca" / name, fs::status(from / "ca" / name).permissions(), error);
  }
  fs::permissions(to / "ca", fs::perms::owner_all, error);
  return {};
}

// Makes a directory that only its owner reads, for a ledger and keys. One that exists must be empty, and
// stays as it is.
Status make_target(const std::string& path) {
  std::error_code error;
  const fs::file_status there = fs::status(path, error);
  if (fs::exists(there)) {
    if (fs::is_directory(there) && fs::is_empty(path, error) && !error) return {};
    return fail(ErrorCode::kConflict, fs::is_directory(there) ? "is not empty" : "is no directory", path,
                "name a new directory");
  }
  if (const fs::path parent = fs::absolute(path).lexically_normal().parent_path();
      !fs::exists(parent, error)) {
    return fail(ErrorCode::kNotFound, "does not exist", parent.string(), "make it first");
  }
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  return fail(ErrorCode::kUnavailable, "cannot be made: " + std::generic_category().message(errno), path,
              "name a directory in one that you may write");
}

Status copy(const Options& o, const std::string& from,
            Result<store::Backup> (*copy_ledger)(const std::string&, const std::string&,
                                                 store::FileSystem&)) {
  if (const Status made = make_target(o.to); !made) return made;
  const auto done =
      copy_ledger(ledger_directory(from), (fs::path(o.to) / "ledger").string(), store::posix_file_system());
  if (!done) {
    std::error_code ignored;
    fs::remove(o.to, ignored);  // only if nothing came into it
    return tl::unexpected(done.error());
  }
  if (const Status copied = copy_identity(from, o.to); !copied) return copied;
  print_backup(*done, o.to);
  return {};
}

Status backup(const Options& o) { return copy(o, o.data, store::backup_ledger); }
Status restore(const Options& o) { return copy(o, o.from, store::restore_ledger); }

template <class Declare>
void command(CLI::App& app, const std::string& name, const std::string& what, const std::string& footer, bool online,
             Declare&& declare, Status (*run)(const Options&)) {
  CLI::App* added = app.add_subcommand(name, what);
  const auto options = std::make_shared<Options>();
  declare(*added, *options);
  if (online) {
    added->add_option("--data", options->data, "Read this data directory instead of asking a brain")->type_name("DIR");
    add_target_options(*added, options->target);
  }
  added->footer(footer);
  added->callback([options, run] { finish(run(*options)); });
}

}  // namespace

void add_ledger_commands(CLI::App& app) {
  CLI::App* ledger = app.add_subcommand("ledger", "Prove what the ledger holds (RFC 6962)");
  ledger->require_subcommand(1);
  ledger->footer("\nExamples:\n  weir ledger head\n  weir ledger verify --data /var/lib/weir");
  const auto format = [](CLI::App& c, Options& o) {
    c.add_option("-o,--output", o.format, "table, json or yaml")
        ->check(CLI::IsMember({"table", "json", "yaml"}))
        ->capture_default_str();
  };
  command(*ledger, "verify", "Check every record against the tree",
          "\nExample:\n  weir ledger verify --data /var/lib/weir", true, format, verify);
  command(*ledger, "head", "Show size and root: who keeps them can prove a change later",
          "\nExample:\n  weir ledger head -o json", true, format, head);
  command(
      *ledger, "prove", "Prove that a record is in the ledger", R"(
Examples:
  weir ledger prove 17
  weir ledger prove 17 --size 1000 --old-size 500 --data /var/lib/weir)",
      true,
      [](CLI::App& c, Options& o) {
        c.add_option("N", o.position, "Position of the record")->required()->check(refuse_no_count);
        c.add_option("--size", o.size, "Of the tree to prove in (default: the present one)")
            ->check(refuse_no_count);
        c.add_option("--old-size", o.old_size,
                     "Prove also that the tree of this size is a prefix (with --data)")
            ->check(refuse_no_count);
      },
      prove);
  command(app, "backup", "Copy a ledger and the brain's CA, also while the brain runs", R"(
Example:
  weir backup --data /var/lib/weir --to /backup/weir-monday)",
          false,
          [](CLI::App& c, Options& o) {
            c.add_option("--data", o.data, "The brain's data directory")->required()->type_name("DIR");
            c.add_option("--to", o.to, "New directory")->required()->type_name("DIR");
          },
          backup);
  command(app, "restore", "Make a data directory from a backup", R"(
Example:
  weir restore --from /backup/weir-monday --to /var/lib/weir)",
          false,
          [](CLI::App& c, Options& o) {
            c.add_option("--from", o.from, "The backup")->required()->type_name("DIR");
            c.add_option("--to", o.to, "New data directory")->required()->type_name("DIR");
          },
          restore);
}

}  // namespace weir::app
