#include "bench/ledger/ledger_bench.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "bench/ledger/history.h"
#include "bench/support/arguments.h"
#include "bench/support/raw_log.h"
#include "bench/support/statistics.h"
#include "core/event/codec.h"
#include "infrastructure/store/merkle_follower.h"
#include "infrastructure/store/segment_store.h"

namespace weir::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kRecordBytes = 300;

struct Settings {
  std::string directory = ".";
  int rounds = 9;
  std::string format = "table";
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
  uint64_t records = 0, events = 0;
  double read_per_s = 0, hashed_per_s = 0, applied_per_s = 0;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Unwinds to run_ledger_bench, which removes the folder and reports.
struct GivenUp {
  std::string text;
};
[[noreturn]] void give_up(const std::string& text) { throw GivenUp{text}; }

void check(const Status& status) {
  if (!status) give_up(status.error().text());
}

RawLog raw_log(const std::string& directory, RawLog::Blocks blocks) {
  auto opened = RawLog::open(directory, blocks);
  if (!opened) give_up(opened.error().text());
  return std::move(*opened);
}

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
  RawLog raw = raw_log(prefix + "-raw", RawLog::Blocks::kNew);
  RawLog zeroed = raw_log(prefix + "-zeroed", RawLog::Blocks::kZeroed);
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
    double a = timed([&] { check(raw.append_durably(bytes)); }, nothing);
    double b = timed([&] { plain.append_durably(records); }, nothing);
    double c = timed([&] { hashed.append_durably(records); }, [&] { hashed.wait_until_hashed(); });
    double z = timed([&] { check(zeroed.append_durably(bytes)); }, nothing);
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

// As the brain starts: a graph from a checkpoint, and the events after it read, decoded and applied.
void measure_replay_of_events(const std::string& directory, Replayed& out) {
  const History history = make_history(1, 10'000);
  out.events = history.ends.size();
  Ledger ledger(directory + "/history", false);
  std::vector<Bytes> records;
  size_t from = 0;
  for (const size_t end : history.ends) {
    records.push_back(Bytes(history.bytes).subspan(from, end - from));
    from = end;
    if (records.size() == 1'000 || end == history.ends.back()) {
      ledger.append_durably(records);
      records.clear();
    }
  }
  std::vector<double> applied_s;
  for (int round = 0; round < 5; ++round) {
    Graph graph = history.begin;
    const Clock::time_point start = Clock::now();
    check(ledger.store().read(0, out.events, [&](Position, Bytes record) -> Status {
      auto event = decode(record);
      if (!event) return tl::unexpected(event.error());
      graph.apply(*event);
      return {};
    }));
    applied_s.push_back(seconds_since(start));
    if (graph.version() != history.end.version()) give_up("replay ends at another version");
  }
  out.applied_per_s = static_cast<double>(out.events) / median(applied_s);
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
  std::printf("\nReplay of %s events, decoded and applied: %s events/s (goal 1,500,000)\n",
              grouped(static_cast<double>(replay.events)).c_str(), grouped(replay.applied_per_s).c_str());
  std::printf("Replay of %s records of 300 bytes, every CRC checked: %s records/s\n",
              grouped(static_cast<double>(replay.records)).c_str(), grouped(replay.read_per_s).c_str());
  std::printf("The same with hashing into the Merkle tree: %s records/s\n",
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
      "],\n \"replay\": {\"events\": %llu, \"applied_per_s\": %.0f, \"applied_per_s_goal\": 1500000, "
      "\"records\": %llu, "
      "\"read_per_s\": %.0f, \"hashed_per_s\": %.0f}}\n",
      static_cast<unsigned long long>(replay.events), replay.applied_per_s,
      static_cast<unsigned long long>(replay.records), replay.read_per_s, replay.hashed_per_s);
}

constexpr char kHelp[] =
    "Usage: weir bench ledger [--dir DIRECTORY] [--rounds N] [-o table|json]\n"
    "\n"
    "Writes about 2 GiB into a new folder of DIRECTORY (default: the current one),\n"
    "which should lie on the disk that will hold the ledger, and removes it.\n"
    "\n"
    "Example: weir bench ledger --dir /var/lib/weir --rounds 15\n";

}  // namespace

int run_ledger_bench(const std::vector<std::string>& args) {
  Settings settings;
  const auto ended = read_arguments("weir bench ledger", kHelp, args,
                                    {Option::text("--dir", settings.directory), Option::number("--rounds", 1, 1000, settings.rounds),
                                     Option::choice("-o", {"table", "json"}, settings.format)});
  if (ended) return *ended;
  const auto failed = [](const std::string& why) {
    std::fprintf(stderr, "weir bench ledger: %s\n", why.c_str());
    return 1;
  };
  const auto folder = ScratchFolder::make(settings.directory);
  if (!folder) return failed(folder.error().text());
  std::vector<Measured> appends;
  Replayed replay;
  try {
    for (const Case& shape : kCases) appends.push_back(measure(shape, folder->path(), settings.rounds));
    replay = measure_replay(folder->path());
    measure_replay_of_events(folder->path(), replay);
  } catch (const GivenUp& reason) {
    return failed(reason.text);
  }
  if (settings.format == "json") {
    print_json(appends, replay, settings.rounds);
  } else {
    print_table(appends, replay, settings.rounds);
  }
  return 0;
}

}  // namespace weir::bench
