#include "service/gateway/kept_answers.h"

#include <algorithm>

namespace weir::gateway {

Result<std::string> parse_idempotency_key(std::string_view header) {
  const bool quoted = header.size() >= 2 && header.front() == '"' && header.back() == '"';
  const std::string_view key = quoted ? header.substr(1, header.size() - 2) : header;
  const char* remedy = "write 1 to 255 visible ASCII characters without quotes and backslashes, best a random UUID";
  if (key.empty()) return fail(ErrorCode::kInvalid, "is empty", "Idempotency-Key", remedy);
  if (key.size() > kIdempotencyKeyBytesMax) return fail(ErrorCode::kInvalid, "is longer than 255 characters", "Idempotency-Key", remedy);
  const bool fits = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
  if (!fits) return fail(ErrorCode::kInvalid, "holds a character that a key cannot have", "Idempotency-Key", remedy);
  return std::string(key);
}

Result<KeptAnswers::Begun> KeptAnswers::begin(const std::string& subject, const std::string& key, const std::string& fingerprint, TimeUs now) {
  const std::lock_guard lock(mutex_);
  while (!entries_.empty() && now - entries_.begin()->second.begun_us >= limits_.age_us_max) remove(entries_.begin()->first);
  const Name name{subject, key};
  if (const auto known = tickets_.find(name); known != tickets_.end()) {
    const Entry& entry = entries_.at(known->second);
    if (entry.fingerprint != fingerprint) {
      return fail(ErrorCode::kInvalid, "was used for another request", "Idempotency-Key", "give each change a key of its own");
    }
    if (!entry.answer) return fail(ErrorCode::kConflict, "the request of this key is still being answered", "Idempotency-Key", "try again in a moment");
    return Begun{0, entry.answer};
  }
  const auto use = uses_.find(subject);
  const bool own_room = use == uses_.end() || use->second.tickets.size() < limits_.keys_per_subject_max || remove_oldest_answer(&use->second);
  if (!own_room || (entries_.size() >= limits_.keys_max && !remove_oldest_answer(nullptr))) {
    return fail(ErrorCode::kExhausted, "too many requests with keys are being answered", "Idempotency-Key", "try again in a moment");
  }
  const uint64_t ticket = next_++;
  entries_.emplace(ticket, Entry{name, fingerprint, now, std::nullopt, 0});
  tickets_.emplace(name, ticket);
  uses_[subject].tickets.insert(ticket);
  return Begun{ticket, std::nullopt};
}

void KeptAnswers::end(uint64_t ticket, std::optional<HttpResponse> kept) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(ticket);
  if (found == entries_.end()) return;  // too old meanwhile
  if (!kept) return remove(ticket);
  Entry& entry = found->second;
  const std::string subject = entry.name.first;
  entry.bytes = kept->body.size();
  entry.answer = std::move(kept);
  Use& use = uses_.at(subject);
  use.bytes += entry.bytes;
  bytes_ += entry.bytes;
  // The uses of a subject end with its last entry.
  while (uses_.contains(subject) && use.bytes > limits_.bytes_per_subject_max && remove_oldest_answer(&use)) continue;
  while (bytes_ > limits_.bytes_max && remove_oldest_answer(nullptr)) continue;
}

void KeptAnswers::remove(uint64_t ticket) {
  const auto found = entries_.find(ticket);
  const Entry& entry = found->second;
  const auto use = uses_.find(entry.name.first);
  use->second.bytes -= entry.bytes;
  bytes_ -= entry.bytes;
  use->second.tickets.erase(ticket);
  if (use->second.tickets.empty()) uses_.erase(use);
  tickets_.erase(entry.name);
  entries_.erase(found);
}

bool KeptAnswers::remove_oldest_answer(const Use* use) {
  std::optional<uint64_t> oldest;
  if (use != nullptr) {
    const auto found = std::find_if(use->tickets.begin(), use->tickets.end(), [this](uint64_t at) { return entries_.at(at).answer.has_value(); });
    if (found != use->tickets.end()) oldest = *found;
  } else {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [](const auto& at) { return at.second.answer.has_value(); });
    if (found != entries_.end()) oldest = found->first;
  }
  if (oldest) remove(*oldest);
  return oldest.has_value();
}

size_t KeptAnswers::keys() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}
size_t KeptAnswers::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace weir::gateway
