#include "bench/joint/joint_bench.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "bench/joint/gap.h"
#include "bench/joint/instance.h"
#include "bench/joint/policies.h"
#include "bench/joint/report.h"
#include "bench/joint/trial.h"
#include "bench/support/arguments.h"

namespace weir::bench {
namespace {

constexpr const char* kHelp =
    "Usage: weir bench joint [--instances N] [--seed S] [--load L]...\n"
    "                        [-o table|json|markdown]\n"
    "       weir bench joint --gap [--help]\n"
    "\n"
    "Four policies on the same random regions of 30 routers and 10 sites, fed the\n"
    "same intents.\n"
    "  --instances N      regions, seeds S to S+N-1 (default 1000)\n"
    "  --seed S           first seed (default 1)\n"
    "  --load L           demand offered, as a share of capacity; may be repeated\n"
    "                     (default 0.5 0.9 1.4)\n"
    "  --rates R          of links: random (default), or forecast: in proportion to\n"
    "                     expected traffic\n"
    "  --scarcity-core C  scarcity price of a core at full use, millicredits per hour\n"
    "                     (default 1000)\n"
    "  --scarcity-gbps C  the same of a Gbit/s (default 20000)\n"
    "  --retries yes|no   add a price-aware scheduler that tries site after site\n"
    "                     (default no)\n"
    "  -o FORMAT          table (default), json or markdown\n"
    "\n"
    "Example: weir bench joint --instances 100 --load 0.9\n";

struct Settings {
  uint64_t instances = 1000, seed = 1;
  std::vector<int> load_percent;
  RegionShape shape;
  std::vector<PolicyKind> policies = {PolicyKind::kPlaceFirst, PolicyKind::kPathFirst,
                                      PolicyKind::kPriceAware, PolicyKind::kJoint};
  std::string format = "table";
};

Option load(std::vector<int>& percent) {
  return {"--load", "a share from 0.01 to 1.4", [&percent](const std::string& value) {
            double share = 0;
            const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), share);
            if (error != std::errc() || end != value.data() + value.size() || !(share >= 0.01 && share <= 1.4)) return false;
            percent.push_back(static_cast<int>(share * 100 + 0.5));
            return true;
          }};
}

}  // namespace

int run_joint_bench(const std::vector<std::string>& args) {
  if (std::find(args.begin(), args.end(), "--gap") != args.end()) {
    std::vector<std::string> rest = args;
    std::erase(rest, "--gap");
    return run_gap_bench(rest);
  }
  Settings settings;
  std::string rates, retries;
  const auto ended = read_arguments(
      "weir bench joint", kHelp, args,
      {Option::number<uint64_t>("--instances", 1, 1'000'000, settings.instances),
       Option::number<uint64_t>("--seed", 0, UINT32_MAX, settings.seed), load(settings.load_percent),
       Option::number<int64_t>("--scarcity-core", 0, 1'000'000'000, settings.shape.scarcity_core_milli),
       Option::number<int64_t>("--scarcity-gbps", 0, 1'000'000'000, settings.shape.scarcity_gbps_milli),
       Option::choice("--rates", {"random", "forecast"}, rates), Option::choice("--retries", {"yes", "no"}, retries),
       Option::choice("-o", {"table", "json", "markdown"}, settings.format)});
  if (ended) return *ended;
  settings.shape.dimensioned = rates == "forecast";
  if (retries == "yes") settings.policies.insert(settings.policies.end() - 1, PolicyKind::kPriceAwareRetry);
  if (settings.load_percent.empty()) settings.load_percent = {50, 90, 140};
  std::sort(settings.load_percent.begin(), settings.load_percent.end());
  std::vector<std::vector<std::vector<Outcome>>> outcomes(
      settings.load_percent.size());  // load, instance, policy
  for (uint64_t i = 0; i < settings.instances; ++i) {
    const Instance instance = make_instance(settings.seed + i, settings.shape);
    for (auto& load : outcomes) load.emplace_back();
    for (const PolicyKind kind : settings.policies) {
      const std::vector<Outcome> at = run_trial(instance, kind, settings.load_percent);
      for (size_t l = 0; l < at.size(); ++l) outcomes[l].back().push_back(at[l]);
    }
    if ((i + 1) % std::max<uint64_t>(1, settings.instances / 20) == 0) {
      std::fprintf(stderr, "%llu of %llu regions\n", static_cast<unsigned long long>(i + 1),
                   static_cast<unsigned long long>(settings.instances));
    }
  }
  std::vector<LoadTable> tables;
  for (size_t l = 0; l < outcomes.size(); ++l)
    tables.push_back(tabulate(settings.load_percent[l], settings.policies, outcomes[l]));
  std::string out;
  if (settings.format == "json") {
    out = json(tables, settings.instances, settings.seed);
  } else if (settings.format == "markdown") {
    out = markdown(tables, settings.instances, settings.seed);
  } else {
    out =
        text(tables, std::to_string(settings.instances) + " regions, seeds " + std::to_string(settings.seed) +
                         " to " + std::to_string(settings.seed + settings.instances - 1) +
                         "; means with 95% confidence intervals\n");
  }
  std::fputs(out.c_str(), stdout);
  return 0;
}

}  // namespace weir::bench
