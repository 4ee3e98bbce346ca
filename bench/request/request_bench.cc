#include "bench/request/request_bench.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "bench/request/clients.h"
#include "bench/request/domain.h"
#include "bench/support/arguments.h"
#include "bench/support/raw_log.h"
#include "bench/support/statistics.h"
#include "weir/v1/service.pb.h"

namespace weir::bench {
namespace {

constexpr const char* kHelp =
    "Usage: weir bench request [--dir DIRECTORY] [--clients N] [--requests N]\n"
    "                          [--rounds N] [--seconds N] [-o table|json]\n"
    "\n"
    "From a client's request over loopback and TLS to the durable plan: N clients,\n"
    "each with a connection of its own, apply a new intent and wait until its plan is\n"
    "durable, over gRPC and over REST; against write and fdatasync of the same bytes\n"
    "on the same disk, in turns.\n"
    "  --dir DIRECTORY   on the disk that will hold the ledger (default: the current\n"
    "                    one); takes about 1 GiB in a new folder there, which is\n"
    "                    removed\n"
    "  --clients N       1 to 256 (default: 1, and then 64)\n"
    "  --requests N      in each measurement, 64 to 10000 (default 640)\n"
    "  --rounds N        1 to 100 (default 5)\n"
    "  --seconds N       after which a measurement ends, 1 to 60 (default 10)\n"
    "  -o FORMAT         table (default) or json\n"
    "\n"
    "Example: weir bench request --dir /var/lib/weir --clients 16\n";

constexpr auto kPatience = std::chrono::seconds(20);

struct Settings {
  std::string directory = ".";
  int clients = 0;  // 0: 1 and 64
  int requests = 640;
  int rounds = 5;
  int seconds = 10;
  std::string format = "table";
};

// One measurement: how many requests in how long, and how long each took until it was answered, which says
// that the intent is durable, and until its plan was.
struct Lap {
  double per_second = 0;
  std::vector<double> answered_ms, committed_ms;
};

struct Row {
  int clients = 0;
  const char* by = "";
  std::vector<double> per_second, ratio;  // by round; the ratio is to the raw disk in the same round
  std::vector<double> answered_ms, committed_ms;

