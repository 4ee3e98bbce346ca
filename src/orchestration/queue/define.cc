#include "core/units/quantity.h"
#include "orchestration/queue/share.h"

// Queues come, change and go.
namespace weir::queue {
namespace {

constexpr uint32_t kQueuesMax = 1'000'000;
constexpr int32_t kWeightMilliMax = 1'000'000;
constexpr int32_t kSubmissionsMax = 1'000'000;
constexpr int64_t kHalfLifeUsMax = int64_t{10} * 366 * 24 * TokenBucket::kHourUs;

std::string format(int resource, int64_t amount) {
  return resource == 0 ? format_cpu(amount) : resource == 1 ? format_memory(amount) : format_milli(amount);
}
std::string quota(const char* kind, int resource, int64_t amount) {
  return std::string(kind) + " " + std::string(kResourceNames[static_cast<size_t>(resource)]) + " (" +
         format(resource, amount) + ")";
}
std::string name(QueueId id) { return "queue " + std::to_string(id.value); }

bool in_range(const Amount& amount) {
  for (int r = 0; r < kResources; ++r) {
    if (amount[r] < 0 || amount[r] > kAmountMax) return false;
  }
  return true;
}

Status check_maximum(const Amount& child, const Amount& parent, QueueId id) {
  for (int r = 0; r < kResources; ++r) {
    if (child[r] == kAmountMax || child[r] <= parent[r]) continue;
    return fail(ErrorCode::kInvalid,
                quota("the maximum of", r, child[r]) + " is above its parent's " + format(r, parent[r]),
                name(id), "lower it or raise the parent's first");
  }
  return {};
}

}  // namespace

Status QueueTree::check(QueueId id, const QueueSpec& spec) const {
  const auto wrong = [id](std::string what, std::string remedy = {}) {
    return fail(ErrorCode::kInvalid, std::move(what), name(id), std::move(remedy));
  };
  if (!id.valid() || id.value >= kQueuesMax) return wrong("more than a million queues");
  if (spec.weight_milli < 1 || spec.weight_milli > kWeightMilliMax) {
    return wrong("the weight is not between 0.001 and 1,000");
  }
  if (!in_range(spec.guaranteed) || !in_range(spec.maximum) || !in_range(spec.borrowable)) {
    return wrong("a quota is negative or larger than any domain");
  }
  if (spec.half_life_us < 0 || spec.half_life_us > kHalfLifeUsMax)
    return wrong("the half-life is not between 0 and 10 years");
  if (spec.submissions_per_hour < 0 || spec.submissions_per_hour > kSubmissionsMax || spec.burst < 1 ||
      spec.burst > kSubmissionsMax) {
    return wrong("the rate limit is not between 0 and 1,000,000 submissions an hour, 1 to 1,000,000 at once");
  }
  for (int r = 0; r < kResources; ++r) {
    if (spec.guaranteed[r] > spec.maximum[r]) {
      return wrong(quota("the guaranteed", r, spec.guaranteed[r]) + " is above the maximum " +
                   format(r, spec.maximum[r]));
    }
  }
  uint32_t parent = kDomain;
  if (spec.parent.valid()) {
    if (!has(spec.parent))
      return fail(ErrorCode::kNotFound, "its parent, " + name(spec.parent) + ", does not exist", name(id));
    parent = row(spec.parent);
  }
  const uint32_t self = has(id) ? row(id) : kNoRow;
  for (uint32_t r = parent; r != kDomain; r = rows_[r].parent) {
    if (r == self)
      return fail(ErrorCode::kConflict, "its parent, " + name(spec.parent) + ", is below it", name(id));
  }
  return check_family(id, parent, spec);
}

Status QueueTree::check_family(QueueId id, uint32_t parent, const QueueSpec& spec) const {
  const uint32_t self = has(id) ? row(id) : kNoRow;
  if (parent != kDomain) {
    const Row& above = rows_[parent];
    if (Status ok = check_maximum(spec.maximum, above.spec.maximum, id); !ok) return ok;
    Amount guaranteed = above.children_guaranteed + spec.guaranteed;
    if (self != kNoRow && rows_[self].parent == parent) guaranteed -= rows_[self].spec.guaranteed;
    for (int r = 0; r < kResources; ++r) {
      if (guaranteed[r] <= above.spec.guaranteed[r]) continue;
      return fail(ErrorCode::kInvalid,
                  quota("with it the children of its parent are guaranteed more", r, guaranteed[r]) +
                      " than the parent: " + format(r, above.spec.guaranteed[r]),
                  name(id), "lower it or raise what the parent is guaranteed first");
    }
  }
  if (self == kNoRow) return {};
  for (int r = 0; r < kResources; ++r) {
    if (rows_[self].children_guaranteed[r] <= spec.guaranteed[r]) continue;
    return fail(ErrorCode::kInvalid,
                quota("its children are guaranteed more", r, rows_[self].children_guaranteed[r]) +
                    " than it: " + format(r, spec.guaranteed[r]),
                name(id), "lower theirs first");
  }
  for (const uint32_t child : rows_[self].children) {
    if (child == rows_[self].own) continue;
    if (Status ok = check_maximum(rows_[child].spec.maximum, spec.maximum, rows_[child].id); !ok) return ok;
  }
  return {};
}

uint32_t QueueTree::add_row(QueueId id, uint32_t parent) {
  uint32_t index = static_cast<uint32_t>(rows_.size());
  if (free_rows_.empty()) {
    rows_.emplace_back();
  } else {
    index = free_rows_.back();
    free_rows_.pop_back();
    rows_[index] = {};
  }
  rows_[index].id = id;
  rows_[index].parent = parent;
  rows_[parent].children.push_back(index);
  return index;
}

// What jobs a queue has of its own, when it gets its first child.
void QueueTree::separate_own(uint32_t index) {
  if (index == kDomain || rows_[index].own != kNoRow) return;
  const uint32_t own = add_row(rows_[index].id, index);
  Row& row = rows_[index];
  row.own = own;
  Row& jobs = rows_[own];
  jobs.used = row.used;
  jobs.waiting = row.waiting;
  jobs.waiting_jobs = row.waiting_jobs;
  jobs.waiting_for = row.waiting_for;
  jobs.memory = row.memory;
  jobs.memory_at = row.memory_at;
  jobs.entitlement = row.entitlement;
  if (row.blocked) {
    row.blocked = false;
    jobs.blocked = true;
    std::replace(blocked_.begin(), blocked_.end(), index, own);
  }
}

void QueueTree::set_limits(uint32_t index) {
  Row& row = rows_[index];
  for (int r = 0; r < kResources; ++r) {
    row.limit[r] = std::min(row.spec.maximum[r], row.spec.guaranteed[r] + row.spec.borrowable[r]);
  }
  if (row.own == kNoRow) return;
  Row& own = rows_[row.own];
  own.spec = {.guaranteed = row.spec.guaranteed - row.children_guaranteed,
              .maximum = row.spec.maximum,
              .borrowable = row.spec.borrowable,
              .half_life_us = row.spec.half_life_us};
  own.limit = row.limit;
}

Status QueueTree::define(QueueId id, const QueueSpec& spec) {
  if (Status ok = check(id, spec); !ok) return ok;
  const uint32_t parent = spec.parent.valid() ? row(spec.parent) : kDomain;
  if (id.index() >= rows_of_.size()) rows_of_.resize(id.index() + 1, kNoRow);
  separate_own(parent);
  bool moved = false;
  if (row(id) == kNoRow) {
    rows_of_[id.index()] = add_row(id, parent);
  } else {
    Row& old = rows_[row(id)];
    rows_[old.parent].children_guaranteed -= old.spec.guaranteed;
    moved = old.parent != parent;
    set_limits(old.parent);
  }
  const uint32_t index = row(id);
  if (moved) {
    unlist(index);
    const Row& row = rows_[index];
    std::erase(rows_[row.parent].children, index);
    for (uint32_t r = row.parent; r != kNoRow; r = rows_[r].parent) {
      rows_[r].used -= row.used;
      rows_[r].waiting -= row.waiting;
      rows_[r].waiting_jobs -= row.waiting_jobs;
    }
    for (uint32_t r = parent; r != kNoRow; r = rows_[r].parent) {
      rows_[r].used += row.used;
      rows_[r].waiting += row.waiting;
      rows_[r].waiting_jobs += row.waiting_jobs;
    }
    rows_[index].parent = parent;
    rows_[parent].children.push_back(index);
  }
  unlist(index);
  Row& row = rows_[index];
  row.spec = spec;
  if (spec.half_life_us == 0) row.memory = {};
  if (spec.submissions_per_hour > 0) row.submissions.set(spec.submissions_per_hour, spec.burst);
  rows_[parent].children_guaranteed += spec.guaranteed;
  set_limits(index);
  if (parent != kDomain) set_limits(parent);
  if (moved) {
    rebuild();
    return {};
  }
  if (row.own != kNoRow) refresh(row.own);
  if (rows_[parent].own != kNoRow) refresh(rows_[parent].own);
  refresh_up(index);
  return {};
}

Status QueueTree::remove(QueueId id) {
  if (!has(id)) return fail(ErrorCode::kNotFound, "does not exist", name(id));
  const uint32_t index = row(id);
  const Row& gone = rows_[index];
  if (gone.children.size() > (gone.own != kNoRow ? 1u : 0u))
    return fail(ErrorCode::kConflict, "it has children", name(id));
  if (gone.waiting_jobs > 0) return fail(ErrorCode::kConflict, "jobs wait in it", name(id));
  if (!gone.used.none()) return fail(ErrorCode::kConflict, "its jobs run", name(id));
  unlist(index);
  const uint32_t parent = gone.parent;
  std::erase(blocked_, index);
  if (gone.own != kNoRow) {
    std::erase(blocked_, gone.own);
    free_rows_.push_back(gone.own);
  }
  std::erase(rows_[parent].children, index);
  rows_[parent].children_guaranteed -= gone.spec.guaranteed;
  free_rows_.push_back(index);
  rows_of_[id.index()] = kNoRow;
  if (parent != kDomain) {
    set_limits(parent);
    if (rows_[parent].own != kNoRow) refresh(rows_[parent].own);
    refresh_up(parent);
  }
  return {};
}

}  // namespace weir::queue
