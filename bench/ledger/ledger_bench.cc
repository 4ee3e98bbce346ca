#include "bench/ledger/ledger_bench.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "infrastructure/store/merkle_follower.h"
#include "infrastructure/store/segment_store.h"

namespace weir::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kRecordBytes = 300;
constexpr uint64_t kRawFileBytes = uint64_t{64} << 20;

struct Settings {
  std::string directory = ".";
  int rounds = 9;
  bool json = false;
};

struct Case {
  size_t batch;
  int flushes_per_round;
  double goal_plain;
  double goal_hashed;
};
constexpr Case kCases[] = {{1, 300, 0.8, 0.5}, {64, 300, 0.8, 0.5}, {1024, 100, 0.8, 0.5}};

struct Measured {
  Case shape{};
  // Records; medians over the rounds.
  double raw_per_s = 0, zeroed_per_s = 0, plain_per_s = 0, hashed_per_s = 0;
  // To raw_per_s; medians of the ratios within a round.
  double plain_ratio = 0, hashed_ratio = 0;
};

struct Replayed {
  uint64_t records = 0;
  double read_per_s = 0, hashed_per_s = 0;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Unwinds to run_ledger_bench, which removes the folder and reports.
struct GivenUp {
  std::string text;
};
[[noreturn]] void give_up(const std::string& text) { throw GivenUp{text}; }

void check(const Status& status) {
  if (!status) give_up(status.error().text());
}

// Plain write and fdatasync. Into blocks that were reserved but never written, file after file; or over one
// file of zeros again and again, which spares the file system all bookkeeping: the fastest that a log can be.
class RawLog {
 public:
  enum class Blocks { kNew, kZeroed };
  RawLog(std::string directory, Blocks blocks) : directory_(std::move(directory)), blocks_(blocks) {
    next_file();
    if (blocks_ == Blocks::kNew) return;
    std::vector<std::byte> zeros(1 << 20);
    while (offset_ < kRawFileBytes) append_durably(zeros);
  }
  ~RawLog() { close(descriptor_); }

  void append_durably(Bytes bytes) {
    if (offset_ + bytes.size() > kRawFileBytes) {
      if (blocks_ == Blocks::kNew) next_file();
      offset_ = 0;
    }
    ssize_t n = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset_));
    if (n != static_cast<ssize_t>(bytes.size()) || fdatasync(descriptor_) != 0)
      give_up("cannot write the raw file");
    offset_ += bytes.size();
  }

 private:
  void next_file() {
    if (descriptor_ >= 0) close(descriptor_);
    std::string path = directory_ + "/raw" + std::to_string(number_++);
    descriptor_ = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor_ < 0 || posix_fallocate(descriptor_, 0, static_cast<off_t>(kRawFileBytes)) != 0 ||
        fdatasync(descriptor_) != 0) {
      give_up("cannot make a file of 64 MiB in " + directory_);
    }
    offset_ = 0;
  }

  std::string directory_;
  Blocks blocks_;
  int number_ = 0;
  int descriptor_ = -1;
  uint64_t offset_ = 0;
};

class Ledger {
 public:
  Ledger(const std::string& directory, bool hashed) {
    auto opened = store::SegmentStore::open(directory);
    if (!opened) give_up(opened.error().text());
    store_ = std::move(*opened);
    if (!hashed) return;
    auto follower = store::MerkleFollower::start(*store_, store_->ledger_id(), directory);
    if (!follower) give_up(follower.error().text());
    follower_ = std::move(*follower);
    store_->on_durable([this](Position end) { follower_->notify(end); });
  }

  void append_durably(std::span<const Bytes> records) {
    check(store_->append(records, LogStore::Urgency::kOrdinary));
    check(store_->flush());
  }
  void wait_until_hashed() {
    if (follower_) check(follower_->wait_until(store_->durable_end()));
  }
  const store::SegmentStore& store() const { return *store_; }

 private:
  std::unique_ptr<store::SegmentStore> store_;
  std::unique_ptr<store::MerkleFollower> follower_;
};

