#include "bench/packing/packing_bench.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <memory>

#include "bench/packing/bound.h"
#include "bench/packing/protocol.h"
#include "bench/packing/published_fgd.h"
#include "bench/packing/report.h"
#include "bench/support/arguments.h"

namespace weir::bench {
namespace {

constexpr const char* kHelp =
    "Usage: weir bench packing --data DIR [--trace NAME]... [--policy NAME]...\n"
    "                          [--seeds A..B] [--bound yes|no]\n"
    "                          [-o table|json|markdown]\n"
    "\n"
    "Packs the tasks of openb traces onto 1,213 nodes with 6,212 accelerators by the\n"
    "protocol of the FGD paper (USENIX ATC'23): shuffled, 130% of the capacity asked\n"
    "for, online, none leaves, what fits nowhere is dropped. Allocated: accelerators\n"
    "in use at 130% of demand. Published, and the seeds that equal it to the digit:\n"
    "from DIR/analysis_allo_discrete.csv, if it is there.\n"
    "  --data DIR      folder with openb_node_list_gpu_node.csv and\n"
    "                  openb_pod_list_NAME.csv\n"
    "  --trace NAME    may be repeated (default: default cpu250 gpushare100\n"
    "                  gpuspec33 multigpu50)\n"
    "  --policy NAME   may be repeated (default: all): random, dot-product,\n"
    "                  gpu-clustering, gpu-packing, best-fit, fgd, fgd-published (in\n"
    "                  the authors' floating point), fgd-any-tie (random among equal\n"
    "                  nodes), weir, weir-known (told the mix of tasks, as fgd is;\n"
    "                  weir learns it), weir-any-tie, weir-refuse (turns away tasks\n"
    "                  that cost more room than they use)\n"
    "  --seeds A..B    (default 42..51)\n"
    "  --bound yes|no  compute an upper bound of any schedule (default yes)\n"
    "  -o FORMAT       table (default), json or markdown\n"
    "\n"
    "Example: weir bench packing --data data/gpu-openb --trace default --seeds 42..43\n";

struct Variant {
  const char* name;
  const char* policy;
  const char* published;  // the name in the published results
  bool known_mix;
  PackingTie tie;
  std::optional<int64_t> refuse_above_milli;
};
constexpr int64_t kRefuseAboveMilli = 160;
constexpr std::array<Variant, 12> kVariants = {{
    {"random", "random", "01-Random", false, PackingTie::kRandom, {}},
    {"dot-product", "dot-product", "02-DotProd", false, PackingTie::kLowest, {}},
    {"gpu-clustering", "gpu-clustering", "03-GpuClustering", false, PackingTie::kLowest, {}},
    {"gpu-packing", "gpu-packing", "04-GpuPacking", false, PackingTie::kLowest, {}},
    {"best-fit", "best-fit", "05-BestFit", false, PackingTie::kLowest, {}},
    {"fgd", "fgd", "06-FGD", true, PackingTie::kLowest, {}},
    {"fgd-published", "", "06-FGD", true, PackingTie::kLowest, {}},
    {"fgd-any-tie", "fgd", "", true, PackingTie::kRandom, {}},
    {"weir", "weir", "", false, PackingTie::kLowest, {}},
    {"weir-known", "weir", "", true, PackingTie::kLowest, {}},
    {"weir-any-tie", "weir", "", false, PackingTie::kRandom, {}},
    {"weir-refuse", "weir", "", false, PackingTie::kLowest, kRefuseAboveMilli},
}};

struct Settings {
  std::string data, bound = "yes", format = "table";
  std::vector<std::string> traces, policies;
  int64_t first_seed = 42, last_seed = 51;
};

Option seeds(Settings& settings) {
  return {"--seeds", "A..B, each from 0 to 1000000, at most 1000 of them",
          [&settings](const std::string& text) {
            int64_t first = 0, last = 0;
            const char* end = text.data() + text.size();
            const auto [dots, error] = std::from_chars(text.data(), end, first);
            if (error != std::errc() || end - dots < 3 || dots[0] != '.' || dots[1] != '.') return false;
            const auto [rest, wrong] = std::from_chars(dots + 2, end, last);
            if (wrong != std::errc() || rest != end || first < 0 || last < first || last > 1'000'000)
              return false;
            if (last - first >= 1000) return false;
            settings.first_seed = first;
            settings.last_seed = last;
            return true;
          }};
}

Option trace(Settings& settings) {
  return {"--trace", "a name of letters, digits, - and _", [&settings](const std::string& text) {
            const bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
              return std::isalnum(c) || c == '-' || c == '_';
            });
            if (good) settings.traces.push_back(text);
            return good;
          }};
}

