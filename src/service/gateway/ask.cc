#include <algorithm>

#include "service/gateway/learn.h"
#include "service/gateway/names.h"
#include "service/gateway/service.h"
#include "service/gateway/views.h"
#include "service/intent/dialogue.h"
#include "service/intent/strategies.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

constexpr int32_t kUtcOffsetMax_s = 18 * 3'600;
constexpr size_t kIntentsSpokenOfMax = 10'000;
constexpr int64_t kClockAheadMax_s = 300;  // of a speaker's clock

}  // namespace

// What the caller may know: places are public; intents are those that can be read, the newest first.
intent::Scene Service::scene(const Principal& who, const Snapshot& graph, const v1::AskRequest& request) {
  intent::Scene out;
  out.name = request.name();
  out.about = request.about();
  out.tenant = tenant_of(who, request.tenant());
  if (out.tenant.empty() && who.role == policy::Role::kOperator && graph->tenant_count() == 1) out.tenant = graph->tenant_name(TenantId(0u));
  if (out.about.tenant().empty()) out.about.set_tenant(out.tenant);
  for (size_t i = 0; i < graph->site_count(); ++i) {
    const SiteSpec& site = graph->site_spec(SiteId(i));
    out.domain.sites.push_back({site.name, site.region, std::string(resource::to_text(site.tier)), site.residency});
  }
  const NameIndex& models = graph->accelerator_models();
  for (size_t i = 1; i < models.size(); ++i) out.domain.accelerator_models.emplace_back(models.name(i));
  for (size_t i = graph->intent_count(); i-- > 0 && out.intents.size() < kIntentsSpokenOfMax;) {
    const IntentRow& row = graph->intent(IntentId(i));
    if (row.state == IntentState::kWithdrawn || row.array.valid()) continue;
    const std::string& tenant = graph->tenant_name(row.tenant);
    if (!request.tenant().empty() && tenant != request.tenant()) continue;
    const std::string name = short_name(graph->intent_name(IntentId(i)));
    if (!policy::authorise(who, policy::Action::kRead, {.kind = policy::Kind::kIntent, .name = name, .tenant = tenant}).has_value()) continue;
    v1::IntentName& known = out.intents.emplace_back();
    known.set_tenant(tenant);
    known.set_name(name);
    out.domain.intents.push_back(name);
    out.domain.artifacts.push_back(row.spec->workload.artifact);
  }
  std::reverse(out.intents.begin(), out.intents.end());
  out.read = [graph](const v1::IntentName& named) -> Result<v1::Intent> {
    const IntentId id = graph->find_intent(named.tenant(), named.name());
    if (!id.valid()) return fail(ErrorCode::kNotFound, "no intent is called so", named.name());
    v1::Resource message;
    resource::to_message(resource::describe(*graph->intent(id).spec, named.tenant(), names_of(*graph)), message);
    return std::move(*message.mutable_intent());
  };
  if (ports_.learning && !request.plain()) out.past = past_of(who, *graph, out.tenant);
  return out;
}

Result<v1::AskResponse> Service::ask(const Principal& who, const v1::AskRequest& request) {
  if (!ports_.understand) return fail(ErrorCode::kUnsupported, "nothing here understands sentences", "dialogue", "apply an Intent file");
  if (request.dialogue_size() < 1 || request.dialogue_size() > intent::kUtterancesMax) {
    return fail(ErrorCode::kInvalid, "holds " + std::to_string(request.dialogue_size()) + " utterances, not 1 to 32", "dialogue", "begin a new dialogue");
  }
  if (request.utc_offset_seconds() < -kUtcOffsetMax_s || request.utc_offset_seconds() > kUtcOffsetMax_s) {
    return fail(ErrorCode::kInvalid, "is not within 18 hours", "utc_offset_seconds");
  }
  const Snapshot graph = ports_.brain.durable();
  intent::Scene scene = this->scene(who, graph, request);
  Understand understand = ports_.understand(intent::names_of(scene.domain));
  intent::Dialogue dialogue(std::move(scene), std::move(understand));
  v1::AskResponse out;
  out.set_version(graph->version());
  const int64_t now_s = ports_.clock.wall_us() / 1'000'000;
  for (const v1::Utterance& said : request.dialogue()) {
    const int64_t at_s = said.unix_seconds() == 0 ? now_s : said.unix_seconds();
    if (at_s < 0 || at_s > now_s + kClockAheadMax_s) {
      return fail(ErrorCode::kInvalid, "is no time until now", "unix_seconds", "a clock may be ahead by 5 minutes: set it, or leave the time out");
    }
    if (const Status heard = dialogue.hear(said.text(), {at_s, request.utc_offset_seconds()}, out); !heard) {
      Error error = heard.error();
      if (error.where.empty()) error.where = "the text";
      return tl::unexpected(error);
    }
  }
  for (v1::Wish& wish : *out.mutable_wishes()) {
    if (wish.has_intent() && !wish.agreed()) plan_wish(who, out.language() == "zh" ? Language::kChinese : Language::kEnglish, wish);
  }
  rehearse(*graph, out);
  return out;
}

// What would become of it, and of what might be wanted instead.
void Service::plan_wish(const Principal& who, Language language, v1::Wish& wish) {
  const auto tried = [&](const v1::Intent& intent) {
    v1::ApplyRequest request;
    request.set_dry_run(true);
    request.set_language(language == Language::kChinese ? "zh" : "en");
    *request.add_resources()->mutable_intent() = intent;
    Result<v1::ApplyResponse> answer = fail(ErrorCode::kInternal, "a dry run gave no answer");
    apply(who, request, [&answer](Result<v1::ApplyResponse> response) { answer = std::move(response); });
    return answer;
  };
  if (wish.intent().metadata().tenant().empty()) {
    return put_value(Error{ErrorCode::kInvalid, "nobody said for which tenant", "tenant", "name one"}, *wish.mutable_problem());
  }
  const auto asked = tried(wish.intent());
  if (!asked) return put_value(asked.error(), *wish.mutable_problem());
  *wish.mutable_outcome() = asked->results(0);
  for (v1::Strategy& one : intent::strategies(wish.intent(), wish.outcome(), language, [&](const v1::Intent& intent) -> std::optional<v1::ApplyResult> {
         const auto result = tried(intent);
         return result ? std::optional(result->results(0)) : std::nullopt;
       })) {
    *wish.add_strategies() = std::move(one);
  }
  intent::suggest(language, wish);
}

}  // namespace weir::gateway
