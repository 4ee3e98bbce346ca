// Writes a ledger, then prints its records and proofs for other implementations to check:
//   record <hexadecimal bytes>    one line per record, in order
//   then proofs as `weir ledger prove` prints them, each followed by an empty line
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "infrastructure/store/audit.h"
#include "infrastructure/store/segment_store.h"

namespace {

using namespace weir;

constexpr uint64_t kRecords = 700;
constexpr uint64_t kEverySizeUpTo = 130;
// Around the blocks of 256 records of which the ledger keeps only the root.
constexpr uint64_t kFurtherSizes[] = {255, 256, 257, 384, 511, 512, 513, 600, 700};

[[noreturn]] void give_up(const Error& error) {
  std::fprintf(stderr, "%s\n", error.text().c_str());
  std::exit(1);
}

std::string record(uint64_t number) {
  std::string out = "event " + std::to_string(number);
  out.resize(number * 37 % 200, static_cast<char>(number));
  return out;
}

void write_ledger(const std::string& directory) {
  auto opened = store::SegmentStore::open(directory, {.prepare_ahead = false});
  if (!opened) give_up(opened.error());
  for (uint64_t i = 0; i < kRecords; ++i) {
    std::string text = record(i);
    Bytes bytes = std::as_bytes(std::span(text));
    if (Status taken = (*opened)->append(std::span(&bytes, 1), LogStore::Urgency::kOrdinary); !taken)
      give_up(taken.error());
  }
  if (Status flushed = (*opened)->flush(); !flushed) give_up(flushed.error());
}

void print_proofs(const store::LedgerTree& tree, uint64_t size, uint64_t step) {
  for (uint64_t i = 0; i < size; i += step) {
    auto inclusion = tree.prove_inclusion(i, size);
    if (!inclusion) give_up(inclusion.error());
    std::printf("%s\n", to_text(*inclusion).c_str());
    auto consistency = tree.prove_consistency(i + 1, size);
    if (!consistency) give_up(consistency.error());
    std::printf("%s\n", to_text(*consistency).c_str());
  }
}

}  // namespace

int main() {
  std::string folder = std::filesystem::temp_directory_path().string() + "/weir-interop-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return 1;
  write_ledger(folder + "/ledger");
  auto tree = store::LedgerTree::open(folder + "/ledger");
  if (!tree) give_up(tree.error());
  Status printed = (*tree)->ledger().read(0, kRecords, [](Position, Bytes bytes) -> Status {
    std::printf("record ");
    for (std::byte b : bytes) std::printf("%02x", std::to_integer<unsigned>(b));
    std::printf("\n");
    return {};
  });
  if (!printed) give_up(printed.error());
  for (uint64_t size = 1; size <= kEverySizeUpTo; ++size) print_proofs(**tree, size, 1);
  for (uint64_t size : kFurtherSizes) print_proofs(**tree, size, 7);
  std::filesystem::remove_all(folder);
  return 0;
}
