#include "core/loop/admit.h"

#include <algorithm>
#include <set>

#include "core/event/limits.h"
#include "core/loop/workflow_stages.h"
#include "core/units/quantity.h"

namespace weir {
namespace {

class Admitter {
 public:
  Admitter(const Graph& head, TimeUs now) : head_(head), now_(now) {}

  Result<Admission> operator()(DomainCreated e) const {
    if (head_.version() != 0) return fail(ErrorCode::kConflict, "the domain exists", "domain " + head_.domain());
    return Admission{std::move(e)};
  }
  Result<Admission> operator()(PricesRevised e) const {
    const PricePolicy& now = head_.prices();
    e.policy = now.version + 1;
    const PricePolicy next{now.version, e.carbon_price_per_kg, e.scarcity_core_hour, e.scarcity_gib_hour,
                           e.scarcity_accelerator_hour, e.scarcity_gbps_hour};
    return Admission{e, !(next == now)};
  }
  Result<Admission> operator()(BrainStarted e) const {
    e.epoch = head_.brain_epoch() + 1;
    return Admission{std::move(e)};
  }
  Result<Admission> operator()(TenantDefined e) const {
    const TenantId known = head_.find_tenant(e.name);
    e.tenant = known.valid() ? known : TenantId(head_.tenant_count());
    return Admission{std::move(e), !known.valid()};
  }
  Result<Admission> operator()(RouterDefined e) const {
    const VertexId known = head_.find_vertex(e.name);
    if (known.valid() && head_.find_site(e.name).valid()) return taken("router", e.name, "a site");
    e.vertex = known.valid() ? known : VertexId(head_.vertex_count());
    return Admission{std::move(e), !known.valid()};
  }
  Result<Admission> operator()(SiteDefined e) const {
    if (!e.spec.hours.empty() && e.spec.hours.size() != limits::kHoursPerDay) {
      return fail(ErrorCode::kInvalid, "its hours are not those of a day", "site " + e.spec.name, "give 24, or none");
    }
    const SiteId known = head_.find_site(e.spec.name);
    if (known.valid()) {
      e.site = known;
      e.vertex = head_.site(known).vertex;
      return Admission{e, !(head_.site_spec(known) == e.spec)};
    }
    if (head_.find_vertex(e.spec.name).valid()) return taken("site", e.spec.name, "a router");
    e.site = SiteId(head_.site_count());
    e.vertex = VertexId(head_.vertex_count());
    return Admission{std::move(e)};
  }
  Result<Admission> operator()(LinkDefined e) const {
    if (e.spec.a.index() >= head_.vertex_count() || e.spec.b.index() >= head_.vertex_count()) {
      return fail(ErrorCode::kNotFound, "one of its ends is unknown", "link " + e.spec.name,
                  "define both sites or routers first");
    }
    if (e.spec.a == e.spec.b) return fail(ErrorCode::kInvalid, "both ends are the same", "link " + e.spec.name);
    const LinkId known = head_.find_link(e.spec.name);
    if (known.valid()) {
      const LinkRow& row = head_.link(known);
      if (row.from != e.spec.a || row.to != e.spec.b) {
        return fail(ErrorCode::kConflict,
                    "it joins " + head_.vertex_name(row.from) + " and " + head_.vertex_name(row.to),
                    "link " + e.spec.name, "a link keeps its ends; choose another name");
      }
      e.link = known;
      return Admission{e, !(head_.link_spec(known) == e.spec)};
    }
    e.link = LinkId(head_.link_count());
    return Admission{std::move(e)};
  }
  Result<Admission> operator()(DatasetDefined e) const {
    for (const SiteId at : e.spec.at) {
      if (at.index() >= head_.site_count()) return fail(ErrorCode::kNotFound, "unknown site", "dataset " + e.spec.name);
    }
    const DatasetId known = head_.find_dataset(e.spec.name);
    e.dataset = known.valid() ? known : DatasetId(head_.dataset_count());
    return Admission{e, !known.valid() || !(head_.dataset(known).spec == e.spec)};
  }
  Result<Admission> operator()(QueueDefined e) const {
    const std::string where = "queue " + e.spec.name;
    const QueueId known = head_.find_queue(e.spec.name);
    e.queue = known.valid() ? known : QueueId(head_.queue_count());
    if (e.spec.parent.valid() && e.spec.parent.index() >= head_.queue_count()) {
      return fail(ErrorCode::kNotFound, "its parent is unknown", where + ": spec.parent", "define the parent first");
    }
    if (e.spec.name == kDomainQueue) {
      if (e.spec.parent.valid() || e.spec.guaranteed != Quota{} || e.spec.maximum != Quota{}) {
        return fail(ErrorCode::kInvalid, "the domain's own queue has neither a parent nor quotas", where,
                    "leave out parent, guaranteed and maximum");
      }
    } else if (e.spec.backfill != Backfill::kInherited) {
      return fail(ErrorCode::kInvalid, "who may overtake is one rule for the whole domain", where + ": spec.backfill",
                  std::string("set backfill on the queue ") + kDomainQueue);
    }
    if (e.spec.parent.valid() && head_.queue(e.spec.parent).name == kDomainQueue) e.spec.parent = {};
    if (known.valid() && head_.queue(known).parent != e.spec.parent) {
      return fail(ErrorCode::kConflict, "it has another parent", where + ": spec.parent",
                  "a queue keeps its parent; choose another name");
    }
    if (Status within = quotas(e.queue, e.spec, where); !within) return tl::unexpected(within.error());
    return Admission{e, !known.valid() || !(head_.queue(known) == e.spec)};
  }
  Result<Admission> operator()(ReservationDefined e) const {
    if (e.tenant.index() >= head_.tenant_count()) return fail(ErrorCode::kNotFound, "unknown tenant");
    const std::string where = "reservation " + head_.tenant_name(e.tenant) + "/" + e.spec.name;
    if (e.spec.site.index() >= head_.site_count()) return fail(ErrorCode::kNotFound, "unknown site", where);
    if (e.spec.from >= e.spec.to) return fail(ErrorCode::kInvalid, "it ends before it begins", where);
    if (e.spec.to <= now_) return fail(ErrorCode::kInvalid, "it is over already", where, "choose a later window");
    const bool bandwidth = e.spec.ingress.valid();
    if (e.spec.amount == Quota{} && !bandwidth) return fail(ErrorCode::kInvalid, "it reserves nothing", where);
    if (bandwidth ? e.spec.up_bps == 0 && e.spec.down_bps == 0 : e.spec.up_bps != 0 || e.spec.down_bps != 0) {
      return fail(ErrorCode::kInvalid, "it has an ingress without bandwidth, or the other way round", where, "give both, or neither");
    }
    if (bandwidth && e.spec.ingress.index() >= head_.site_count()) return fail(ErrorCode::kNotFound, "unknown ingress", where);
    if (e.spec.ingress == e.spec.site) {
      return fail(ErrorCode::kInvalid, "its ingress is its site: traffic takes no link", where, "leave out ingress, up and down");
    }
    e.spec.path.clear();
    if (const ReservationId known = head_.find_reservation(e.tenant, e.spec.name); known.valid()) {
      const Graph::ReservationRow& row = head_.reservation(known);
      if (!row.cancelled && row.spec.to > now_) {
        e.spec.path = row.spec.path;
        if (row.spec == e.spec) return Admission{e, false};
        return fail(ErrorCode::kConflict, "it exists, with another window, place or amount", where,
                    "cancel it first, or choose another name");
      }
    }
    if (bandwidth) {
      PathToKeep found = path_to_keep(head_, e.spec, now_);
      if (found.path.empty()) return no_path(e.spec, found, where);
      e.spec.path = std::move(found.path);
    }
    e.reservation = ReservationId(head_.reservation_count());
    return Admission{std::move(e)};
  }
  Result<Admission> operator()(ReservationCancelled e) const {
    if (e.reservation.index() >= head_.reservation_count()) return fail(ErrorCode::kNotFound, "unknown reservation");
    const Graph::ReservationRow& row = head_.reservation(e.reservation);
    return Admission{e, !row.cancelled && row.spec.to > now_};
  }
  Result<Admission> operator()(NodeCordoned e) const {
    if (e.node.index() >= head_.node_count()) return fail(ErrorCode::kNotFound, "unknown node");
    return Admission{e, head_.node(e.node).cordoned != e.cordoned};
  }
  Result<Admission> operator()(DialogueHeld e) const {
    if (e.tenant.index() >= head_.tenant_count()) return fail(ErrorCode::kNotFound, "unknown tenant");
    const std::string where = "dialogue of " + head_.tenant_name(e.tenant);
    if (e.offers.empty()) return fail(ErrorCode::kInvalid, "nothing was offered in it", where);
    for (const DialogueOffer& offer : e.offers) {
      if (!offer.taken.empty() && std::find(offer.ways.begin(), offer.ways.end(), offer.taken) == offer.ways.end()) {
        return fail(ErrorCode::kInvalid, "\"" + offer.taken + "\" was taken, and not offered", where);
      }
      if (offer.intent.valid() != (e.end == DialogueEnd::kTaken)) {
        return fail(ErrorCode::kInvalid, "an intent came of it without being taken, or the other way", where);
      }
      if (!offer.intent.valid()) continue;
      if (offer.intent.index() >= head_.intent_count() || head_.intent(offer.intent).tenant != e.tenant) {
        return fail(ErrorCode::kNotFound, "what came of it is not the tenant's", where);
      }
    }
    if (const Status room = room_to_record(e.tenant); !room) return tl::unexpected(room.error());
    return Admission{std::move(e)};
  }
  // Of the newest generation.
  Result<Admission> operator()(IntentRated e) const {
    if (e.intent.index() >= head_.intent_count()) return fail(ErrorCode::kNotFound, "unknown intent");
    const IntentRow& row = head_.intent(e.intent);
    const std::string where = "intent " + head_.intent_name(e.intent);
    if (row.array.valid()) return fail(ErrorCode::kInvalid, "a task is judged with its array", where, "judge the array");
    if (e.good && e.blame != Blame::kUnsaid) return fail(ErrorCode::kInvalid, "what is good has nothing bad about it", where);
    e.generation = row.generation;
    const PastCase* known = find_case(head_.past(row.tenant), e.intent, e.generation);
    const bool same = known != nullptr && known->opinion == (e.good ? Opinion::kGood : Opinion::kBad) && known->blame == e.blame;
    if (same && e.comment.empty()) return Admission{std::move(e), false};
    if (const Status room = room_to_record(row.tenant); !room) return tl::unexpected(room.error());
    return Admission{std::move(e)};
  }
  // An agent's inventory: the rows it had, and new ones at the end.
  Result<Admission> operator()(NodesReported e) const {
    if (e.site.index() >= head_.site_count()) return fail(ErrorCode::kNotFound, "unknown site");
    if (e.nodes.empty()) return fail(ErrorCode::kInvalid, "no nodes", "site " + head_.site_name(e.site));
    const auto& ranges = head_.nodes(e.site);
    if (ranges.empty()) {
      e.first_node = NodeId(head_.node_count());
      return Admission{std::move(e)};
    }
    if (ranges.size() != 1 || ranges[0].count != e.nodes.size()) {
      return fail(ErrorCode::kUnsupported, "the number of nodes changed from " + std::to_string(ranges[0].count),
                  "site " + head_.site_name(e.site), "join the new machines as a site of their own");
    }
    e.first_node = NodeId(ranges[0].first);
    bool same = true;
    for (size_t i = 0; i < e.nodes.size(); ++i) {
      const NodeId id(ranges[0].first + static_cast<uint32_t>(i));
      const NodeRow& row = head_.node(id);
      const NodeSpec& spec = e.nodes[i];
      same = same && row.cpu_milli == spec.cpu_milli && row.memory_mib == spec.memory_mib &&
             row.accelerators == std::min<int>(spec.accelerators, kDevicesPerNodeMax) && head_.accelerator_model(row) == spec.accelerator_model &&
             head_.devices(row).memory_mib == spec.accelerator_memory_mib &&
             head_.devices(row).fp16_gflops == spec.accelerator_fp16_gflops && row.speed_milli == spec.speed_milli &&
             head_.devices(row).per_island == spec.accelerators_per_island &&
             head_.devices(row).slices == spec.accelerator_slices && head_.rack_name(id) == spec.rack &&
             head_.node_name(id) == spec.name;
    }
    return Admission{std::move(e), !same};
  }
  Result<Admission> operator()(SiteStateChanged e) const {
    if (e.site.index() >= head_.site_count()) return fail(ErrorCode::kNotFound, "unknown site");
    const SiteRow& row = head_.site(e.site);
    const std::string where = "site " + head_.site_name(e.site);
    const bool drain = e.state == Liveness::kDraining;
    e.drained = row.drained;
    if (!drain && e.state != Liveness::kUp) return Admission{e, row.state != e.state};
    if (row.state == Liveness::kUnknown) {
      return fail(ErrorCode::kConflict, "its agent has never attached; it comes up when it does", where);
    }
    // Only its agent brings up a site that is down; what an operator wants of it is kept until then.
    if (row.state == Liveness::kDown) {
      if (!drain && !row.drained) {
        return fail(ErrorCode::kConflict, "the site is down; it comes up when its agent attaches", where);
      }
      e.state = Liveness::kDown;
      e.drained = drain;
      return Admission{e, row.drained != drain};
    }
    e.drained = false;
    return Admission{e, row.state != e.state};
  }
  Result<Admission> operator()(LinkStateChanged e) const {
    if (e.link.index() >= head_.link_count()) return fail(ErrorCode::kNotFound, "unknown link");
    return Admission{e, head_.load(e.link).up != e.up};
  }
  Result<Admission> operator()(LinkMeasured e) const {
    if (e.link.index() >= head_.link_count()) return fail(ErrorCode::kNotFound, "unknown link");
    return Admission{std::move(e)};
  }
  Result<Admission> operator()(IntentSubmitted e) const {
    if (e.tenant.index() >= head_.tenant_count()) return fail(ErrorCode::kNotFound, "unknown tenant");
    const std::string where = "intent " + head_.tenant_name(e.tenant) + "/" + e.spec.name;
    if (e.array.valid()) return fail(ErrorCode::kInvalid, "the tasks of an array are submitted by the brain alone", where);
    const bool array = e.spec.schedule.tasks > 0;
    if (is_malleable(e.spec.schedule) &&
        (array || e.spec.workload.kind != WorkKind::kJob || !e.spec.from.empty() || spreads(e.spec.where))) {
      return fail(ErrorCode::kInvalid, "only a job without tasks, streams or spread may have fewer instances", where);
    }
    if (array && (e.spec.workload.kind != WorkKind::kJob || !e.spec.from.empty() || e.spec.schedule.tasks < 2)) {
      return fail(ErrorCode::kInvalid, "an array is of at least 2 tasks, which are jobs without streams", where);
    }
    if (e.workflow.valid()) return fail(ErrorCode::kInvalid, "the brain submits the stages of workflows by itself", where);
    for (const Ingress& from : e.spec.from) {
      if (from.site.index() >= head_.site_count()) return fail(ErrorCode::kNotFound, "unknown ingress site", where);
      if (std::count_if(e.spec.from.begin(), e.spec.from.end(),
                        [&](const Ingress& other) { return other.site == from.site; }) > 1) {
        return fail(ErrorCode::kInvalid, "ingress " + head_.site_name(from.site) + " is named twice", where);
      }
    }
    const Workload& work = e.spec.workload;
    if (work.accelerator_milli > 0 && work.accelerators != 1) {
      return fail(ErrorCode::kInvalid, "a share is of one accelerator, and it asks for " + std::to_string(work.accelerators),
                  where, "ask for one, or for whole ones");
    }
    if (work.accelerators == 0 && (work.accelerator_memory_mib > 0 || work.accelerator_fp16_gflops_min > 0)) {
      return fail(ErrorCode::kInvalid, "it says how able its accelerators must be, and asks for none", where,
                  "ask for at least one");
    }
    if (Status sound = best_effort(e.spec, where); !sound) return tl::unexpected(sound.error());
    if (Status sound = exchanges(e.spec, where); !sound) return tl::unexpected(sound.error());
    if (Status others = companions(e, where); !others) return tl::unexpected(others.error());
    if (!e.spec.schedule.queue.empty() && !head_.find_queue(e.spec.schedule.queue).valid()) {
      return fail(ErrorCode::kNotFound, "no queue \"" + e.spec.schedule.queue + "\"", where + ": spec.schedule.queue",
                  "'weir get queues' lists them");
    }
    if (const int32_t most = priority_max(e.spec.schedule.queue); e.spec.schedule.priority > most) {
      return fail(ErrorCode::kInvalid,
                  "priority " + std::to_string(e.spec.schedule.priority) + " is above the " + std::to_string(most) +
                      " that its queue allows",
                  where + ": spec.schedule.priority", "lower it, or ask the operator to raise priority_max of the queue");
    }
    if (!e.spec.schedule.reservation.empty()) {
      const ReservationId in = head_.find_reservation(e.tenant, e.spec.schedule.reservation);
      if (!in.valid() || head_.reservation(in).cancelled || head_.reservation(in).spec.to <= now_) {
        return fail(ErrorCode::kNotFound, "no reservation \"" + e.spec.schedule.reservation + "\" that is not over",
                    where + ": spec.schedule.reservation");
      }
    }
    const IntentId known = head_.find_intent(head_.tenant_name(e.tenant), e.spec.name);
    if (known.valid()) {
      if (const char* changed = changes_class(head_.intent(known), e.spec); changed != nullptr) {
        return fail(ErrorCode::kConflict,
                    "it runs, and " + std::string(changed) + " cannot be changed meanwhile: what is reserved has a turn to wait for", where,
                    "delete it first, or choose another name");
      }
    }
    if (!known.valid()) {
      if (e.generation > 1) return fail(ErrorCode::kConflict, "there is no earlier generation", where);
      if (Status kept = in_time(e.spec, where); !kept) return tl::unexpected(kept.error());
      e.intent = IntentId(head_.intent_count());
      e.generation = 1;
      return Admission{std::move(e)};
    }
    const IntentRow& row = head_.intent(known);
    if (row.workflow.valid()) return part_of_workflow(known);
    if (e.generation != 0 && e.generation != row.generation + 1) {
      return fail(ErrorCode::kConflict, "it is at generation " + std::to_string(row.generation), where,
                  "read it again and submit the next");
    }
    if (row.array.valid()) return taken("intent", e.spec.name, "a task of an array");
    if (row.state != IntentState::kWithdrawn && is_array(row) != array) {
      return fail(ErrorCode::kConflict, array ? "what is one job becomes an array only after it has ended"
                                              : "an array becomes something else only after it has ended",
                  where, "withdraw it first, or choose another name");
    }
    if (array && is_named(known)) {
      return fail(ErrorCode::kConflict, "others are to be near it, or apart from it, and an array stands nowhere", where,
                  "change or delete those first, or choose another name");
    }
    e.intent = known;
    e.generation = row.generation + 1;
    // What is finished was done: whoever says the same again, having missed the answer, does not mean it to be done twice.
    const bool gone = row.state == IntentState::kWithdrawn && !row.finished;
    const bool changes = gone || !(*row.spec == e.spec);
    if (Status kept = in_time(e.spec, where); changes && !kept) return tl::unexpected(kept.error());
    return Admission{e, changes};
  }
  Result<Admission> operator()(IntentWithdrawn e) const {
    if (e.intent.index() >= head_.intent_count()) return fail(ErrorCode::kNotFound, "unknown intent");
    e.finished = false;
    const IntentRow& row = head_.intent(e.intent);
    if (row.workflow.valid()) {
      // What is left of a workflow that is gone may be forgotten.
      const WorkflowRow& whole = head_.workflow(row.workflow);
      if (!is_over(row) || whole.state != WorkflowState::kWithdrawn || whole.finished) return part_of_workflow(e.intent);
    }
    return Admission{e, row.state != IntentState::kWithdrawn || is_over(row)};
  }
  Result<Admission> operator()(WorkflowSubmitted e) const {
    if (e.tenant.index() >= head_.tenant_count()) return fail(ErrorCode::kNotFound, "unknown tenant");
    const std::string where = "workflow " + head_.tenant_name(e.tenant) + "/" + e.spec.name;
    const auto prefixed = [&where](Error error) {
      error.where = where + ": " + error.where;
      return tl::unexpected(std::move(error));
    };
    if (Status sound = check(e.spec); !sound) return prefixed(sound.error());
    if (Status sound = check_addresses(e.spec); !sound) return prefixed(sound.error());
    if (e.spec.stages.size() > limits::kStagesStoredMax || e.spec.edges.size() > limits::kEdgesStoredMax ||
        e.spec.inputs.size() > limits::kInputsStoredMax) {
      return fail(ErrorCode::kInvalid, "it has too many stages, edges or inputs", where,
                  "at most " + std::to_string(limits::kStagesStoredMax) + " stages, " +
                      std::to_string(limits::kEdgesStoredMax) + " edges and " + std::to_string(limits::kInputsStoredMax) +
                      " inputs; split it");
    }
    const auto known_site = [this](SiteId site) { return site.index() < head_.site_count(); };
    for (const Stage& stage : e.spec.stages) {
      if (!std::all_of(stage.at.begin(), stage.at.end(), known_site)) {
        return fail(ErrorCode::kNotFound, "stage " + stage.name + " is pinned to an unknown site", where);
      }
      const IntentId taken_by = head_.find_intent(head_.tenant_name(e.tenant), e.spec.name + "." + stage.name);
      if (taken_by.valid() && !head_.intent(taken_by).workflow.valid()) {
        return taken("stage", e.spec.name + "." + stage.name, "an intent");
      }
    }
    for (const WorkflowInput& input : e.spec.inputs) {
      if (!std::all_of(input.at.begin(), input.at.end(), known_site)) {
        return fail(ErrorCode::kNotFound, "input " + input.name + " lies at an unknown site", where);
      }
    }
    const WorkflowId known = head_.find_workflow(head_.tenant_name(e.tenant), e.spec.name);
    if (!known.valid()) {
      if (e.generation > 1) return fail(ErrorCode::kConflict, "there is no earlier generation", where);
      e.workflow = WorkflowId(head_.workflow_count());
      e.generation = 1;
      return Admission{std::move(e)};
    }
    const WorkflowRow& row = head_.workflow(known);
    if (e.generation != 0 && e.generation != row.generation + 1) {
      return fail(ErrorCode::kConflict, "it is at generation " + std::to_string(row.generation), where,
                  "read it again and submit the next");
    }
    e.workflow = known;
    e.generation = row.generation + 1;
    // As of an intent: what is finished is not done twice by being said twice.
    const bool gone = row.state == WorkflowState::kWithdrawn && !row.finished;
    return Admission{e, gone || !(*row.spec == e.spec)};
  }
  Result<Admission> operator()(WorkflowWithdrawn e) const {
    if (e.workflow.index() >= head_.workflow_count()) return fail(ErrorCode::kNotFound, "unknown workflow");
    e.finished = false;
    const WorkflowRow& row = head_.workflow(e.workflow);
    return Admission{e, row.state != WorkflowState::kWithdrawn || row.finished};
  }
  Result<Admission> operator()(TokenIssued e) const {
    if (head_.find_token(e.token)) return fail(ErrorCode::kConflict, "the token exists", "token " + e.token);
    return Admission{std::move(e)};
  }
  Result<Admission> operator()(TokenRedeemed e) const {
    const TokenRow* row = head_.find_token(e.token);
    const std::string where = "token " + e.token;
    if (!row || !row->join) return fail(ErrorCode::kNotFound, "no such join token", where);
    if (!row->redeemed_by.empty()) {
      return fail(ErrorCode::kConflict, "it was used already, for certificate " + row->redeemed_by, where,
                  "issue another with 'weir token create'");
    }
    if (row->revoked) return fail(ErrorCode::kDenied, "it was revoked", where);
    if (row->expires != 0 && now_ > row->expires) return fail(ErrorCode::kDenied, "it has expired", where);
    return Admission{std::move(e)};
  }
  Result<Admission> operator()(TokenRevoked e) const {
    const TokenRow* row = head_.find_token(e.token);
    if (!row) return fail(ErrorCode::kNotFound, "no such token", "token " + e.token);
    return Admission{e, !row->revoked};
  }
  Result<Admission> operator()(CertificateIssued e) const {
    if (e.site.index() >= head_.site_count()) return fail(ErrorCode::kNotFound, "unknown site");
    return Admission{std::move(e)};
  }
  Result<Admission> operator()(CertificateRevoked e) const {
    if (e.site.index() >= head_.site_count()) return fail(ErrorCode::kNotFound, "unknown site");
    return Admission{std::move(e)};
  }
  // What the loop alone writes.
  template <class Body>
  Result<Admission> operator()(const Body&) const {
    return fail(ErrorCode::kInvalid, "such an event is not proposed from outside");
  }

