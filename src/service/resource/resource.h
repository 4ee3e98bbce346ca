#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/event/types.h"
#include "core/event/workflow.h"
#include "core/result/result.h"

namespace google::protobuf {
class Message;
}
namespace weir::v1 {
class Resource;
}

// Resources as users write them (docs/reference/files.md), from YAML, JSON or a request's messages: one
// validation for all three. Errors name the place ("intent.yaml:7: spec.promise.latency"), what is wrong and
// what to write instead; only the first is reported.
namespace weir::resource {

inline constexpr size_t kTextBytesMax = 1 << 20;  // of one file or body
inline constexpr size_t kResourcesMax = 1'000;    // in one
inline constexpr int kDepthMax = 16;
inline constexpr size_t kValuesMax = 50'000;   // scalars, lists and maps in one file
inline constexpr size_t kFieldsMax = 100;      // of one map
inline constexpr size_t kLabelsMax = 16;

// Where a resource was written.
struct Source {
  std::string file;                  // empty: a request
  int line = 0;                      // of the document; 0: unknown
  std::map<std::string, int> lines;  // by field path, "spec.from[1].site"
  std::string prefix;                // of paths in a request, "resources[2]."

  // "intent.yaml:7: spec.promise.latency"; the line is that of the nearest field that was written.
  std::string where(std::string_view path) const;
};

struct Intent {
  std::string tenant;
  IntentSpec spec;  // ingress sites, data, and where's only, not_at, near and apart_from are unset until resolve()
  std::vector<std::string> from;  // names, in the order of spec.from
  std::vector<std::string> only;
  std::vector<std::string> not_at;
  std::vector<std::string> data;
  std::vector<std::string> near;
  std::vector<std::string> apart_from;
  friend bool operator==(const Intent&, const Intent&) = default;
};
struct Site {
  SiteSpec spec;
  // Of an emulated site; 0: not given. A real site's capacity is what its agent reports.
  int32_t cpu_milli = 0;
  int32_t memory_mib = 0;
  friend bool operator==(const Site&, const Site&) = default;
};
struct Router {
  std::string name;
  int32_t latitude_microdegrees = 0;
  int32_t longitude_microdegrees = 0;
  friend bool operator==(const Router&, const Router&) = default;
};
struct Link {
  LinkSpec spec;  // a and b are unset until resolve()
  std::array<std::string, 2> between;
  int64_t queue_us = 0;  // of an emulated link; 0: not given
  friend bool operator==(const Link&, const Link&) = default;
};
struct Dataset {
  std::string tenant;
  DatasetSpec spec;  // at is unset until resolve()
  std::vector<std::string> at;
  friend bool operator==(const Dataset&, const Dataset&) = default;
};
struct Offer {
  std::string name;
  std::string site;
  SiteId site_id;  // unset until resolve()
  Asks asks;
  int32_t best_effort_asks_milli = 0;  // as SiteSpec has it
  friend bool operator==(const Offer&, const Offer&) = default;
};
struct Tenant {
  std::string name;
  friend bool operator==(const Tenant&, const Tenant&) = default;
};

struct Queue {
  QueueSpec spec;      // parent is unset until resolve()
  std::string parent;  // empty: the domain's
  friend bool operator==(const Queue&, const Queue&) = default;
};
struct Reservation {
  std::string tenant;
  ReservationSpec spec;  // site and ingress are unset until resolve(), the path until it is admitted
  std::string site, ingress;
  friend bool operator==(const Reservation&, const Reservation&) = default;
};

struct Workflow {
  std::string tenant;
  weir::Workflow spec;  // sites of stages, inputs and where are unset until resolve()
  std::vector<std::vector<std::string>> stages_at, inputs_at;  // names, by stage and by input
  std::vector<std::string> only;
  std::vector<std::string> not_at;
  friend bool operator==(const Workflow&, const Workflow&) = default;
};

using Value = std::variant<Intent, Site, Router, Link, Dataset, Offer, Tenant, Queue, Reservation, Workflow>;
inline constexpr std::array<std::string_view, std::variant_size_v<Value>> kKinds = {
    "Intent", "Site", "Router", "Link", "Dataset", "Offer", "Tenant", "Queue", "Reservation", "Workflow"};

struct Resource {
  Value value;
  std::vector<std::pair<std::string, std::string>> labels;  // sorted by key
  Source source;

  std::string_view kind() const { return kKinds[value.index()]; }
  const std::string& name() const;
  const std::string& tenant() const;  // empty where the kind has none
};

// What a caller knows that a file may leave out.
struct Context {
  std::string tenant;  // of intents, workflows, data sets and reservations without one
};

// Light in fibre: 5 µs/km (refractive index 1.47 to 1.5).
constexpr int64_t fibre_delay_us(int64_t metres) { return metres / 200; }

// Reads every document of a YAML text, or the JSON form (an object or a list of objects): syntax, fields,
// values, and that no resource is described twice. `file` is its name in errors.
Result<std::vector<Resource>> parse(std::string_view text, std::string_view file,
                                    const Context& context = {});

// The same checks on a message, for requests. `prefix` leads the field paths of errors.
Result<Resource> from_message(const v1::Resource& message, std::string_view prefix = {},
                              const Context& context = {});
// Inverse of from_message, in canonical units.
void to_message(const Resource& resource, v1::Resource& message);

// Refuses two descriptions of the same thing, also across files. Sites and routers share their names.
Status refuse_duplicates(std::span<const Resource> resources);

// A place that a request's error names, "resources[2].spec.from[0].site", or without the number where one
// resource was sent, as the place in its file. A place of another form stays as it is.
std::string written_at(std::span<const Resource> sent, std::string_view where);

// What the brain knows by name.
struct Directory {
  std::function<std::optional<SiteId>(std::string_view)> site;
  std::function<std::optional<VertexId>(std::string_view)> vertex;  // of a site or router
  std::function<std::optional<DatasetId>(std::string_view tenant, std::string_view name)> dataset;
  std::function<std::optional<QueueId>(std::string_view)> queue;
  std::function<std::optional<IntentId>(std::string_view tenant, std::string_view name)> intent;
  std::function<std::vector<std::string>()> sites;  // all names, to suggest one
  std::function<std::vector<std::string>()> vertices;
  std::function<std::vector<std::string>()> queues;
};
// Turns names into identifiers. kNotFound names the field and the nearest known name.
Status resolve(Resource& resource, const Directory& directory);

// And identifiers into names, to show what is stored.
struct Names {
  std::function<std::string(SiteId)> site;
  std::function<std::string(VertexId)> vertex;
  std::function<std::string(DatasetId)> dataset;
  std::function<std::string(QueueId)> queue;
  std::function<std::string(IntentId)> intent;
};
Resource describe(const IntentSpec& spec, std::string_view tenant, const Names& names);
Resource describe(const SiteSpec& spec);
std::string_view to_text(Tier tier);  // as in files
Resource describe(const LinkSpec& spec, const Names& names);
Resource describe(const DatasetSpec& spec, std::string_view tenant, const Names& names);
Resource describe(const QueueSpec& spec, const Names& names);
Resource describe(const weir::Workflow& spec, std::string_view tenant, const Names& names);
Resource describe(const ReservationSpec& spec, std::string_view tenant, const Names& names);

// Any message of the API as YAML, fields in the order of the schema, absent ones left out. A resource read
// from it is the same. Does not end documents: separate them with "---\n".
std::string to_yaml(const google::protobuf::Message& message);

}  // namespace weir::resource