Option policy(Settings& settings) {
  std::string names;
  for (const Variant& variant : kVariants)
    names += (names.empty() ? "one of " : ", ") + std::string(variant.name);
  return {"--policy", names, [&settings](const std::string& text) {
            const bool known = std::any_of(kVariants.begin(), kVariants.end(),
                                           [&](const Variant& variant) { return variant.name == text; });
            if (known) settings.policies.push_back(text);
            return known;
          }};
}

std::unique_ptr<PackingPolicy> make(const Variant& variant, const PackingTrace& trace) {
  if (*variant.policy == '\0') return make_published_fgd(trace);
  PackingParameters parameters{.refuse_above_milli = variant.refuse_above_milli};
  if (variant.known_mix) {
    parameters.mix.emplace();
    for (const PackingTask& row : trace.tasks) parameters.mix->add(row.task);
  }
  return std::move(*make_packing_policy(variant.policy, std::move(parameters)));
}

}  // namespace

int run_packing_bench(const std::vector<std::string>& args) {
  Settings settings;
  const auto ended =
      read_arguments("weir bench packing", kHelp, args,
                     {Option::text("--data", settings.data), trace(settings), policy(settings),
                      seeds(settings), Option::choice("--bound", {"yes", "no"}, settings.bound),
                      Option::choice("-o", {"table", "json", "markdown"}, settings.format)});
  if (ended) return *ended;
  if (settings.data.empty()) {
    std::fputs("weir bench packing: --data is missing; a folder with openb traces is expected\n", stderr);
    return 2;
  }
  if (settings.traces.empty())
    settings.traces = {"default", "cpu250", "gpushare100", "gpuspec33", "multigpu50"};
  std::vector<PackingTable> tables;
  int64_t capacity_milli = 0;
  for (const std::string& name : settings.traces) {
    const auto trace = read_packing_trace(settings.data, name);
    if (!trace) {
      std::fprintf(stderr, "weir bench packing: %s\n", trace.error().text().c_str());
      return 2;
    }
    capacity_milli = trace->capacity_milli;
    std::vector<PackingSequence> sequences;
    for (int64_t seed = settings.first_seed; seed <= settings.last_seed; ++seed)
      sequences.push_back(packing_sequence(*trace, seed));
    PackingTable table{.trace = name};
    if (settings.bound == "yes") {
      for (const PackingSequence& sequence : sequences)
        table.bounds.push_back(packing_bound_percent(bound_instance(*trace, sequence)));
    }
    for (const Variant& variant : kVariants) {
      if (!settings.policies.empty() && std::find(settings.policies.begin(), settings.policies.end(),
                                                  variant.name) == settings.policies.end())
        continue;
      PackingRow row{.policy = variant.name};
      // A policy that learns begins anew with each seed; one that knows the mix remembers what it computed.
      std::unique_ptr<PackingPolicy> made;
      for (size_t i = 0; i < sequences.size(); ++i) {
        if (!made || !variant.known_mix) made = make(variant, *trace);
        const auto seed = static_cast<uint64_t>(settings.first_seed) + i;
        row.outcomes.push_back(run_packing(*trace, sequences[i], *made, variant.tie, seed));
      }
      const auto published = published_percent(settings.data, name, variant.published);
      for (int64_t seed = settings.first_seed; seed <= settings.last_seed; ++seed) {
        const auto at = static_cast<size_t>(seed - 42);
        if (seed >= 42 && at < published.size()) row.published.push_back(published[at]);
      }
      if (row.published.size() != row.outcomes.size()) row.published.clear();
      table.rows.push_back(std::move(row));
      std::fprintf(stderr, "%s: %s\n", name.c_str(), variant.name);
    }
    tables.push_back(std::move(table));
  }
  const std::string out = settings.format == "json"
                              ? packing_json(tables, settings.first_seed, capacity_milli)
                          : settings.format == "markdown" ? packing_markdown(tables, capacity_milli)
                                                          : packing_text(tables, capacity_milli);
  std::fputs(out.c_str(), stdout);
  return 0;
}

}  // namespace weir::bench
