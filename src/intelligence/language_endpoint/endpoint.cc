#include "intelligence/language_endpoint/endpoint.h"

#include <algorithm>

namespace weir::language {

Endpoint::Endpoint(EndpointSettings settings, HttpClient& http, Clock& clock, std::function<void(const std::string&)> say)
    : settings_(std::move(settings)), http_(http), clock_(clock), say_(std::move(say)) {}

Result<std::string> Endpoint::ask(const std::string& question) const {
  HttpCall call{.method = "POST",
                .url = settings_.base + "/chat/completions",
                .headers = {{"Content-Type", "application/json"}},
                .body = request_body(settings_.model, question),
                .timeout_us = settings_.timeout_us,
                .reply_bytes_max = kReplyBytesMax,
                .ca_file = settings_.ca_file};
  if (settings_.authorization) call.headers.emplace_back("Authorization", settings_.authorization());
  const auto reply = http_.call(call);
  if (!reply) return tl::unexpected(reply.error());
  if (reply->status != 200) return fail(ErrorCode::kUnavailable, "answered with status " + std::to_string(reply->status), settings_.base);
  return reply_text(reply->body);
}

std::optional<Proposal> Endpoint::propose(std::string_view text, bool previous, const std::vector<SaidName>& names) {
  const std::string question = question_text(text, previous, names);
  const std::unique_lock asking(asking_, std::try_to_lock);
  {
    const std::lock_guard lock(mutex_);
    const auto known = std::find_if(remembered_.begin(), remembered_.end(), [&](const auto& one) { return one.first == question; });
    if (known != remembered_.end()) return known->second;
    if (!asking || (failures_ >= kEndpointFailuresMax && clock_.steady_us() < rests_until_)) {
      ++counts_.passed;
      return std::nullopt;
    }
    ++counts_.asked;
  }
  const auto answer = ask(question);
  std::string why;
  {
    const std::lock_guard lock(mutex_);
    if (answer) {
      failures_ = 0;
      auto proposal = read_proposal(*answer, text);
      if (!proposal) {
        ++counts_.refused;
        return std::nullopt;
      }
      ++counts_.answered;
      if (remembered_.size() == kEndpointRememberedMax) remembered_.pop_front();
      remembered_.emplace_back(question, *proposal);
      return std::move(*proposal);
    }
    ++counts_.failed;
    failures_ = std::min(failures_ + 1, kEndpointFailuresMax);
    if (failures_ < kEndpointFailuresMax) return std::nullopt;
    rests_until_ = clock_.steady_us() + kEndpointRest_us;
    why = answer.error().text();
  }
  if (say_) say_("sentences are understood without the endpoint for " + std::to_string(kEndpointRest_us / 1'000'000) + " s: " + why);
  return std::nullopt;
}

EndpointCounts Endpoint::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

UnderstandNames understand_with(std::shared_ptr<const Model> model, Endpoint& endpoint) {
  return [model = std::move(model), &endpoint](const std::vector<KnownName>& names) -> Understand {
    return [model, &endpoint, gazetteer = std::make_shared<const Gazetteer>(names)](std::string_view text, const SpokenAt& at, const Frame* previous) {
      auto understood = understand(text, *gazetteer, at, previous, model.get());
      if (!understood || !unsure(text, *gazetteer, at, *understood)) return understood;
      const auto proposal = endpoint.propose(text, previous != nullptr, said_names(text, *gazetteer));
      return proposal ? understand(text, *gazetteer, at, previous, model.get(), &*proposal) : understood;
    };
  };
}

}  // namespace weir::language
