#include "service/resource/resource.h"

#include <algorithm>
#include <charconv>

#include "core/event/limits.h"
#include "core/units/text.h"
#include "service/resource/convert.h"
#include "service/resource/mapping.h"
#include "service/resource/tree.h"

namespace weir::resource {
namespace {

constexpr std::string_view kApiVersion = "weir/v1";

// Calls `with` on the member of the oneof that stands for the kind.
template <class With>
void with_kind(size_t kind, v1::Resource& message, With&& with) {
  switch (kind) {
    case 0:
      return with(*message.mutable_intent());
    case 1:
      return with(*message.mutable_site());
    case 2:
      return with(*message.mutable_router());
    case 3:
      return with(*message.mutable_link());
    case 4:
      return with(*message.mutable_dataset());
    case 5:
      return with(*message.mutable_offer());
    case 6:
      return with(*message.mutable_tenant());
    case 7:
      return with(*message.mutable_queue());
    case 8:
      return with(*message.mutable_reservation());
    case 9:
      return with(*message.mutable_workflow());
    default:
      return;
  }
}

std::vector<std::pair<std::string, std::string>> labels_from(const v1::Metadata& metadata, Checks& checks) {
  std::vector<std::pair<std::string, std::string>> out(metadata.labels().begin(), metadata.labels().end());
  std::sort(out.begin(), out.end());
  checks.require(out.size() <= kLabelsMax, "metadata.labels",
                 std::to_string(out.size()) + " labels are more than " + std::to_string(kLabelsMax), "");
  for (const auto& [key, value] : out) {
    checks.name("metadata.labels." + key, key);
    checks.text("metadata.labels." + key, value, limits::kNameBytesMax);
  }
  return out;
}

Result<Resource> convert(const v1::Resource& message, Source source, const Context& context) {
  Checks checks(source);
  Resource out;
  auto header = [&](const auto& body, std::string_view kind) {
    checks.require(body.api_version() == kApiVersion, "apiVersion",
                   body.api_version().empty()
                       ? "is missing"
                       : "\"" + clip_utf8(body.api_version(), 60) + "\" is not known here",
                   "write apiVersion: weir/v1");
    checks.require(body.kind() == kind, "kind",
                   body.kind().empty()
                       ? "is missing"
                       : "is \"" + clip_utf8(body.kind(), 60) + "\", but the rest is of another kind",
                   "write kind: " + std::string(kind));
    checks.name("metadata.name", body.metadata().name());
    out.labels = labels_from(body.metadata(), checks);
    const bool owned = kind == "Intent" || kind == "Dataset" || kind == "Reservation" || kind == "Workflow";
    checks.require(owned || body.metadata().tenant().empty(), "metadata.tenant",
                   "is given, but this kind belongs to no tenant", "remove it");
  };
  switch (message.resource_case()) {
    case v1::Resource::kIntent:
      header(message.intent(), kKinds[0]);
      out.value = intent_from(message.intent(), context, checks);
      break;
    case v1::Resource::kSite:
      header(message.site(), kKinds[1]);
      out.value = site_from(message.site(), checks);
      break;
    case v1::Resource::kRouter:
      header(message.router(), kKinds[2]);
      out.value = router_from(message.router(), checks);
      break;
    case v1::Resource::kLink:
      header(message.link(), kKinds[3]);
      out.value = link_from(message.link(), checks);
      break;
    case v1::Resource::kDataset:
      header(message.dataset(), kKinds[4]);
      out.value = dataset_from(message.dataset(), context, checks);
      break;
    case v1::Resource::kOffer:
      header(message.offer(), kKinds[5]);
      out.value = offer_from(message.offer(), checks);
      break;
    case v1::Resource::kTenant:
      header(message.tenant(), kKinds[6]);
      out.value = tenant_from(message.tenant(), checks);
      break;
    case v1::Resource::kQueue:
      header(message.queue(), kKinds[7]);
      out.value = queue_from(message.queue(), checks);
      break;
    case v1::Resource::kReservation:
      header(message.reservation(), kKinds[8]);
      out.value = reservation_from(message.reservation(), context, checks);
      break;
    case v1::Resource::kWorkflow:
      header(message.workflow(), kKinds[9]);
      out.value = workflow_from(message.workflow(), context, checks);
      break;
    default:
      checks.refuse("", "holds nothing that can be applied",
                    "give an intent, site, router, link, dataset, offer, tenant, queue, reservation or workflow");
  }
  if (!checks.ok()) return tl::unexpected(checks.error());
  out.source = std::move(source);
  return out;
}

const Node* entry_of(const Node& map, std::string_view key) {
  for (const auto& [name, value] : map.entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

Result<Resource> read_document(const Node& node, std::string_view file, const Context& context) {
  Source source;
  source.file = file;
  source.line = node.line;
  if (node.kind != Node::Kind::kMap) {
    return fail(ErrorCode::kInvalid, "is not a resource", source.where(""),
                "begin with apiVersion: weir/v1 and kind: Intent");
  }
  const Node* kind = entry_of(node, "kind");
  if (kind == nullptr || kind->kind != Node::Kind::kScalar) {
    return fail(ErrorCode::kInvalid, "is missing", source.where("kind"),
                "write kind: Intent, Site, Router, Link, Dataset, Offer, Tenant, Queue, Reservation or Workflow");
  }
  source.lines["kind"] = kind->line;
  const auto known = std::find(kKinds.begin(), kKinds.end(), kind->text);
  if (known == kKinds.end()) {
    const std::string_view near = nearest(kind->text, kKinds);
    return fail(
        ErrorCode::kInvalid, "\"" + clip_utf8(kind->text, 60) + "\" is not a kind", source.where("kind"),
        near.empty() ? "write Intent, Site, Router, Link, Dataset, Offer, Tenant, Queue, Reservation or Workflow"
                     : "did you mean " + std::string(near) + "?");
  }
  v1::Resource message;
  Status read;
  with_kind(static_cast<size_t>(known - kKinds.begin()), message,
            [&](auto& body) { read = read_message(node, "", body, source); });
  if (!read) return tl::unexpected(read.error());
  return convert(message, std::move(source), context);
}

// "no site "street-c"", with the nearest that there is.
Error unknown_name(const Source& source, const std::string& path, std::string_view what,
                   std::string_view name, const std::function<std::vector<std::string>()>& known) {
  std::string remedy;
  if (known) {
    const std::vector<std::string> all = known();
    const std::vector<std::string_view> views(all.begin(), all.end());
    if (const auto near = nearest(name, views); !near.empty())
      remedy = "did you mean " + std::string(near) + "?";
  }
  if (remedy.empty()) remedy = "apply its description first";
  return {ErrorCode::kNotFound, "no " + std::string(what) + " \"" + std::string(name) + "\"",
          source.where(path), remedy};
}

class Resolver {
 public:
  Resolver(const Source& source, const Directory& directory) : source_(source), directory_(directory) {}

  Status resolve(Intent& intent) {
    for (size_t i = 0; i < intent.from.size(); ++i) {
      if (!site(intent.from[i], item("spec.from", i) + ".site", intent.spec.from[i].site)) return status_;
    }
    if (!sites(intent.only, "spec.where.only", intent.spec.where.only)) return status_;
    if (!sites(intent.not_at, "spec.where.not", intent.spec.where.not_at)) return status_;
    intent.spec.data.resize(intent.data.size());
    for (size_t i = 0; i < intent.data.size(); ++i) {
      const auto id = directory_.dataset(intent.tenant, intent.data[i]);
      if (!id)
        return tl::unexpected(unknown_name(source_, item("spec.data", i), "data set", intent.data[i], {}));
      intent.spec.data[i] = *id;
    }
    if (!intents(intent.tenant, intent.near, "spec.where.near", intent.spec.where.near)) return status_;
    if (!intents(intent.tenant, intent.apart_from, "spec.where.apart_from", intent.spec.where.apart_from)) return status_;
    if (!intent.spec.schedule.queue.empty()) {
      QueueId id;
      queue(intent.spec.schedule.queue, "spec.schedule.queue", id);
    }
    return status_;
  }
  Status resolve(Link& link) {
    VertexId* const ends[] = {&link.spec.a, &link.spec.b};
    for (size_t i = 0; i < 2; ++i) {
      const auto id = directory_.vertex(link.between[i]);
      if (!id) {
        return tl::unexpected(unknown_name(source_, item("spec.between", i), "site or router",
                                           link.between[i], directory_.vertices));
      }
      *ends[i] = *id;
    }
    return {};
  }
  Status resolve(Dataset& dataset) {
    sites(dataset.at, "spec.at", dataset.spec.at);
    return status_;
  }
  Status resolve(Offer& offer) {
    site(offer.site, "spec.site", offer.site_id);
    return status_;
  }
  Status resolve(Queue& value) {
    if (!value.parent.empty()) queue(value.parent, "spec.parent", value.spec.parent);
    return status_;
  }
  Status resolve(Reservation& reservation) {
    if (site(reservation.site, "spec.site", reservation.spec.site) && !reservation.ingress.empty()) {
      site(reservation.ingress, "spec.ingress", reservation.spec.ingress);
    }
    return status_;
  }
  Status resolve(Workflow& workflow) {
    for (size_t s = 0; s < workflow.stages_at.size(); ++s) {
      if (!sites(workflow.stages_at[s], item("spec.stages", s) + ".at", workflow.spec.stages[s].at)) return status_;
    }
    for (size_t i = 0; i < workflow.inputs_at.size(); ++i) {
      if (!sites(workflow.inputs_at[i], item("spec.inputs", i) + ".at", workflow.spec.inputs[i].at)) return status_;
    }
    if (sites(workflow.only, "spec.where.only", workflow.spec.where.only)) {
      sites(workflow.not_at, "spec.where.not", workflow.spec.where.not_at);
    }
    return status_;
  }
  template <class T>
  Status resolve(T&) {
    return {};
  }

 private:
  static std::string item(const std::string& path, size_t index) {
    return path + "[" + std::to_string(index) + "]";
  }

  bool site(const std::string& name, const std::string& path, SiteId& out) {
    const auto id = directory_.site(name);
    if (id) {
      out = *id;
    } else {
      status_ = tl::unexpected(unknown_name(source_, path, "site", name, directory_.sites));
    }
    return id.has_value();
  }
  void queue(const std::string& name, const std::string& path, QueueId& out) {
    const auto id = directory_.queue(name);
    if (id) {
      out = *id;
    } else {
      status_ = tl::unexpected(unknown_name(source_, path, "queue", name, directory_.queues));
    }
  }
  bool intents(const std::string& tenant, const std::vector<std::string>& names, const std::string& path,
               std::vector<IntentId>& out) {
    out.resize(names.size());
    for (size_t i = 0; i < names.size(); ++i) {
      const auto id = directory_.intent(tenant, names[i]);
      if (!id) {
        status_ = tl::unexpected(unknown_name(source_, item(path, i), "intent", names[i], {}));
        return false;
      }
      out[i] = *id;
    }
    return true;
  }
  bool sites(const std::vector<std::string>& names, const std::string& path, std::vector<SiteId>& out) {
    out.resize(names.size());
    for (size_t i = 0; i < names.size(); ++i) {
      if (!site(names[i], item(path, i), out[i])) return false;
    }
    return true;
  }

  const Source& source_;
  const Directory& directory_;
  Status status_;
};

Resource resource_of(Value value) {
  Resource out;
  out.value = std::move(value);
  return out;
}

template <class Id>
std::vector<std::string> names_of(const std::vector<Id>& ids, const std::function<std::string(Id)>& name) {
  std::vector<std::string> out;
  for (Id id : ids) out.push_back(name(id));
  return out;
}

}  // namespace

std::string Source::where(std::string_view path) const {
  int at = line;
  for (std::string_view part = path; !part.empty();) {
    if (const auto found = lines.find(std::string(part)); found != lines.end()) {
      at = found->second;
      break;
    }
    const size_t end = part.find_last_of(".[");
    part = part.substr(0, end == std::string_view::npos ? 0 : end);
  }
  std::string out = file;
  if (at > 0) out += (out.empty() ? "line " : ":") + std::to_string(at);
  std::string field = prefix + std::string(path);
  if (path.empty() && field.ends_with('.')) field.pop_back();
  if (!field.empty()) out += (out.empty() ? "" : ": ") + field;
  return out;
}

std::string written_at(std::span<const Resource> sent, std::string_view where) {
  constexpr std::string_view kList = "resources[";
  std::string_view path = where;
  size_t index = 0;
  if (path.starts_with(kList)) {
    const char* end = path.data() + path.size();
    const auto [rest, error] = std::from_chars(path.data() + kList.size(), end, index);
    if (error != std::errc() || rest == end || *rest != ']') return std::string(where);
    path = std::string_view(rest + 1, end);
    if (path.starts_with('.')) path.remove_prefix(1);
  } else if (sent.size() != 1) {
    return std::string(where);
  }
  const auto within = [path](std::string_view field) {
    return path.starts_with(field) && (path.size() == field.size() || path[field.size()] == '.');
  };
  if (index >= sent.size() || !(path.empty() || within("spec") || within("metadata") || within("kind")))
    return std::string(where);
  return sent[index].source.where(path);
}

const std::string& Resource::name() const {
  return std::visit(
      []<class T>(const T& v) -> const std::string& {
        if constexpr (requires { v.name; }) {
          return v.name;
        } else {
          return v.spec.name;
        }
      },
      value);
}

const std::string& Resource::tenant() const {
  static const std::string kNone;
  return std::visit(
      []<class T>(const T& v) -> const std::string& {
        if constexpr (requires { v.tenant; }) {
          return v.tenant;
        } else {
          return kNone;
        }
      },
      value);
}

Result<std::vector<Resource>> parse(std::string_view text, std::string_view file, const Context& context) {
  const auto documents = read_tree(text, file);
  if (!documents) return tl::unexpected(documents.error());
  std::vector<Resource> out;
  for (const Node& document : *documents) {
    const bool list = document.kind == Node::Kind::kList;
    for (const Node& node : list ? std::span(document.items) : std::span(&document, 1)) {
      if (out.size() == kResourcesMax) {
        return fail(ErrorCode::kInvalid, "more than " + std::to_string(kResourcesMax) + " resources",
                    std::string(file), "split the file");
      }
      auto resource = read_document(node, file, context);
      if (!resource) return tl::unexpected(resource.error());
      out.push_back(std::move(*resource));
    }
  }
  if (out.empty()) {
    return fail(ErrorCode::kInvalid, "holds no resource", std::string(file),
                "begin with apiVersion: weir/v1 and kind: Intent");
  }
  if (auto ok = refuse_duplicates(out); !ok) return tl::unexpected(ok.error());
  return out;
}

Result<Resource> from_message(const v1::Resource& message, std::string_view prefix, const Context& context) {
  Source source;
  source.prefix = prefix;
  return convert(message, std::move(source), context);
}

void to_message(const Resource& resource, v1::Resource& message) {
  message.Clear();
  with_kind(resource.value.index(), message, [&]<class M>(M& body) {
    body.set_api_version(std::string(kApiVersion));
    body.set_kind(std::string(resource.kind()));
    auto& labels = *body.mutable_metadata()->mutable_labels();
    for (const auto& [key, value] : resource.labels) labels[key] = value;
    std::visit(
        [&]<class V>(const V& value) {
          if constexpr (requires { fill(value, body); }) fill(value, body);
        },
        resource.value);
  });
}

Status refuse_duplicates(std::span<const Resource> resources) {
  std::map<std::array<std::string_view, 3>, const Resource*> seen;
  for (const Resource& resource : resources) {
    std::string_view space = resource.kind();
    if (space == "Router") space = "Site";
    const auto [at, fresh] = seen.try_emplace({space, resource.tenant(), resource.name()}, &resource);
    if (!fresh) {
      const Source& first = at->second->source;
      return fail(ErrorCode::kInvalid,
                  "\"" + resource.name() + "\" is described twice, first as " +
                      std::string(at->second->kind()) + " at " + first.where("metadata.name"),
                  resource.source.where("metadata.name"), "remove or rename one of them");
    }
  }
  return {};
}

Status resolve(Resource& resource, const Directory& directory) {
  Resolver resolver(resource.source, directory);
  return std::visit([&](auto& value) { return resolver.resolve(value); }, resource.value);
}

Resource describe(const IntentSpec& spec, std::string_view tenant, const Names& names) {
  Intent out{std::string(tenant), spec, {}, {}, {}, {}, {}, {}};
  for (const Ingress& ingress : spec.from) out.from.push_back(names.site(ingress.site));
  out.only = names_of(spec.where.only, names.site);
  out.not_at = names_of(spec.where.not_at, names.site);
  out.data = names_of(spec.data, names.dataset);
  out.near = names_of(spec.where.near, names.intent);
  out.apart_from = names_of(spec.where.apart_from, names.intent);
  return resource_of(std::move(out));
}

Resource describe(const SiteSpec& spec) { return resource_of(Site{spec}); }

Resource describe(const LinkSpec& spec, const Names& names) {
  return resource_of(Link{spec, {names.vertex(spec.a), names.vertex(spec.b)}});
}

Resource describe(const DatasetSpec& spec, std::string_view tenant, const Names& names) {
  return resource_of(Dataset{std::string(tenant), spec, names_of(spec.at, names.site)});
}

Resource describe(const QueueSpec& spec, const Names& names) {
  return resource_of(Queue{spec, spec.parent.valid() ? names.queue(spec.parent) : ""});
}

Resource describe(const weir::Workflow& spec, std::string_view tenant, const Names& names) {
  Workflow out{std::string(tenant), spec, {}, {}, names_of(spec.where.only, names.site), names_of(spec.where.not_at, names.site)};
  for (const Stage& stage : spec.stages) out.stages_at.push_back(names_of(stage.at, names.site));
  for (const WorkflowInput& input : spec.inputs) out.inputs_at.push_back(names_of(input.at, names.site));
  return resource_of(std::move(out));
}

Resource describe(const ReservationSpec& spec, std::string_view tenant, const Names& names) {
  return resource_of(Reservation{std::string(tenant), spec, names.site(spec.site),
                                 spec.ingress.valid() ? names.site(spec.ingress) : ""});
}

}  // namespace weir::resource
