#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace city_cameras {

// A value, or a sentence that says what was wrong and what to do.
template <class T>
using Result = tl::expected<T, std::string>;

// A detected person, in pixels of the frame. The score is the margin of the classifier, in thousandths.
struct Box {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  std::int64_t score_milli = 0;

  friend bool operator==(const Box&, const Box&) = default;
};

// What the detector answers to a frame.
struct Answer {
  std::vector<Box> boxes;
  std::int64_t queue_us = 0;  // waiting for the worker
  std::int64_t work_us = 0;   // decoding and detecting, by the wall clock: throttling included
  std::int64_t cpu_us = 0;    // the same in processor time: throttling excluded
  std::string instance;
  std::string site;

  friend bool operator==(const Answer&, const Answer&) = default;
};

std::string to_json(const Answer& answer);
Result<Answer> parse_answer(std::string_view json);

// {"error": reason}
std::string error_json(std::string_view reason);
// The reason in such a body, or an extract of the body where it is something else.
std::string parse_error(std::string_view json);

enum class Outcome {
  kOk,    // answered within the promise
  kMiss,  // answered later
  kLost,  // not answered within the camera's patience, refused, or the connection broke
};

std::string_view name_of(Outcome outcome);

// What became of one frame, as its camera saw it: one line of a report.
struct FrameRecord {
  std::int64_t stream = 0;
  std::int64_t seq = 0;
  std::int64_t sent_at_us = 0;             // unix time at which the frame was due to leave the camera
  std::optional<std::int64_t> latency_us;  // from sent_at to the whole answer; absent when lost
  Outcome outcome = Outcome::kLost;
  std::int64_t boxes = 0;
  std::int64_t work_us = 0;
  std::int64_t queue_us = 0;
  std::int64_t cpu_us = 0;
  std::int64_t bytes = 0;  // size of the frame
  std::string ingress;
  std::string instance;
  std::string site;
  std::string reason;  // why the frame was lost

  friend bool operator==(const FrameRecord&, const FrameRecord&) = default;
};

inline constexpr std::size_t kLineBytesMax = 4096;

// One line without its newline. Strings longer than 256 bytes are cut, so that a line stays below
// kLineBytesMax.
std::string to_json_line(const FrameRecord& record);

// Nothing for a well-formed line of another kind (a summary), an error for anything else.
Result<std::optional<FrameRecord>> parse_json_line(std::string_view line);

}  // namespace city_cameras