 private:
  tl::unexpected<Error> no_path(const ReservationSpec& spec, const PathToKeep& found, const std::string& where) const {
    const std::string way = "no path from " + head_.site_name(spec.ingress) + " to " + head_.site_name(spec.site);
    if (!found.link.valid()) return fail(ErrorCode::kInfeasible, way + " is up", where, "choose another ingress or site");
    const auto rates = [](int64_t up_bps, int64_t down_bps) {
      if (up_bps == 0 || down_bps == 0) return format_bandwidth(std::max(up_bps, down_bps));
      return format_bandwidth(up_bps) + " there and " + format_bandwidth(down_bps) + " back";
    };
    const VertexId towards = head_.link(found.link).to;
    return fail(ErrorCode::kInfeasible,
                way + " has " + rates(spec.up_bps, spec.down_bps) + " free throughout the window; link " +
                    head_.link_name(found.link) + " has " + format_bandwidth(found.free_bps) + " towards " +
                    head_.vertex_name(towards) + " at worst",
                where, "choose another window or site, or less");
  }
  tl::unexpected<Error> part_of_workflow(IntentId intent) const {
    return fail(ErrorCode::kConflict, "it is a stage of workflow " + head_.workflow_name(head_.intent(intent).workflow),
                "intent " + head_.intent_name(intent), "change or delete the workflow");
  }
  // A queue gives away no more than it has: not to itself, nor to all of its children together.
  Status quotas(QueueId id, const QueueSpec& spec, const std::string& where) const {
    struct Kind {
      int64_t Quota::*amount;
      const char* name;
    };
    for (const Kind kind : {Kind{&Quota::cpu_milli, "cpu"}, Kind{&Quota::memory_mib, "memory"},
                            Kind{&Quota::accelerators, "accelerators"}}) {
      const auto of = [kind](const Quota& quota) { return quota.*kind.amount; };
      const std::string what = kind.name;
      const std::string maximum = where + ": spec.maximum." + what, guaranteed = where + ": spec.guaranteed." + what;
      if (of(spec.maximum) > 0 && of(spec.guaranteed) > of(spec.maximum)) {
        return fail(ErrorCode::kInvalid, "it is guaranteed more " + what + " than its maximum", guaranteed,
                    "raise maximum." + what + ", or lower guaranteed." + what);
      }
      const auto given = [&](QueueId parent) {
        __int128 sum = 0;
        for (size_t q = 0; q < head_.queue_count(); ++q) {
          if (QueueId(q) != id && head_.queue(QueueId(q)).parent == parent) sum += of(head_.queue(QueueId(q)).guaranteed);
        }
        return sum;
      };
      if (spec.parent.valid()) {
        const QueueSpec& parent = head_.queue(spec.parent);
        if (of(parent.maximum) > 0 && of(spec.maximum) > of(parent.maximum)) {
          return fail(ErrorCode::kInvalid, "its maximum of " + what + " is above that of its parent " + parent.name, maximum,
                      "lower maximum." + what + ", or leave it out");
        }
        if (given(spec.parent) + of(spec.guaranteed) > of(parent.guaranteed)) {
          return fail(ErrorCode::kInvalid,
                      "with its siblings it is guaranteed more " + what + " than its parent " + parent.name, guaranteed,
                      "raise guaranteed." + what + " of " + parent.name + ", or lower this one");
        }
      }
      if (id.index() < head_.queue_count()) {
        if (given(id) > of(spec.guaranteed)) {
          return fail(ErrorCode::kConflict, "its children are guaranteed more " + what + " than this", guaranteed,
                      "lower theirs first");
        }
        for (size_t q = 0; q < head_.queue_count(); ++q) {
          const QueueSpec& child = head_.queue(QueueId(q));
          if (child.parent == id && of(spec.maximum) > 0 && of(child.maximum) > of(spec.maximum)) {
            return fail(ErrorCode::kConflict, "its child " + child.name + " has a higher maximum of " + what, maximum,
                        "lower that first");
          }
        }
      }
    }
    return {};
  }
  // The intents that it is to be near, or apart from.
  Status companions(const IntentSubmitted& e, const std::string& where) const {
    const IntentId self = head_.find_intent(head_.tenant_name(e.tenant), e.spec.name);
    for (const auto* names : {&e.spec.where.near, &e.spec.where.apart_from}) {
      for (const IntentId other : *names) {
        if (other.index() >= head_.intent_count() || head_.intent(other).tenant != e.tenant) {
          return fail(ErrorCode::kNotFound, "it is to be near an intent that its tenant does not have, or apart from one", where);
        }
        if (other == self) {
          return fail(ErrorCode::kInvalid, "it is to be near itself, or apart from itself", where, "name other intents");
        }
        if (is_array(head_.intent(other))) {
          return fail(ErrorCode::kInvalid,
                      "it is to be near the array " + head_.intent_name(other) + ", or apart from it, which stands nowhere itself",
                      where + (names == &e.spec.where.near ? ": spec.where.near" : ": spec.where.apart_from"),
                      "name a job or a service");
        }
      }
    }
    for (const IntentId other : e.spec.where.near) {
      const auto& apart = e.spec.where.apart_from;
      if (std::find(apart.begin(), apart.end(), other) != apart.end()) {
        return fail(ErrorCode::kInvalid, "it is to be near " + head_.intent_name(other) + " and apart from it", where,
                    "keep one of the two");
      }
    }
    if (e.spec.where.at_data && e.spec.data.empty()) {
      return fail(ErrorCode::kInvalid, "it is to run where its data lies, and names none", where, "name its data sets");
    }
    if (!self.valid()) return {};
    // Intents that are all to be near the next in a circle wait for one another for ever.
    std::vector<IntentId> from = e.spec.where.near;
    std::set<IntentId> seen(from.begin(), from.end());
    while (!from.empty()) {
      const IntentId at = from.back();
      from.pop_back();
      if (at == self) {
        return fail(ErrorCode::kInvalid, "those that it is to be near are to be near it in turn, so that none could come first",
                    where, "leave one out of where.near");
      }
      for (const IntentId next : head_.intent(at).spec->where.near) {
        if (seen.insert(next).second) from.push_back(next);
      }
    }
    return {};
  }
  // Does an intent that is not withdrawn name it? O(intents), if one ever did.
  bool is_named(IntentId intent) const {
    if (head_.intent(intent).named == 0) return false;
    for (size_t i = 0; i < head_.intent_count(); ++i) {
      const IntentRow& other = head_.intent(IntentId(i));
      if (other.state == IntentState::kWithdrawn) continue;
      for (const auto* names : {&other.spec->where.near, &other.spec->where.apart_from}) {
        if (std::find(names->begin(), names->end(), intent) != names->end()) return true;
      }
    }
    return false;
  }
  // A job is estimated to run as long as it may where it does not say how long it will.
  Status in_time(const IntentSpec& spec, const std::string& where) const {
    const Schedule& schedule = spec.schedule;
    if (spec.workload.kind != WorkKind::kJob || schedule.deadline == 0) return {};
    const TimeUs run_us = schedule.run_time_us_estimated > 0 ? schedule.run_time_us_estimated : schedule.run_time_us_max;
    if (schedule.deadline >= now_ + run_us) return {};
    return fail(ErrorCode::kInvalid, schedule.deadline < now_ ? "has passed" : "is sooner than it is estimated to run",
                where + ": spec.schedule.deadline", "choose a later one, or leave it out");
  }
  // What runs is decided anew at once: a job has had its turn, which neither services nor best-effort work ever had. The field
  // that says otherwise than what runs; null: none.
  static const char* changes_class(const IntentRow& row, const IntentSpec& spec) {
    if (row.state == IntentState::kWithdrawn || !row.active) return nullptr;
    const Workload& before = row.active->spec->workload;
    if (before.kind != spec.workload.kind) return "its kind";
    return before.best_effort != spec.workload.best_effort ? "best_effort" : nullptr;
  }
  // It waits in no queue, and nothing is promised of it.
  static Status best_effort(const IntentSpec& spec, const std::string& where) {
    if (!spec.workload.best_effort) return {};
    const Schedule& schedule = spec.schedule;
    const auto refuse = [&where](const char* what, const char* remedy) { return fail(ErrorCode::kInvalid, what, where, remedy); };
    if (spec.workload.kind != WorkKind::kJob) return refuse("only jobs are best-effort", "describe a job, or remove best_effort");
    if (spec.workload.accelerators > 0) {
      return refuse("best-effort work has no accelerators", "ask for none, or remove best_effort");
    }
    if (!spec.from.empty()) return refuse("best-effort work has no streams", "leave out from, or remove best_effort");
    if (spec.promise.latency_us_max > 0 || spec.promise.availability_ppm > 0) {
      return refuse("nothing is promised of best-effort work", "leave out the promise, or remove best_effort");
    }
    if (!schedule.queue.empty() || !schedule.reservation.empty() || schedule.deadline != 0 || schedule.not_before != 0 ||
        schedule.instances_min > 0 || schedule.start_slack_us > 0) {
      return refuse("best-effort work waits in no queue: it has no queue, reservation, deadline, not_before, instances_min and start_slack",
                    "leave them out, or remove best_effort");
    }
    return {};
  }
  // Its instances begin together, are known from the start, and there are not too many for a flow to each.
  static Status exchanges(const IntentSpec& spec, const std::string& where) {
    if (spec.traffic.between_bps == 0) return {};
    const auto refuse = [&where](const char* what, const std::string& remedy) { return fail(ErrorCode::kInvalid, what, where, remedy); };
    const Schedule& schedule = spec.schedule;
    if (spec.workload.kind != WorkKind::kJob || !spec.from.empty() || schedule.instances < 2) {
      return refuse("only the instances of a job without streams exchange what is reserved between them",
                    "describe a job of several instances, or leave out between");
    }
    if (schedule.instances > limits::kInstancesBetweenMax) {
      return refuse("too many instances exchange what is reserved between them",
                    "ask for at most " + std::to_string(limits::kInstancesBetweenMax) + " instances, or leave out between");
    }
    if (schedule.tasks > 0 || schedule.instances_min > 0 || spec.workload.best_effort) {
      return refuse("the tasks of an array, the instances of a malleable job and best-effort work have nothing reserved between them",
                    "leave out between, or tasks, instances_min and best_effort");
    }
    Traffic rest = spec.traffic;
    rest.between_bps = 0;
    if (rest != Traffic{} || spec.promise.latency_us_max > 0) {
      return refuse("what instances exchange is given beside streams or a latency", "leave out one of the two");
    }
    return {};
  }
  int32_t priority_max(const std::string& queue) const {
    const QueueId named = head_.find_queue(queue.empty() ? kDomainQueue : queue);
    return named.valid() ? head_.queue(named).priority_max : 0;
  }
  Status room_to_record(TenantId tenant) const {
    if (recorded_in_hour(head_.past(tenant), std::max(now_, head_.now())) < kRecordsPerHourMax) return {};
    return fail(ErrorCode::kExhausted, "of tenant " + head_.tenant_name(tenant) + " " + std::to_string(kRecordsPerHourMax) + " dialogues and verdicts were recorded in this hour",
                {}, "what was done stands; record the next after the hour");
  }
  static tl::unexpected<Error> taken(const char* kind, const std::string& name, const char* by) {
    return fail(ErrorCode::kConflict, std::string("the name belongs to ") + by, std::string(kind) + " " + name,
                "choose another name");
  }

  const Graph& head_;
  TimeUs now_;
};

}  // namespace

Result<Admission> admit(const Graph& head, const EventBody& proposal, TimeUs now) {
  return std::visit(Admitter(head, now), proposal);
}

}  // namespace weir