  void add(const Lap& lap, double raw_per_second) {
    per_second.push_back(lap.per_second);
    ratio.push_back(lap.per_second / raw_per_second);
    answered_ms.insert(answered_ms.end(), lap.answered_ms.begin(), lap.answered_ms.end());
    committed_ms.insert(committed_ms.end(), lap.committed_ms.begin(), lap.committed_ms.end());
  }
  void finish() {
    std::sort(answered_ms.begin(), answered_ms.end());
    std::sort(committed_ms.begin(), committed_ms.end());
  }
};

double ms(BenchClock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

// One stream to one instance of a tenth of a core.
v1::ApplyRequest intent(const std::string& name, size_t site) {
  v1::ApplyRequest out;
  v1::Intent& wish = *out.add_resources()->mutable_intent();
  wish.set_api_version("weir/v1");
  wish.set_kind("Intent");
  wish.mutable_metadata()->set_name(name);
  wish.mutable_metadata()->set_tenant(Domain::kTenant);
  auto& from = *wish.mutable_spec()->add_from();
  from.set_site("s" + std::to_string(site));
  from.set_streams(1);
  auto& work = *wish.mutable_spec()->mutable_workload();
  work.mutable_service()->set_artifact("detector");
  work.mutable_service()->set_port(8080);
  work.mutable_service()->set_cpu("100m");
  work.mutable_service()->set_memory("64Mi");
  work.mutable_traffic()->set_up("1Mbps");
  work.mutable_traffic()->set_down("50kbps");
  work.mutable_traffic()->set_requests_per_second("2");
  work.mutable_traffic()->set_work_per_request("1ms@reference-core");
  wish.mutable_spec()->mutable_promise()->set_latency("200ms");
  wish.mutable_spec()->mutable_promise()->set_percentile("99");
  return out;
}

using OpenClient = Result<std::unique_ptr<Client>> (*)(const std::string&, const std::string&,
                                                       const std::string&);

// A domain and the clients that ask it by one protocol.
class Crowd {
 public:
  static Result<std::unique_ptr<Crowd>> open(const std::string& folder, int clients, bool rest) {
    auto domain = Domain::open(folder);
    if (!domain) return tl::unexpected(domain.error());
    std::unique_ptr<Crowd> out(new Crowd(std::move(*domain)));
    const std::string endpoint = rest ? out->domain_->rest_endpoint() : out->domain_->grpc_endpoint();
    const OpenClient open_client = rest ? open_rest_client : open_grpc_client;
    for (int i = 0; i < clients; ++i) {
      auto client = open_client(endpoint, out->domain_->authority_pem(), out->domain_->bearer());
      if (!client) return tl::unexpected(client.error());
      out->clients_.push_back(std::move(*client));
    }
    return out;
  }

  const Domain& domain() const { return *domain_; }

  Result<Lap> run(int requests, std::chrono::seconds limit) {
    left_ = requests;
    begun_ = BenchClock::now();
    end_ = begun_ + limit;
    problem_.reset();
    lap_ = {};
    std::vector<std::thread> threads;
    for (size_t i = 0; i < clients_.size(); ++i) threads.emplace_back([this, i] { ask(i); });
    for (std::thread& thread : threads) thread.join();
    if (problem_) return tl::unexpected(*problem_);
    lap_.per_second = static_cast<double>(lap_.committed_ms.size()) * 1e3 / ms(BenchClock::now() - begun_);
    return std::move(lap_);
  }

 private:
  explicit Crowd(std::unique_ptr<Domain> domain) : domain_(std::move(domain)) {}

  void ask(size_t client) {
    Lap own;
    while (left_-- > 0 && BenchClock::now() < end_) {
      const std::string name = "i" + std::to_string(next_name_++);
      const v1::ApplyRequest request = intent(name, client % Domain::kSites);
      const auto commit = domain_->expect(name);
      const auto sent = BenchClock::now();
      const Status status = clients_[client]->apply(request);
      const auto answered = BenchClock::now();
      const auto committed = status ? commit->wait(kPatience) : tl::unexpected(status.error());
      if (!committed) {
        const std::lock_guard lock(mutex_);
        problem_ = committed.error();
        left_ = 0;
        return;
      }
      own.answered_ms.push_back(ms(answered - sent));
      own.committed_ms.push_back(ms(std::max(*committed, answered) - sent));
    }
    const std::lock_guard lock(mutex_);
    lap_.answered_ms.insert(lap_.answered_ms.end(), own.answered_ms.begin(), own.answered_ms.end());
    lap_.committed_ms.insert(lap_.committed_ms.end(), own.committed_ms.begin(), own.committed_ms.end());
  }

  std::unique_ptr<Domain> domain_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::atomic<int> left_{0};
  std::atomic<uint64_t> next_name_{0};
  BenchClock::time_point begun_, end_;
  std::mutex mutex_;
  std::optional<Error> problem_;
  Lap lap_;
};

// What the disk alone allows: the intents of all clients in one write and fdatasync, then their plans in
// another.
Result<Lap> raw_lap(RawLog& log, const Domain::RecordBytes& bytes, int clients, int requests,
                    std::chrono::seconds limit) {
  const std::vector<std::byte> intents(bytes.submitted * static_cast<size_t>(clients), std::byte{42});
  const std::vector<std::byte> plans(bytes.committed * static_cast<size_t>(clients), std::byte{43});
  Lap lap;
  const auto begun = BenchClock::now();
  for (int done = 0; done < requests && BenchClock::now() < begun + limit; done += clients) {
    const auto start = BenchClock::now();
    if (Status written = log.append_durably(intents); !written) return tl::unexpected(written.error());
    const double answered = ms(BenchClock::now() - start);
    if (Status written = log.append_durably(plans); !written) return tl::unexpected(written.error());
    const double committed = ms(BenchClock::now() - start);
    lap.answered_ms.insert(lap.answered_ms.end(), static_cast<size_t>(clients), answered);
    lap.committed_ms.insert(lap.committed_ms.end(), static_cast<size_t>(clients), committed);
  }
  lap.per_second = static_cast<double>(lap.committed_ms.size()) * 1e3 / ms(BenchClock::now() - begun);
  return lap;
}

// A domain for each protocol, so that both hold equally many services in each round.
Result<std::vector<Row>> measure(const Settings& settings, int clients, const std::string& folder) {
  const std::string prefix = folder + "/" + std::to_string(clients);
  auto grpc = Crowd::open(prefix + "-grpc", clients, false);
  if (!grpc) return tl::unexpected(grpc.error());
  auto rest = Crowd::open(prefix + "-rest", clients, true);
  if (!rest) return tl::unexpected(rest.error());
  const std::chrono::seconds limit(settings.seconds);
  // Warms up, and tells how much a request writes.
  for (Crowd* crowd : {grpc->get(), rest->get()}) {
    if (const auto lap = crowd->run(std::max(64, clients), limit); !lap) return tl::unexpected(lap.error());
  }
  const auto bytes = (*grpc)->domain().record_bytes();
  if (!bytes) return tl::unexpected(bytes.error());
  const std::string raw_folder = prefix + "-raw";
  std::filesystem::create_directory(raw_folder);
  auto log = RawLog::open(raw_folder, RawLog::Blocks::kZeroed);
  if (!log) return tl::unexpected(log.error());

  std::vector<Row> rows = {{.clients = clients, .by = "disk"},
                           {.clients = clients, .by = "gRPC"},
                           {.clients = clients, .by = "REST"}};
  for (int round = 0; round < settings.rounds; ++round) {
    const auto raw = raw_lap(*log, *bytes, clients, settings.requests, limit);
    if (!raw) return tl::unexpected(raw.error());
    rows[0].add(*raw, raw->per_second);
    for (size_t i : {1u, 2u}) {
      const auto lap = (i == 1 ? *grpc : *rest)->run(settings.requests, limit);
      if (!lap) return tl::unexpected(lap.error());
      rows[i].add(*lap, raw->per_second);
    }
  }
  for (Row& row : rows) row.finish();
  std::fprintf(stderr, "%d clients done: %zu and %zu bytes a request\n", clients, bytes->submitted,
               bytes->committed);
  return rows;
}

void print_table(const Settings& settings, const std::vector<Row>& rows) {
  std::printf("Apply an intent, until it is ANSWERED (the intent is durable) and until it is\n");
  std::printf("COMMITTED (its plan is durable). %zu sites. %d rounds; medians of rates and\n", Domain::kSites,
              settings.rounds);
  std::printf("RATIOs to the disk alone: write and fdatasync of all clients' intents, then\n");
  std::printf("of their plans, over a file of zeros. Times in ms over all rounds.\n\n");
  std::printf("%7s %-4s %9s %5s  %7s %7s %7s  %7s %7s %7s\n", "", "", "", "", "ANSWER", "", "", "COMMIT", "",
              "");
  std::printf("%7s %-4s %9s %5s  %7s %7s %7s  %7s %7s %7s\n", "CLIENTS", "BY", "PER SEC", "RATIO", "P50",
              "P99", "P999", "P50", "P99", "P999");
  for (const Row& row : rows) {
    std::printf("%7d %-4s %9s %5.2f  %7.2f %7.2f %7.2f  %7.2f %7.2f %7.2f\n", row.clients, row.by,
                grouped(median(row.per_second)).c_str(), median(row.ratio), quantile(row.answered_ms, 0.5),
                quantile(row.answered_ms, 0.99), quantile(row.answered_ms, 0.999),
                quantile(row.committed_ms, 0.5), quantile(row.committed_ms, 0.99),
                quantile(row.committed_ms, 0.999));
  }
}

void print_json(const Settings& settings, const std::vector<Row>& rows) {
  std::printf("{\"rounds\": %d, \"sites\": %zu, \"rows\": [", settings.rounds, Domain::kSites);
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    std::printf(
        "%s\n {\"clients\": %d, \"by\": \"%s\", \"requests\": %zu, \"per_second\": %.1f, \"ratio\": %.3f,\n"
        "  \"answered_ms\": {\"p50\": %.3f, \"p99\": %.3f, \"p999\": %.3f},\n"
        "  \"committed_ms\": {\"p50\": %.3f, \"p99\": %.3f, \"p999\": %.3f}}",
        i == 0 ? "" : ",", row.clients, row.by, row.committed_ms.size(), median(row.per_second),
        median(row.ratio), quantile(row.answered_ms, 0.5), quantile(row.answered_ms, 0.99),
        quantile(row.answered_ms, 0.999), quantile(row.committed_ms, 0.5), quantile(row.committed_ms, 0.99),
        quantile(row.committed_ms, 0.999));
  }
  std::printf("]}\n");
}

}  // namespace

int run_request_bench(const std::vector<std::string>& args) {
  Settings settings;
  const auto ended = read_arguments(
      "weir bench request", kHelp, args,
      {Option::text("--dir", settings.directory), Option::number("--clients", 1, 256, settings.clients),
       Option::number("--requests", 64, 10'000, settings.requests),
       Option::number("--rounds", 1, 100, settings.rounds),
       Option::number("--seconds", 1, 60, settings.seconds),
       Option::choice("-o", {"table", "json"}, settings.format)});
  if (ended) return *ended;
  const auto failed = [](const Error& error) {
    std::fprintf(stderr, "weir bench request: %s\n", error.text().c_str());
    return 1;
  };
  const auto folder = ScratchFolder::make(settings.directory);
  if (!folder) return failed(folder.error());
  std::vector<Row> rows;
  for (const int clients :
       settings.clients == 0 ? std::vector<int>{1, 64} : std::vector<int>{settings.clients}) {
    auto measured = measure(settings, clients, folder->path());
    if (!measured) return failed(measured.error());
    rows.insert(rows.end(), measured->begin(), measured->end());
  }
  if (settings.format == "json") {
    print_json(settings, rows);
  } else {
    print_table(settings, rows);
  }
  return 0;
}

}  // namespace weir::bench
