#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "infrastructure/store/bytes.h"
#include "infrastructure/store/faulty_disk.h"
#include "infrastructure/store/segment_store.h"

namespace {

using namespace weir;
using namespace weir::store;

constexpr uint64_t kSegmentBytes = 16 << 10;
const std::string kDirectory = "ledger";

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}
  size_t left() const { return left_; }
  uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  uint16_t word() { return static_cast<uint16_t>(byte() | byte() << 8); }

 private:
  const uint8_t* data_;
  size_t left_;
};

StoreOptions options() {
  return {.segment_bytes = kSegmentBytes,
          .record_bytes_max = 1000,
          .prepare_ahead = false,
          .keep_reserve = false};
}

}  // namespace

// Writes a ledger, damages it as the input says, and opens it. It must open with a prefix of what was
// written, or be refused; every record that is read must be the one that was written; what was recovered must
// open cleanly again and take further records. Bytes after the damage list overwrite the last batches whole,
// so that foreign headers are decoded too.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  FaultyDisk disk;
  std::vector<std::string> written;
  uint8_t batches = input.byte() % 8;
  {
    auto store = SegmentStore::open(kDirectory, options(), disk);
    if (!store) std::abort();
    for (uint8_t b = 0; b < batches; ++b) {
      for (uint8_t count = input.byte() % 5; count > 0; --count) {
        std::string record(input.word() % 400, static_cast<char>(input.byte()));
        Bytes bytes = std::as_bytes(std::span(record));
        if (!(*store)->append(std::span(&bytes, 1), LogStore::Urgency::kOrdinary)) std::abort();
        written.push_back(std::move(record));
      }
      if (!(*store)->flush()) std::abort();
    }
    if (input.byte() % 2 == 0) disk.stop_after(0);  // no mark of an orderly end
  }
  disk.crash(FaultyDisk::Loss::kProcess);
  std::vector<std::byte>& file = disk.content(kDirectory + "/" + segment_name(0));
  for (uint8_t damages = input.byte() % 6; damages > 0; --damages) {
    size_t at = input.word() % file.size();
    file[at] ^= static_cast<std::byte>(input.byte());
  }
  for (size_t at = input.word() % file.size(); at < file.size() && input.left() > 0; ++at)
    file[at] = static_cast<std::byte>(input.byte());

  auto check = [&](const SegmentStore& store, Position end) {
    return store.read(0, end, [&](Position position, Bytes record) -> Status {
      std::string_view text(reinterpret_cast<const char*>(record.data()), record.size());
      if (position >= written.size() || text != written[position]) std::abort();
      return {};
    });
  };
  Position recovered = 0;
  {
    auto store = SegmentStore::open(kDirectory, options(), disk);
    if (!store) return 0;
    recovered = (*store)->durable_end();
    if (recovered > written.size()) std::abort();
    if (!check(**store, recovered)) std::abort();
    std::string record = "next";
    Bytes bytes = std::as_bytes(std::span(record));
    if (!(*store)->append(std::span(&bytes, 1), LogStore::Urgency::kOrdinary) || !(*store)->flush())
      std::abort();
  }
  auto again = SegmentStore::open(kDirectory, options(), disk);
  if (!again || (*again)->recovery().torn || (*again)->durable_end() != recovered + 1) std::abort();
  if (!check(**again, recovered)) std::abort();
  return 0;
}