Measured measure(const Case& shape, const std::string& directory, int rounds) {
  std::vector<std::byte> bytes(kRecordBytes * shape.batch);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 131 >> 3);
  std::vector<Bytes> records;
  for (size_t i = 0; i < shape.batch; ++i)
    records.push_back(Bytes(bytes).subspan(i * kRecordBytes, kRecordBytes));

  std::string prefix = directory + "/batch" + std::to_string(shape.batch);
  for (const char* name : {"-raw", "-zeroed", "-plain", "-hashed"})
    std::filesystem::create_directory(prefix + name);
  RawLog raw(prefix + "-raw", RawLog::Blocks::kNew), zeroed(prefix + "-zeroed", RawLog::Blocks::kZeroed);
  Ledger plain(prefix + "-plain", false), hashed(prefix + "-hashed", true);
  auto timed = [&](auto flush, auto finish) {
    Clock::time_point start = Clock::now();
    for (int i = 0; i < shape.flushes_per_round; ++i) flush();
    finish();
    return seconds_since(start);
  };
  auto nothing = [] {};
  std::vector<double> raw_s, zeroed_s, plain_s, hashed_s, plain_ratio, hashed_ratio;
  for (int round = 0; round <= rounds; ++round) {
    double a = timed([&] { raw.append_durably(bytes); }, nothing);
    double b = timed([&] { plain.append_durably(records); }, nothing);
    double c = timed([&] { hashed.append_durably(records); }, [&] { hashed.wait_until_hashed(); });
    double z = timed([&] { zeroed.append_durably(bytes); }, nothing);
    if (round == 0) continue;  // warms up
    raw_s.push_back(a);
    zeroed_s.push_back(z);
    plain_s.push_back(b);
    hashed_s.push_back(c);
    plain_ratio.push_back(a / b);
    hashed_ratio.push_back(a / c);
  }
  double count = static_cast<double>(shape.batch) * shape.flushes_per_round;
  return {shape,
          count / median(raw_s),
          count / median(zeroed_s),
          count / median(plain_s),
          count / median(hashed_s),
          median(plain_ratio),
          median(hashed_ratio)};
}

Replayed measure_replay(const std::string& directory) {
  constexpr uint64_t kRecords = 400'000;
  Ledger ledger(directory + "/replay", false);
  std::vector<std::byte> bytes(kRecordBytes, std::byte{42});
  std::vector<Bytes> records(1000, Bytes(bytes));
  for (uint64_t i = 0; i < kRecords; i += records.size()) ledger.append_durably(records);
  Replayed out{kRecords};
  std::vector<double> read_s, hashed_s;
  for (int round = 0; round < 5; ++round) {
    uint64_t sum = 0;
    Clock::time_point start = Clock::now();
    check(ledger.store().read(0, kRecords, [&](Position, Bytes record) -> Status {
      sum += record.size();
      return {};
    }));
    read_s.push_back(seconds_since(start));
    if (sum != kRecords * kRecordBytes) give_up("replay returned other records than were written");
    MerkleTree tree(store::kTreeBaseLevel, store::leaves_of(ledger.store()));
    start = Clock::now();
    check(store::extend_tree(tree, ledger.store(), kRecords));
    hashed_s.push_back(seconds_since(start));
  }
  out.read_per_s = kRecords / median(read_s);
  out.hashed_per_s = kRecords / median(hashed_s);
  return out;
}

