#include "app/sim/replay_session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <optional>

#include "core/event/limits.h"
#include "orchestration/plan/decide.h"
#include "orchestration/queue/graph_queue.h"
#include "twin/generate/shaken.h"
#include "twin/replay/hash_log.h"

namespace weir::app {
namespace {

constexpr size_t kLineBytesMax = 65'536;
constexpr int32_t kMemoryMib = 1'000'000'000;  // of a machine whose trace says nothing of it

// A file's lines, each of bounded length.
class Lines {
 public:
  explicit Lines(const std::string& file) : file_(file), stream_(std::make_shared<std::ifstream>(file)) {}
  bool open() const { return stream_->is_open(); }
  twin::ReadLine reader() const {
    return [file = file_, stream = stream_, number = int64_t{0},
            buffer = std::make_shared<std::vector<char>>(kLineBytesMax + 2)](
               std::string& line) mutable -> Result<bool> {
      ++number;
      stream->getline(buffer->data(), static_cast<std::streamsize>(buffer->size()));
      if (stream->gcount() == 0 && !stream->good()) {
        if (stream->eof()) return false;
        return fail(ErrorCode::kUnavailable, "cannot be read", file + ":" + std::to_string(number));
      }
      if (stream->fail()) {
        return fail(ErrorCode::kInvalid, "the line has more than " + std::to_string(kLineBytesMax) + " bytes",
                    file + ":" + std::to_string(number));
      }
      line.assign(buffer->data());
      return true;
    };
  }

 private:
  std::string file_;
  std::shared_ptr<std::ifstream> stream_;
};

Result<Lines> open_lines(const std::string& file, const char* option) {
  Lines lines(file);
  if (!lines.open()) return fail(ErrorCode::kNotFound, "cannot be opened", std::string(option) + " " + file);
  return lines;
}

// The trace in one of its formats, and what there is to say about it.
struct Source {
  std::unique_ptr<twin::SwfSource> swf;
  std::unique_ptr<twin::CsvSource> csv;
  std::unique_ptr<twin::OpenbSource> openb;

