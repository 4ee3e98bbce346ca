#include "orchestration/placement/packing.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <utility>

#include "core/units/text.h"
#include "orchestration/placement/fragmentation.h"

namespace weir {
namespace {

// By what the published scores are normalised.
constexpr int64_t kCpuMilliMost = 128'000;
constexpr int64_t kMilliMost = 8'000;

int64_t floor_of(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

class Random final : public PackingPolicy {
 public:
  std::string_view name() const override { return "random"; }
  PackingOffer rate(const PackingNode& node, const AcceleratorTask& task) override {
    if (!task.shares()) return {0, tightest_devices(node.free, task)};
    AcceleratorMask devices = 0;
    for (size_t d = 0; d < node.free.accelerators; ++d) {
      if (node.free.free_milli[d] >= task.accelerator_milli) devices |= AcceleratorMask{1} << d;
    }
    return {0, devices};
  }
};

// 100 · (1 − the mean of the normalised products of free and requested), rounded down.
class DotProduct final : public PackingPolicy {
 public:
  std::string_view name() const override { return "dot-product"; }
  PackingOffer rate(const PackingNode& node, const AcceleratorTask& task) override {
    constexpr int64_t kCpu = kCpuMilliMost * kCpuMilliMost, kMilli = kMilliMost * kMilliMost;
    static_assert(kCpu % kMilli == 0);
    const int64_t products = int64_t{node.free.cpu_milli} * task.cpu_milli +
                             kCpu / kMilli * free_milli(node.free) * task.total_milli();
    return {-floor_of(100 * (2 * kCpu - products), 2 * kCpu), tightest_devices(node.free, task)};
  }
};

// 100 · (1 − the mean of what is left, normalised), rounded down.
class BestFit final : public PackingPolicy {
 public:
  std::string_view name() const override { return "best-fit"; }
  PackingOffer rate(const PackingNode& node, const AcceleratorTask& task) override {
    const int64_t cpu = node.free.cpu_milli - task.cpu_milli,
                  milli = free_milli(node.free) - task.total_milli();
    constexpr int64_t kWhole = 2 * kCpuMilliMost;
    return {-floor_of(100 * (kWhole - cpu - milli * (kCpuMilliMost / kMilliMost)), kWhole),
            tightest_devices(node.free, task)};
  }
};

// Shared accelerators before whole ones of a node in use, before those of an empty node.
class Packing final : public PackingPolicy {
 public:
  std::string_view name() const override { return "gpu-packing"; }
  PackingOffer rate(const PackingNode& node, const AcceleratorTask& task) override {
    return {-score(node.free, task), tightest_devices(node.free, task)};
  }

 private:
  static int64_t score(const AcceleratorNode& node, const AcceleratorTask& task) {
    if (task.accelerators == 0) return 0;
    const int64_t whole = whole_accelerators(node);
    if (whole == node.accelerators) return std::max(100 / 3 - whole, whole);
    if (!task.shares()) return std::max<int64_t>(100 / 2 - task.accelerators, 100 / 3);
    const auto device = static_cast<size_t>(std::countr_zero(tightest_devices(node, task)));
    const int64_t free = node.free_milli[device];
    if (free == kAcceleratorMilli) return 100 / 2 - 1;
    return std::max<int64_t>(100 - free * 100 / kAcceleratorMilli / 10, 100 / 2);
  }
};

// Nodes that run tasks of the same kind only, then those that run some, then empty ones, then the others; the
// fuller first within each.
class Clustering final : public PackingPolicy {
 public:
  std::string_view name() const override { return "gpu-clustering"; }
  bool sees_kinds() const override { return true; }
  PackingOffer rate(const PackingNode& node, const AcceleratorTask& task) override {
    return {-score(node, task), tightest_devices(node.free, task)};
  }

 private:
  static int64_t score(const PackingNode& node, const AcceleratorTask& task) {
    if (task.accelerators == 0) return 0;
    const int64_t fuller = 100 / 4 * (kMilliMost - free_milli(node.free)) / kMilliMost;
    if ((node.kinds & kind_of(task)) != 0) return fuller + (std::has_single_bit(node.kinds) ? 75 : 50);
    return fuller + (node.kinds == 0 ? 25 : 0);
  }
};

// ln((50 + j) / (50 − j)) in billionths: 100 / (1 + e^−x) reaches 50 + j there.
constexpr std::array<int64_t, 50> kSigmoidReaches = {0,
                                                     40'005'335,
                                                     80'042'708,
                                                     120'144'312,
                                                     160'342'650,
                                                     200'670'695,
                                                     241'162'057,
                                                     281'851'152,
                                                     322'773'392,
                                                     363'965'377,
                                                     405'465'108,
                                                     447'312'218,
                                                     489'548'225,
                                                     532'216'814,
                                                     575'364'145,
                                                     619'039'208,
                                                     663'294'217,
                                                     708'185'058,
                                                     753'771'802,
                                                     800'119'300,
                                                     847'297'860,
                                                     895'384'047,
                                                     944'461'609,
                                                     994'622'575,
                                                     1'045'968'555,
                                                     1'098'612'289,
                                                     1'152'679'510,
                                                     1'208'311'206,
                                                     1'265'666'373,
                                                     1'324'925'415,
                                                     1'386'294'361,
                                                     1'450'010'176,
                                                     1'516'347'489,
                                                     1'585'627'264,
                                                     1'658'228'077,
                                                     1'734'601'055,
                                                     1'815'289'967,
                                                     1'900'958'761,
                                                     1'992'430'165,
                                                     2'090'741'097,
                                                     2'197'224'577,
                                                     2'313'634'929,
                                                     2'442'347'035,
                                                     2'586'689'344,
                                                     2'751'535'313,
                                                     2'944'438'979,
                                                     3'178'053'830,
                                                     3'476'098'690,
                                                     3'891'820'298,
                                                     4'595'119'850};

class Fgd final : public PackingPolicy {
 public:
  explicit Fgd(const TaskMix& mix) : fragmentation_(typical_tasks(mix, 95)) {}
  std::string_view name() const override { return "fgd"; }
  bool sees_device_order() const override { return true; }
  PackingOffer rate(const PackingNode& node, const AcceleratorTask& task) override {
    const int64_t before = fragmentation_.of(node.free);
    if (!task.shares()) {
      const AcceleratorMask devices = tightest_devices(node.free, task);
      return {-score(before - fragmentation_.of(without(node.free, task, devices))), devices};
    }
    PackingOffer best{.loss = 1};
    for (size_t d = 0; d < node.free.accelerators; ++d) {
      if (node.free.free_milli[d] < task.accelerator_milli) continue;
      const AcceleratorMask device = AcceleratorMask{1} << d;
      const int64_t loss = -score(before - fragmentation_.of(without(node.free, task, device)));
      if (loss < best.loss) best = {loss, device};
    }
    return best;
  }

 private:
  // 100 / (1 + e^−(gain / 1000)), rounded down.
  int64_t score(int64_t gain) const {
    const auto reached = [&](int64_t billionths) {
      return static_cast<__int128>(gain) * 1'000'000 >=
             static_cast<__int128>(billionths) * fragmentation_.weight();
    };
    int64_t low = 0, high = 99;  // the greatest score whose threshold is reached
    while (low < high) {
      const int64_t mid = (low + high + 1) / 2;
      const int64_t threshold = mid >= 50 ? kSigmoidReaches[static_cast<size_t>(mid - 50)]
                                          : -kSigmoidReaches[static_cast<size_t>(50 - mid)];
      if (reached(threshold)) {
        low = mid;
      } else {
        high = mid - 1;
      }
    }
    return low;
  }

  Fragmentation fragmentation_;
};

int64_t square_root(int64_t value) {
  int64_t root = 0;
  for (int64_t bit = int64_t{1} << 20; bit > 0; bit >>= 1) {
    if ((root + bit) * (root + bit) <= value) root += bit;
  }
  return root;
}

// What nodes are offered: the kinds that take accelerators, each as often as it comes times the square root
// of the accelerators that it takes (in thousandths), since large tasks are few but take what many small ones
// would. Those that take none find room elsewhere, or leave none stranded.
std::vector<TaskMix::Row> offers(const TaskMix& mix) {
  std::vector<TaskMix::Row> rows = mix.rows();
  std::erase_if(rows, [](const TaskMix::Row& row) { return row.task.accelerators == 0; });
  for (TaskMix::Row& row : rows) row.count *= square_root(row.task.total_milli() * 1'000);
  return rows;
}

class LeastLoss final : public PackingPolicy {
 public:
  explicit LeastLoss(PackingParameters parameters) : parameters_(std::move(parameters)), worth_(expect({})) {
    if (parameters_.mix) worth_ = expect(*parameters_.mix);
  }
  std::string_view name() const override { return "weir"; }

  PackingOffer rate(const PackingNode& node, const AcceleratorTask& task) override {
    const int64_t before = worth(node.free);
    const auto offer = [&](AcceleratorMask devices) {
      const AcceleratorNode left = without(node.free, task, devices);
      return PackingOffer{(before - worth(left)) * kFreeMilliMost + free_milli(left), devices};
    };
    if (!task.shares()) return offer(tightest_devices(node.free, task));
    std::optional<PackingOffer> best;
    for (size_t d = 0; d < node.free.accelerators; ++d) {
      const int16_t free = node.free.free_milli[d];
      const auto first = std::find(node.free.free_milli.begin(), node.free.free_milli.end(), free);
      if (free < task.accelerator_milli ||
          first != node.free.free_milli.begin() + static_cast<std::ptrdiff_t>(d))
        continue;
      const PackingOffer with = offer(AcceleratorMask{1} << d);
      if (!best || with.loss < best->loss) best = with;
    }
    return *best;
  }

  bool arrived(const AcceleratorTask& task) override {
    if (parameters_.mix) return false;
    seen_.add(task);
    if (seen_.count() < learn_at_) return false;
    worth_ = expect(seen_);
    if (learn_at_ < kSeenMost) {
      learn_at_ *= 2;
    } else {
      TaskMix half;
      for (const TaskMix::Row& row : seen_.rows()) {
        if (row.count > 1) half.add(row.task, row.count / 2);
      }
      seen_ = std::move(half);
    }
    return true;
  }

  bool refuses(const AcceleratorTask& task, const PackingOffer& offer) const override {
    if (!parameters_.refuse_above_milli) return false;
    const int64_t unit = worth_.fill.scale() * kParts;
    return floor_of(offer.loss, kFreeMilliMost) >
           (task.total_milli() + *parameters_.refuse_above_milli) * unit;
  }

 private:
  static constexpr int64_t kFreeMilliMost = int64_t{1} << 15;  // more than a node can have
  static_assert(kFreeMilliMost > static_cast<int64_t>(kAcceleratorsPerNodeMax) * kAcceleratorMilli);
  // Learns after 64 tasks, 128, 256 and so on, later after as many again, of which half is new.
  static constexpr int64_t kSeenMost = 8'192;
  static constexpr int64_t kParts = 1'024;  // of a unit of expected fill
  static constexpr int64_t kFragmentationPart = 20;

  struct Worth {
    ExpectedFill fill;
    Fragmentation fragmentation;
  };
  Worth expect(const TaskMix& mix) const {
    const std::vector<TaskMix::Row> rows = offers(mix);
    return {ExpectedFill(rows, parameters_.fill), Fragmentation(rows)};
  }
  // What tasks will come to use in time, less a twentieth of what the next task could not use at once. The
  // first alone takes a node for as good in pieces, as long as some tasks fill them; when all nodes are in
  // pieces, those that need a whole one are left out, and the others are too few.
  int64_t worth(const AcceleratorNode& node) {
    const int64_t weight = worth_.fragmentation.weight();
    if (weight == 0) return 0;
    const __int128 fragmented =
        static_cast<__int128>(worth_.fragmentation.of(node)) * worth_.fill.scale() * kParts;
    return worth_.fill.of(node) * kParts - static_cast<int64_t>(fragmented / (kFragmentationPart * weight));
  }

  PackingParameters parameters_;
  Worth worth_;
  TaskMix seen_;
  int64_t learn_at_ = 64;
};

constexpr std::array<std::string_view, 7> kNames = {
    "random", "dot-product", "gpu-clustering", "gpu-packing", "best-fit", "fgd", "weir"};

}  // namespace

uint32_t kind_of(const AcceleratorTask& task) {
  return task.accelerators == 0 ? 0 : task.shares() ? 1 : uint32_t{1} << task.accelerators;
}

std::span<const std::string_view> packing_policies() { return kNames; }

Result<std::unique_ptr<PackingPolicy>> make_packing_policy(std::string_view name,
                                                           PackingParameters parameters) {
  std::unique_ptr<PackingPolicy> policy;
  if (name == "random") policy = std::make_unique<Random>();
  if (name == "dot-product") policy = std::make_unique<DotProduct>();
  if (name == "gpu-clustering") policy = std::make_unique<Clustering>();
  if (name == "gpu-packing") policy = std::make_unique<Packing>();
  if (name == "best-fit") policy = std::make_unique<BestFit>();
  if (name == "fgd") policy = std::make_unique<Fgd>(parameters.mix.value_or(TaskMix()));
  if (name == "weir") policy = std::make_unique<LeastLoss>(std::move(parameters));
  if (policy) return policy;
  std::string known;
  for (const std::string_view one : kNames) known += (known.empty() ? "" : ", ") + std::string(one);
  return fail(ErrorCode::kInvalid, "there is no packing policy \"" + clip_utf8(name, 40) + "\"", {},
              "one of " + known);
}

}  // namespace weir