std::string grouped(double value) {
  std::string digits = std::to_string(static_cast<uint64_t>(value + 0.5));
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

void print_table(const std::vector<Measured>& appends, const Replayed& replay, int rounds) {
  std::printf("Durable appends of 300-byte records per second; medians of %d interleaved rounds\n", rounds);
  std::printf("RAW: write and fdatasync of the same bytes into reserved, unwritten blocks.\n");
  std::printf("ZEROED: the same over a file of zeros. RATIO: to RAW, with its goal.\n\n");
  std::printf("%5s  %10s  %10s  %10s  %11s  %10s  %11s\n", "BATCH", "RAW", "ZEROED", "LEDGER", "RATIO",
              "+HASHING", "RATIO");
  for (const Measured& m : appends) {
    std::printf("%5zu  %10s  %10s  %10s  %5.2f (%.1f)  %10s  %5.2f (%.1f)\n", m.shape.batch,
                grouped(m.raw_per_s).c_str(), grouped(m.zeroed_per_s).c_str(), grouped(m.plain_per_s).c_str(),
                m.plain_ratio, m.shape.goal_plain, grouped(m.hashed_per_s).c_str(), m.hashed_ratio,
                m.shape.goal_hashed);
  }
  std::printf("\nReplay of %s records, every CRC checked: %s records/s (goal 1,500,000)\n",
              grouped(static_cast<double>(replay.records)).c_str(), grouped(replay.read_per_s).c_str());
  std::printf("Replay with hashing into the Merkle tree: %s records/s\n",
              grouped(replay.hashed_per_s).c_str());
}

void print_json(const std::vector<Measured>& appends, const Replayed& replay, int rounds) {
  std::printf("{\"record_bytes\": %zu, \"rounds\": %d, \"appends\": [", kRecordBytes, rounds);
  for (size_t i = 0; i < appends.size(); ++i) {
    const Measured& m = appends[i];
    std::printf(
        "%s\n  {\"batch\": %zu, \"raw_per_s\": %.0f, \"zeroed_per_s\": %.0f, \"ledger_per_s\": %.0f, "
        "\"hashed_per_s\": %.0f,\n"
        "   \"ledger_ratio\": %.3f, \"ledger_ratio_goal\": %.1f, \"hashed_ratio\": %.3f, "
        "\"hashed_ratio_goal\": %.1f}",
        i == 0 ? "" : ",", m.shape.batch, m.raw_per_s, m.zeroed_per_s, m.plain_per_s, m.hashed_per_s,
        m.plain_ratio, m.shape.goal_plain, m.hashed_ratio, m.shape.goal_hashed);
  }
  std::printf(
      "],\n \"replay\": {\"records\": %llu, \"read_per_s\": %.0f, \"read_per_s_goal\": 1500000, "
      "\"hashed_per_s\": %.0f}}\n",
      static_cast<unsigned long long>(replay.records), replay.read_per_s, replay.hashed_per_s);
}

constexpr char kHelp[] =
    "Usage: weir bench ledger [--dir DIRECTORY] [--rounds N] [-o table|json]\n"
    "\n"
    "Writes about 2 GiB into a new folder of DIRECTORY (default: the current one), which\n"
    "should lie on the disk that will hold the ledger, and removes it.\n"
    "\n"
    "Example: weir bench ledger --dir /var/lib/weir --rounds 15\n";

std::optional<Settings> parse(const std::vector<std::string>& args, std::string& problem) {
  Settings out;
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i] != "--dir" && args[i] != "--rounds" && args[i] != "-o") {
      problem = "unknown argument \"" + args[i] + "\"";
      return std::nullopt;
    }
    if (i + 1 == args.size()) {
      problem = args[i] + " needs a value";
      return std::nullopt;
    }
    const std::string& name = args[i];
    const std::string& value = args[++i];
    if (name == "--dir") out.directory = value;
    if (name == "-o") {
      if (value != "json" && value != "table") {
        problem = "-o takes table or json, not \"" + value + "\"";
        return std::nullopt;
      }
      out.json = value == "json";
    }
    if (name == "--rounds") {
      auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), out.rounds);
      if (code != std::errc{} || end != value.data() + value.size() || out.rounds < 1 || out.rounds > 1000) {
        problem = "--rounds takes a number from 1 to 1000, not \"" + value + "\"";
        return std::nullopt;
      }
    }
  }
  return out;
}

}  // namespace

int run_ledger_bench(const std::vector<std::string>& args) {
  if (std::find(args.begin(), args.end(), "--help") != args.end()) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  std::string problem;
  std::optional<Settings> settings = parse(args, problem);
  if (!settings) {
    std::fprintf(stderr, "weir bench ledger: %s\n%s", problem.c_str(), kHelp);
    return 2;
  }
  std::string folder = settings->directory + "/weir-bench-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) {
    std::fprintf(stderr, "weir bench ledger: cannot make a folder in %s\n", settings->directory.c_str());
    return 1;
  }
  struct Removed {
    const std::string& folder;
    ~Removed() { std::filesystem::remove_all(folder); }
  } removed{folder};
  std::vector<Measured> appends;
  Replayed replay;
  try {
    for (const Case& shape : kCases) appends.push_back(measure(shape, folder, settings->rounds));
    replay = measure_replay(folder);
  } catch (const GivenUp& reason) {
    std::fprintf(stderr, "weir bench ledger: %s\n", reason.text.c_str());
    return 1;
  }
  if (settings->json) {
    print_json(appends, replay, settings->rounds);
  } else {
    print_table(appends, replay, settings->rounds);
  }
  return 0;
}

}  // namespace weir::bench
