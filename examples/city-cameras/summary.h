#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "city-cameras/messages.h"

namespace city_cameras {

// The exact nearest-rank percentile: the smallest value such that at least `per_mille`/1000 of all frames
// are not above it. A lost frame counts as slower than every answer. No value when there are no frames or
// the rank falls on a lost frame.
struct Percentiles {
  std::size_t samples = 0;
  std::optional<std::int64_t> p50_us;
  std::optional<std::int64_t> p99_us;
  std::optional<std::int64_t> p999_us;
};

// Zero-based rank in `count` sorted values. Requires count > 0 and per_mille in [1, 1000].
std::size_t nearest_rank(std::size_t count, std::size_t per_mille);

// A run of lost frames of one stream, from the moment at which the first of them was due to the moment at
// which the next answer arrived.
struct Outage {
  std::int64_t stream = 0;
  std::int64_t lost = 0;
  std::int64_t began_at_us = 0;
  std::optional<std::int64_t> repaired_at_us;  // absent while it lasts
};

struct StreamSummary {
  std::int64_t stream = 0;
  std::string ingress;
  std::vector<std::string> sites;  // that answered, in order of their first answer
  std::int64_t frames = 0;
  std::int64_t late = 0;  // answered after the promise
  std::int64_t lost = 0;
  std::int64_t boxes = 0;
  std::int64_t bytes = 0;
  Percentiles latency;

  // Frames that were not answered within the promise.
  std::int64_t misses() const { return late + lost; }
};

struct Summary {
  std::vector<StreamSummary> streams;  // by number
  StreamSummary total;                 // its stream number and ingress mean nothing
  std::int64_t cpu_us_mean = 0;        // of the detector, per answered frame
  std::optional<std::int64_t> first_loss_at_us;
  std::optional<std::int64_t> last_loss_at_us;
  std::vector<Outage> outages;  // by beginning, then stream; the first kOutagesMax
};

// Sums up frames as they come. Memory is bounded: percentiles are over the most recent
// `samples_per_stream_max` frames of each stream, which `Percentiles::samples` shows.
class Tally {
 public:
  static constexpr std::size_t kStreamsMax = 1024;
  static constexpr std::size_t kOutagesMax = 10'000;
  static constexpr std::size_t kSitesMax = 16;

  explicit Tally(std::size_t samples_per_stream_max = 65'536)
      : samples_per_stream_max_(samples_per_stream_max) {}

  // Frames of one stream must come in the order in which they were sent. An error when a stream is one too
  // many, or when one stream has two ingress points.
  Result<void> add(const FrameRecord& record);
  Summary summary() const;

 private:
  struct Stream {
    StreamSummary counts;
    std::vector<std::int64_t> latencies_us;
    std::size_t next = 0;  // where the next sample goes once the ring is full
    std::optional<Outage> outage;
  };

  std::size_t samples_per_stream_max_;
  std::map<std::int64_t, Stream> streams_;
  std::vector<Outage> outages_;
  std::optional<std::int64_t> first_loss_at_us_;
  std::optional<std::int64_t> last_loss_at_us_;
  std::int64_t cpu_us_total_ = 0;
};

// Only frames with from_us <= sent_at < to_us.
struct Window {
  std::int64_t from_us = 0;
  std::int64_t to_us = INT64_MAX;
};

// Merges the reports of several cameras. `names` are shown in errors, one per report. A last line without
// its newline, as a camera leaves it when it is killed, is passed over.
Result<Summary> summarise(const std::vector<std::istream*>& reports, const std::vector<std::string>& names,
                          const Window& window = {});

// A table of at most 80 columns for people, and one line of JSON ({"kind": "summary", ...}) for programs.
std::string table_of(const Summary& summary, std::int64_t promise_us);
std::string json_of(const Summary& summary, std::int64_t promise_us);

}  // namespace city_cameras
