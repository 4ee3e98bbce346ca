#include "simulation/load.h"

#include <algorithm>

namespace weir::simulation {
namespace {

constexpr TimeUs kPatienceUs = 2'000'000;
constexpr const char* kArrayName = "array";

}  // namespace

Load::Load(Schedule& schedule, Random& random, World& world, BrainProcess& brain, const Auditor& auditor,
           std::function<void(const std::string&)> fail)
    : schedule_(schedule), random_(random), world_(world), brain_(brain), auditor_(auditor), fail_(std::move(fail)) {}

// ---- asking ------------------------------------------------------------------------------------------

void Load::ask(Make make, std::function<void()> then) {
  ++open_;
  attempt(std::make_shared<Request>(Request{std::move(make), std::move(then)}));
}

void Load::attempt(const std::shared_ptr<Request>& request) {
  if (request->done) return;
  const uint64_t mine = ++request->attempt;
  schedule_.after(kPatienceUs, [this, request, mine] {
    if (request->attempt == mine) attempt(request);
  });
  if (!brain_.loop()) return;
  std::vector<Proposal> proposals = request->make(*brain_.loop()->durable());
  if (proposals.empty()) {
    request->done = true;
    --open_;
    return;
  }
  std::vector<size_t> kinds;
  for (const Proposal& p : proposals) kinds.push_back(p.body.index());
  brain_.propose(std::move(proposals),
                 [this, request, kinds](const Result<Admitted>& result) { answered(request, kinds, result); });
}

void Load::answered(const std::shared_ptr<Request>& request, const std::vector<size_t>& kinds,
                    const Result<Admitted>& result) {
  if (result) {
    ++answered_;
    if (result->positions.size() != kinds.size()) fail_("an answer has another number of positions than proposals");
    for (size_t i = 0; i < kinds.size(); ++i) {
      const Position at = result->positions[i];
      if (at == kNoPosition) continue;
      if (at >= auditor_.size()) {
        fail_("position " + std::to_string(at) + " was acknowledged and is not durable");
      } else if (auditor_.kind(at) != kinds[i]) {
        fail_("position " + std::to_string(at) + " was acknowledged for " + std::string(kEventNames[kinds[i]]) +
              " and holds something else");
      }
    }
    if (result->version > auditor_.size()) fail_("a version was acknowledged that is not durable");
  } else if (result.error().code == ErrorCode::kExhausted || result.error().code == ErrorCode::kUnavailable) {
    return;  // asked again later
  }
  if (request->done) return;
  request->done = true;
  --open_;
  if (result && request->then) request->then();
}

// ---- the world as people describe it -----------------------------------------------------------------

void Load::begin() {
  ask(
      [this](const Graph& graph) {
        std::vector<Proposal> all;
        if (graph.site_count() > 0) return all;
        for (const char* tenant : {"city", "lab"}) all.push_back({"operator/sim", TenantDefined{{}, tenant}});
        for (const auto& site : world_.sites) all.push_back({"operator/sim", SiteDefined{{}, {}, site.spec}});
        for (const auto& router : world_.routers) all.push_back({"operator/sim", RouterDefined{{}, router}});
        for (const auto& link : world_.links) all.push_back({"operator/sim", LinkDefined{{}, link.spec}});
        all.push_back({"operator/sim", DatasetDefined{{}, {.name = "footage", .at = {SiteId(0u)}, .residency = {"cn"}}}});
        return all;
      });
  crowded_ = random_.chance(300'000);
  if (crowded_ || random_.chance(700'000)) define_queues();
  const int64_t wishes = random_.between(2, 9);
  if (crowded_) {
    for (int64_t i = 0; i < 8; ++i) {
      const std::string name = "crowd" + std::to_string(i);
      names_.push_back({name, true});
      schedule_.after(random_.between(600'000, 8'000'000), [this, name] { submit(name, true); });
    }
  }
  for (int64_t i = 0; i < wishes; ++i) names_.push_back({"intent" + std::to_string(i), random_.chance(400'000)});
  if (random_.chance(400'000)) names_.push_back({kArrayName, true});
  schedule_.after(500'000, [this] { act(); });
}

// A tree of two beside the domain's own, whose bounds and rules change.
void Load::define_queues() {
  static constexpr const char* kPolicies[] = {"", "fcfs", "saf", "wfp3", "weir"};
  QueueSpec domain{.name = kDomainQueue,
                   .policy = kPolicies[random_.below(std::size(kPolicies))],
                   .backfill = static_cast<Backfill>(random_.between(0, 3)),
                   .half_life_us = random_.chance(500'000) ? random_.between(1, 20) * 1'000'000 : 0,
                   .priority_max = 2,
                   .predicts = random_.chance(300'000)};
  QueueSpec research{.name = "research",
                     .weight_milli = static_cast<int32_t>(random_.between(1, 5) * 500),
                     .priority_max = static_cast<int32_t>(random_.between(0, 2))};
  if (crowded_ || random_.chance(500'000)) {
    research.guaranteed = {.cpu_milli = random_.between(1, 20) * (crowded_ ? 500 : 100),
                           .memory_mib = random_.between(1, 16) * 512};
  }
  if (!domain.policy.empty() && random_.chance(300'000)) domain.settings = {{"preemptions_max", random_.between(0, 4)}};
  QueueSpec genomes{.name = "genomes", .policy = kPolicies[random_.below(std::size(kPolicies))]};
  if (random_.chance(500'000)) genomes.maximum.cpu_milli = random_.between(1, 20) * 200;
  ask([domain, research](const Graph& graph) {
    std::vector<Proposal> both;
    if (graph.site_count() == 0) return both;
    return std::vector<Proposal>{{"operator/sim", QueueDefined{{}, domain}}, {"operator/sim", QueueDefined{{}, research}}};
  });
  ask([genomes](const Graph& graph) {
    std::vector<Proposal> one;
    QueueSpec spec = genomes;
    spec.parent = graph.find_queue("research");
    if (spec.parent.valid()) one.push_back({"operator/sim", QueueDefined{{}, spec}});
    return one;
  });
}

void Load::submit(const std::string& name, bool job) {
  const auto other = [this](int64_t ppm) { return random_.chance(ppm) ? names_[random_.below(names_.size())].first : std::string(); };
  ask([this, name, wished = wish(name, job), same_work = random_.chance(250'000), near = other(60'000),
       apart = other(120'000), reserved = random_.chance(300'000), rate = random_.between(1, 10) * 1'000'000](const Graph& graph) {
    std::vector<Proposal> one;
    IntentSpec spec = wished;
    const IntentId known = same_work ? graph.find_intent("city", name) : IntentId();
    if (known.valid()) {
      // Only what is asked of the same work changes: what runs may go on.
      spec = *graph.intent(known).spec;
      if (!spec.workload.best_effort) spec.promise = wished.promise;
      if (spec.traffic.between_bps > 0) spec.promise.latency_us_max = 0;
      spec.where = wished.where;
      spec.budget_per_hour_max = wished.budget_per_hour_max;
      spec.workload.speed_milli_min = wished.workload.speed_milli_min;
      spec.where.at_data = spec.where.at_data && !spec.data.empty();
      if (spreads(spec.where)) spec.schedule.instances_min = 0;
    }
    const IntentId beside = graph.find_intent("city", near), clear_of = graph.find_intent("city", apart);
    const auto can_be_named = [&graph](IntentId id) { return id.valid() && !is_array(graph.intent(id)); };
    if (can_be_named(beside) && near != name) spec.where.near = {beside};
    if (can_be_named(clear_of) && apart != name && apart != near) spec.where.apart_from = {clear_of};
    if (!graph.find_queue(spec.schedule.queue).valid()) spec.schedule.queue.clear();
    const QueueId queue = graph.find_queue(spec.schedule.queue.empty() ? kDomainQueue : spec.schedule.queue);
    spec.schedule.priority = std::min(spec.schedule.priority, queue.valid() ? graph.queue(queue).priority_max : 0);
    const ReservationId night = graph.tenant_count() > 0 ? graph.find_reservation(TenantId(0u), "night") : ReservationId();
    const bool ends = spec.workload.kind == WorkKind::kJob;
    const bool stands = night.valid() && !graph.reservation(night).cancelled && graph.reservation(night).spec.to > graph.now();
    if (ends && reserved && stands && graph.reservation(night).spec.ingress.valid() && spec.schedule.tasks == 0 && spec.traffic.between_bps == 0) {
      const ReservationSpec& kept = graph.reservation(night).spec;
      spec.schedule.reservation = kept.name;
      if (spec.from.empty()) {
        spec.from = {{kept.ingress, 1}};
        if (spec.traffic.up_bps == 0) spec.traffic = {rate, 0, kRequestsPerSecond * 1'000, 5'000};
      }
    } else {
      spec.schedule.reservation.clear();
    }
    if (graph.tenant_count() == 0 || (calm_ && spec.workload.artifact == kBrokenProgram)) return one;
    one.push_back({"tenant/city", IntentSubmitted{{}, TenantId(0u), 0, std::move(spec)}});
    return one;
  });
}

IntentSpec Load::wish(const std::string& name, bool job) {
  Random& r = random_;
  IntentSpec spec{.name = name};
  const auto some_site = [&] { return SiteId(r.below(world_.sites.size())); };
  const bool array = job && name == kArrayName;
  if (array) spec.schedule.tasks = static_cast<int32_t>(r.between(2, 12));
  if (!job || (!array && r.chance(200'000))) {
    const int64_t ingresses = r.between(1, std::min<int64_t>(3, static_cast<int64_t>(world_.sites.size())));
    for (int64_t i = 0; i < ingresses; ++i) {
      const SiteId site = some_site();
      if (std::none_of(spec.from.begin(), spec.from.end(), [&](const Ingress& f) { return f.site == site; })) {
        spec.from.push_back({site, static_cast<int32_t>(r.between(1, 6))});
      }
    }
  }
  spec.workload = {.kind = job ? WorkKind::kJob : WorkKind::kService,
                   .artifact = r.chance(50'000) ? kBrokenProgram : r.chance(100'000) ? kHeavyProgram : "program",
                   .port = job ? 0 : static_cast<int32_t>(r.between(8080, 8083)),
                   .cpu_milli = static_cast<int32_t>(r.between(1, 20) * 100),
                   .memory_mib = static_cast<int32_t>(r.between(1, 16) * 64),
                   .accelerators = static_cast<int16_t>(r.chance(250'000) ? 1 : 0),
                   .streams_per_instance = static_cast<int32_t>(r.between(1, 5))};
  if (spec.workload.accelerators > 0 && r.chance(600'000)) {
    spec.workload.accelerator_milli = static_cast<int32_t>(r.between(1, 19) * 50);
    if (r.chance(300'000)) spec.workload.accelerator_memory_mib = static_cast<int32_t>(r.between(1, 12) * 1'024);
  } else if (spec.workload.accelerators > 0 && r.chance(200'000)) {
    spec.workload.accelerator_fp16_gflops_min = r.between(1, 4) * 100'000;
  } else if (spec.workload.accelerators > 0 && r.chance(400'000)) {
    spec.workload.accelerators = static_cast<int16_t>(r.between(2, 4));
    spec.workload.accelerators_linked = r.chance(700'000);
  }
  if (spec.from.empty()) spec.workload.streams_per_instance = 1;
  if (!spec.from.empty()) {
    spec.traffic = {r.between(1, 30) * 1'000'000, r.between(0, 5) * 1'000'000, kRequestsPerSecond * 1'000,
                    r.between(spec.workload.artifact == kHeavyProgram ? 5 : 1, 20) * 1'000};
    if (r.chance(600'000)) spec.promise.latency_us_max = r.between(30'000, 500'000);
  }
  if (r.chance(150'000)) spec.promise.availability_ppm = static_cast<int32_t>(r.between(980'000, 999'990));
  if (r.chance(200'000)) spec.where.residency = {"cn"};
  if (r.chance(150'000)) spec.where.not_at = {some_site()};
  if (r.chance(100'000)) spec.where.only = {some_site()};
  if (r.chance(100'000)) spec.where.sites_min = 2;
  if (r.chance(70'000)) spec.where.regions_min = 2;
  if (r.chance(70'000)) spec.where.failure_domains_min = 2;
  if (r.chance(300'000)) spec.where.tolerates = {"noisy"};
  if (r.chance(80'000)) spec.workload.speed_milli_min = static_cast<int32_t>(r.between(5, 14) * 100);
  if (r.chance(100'000)) spec.budget_per_hour_max = r.between(1, 200) * 10'000'000;
  if (r.chance(300'000)) spec.prefer.carbon_milli = 1000;
  if (r.chance(100'000)) spec.data = {DatasetId(0u)};
  spec.where.at_data = !spec.data.empty() && r.chance(300'000);
  // One instance for one ingress, and nothing that ties it to others: what a pass over the domain may move.
  if (!job && r.chance(400'000)) {
    spec.from.resize(1);
    spec.workload.streams_per_instance = std::max(spec.workload.streams_per_instance, spec.from[0].streams);
    spec.promise.availability_ppm = 0;
    spec.where.sites_min = 1;
    spec.where.regions_min = spec.where.failure_domains_min = 0;
    spec.where.at_data = false;
    spec.budget_per_hour_max = 0;
    spec.data.clear();
  }
  if (job && r.chance(700'000)) {
    weir::Schedule& schedule = spec.schedule;
    if (r.chance(500'000)) schedule.queue = r.chance(500'000) ? "research" : "genomes";
    if (r.chance(300'000)) schedule.priority = static_cast<int32_t>(r.between(-1, 2));
    if (r.chance(300'000)) schedule.instances = static_cast<int32_t>(r.between(1, 4));
    spec.where.same_rack = schedule.instances > 1 && !spreads(spec.where) && r.chance(500'000);
    if (r.chance(500'000)) {
      schedule.run_time_us_max = r.between(1, 20) * 1'000'000;
      schedule.run_time_us_estimated = r.chance(500'000) ? r.between(1, schedule.run_time_us_max) : 0;
    }
    if (r.chance(250'000)) schedule.start_slack_us = r.between(1, 25) * 1'000'000;
  }
  if (job && !crowded_ && r.chance(250'000)) {
    spec.workload.best_effort = true;
    spec.workload.accelerators = 0;
    spec.workload.accelerator_milli = spec.workload.accelerator_memory_mib = 0;
    spec.workload.accelerator_fp16_gflops_min = 0;
    spec.workload.streams_per_instance = 1;
    spec.from.clear();
    spec.traffic = {};
    spec.promise = {};
    spec.schedule.queue.clear();
  }
  if (job && crowded_) {
    weir::Schedule& schedule = spec.schedule;
    const auto& nodes = world_.sites[0].nodes;
    spec.workload.cpu_milli = static_cast<int32_t>(nodes[r.below(nodes.size())].cpu_milli * r.between(3, 8) / 10);
    spec.workload.accelerators = 0;
    spec.workload.accelerators_linked = false;
    spec.where = {};
    if (r.chance(800'000)) spec.where.only = {SiteId(0u)};
    schedule.queue = r.chance(300'000) ? "research" : "";
    schedule.priority = static_cast<int32_t>(r.between(-1, 2));
    if (r.chance(500'000)) schedule.checkpoint_interval_us = r.between(1, 5) * 1'000'000;
  }
  const bool alone = job && spec.schedule.tasks == 0 && spec.from.empty() && !spec.workload.best_effort;
  if (alone && !spreads(spec.where) && r.chance(400'000)) {
    // In a crowd several of its instances fit beside others: it has what to give up.
    if (crowded_) spec.workload.cpu_milli = std::max(spec.workload.cpu_milli / 3, 100);
    spec.schedule.instances = static_cast<int32_t>(r.between(2, 8));
    spec.schedule.instances_min = static_cast<int32_t>(r.between(1, spec.schedule.instances - 1));
  } else if (alone && r.chance(400'000)) {
    // Smaller ones, so that some have to be at several sites and there is room between these.
    spec.workload.cpu_milli = std::max(spec.workload.cpu_milli / 2, 100);
    spec.schedule.instances = static_cast<int32_t>(r.between(2, 6));
    spec.traffic.between_bps = r.between(1, 40) * 1'000'000;
  }
  return spec;
}

// A camera, or what runs, and stages behind it in a chain, a tree or a net.
Workflow Load::stream(const std::string& name) {
  Random& r = random_;
  Workflow spec{.name = name, .kind = WorkflowKind::kStream};
  const auto stages = static_cast<uint32_t>(r.between(2, 4));
  for (uint32_t s = 0; s < stages; ++s) {
    Stage stage{.name = "s" + std::to_string(s)};
    if (r.chance(s == 0 ? 800'000 : 250'000)) stage.at = {SiteId(r.below(world_.sites.size()))};
    // What is pinned may run nothing.
    if (stage.at.empty() || r.chance(300'000)) {
      stage.workload = {.artifact = "program", .port = static_cast<int32_t>(9'000 + s), .cpu_milli = static_cast<int32_t>(r.between(1, 5) * 100),
                        .memory_mib = static_cast<int32_t>(r.between(1, 4) * 64)};
      stage.items_per_second_milli = r.between(1, 10) * 1'000;
      stage.work_us = r.between(0, 10) * 1'000;
      stage.replicas = r.chance(200'000) ? 2 : 1;
    }
    spec.stages.push_back(std::move(stage));
  }
  const auto join = [&](uint32_t from, uint32_t to) {
    spec.edges.push_back({.from = from, .to = to, .bps = r.between(1, 20) * 1'000'000, .item_bits = r.between(0, 2) * 100'000});
  };
  for (uint32_t s = 1; s < stages; ++s) join(static_cast<uint32_t>(r.below(s)), s);
  if (stages > 2 && r.chance(200'000) && spec.edges.back().from != 0) join(0, stages - 1);
  if (r.chance(500'000)) spec.latency_us_max = r.between(50'000, 500'000);
  if (r.chance(200'000)) spec.where.not_at = {SiteId(r.below(world_.sites.size()))};
  return spec;
}

// Stages that each run for a while, in a chain, a tree or a net.
Workflow Load::batch(const std::string& name) {
  Random& r = random_;
  Workflow spec{.name = name};
  const auto stages = static_cast<uint32_t>(r.between(1, 4));
  for (uint32_t s = 0; s < stages; ++s) {
    Stage stage{.name = "s" + std::to_string(s), .work_us = r.between(1, 10) * 1'000'000};
    if (r.chance(150'000)) stage.at = {SiteId(r.below(world_.sites.size()))};
    stage.workload = {.artifact = "program",
                      .cpu_milli = static_cast<int32_t>(r.between(1, 5) * 100),
                      .memory_mib = static_cast<int32_t>(r.between(1, 4) * 64)};
    spec.stages.push_back(std::move(stage));
  }
  if (r.chance(300'000)) {
    spec.inputs = {{.name = "tiles", .bytes = r.between(0, 50) * 1'000'000, .at = {SiteId(r.below(world_.sites.size()))}}};
    spec.stages[0].reads = {WorkflowInputId(0u)};
  }
  const auto join = [&](uint32_t from, uint32_t to) {
    spec.edges.push_back({.from = from, .to = to, .bytes = r.between(0, 20) * 1'000'000});
  };
  for (uint32_t s = 1; s < stages; ++s) join(static_cast<uint32_t>(r.below(s)), s);
  if (stages > 2 && r.chance(300'000) && spec.edges.back().from != 0) join(0, stages - 1);
  if (r.chance(300'000)) spec.deadline_us = r.between(5, 100) * 1'000'000;
  return spec;
}

void Load::submit_workflow() {
  const bool once = random_.chance(400'000);
  const std::string name = once ? "mosaic" : random_.chance(500'000) ? "video" : "audio";
  if (random_.chance(250'000)) {
    return ask([name](const Graph& graph) {
      std::vector<Proposal> one;
      const WorkflowId known = graph.find_workflow("city", name);
      if (known.valid()) one.push_back({"tenant/city", WorkflowWithdrawn{.workflow = known}});
      return one;
    });
  }
  ask([spec = once ? batch(name) : stream(name)](const Graph& graph) {
    std::vector<Proposal> one;
    if (graph.tenant_count() > 0) one.push_back({"tenant/city", WorkflowSubmitted{.tenant = TenantId(0u), .generation = 0, .spec = spec}});
    return one;
  });
}

void Load::act() {
  if (calm_) return;
  schedule_.after(random_.between(200'000, 2'500'000), [this] { act(); });
  if (random_.chance(80'000)) return submit_workflow();
  const auto& [name, job] = names_[random_.below(names_.size())];
  const SiteId site(random_.below(world_.sites.size()));
  if (random_.chance(60'000)) {
    return ask([name = name, held = random_.chance(500'000), good = random_.chance(500'000), blame = static_cast<Blame>(random_.below(6))](const Graph& graph) {
      std::vector<Proposal> one;
      const IntentId known = graph.find_intent("city", name);
      if (!known.valid()) return one;
      if (held) {
        const IntentRow& row = graph.intent(known);
        DialogueHeld ended{.tenant = row.tenant, .end = good ? DialogueEnd::kTaken : DialogueEnd::kLeft, .chinese = good, .said = "as " + name,
                           .offers = {{sketch_of(*row.spec, "detection"), {"asked", "fastest"}, "", {}, 0}}};
        if (good) {
          ended.offers[0].taken = "fastest";
          ended.offers[0].intent = known;
          ended.offers[0].generation = row.generation;
        }
        one.push_back({"tenant/city", std::move(ended)});
      } else {
        one.push_back({"tenant/city", IntentRated{.intent = known, .good = good, .blame = good ? Blame::kUnsaid : blame, .comment = {}}});
      }
      return one;
    });
  }
  const int64_t what = random_.between(0, 99);
  // The same name may become the other kind of work.
  if (what < 60) return submit(name, job != random_.chance(50'000));
  if (what < 75) {
    return ask([name = name](const Graph& graph) {
      std::vector<Proposal> one;
      IntentId known = graph.find_intent("city", name);
      // Of an array now and then one of its tasks alone.
      const auto tasks = known.valid() ? static_cast<Position>(graph.intent(known).tasks.submitted) : 0;
      if (tasks > 0 && graph.version() % 2 == 0) known = graph.find_task(known, static_cast<uint32_t>(graph.version() / 2 % tasks));
      if (known.valid()) one.push_back({"tenant/city", IntentWithdrawn{known}});
      return one;
    });
  }
  if (what == 87) return define_queues();
  if (what == 86) {
    return ask([site, node = random_.below(4), cordoned = random_.chance(500'000), this](const Graph& graph) {
      std::vector<Proposal> one;
      if (calm_ || site.index() >= graph.site_count() || graph.nodes(site).empty()) return one;
      const NodeRange range = graph.nodes(site)[0];
      one.push_back({"operator/sim", NodeCordoned{NodeId(range.first + static_cast<uint32_t>(node) % range.count), cordoned, "asked"}});
      return one;
    });
  }
  if (what == 85) {
    return ask([site, this, from = random_.between(0, 5'000'000), lasts = random_.between(1, 10) * 1'000'000,
                cpu = random_.chance(700'000) ? random_.between(1, 20) * 100 : 0, ingress = SiteId(random_.below(world_.sites.size())),
                up = random_.between(1, 20) * 1'000'000, down = random_.between(0, 5) * 1'000'000](const Graph& graph) {
      std::vector<Proposal> one;
      if (graph.site_count() == 0 || graph.tenant_count() == 0) return one;
      const ReservationId known = graph.find_reservation(TenantId(0u), "night");
      const bool stands = known.valid() && !graph.reservation(known).cancelled && graph.reservation(known).spec.to > graph.now();
      if (stands && from % 2 == 0) {
        one.push_back({"tenant/city", ReservationCancelled{known}});
      } else if (!calm_) {
        ReservationSpec spec{.name = stands ? "late" : "night", .site = site, .amount = {.cpu_milli = cpu},
                             .from = graph.now() + from, .to = graph.now() + from + lasts};
        if (ingress != site) {
          spec.ingress = ingress;
          spec.up_bps = up;
          spec.down_bps = down;
        }
        one.push_back({"tenant/city", ReservationDefined{{}, TenantId(0u), std::move(spec)}});
      }
      return one;
    });
  }
  if (what < 88) {
    return ask([this, site, to = random_.chance(500'000) ? Liveness::kDraining : Liveness::kUp](const Graph& graph) {
      std::vector<Proposal> one;
      if (!calm_ && site.index() < graph.site_count()) one.push_back({"operator/sim", SiteStateChanged{site, to, "asked"}});
      return one;
    });
  }
  if (what < 92) {
    SiteSpec& spec = world_.sites[site.index()].spec;
    if (random_.chance(500'000)) {
      spec.residency = spec.residency.empty() ? std::vector<std::string>{"cn"} : std::vector<std::string>{};
    } else if (random_.chance(300'000)) {
      spec.taints = spec.taints.empty() ? std::vector<std::string>{"noisy"} : std::vector<std::string>{};
    } else if (random_.chance(300'000)) {
      spec.hours = spec.hours.empty() ? some_hours(random_) : std::vector<HourRate>{};
    } else {
      spec.asks.per_core_hour = random_.between(1, 50) * 1'000'000;
      spec.best_effort_asks_milli = static_cast<int32_t>(random_.between(0, 10) * 100);
    }
    return ask([spec](const Graph& graph) {
      std::vector<Proposal> one;
      if (graph.site_count() > 0) one.push_back({"operator/sim", SiteDefined{{}, {}, spec}});
      return one;
    });
  }
  if (what == 95) {
    const std::vector<std::string> labels = random_.chance(500'000) ? std::vector<std::string>{"cn"} : std::vector<std::string>{};
    return ask([labels, site](const Graph& graph) {
      std::vector<Proposal> one;
      if (graph.dataset_count() > 0) {
        one.push_back({"operator/sim", DatasetDefined{{}, {.name = "footage", .at = {site}, .residency = labels}}});
      }
      return one;
    });
  }
  if (what < 96) {
    LinkSpec& spec = world_.links[random_.below(world_.links.size())].spec;
    spec.bandwidth_bps = random_.between(5, 100) * 10'000'000;
    return ask([spec](const Graph& graph) {
      std::vector<Proposal> one;
      if (graph.link_count() > 0) one.push_back({"operator/sim", LinkDefined{{}, spec}});
      return one;
    });
  }
  ask([scarcity = random_.between(0, 200) * 1'000'000](const Graph&) {
    return std::vector<Proposal>{{"operator/sim", PricesRevised{.carbon_price_per_kg = 100'000'000,
                                                                .scarcity_core_hour = scarcity,
                                                                .scarcity_gib_hour = 10'000'000,
                                                                .scarcity_accelerator_hour = 2 * kCredit,
                                                                .scarcity_gbps_hour = 50'000'000}}};
  });
}

void Load::calm() {
  calm_ = true;
  schedule_.after(1'000'000, [this] { undrain(); });
}

// Later than any drain that was asked for before.
void Load::undrain() {
  for (size_t s = 0; s < world_.sites.size(); ++s) {
    ask([s](const Graph& graph) {
      std::vector<Proposal> one;
      if (s < graph.site_count() && graph.site(SiteId(s)).drained) {
        one.push_back({"operator/sim", SiteStateChanged{SiteId(s), Liveness::kUp, "asked"}});
      }
      return one;
    });
  }
  ask([](const Graph& graph) {
    std::vector<Proposal> all;
    for (size_t n = 0; n < graph.node_count(); ++n) {
      if (graph.node(NodeId(n)).cordoned) all.push_back({"operator/sim", NodeCordoned{NodeId(n), false, "asked"}});
    }
    return all;
  });
  // What can never run would never come to rest; also tasks of an array that is another by now.
  ask([](const Graph& graph) {
    std::vector<Proposal> all;
    for (size_t i = 0; i < graph.intent_count(); ++i) {
      const IntentRow& row = graph.intent(IntentId(i));
      if (row.array.valid() && row.state != IntentState::kWithdrawn && row.spec->workload.artifact == kBrokenProgram) {
        all.push_back({"tenant/city", IntentWithdrawn{IntentId(i)}});
      }
    }
    return all;
  });
  for (const auto& [name, job] : names_) {
    ask([name = name](const Graph& graph) {
      std::vector<Proposal> one;
      const IntentId known = graph.find_intent("city", name);
      if (known.valid() && graph.intent(known).state != IntentState::kWithdrawn &&
          graph.intent(known).spec->workload.artifact == kBrokenProgram) {
        one.push_back({"tenant/city", IntentWithdrawn{known}});
      }
      return one;
    });
  }
}

}  // namespace weir::simulation
