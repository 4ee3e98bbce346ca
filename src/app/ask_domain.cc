#include "app/ask_domain.h"

#include <algorithm>
#include <climits>

namespace weir::app {
namespace {

using Items = google::protobuf::RepeatedPtrField<v1::Resource>;

// Of nodes there may be a million, and few models among them.
constexpr int kNodesRead = 10'000;

// At least `most`, where there are so many.
Result<Items> list(Client& client, const char* kind, const std::string& tenant, int most = INT_MAX) {
  v1::ListRequest request;
  request.set_kind(kind);
  request.set_tenant(tenant);
  request.set_page_size(1'000);
  Items all;
  do {
    v1::ListResponse page;
    if (const Status called = client.call(&v1::Weir::Stub::List, request, page); !called) return tl::unexpected(called.error());
    all.MergeFrom(page.items());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && all.size() < most);
  return all;
}

}  // namespace

Result<AskedDomain> read_domain(Client& client, const std::string& tenant) {
  AskedDomain out{.domain = {}, .sites = {}, .intents = {}, .tenant = tenant};
  auto sites = list(client, "sites", {});
  if (!sites) return tl::unexpected(sites.error());
  for (const v1::Resource& item : *sites) {
    const v1::Site& site = item.site();
    intent::Domain::Site known{.name = site.metadata().name(), .region = site.spec().region(), .tier = site.spec().tier(), .residency = {}};
    known.residency.assign(site.spec().residency().begin(), site.spec().residency().end());
    out.domain.sites.push_back(std::move(known));
  }
  out.sites = std::move(*sites);
  auto intents = list(client, "intents", tenant);
  if (!intents && intents.error().code == ErrorCode::kNotFound) intents = Items();  // what it would be is shown all the same
  if (!intents) return tl::unexpected(intents.error());
  for (const v1::Resource& item : *intents) {
    const v1::Intent& intent = item.intent();
    const v1::Intent::Work& work = intent.spec().workload();
    out.domain.intents.push_back(intent.metadata().name());
    out.domain.artifacts.push_back(work.has_job() ? work.job().artifact() : work.service().artifact());
  }
  out.intents = std::move(*intents);
  // Whoever may not see nodes or tenants does without.
  if (const auto nodes = list(client, "nodes", {}, kNodesRead)) {
    for (const v1::Resource& item : *nodes) out.domain.accelerator_models.push_back(item.node().spec().accelerator_model());
  }
  if (out.tenant.empty()) {
    const auto tenants = list(client, "tenants", {});
    if (tenants && tenants->size() == 1) out.tenant = tenants->Get(0).tenant().metadata().name();
  }
  return out;
}

}  // namespace weir::app