  twin::JobSource& jobs() {
    if (swf) return *swf;
    if (csv) return *csv;
    return *openb;
  }
  std::vector<std::string> notes() const {
    std::vector<std::string> out;
    const auto note = [&out](int64_t count, const std::string& what) {
      if (count > 0) out.push_back(std::to_string(count) + " " + what);
    };
    const auto jobs = [&note](int64_t count, const char* what) {
      note(count, std::string(count == 1 ? "job " : "jobs ") + what);
    };
    if (swf) {
      jobs(swf->reader().counts().without_run_time, "without a run time left out");
      jobs(swf->reader().counts().without_processors, "without processors left out");
      const int64_t shorter = swf->reader().counts().missing_fields;
      note(shorter, std::string(shorter == 1 ? "line" : "lines") + " of less than 18 fields: the others count as not known");
      note(swf->reader().counts().clock_went_back, "submitted before the line above: counted as with it");
    }
    if (csv) {
      jobs(csv->reader().counts().without_run_time, "without a run time left out");
      note(csv->reader().counts().clock_went_back, "submitted before the line above: counted as with it");
    }
    if (openb) {
      note(openb->left_out(), "tasks without a creation and a later deletion left out");
      note(openb->clock_went_back(), "created before the line above: counted as with it");
    }
    return out;
  }
};

Result<Source> open_source(const ReplaySettings& settings) {
  const auto lines = open_lines(settings.trace, "--trace");
  if (!lines) return tl::unexpected(lines.error());
  Source source;
  if (settings.format == "swf") {
    source.swf = std::make_unique<twin::SwfSource>(settings.trace, lines->reader());
    if (Status begun = source.swf->begin(); !begun) return tl::unexpected(begun.error());
  } else if (settings.format == "csv") {
    source.csv = std::make_unique<twin::CsvSource>(settings.trace, lines->reader());
  } else {
    source.openb = std::make_unique<twin::OpenbSource>(settings.trace, lines->reader());
  }
  return source;
}

Result<std::vector<NodeSpec>> read_nodes(const std::string& file) {
  const auto lines = open_lines(file, "--nodes");
  if (!lines) return tl::unexpected(lines.error());
  OpenbNodeReader reader(file);
  std::vector<NodeSpec> nodes;
  std::string line;
  for (auto read = lines->reader();;) {
    const auto more = read(line);
    if (!more) return tl::unexpected(more.error());
    if (!*more) break;
    auto node = reader.line(line);
    if (!node) return tl::unexpected(node.error());
    if (!*node) continue;
    nodes.push_back({.name = (*node)->name,
                     .cpu_milli = (*node)->cpu_milli,
                     .memory_mib = (*node)->memory_mib,
                     .accelerators = static_cast<int16_t>((*node)->accelerators),
                     .accelerator_model = (*node)->model});
  }
  if (Status ended = reader.end(); !ended) return tl::unexpected(ended.error());
  if (nodes.empty()) return fail(ErrorCode::kInvalid, "there are no nodes", "--nodes " + file);
  return nodes;
}

std::string plural(size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

struct Machine {
  std::vector<twin::ReplaySite> sites;
  std::string text;
};

Result<Machine> machine(const ReplaySettings& settings, const Source& source) {
  const auto credits = [](double value) {
    return static_cast<Nanocredits>(std::llround(value * static_cast<double>(kCredit)));
  };
  Machine out;
  const auto peak_mw = static_cast<int64_t>(std::llround(settings.watts_per_core * 1'000));
  for (uint32_t s = 0; s < settings.sites; ++s) {
    twin::ReplaySite site;
    site.spec.name = settings.sites == 1 ? "machine" : "site" + std::to_string(s + 1);
    site.spec.asks.per_core_hour = credits(settings.ask_core_hour);
    site.spec.asks.per_accelerator_hour = credits(settings.ask_accelerator_hour);
    site.spec.power = {.idle_mw_per_core = peak_mw / 3,
                       .peak_mw_per_core = peak_mw,
                       .grid_carbon_mg_per_kwh = std::llround(settings.carbon_g_per_kwh * 1'000)};
    out.sites.push_back(std::move(site));
  }
  int64_t cores_milli = 0, accelerators = 0;
  if (!settings.nodes.empty()) {
    auto nodes = read_nodes(settings.nodes);
    if (!nodes) return tl::unexpected(nodes.error());
    if (nodes->size() < settings.sites) {
      return fail(ErrorCode::kInvalid, "there are fewer nodes than sites",
                  "--sites " + std::to_string(settings.sites));
    }
    out.text = plural(nodes->size(), "node") + ", ";
    for (size_t i = 0; i < nodes->size(); ++i) {
      cores_milli += (*nodes)[i].cpu_milli;
      accelerators += (*nodes)[i].accelerators;
      out.sites[i % settings.sites].nodes.push_back(std::move((*nodes)[i]));
    }
  } else {
    const int64_t processors = settings.processors > 0 ? settings.processors
                               : source.swf            ? source.swf->reader().processors()
                                                       : 0;
    if (processors <= 0) {
      return fail(ErrorCode::kInvalid, "how large is the machine? The trace does not say",
                  "--trace " + settings.trace, "say --processors N, or --nodes FILE with a list of nodes");
    }
    if (processors > limits::kCpuMilliMax / 1000 || processors < settings.sites) {
      return fail(ErrorCode::kInvalid,
                  std::to_string(processors) + " processors at " + plural(settings.sites, "site") +
                      " are too many or too few",
                  "--processors");
    }
    for (uint32_t s = 0; s < settings.sites; ++s) {
      const int64_t here = processors / settings.sites + (s < processors % settings.sites);
      out.sites[s].nodes.push_back(
          {.name = "n1", .cpu_milli = static_cast<int32_t>(here * 1'000), .memory_mib = kMemoryMib});
    }
    cores_milli = processors * 1'000;
  }
  out.text += plural(static_cast<size_t>(cores_milli / 1'000), "core");
  if (accelerators > 0) out.text += ", " + plural(static_cast<size_t>(accelerators), "accelerator");
  out.text += " at " + plural(settings.sites, "site");
  return out;
}

// The window's jobs begin where its seed says, so that it is never cut short.
Result<uint64_t> jobs_in(const ReplaySettings& settings) {
  auto source = open_source(settings);
  if (!source) return tl::unexpected(source.error());
  uint64_t jobs = 0;
  for (;; ++jobs) {
    const auto job = source->jobs().next();
    if (!job) return tl::unexpected(job.error());
    if (!*job) return jobs;
  }
}

}  // namespace

Status prepare(ReplaySettings& settings) {
  if (settings.format.empty()) {
    const size_t dot = settings.trace.rfind('.');
    settings.format = dot == std::string::npos ? "" : settings.trace.substr(dot + 1);
    if (settings.format != "swf" && settings.format != "csv") {
      return fail(ErrorCode::kInvalid, "its name does not say its format", "--trace " + settings.trace,
                  "say --format swf, openb or csv");
    }
  }
  if (settings.length == 0) return {};
  const auto jobs = jobs_in(settings);
  if (!jobs) return tl::unexpected(jobs.error());
  settings.trace_jobs = *jobs;
  return {};
}

Result<ReplayResult> replay(const ReplaySettings& settings, const std::string& policy, uint64_t seed,
                            const ReplayHooks& hooks) {
  auto source = open_source(settings);
  if (!source) return tl::unexpected(source.error());
  auto built = machine(settings, *source);
  if (!built) return tl::unexpected(built.error());
  twin::JobSource* jobs = &source->jobs();
  std::optional<twin::ShakenSource> shaken;
  std::optional<twin::WindowSource> window;
  if (settings.length > 0) {
    const uint64_t starts =
        settings.trace_jobs > settings.length ? settings.trace_jobs - settings.length + 1 : 1;
    jobs = &window.emplace(*jobs, seed == 0 ? 0 : twin::Draws(seed).next() % starts, settings.length);
  } else if (seed != 0) {
    jobs = &shaken.emplace(*jobs, seed);
  }
  twin::BoundedSource bounded(*jobs);

  ReplayResult result;
  twin::ReplayOptions options;
  options.sites = std::move(built->sites);
  options.policy = policy;
  options.backfill = settings.backfill;
  options.shares = settings.shares;
  options.waiting_max = settings.waiting_max;
  options.user_estimates = settings.user_estimates;
  options.predicts = settings.predicts;
  options.domain = {.name = "replay",
                    .carbon_price_per_kg = kCredit / 10,
                    .scarcity_core_hour = kCredit / 10,
                    .scarcity_gib_hour = 0,
                    .scarcity_accelerator_hour = 10 * kCredit};
  result.machine = std::move(built->text);
  for (const auto& site : options.sites) result.sites.push_back(site.spec.name);

  JointPlanner planner;
  twin::HashLog log;
  queue::GraphQueue scheduler;
  twin::Replay run(options, planner, &scheduler, log, needs_decision);
  const auto from = std::chrono::steady_clock::now();
  auto totals = run.run(
      bounded, {.outcome =
                  [&](const twin::JobOutcome& outcome) {
                    result.recorder.outcome(outcome);
                    if (!hooks.outcome) return;
                    hooks.outcome(outcome, outcome.site.valid() ? result.sites[outcome.site.index()] : "");
                  },
              .moment = [&](const twin::Moment& moment) { result.recorder.moment(moment); },
              .progress =
                  [&](const twin::ReplayTotals& so_far, TimeUs now_us) {
                    if (hooks.progress) hooks.progress(so_far, now_us);
                    return true;
                  }});
  if (!totals) return tl::unexpected(totals.error());
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
  result.totals = *totals;
  result.head = log.head();
  result.ledger_bytes = log.bytes();
  result.notes = source->notes();
  if (bounded.cut() > 0) {
    result.notes.push_back(std::to_string(bounded.cut()) + (bounded.cut() == 1 ? " job" : " jobs") + " of more than " +
                           std::to_string(twin::BoundedSource::kDaysMax) + " days, as run or as estimated: cut to that");
  }
  if (settings.length > settings.trace_jobs) {
    result.notes.push_back("the window is the whole trace: it has " + std::to_string(settings.trace_jobs) +
                           (settings.trace_jobs == 1 ? " job" : " jobs"));
  }
  return result;
}

}  // namespace weir::app
