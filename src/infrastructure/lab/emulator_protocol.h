#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"
#include "infrastructure/lab/link_queue.h"

// What the emulator process is told: its configuration, once, and its commands, one JSON object per line:
//   {"do":"cut","link":"a-b"}  heal likewise
//   {"do":"set","link":"a-b","delay_us":9000}   also jitter_us, loss_ppm, rate_bps, queue_us; any of them
//   {"do":"stats"}  {"do":"stop"}
// Answers are one line each: {"ok":true}, {"ok":false,"error":"..."} or {"ok":true,"links":[...]}.
namespace weir::lab {

inline constexpr size_t kControlLineBytesMax = 4096;

struct EmulatorEnd {
  std::string namespace_name;
  std::string device;
  std::string mac;
  friend bool operator==(const EmulatorEnd&, const EmulatorEnd&) = default;
};

struct EmulatorLink {
  std::string name;
  EmulatorEnd a, b;
  LinkSettings settings;
  friend bool operator==(const EmulatorLink&, const EmulatorLink&) = default;
};

struct EmulatorConfig {
  std::string control_socket;
  uint32_t mtu_bytes = 2048;
  uint64_t seed = 1;
  std::vector<EmulatorLink> links;
};

std::string encode(const EmulatorConfig& config);
Result<EmulatorConfig> decode_emulator_config(std::string_view text);

struct EmulatorCommand {
  enum class Kind : uint8_t { kCut, kHeal, kSet, kStats, kStop, kCarry };
  Kind kind = Kind::kStats;
  std::string link;
  std::optional<EmulatorLink> carried;  // kCarry: one more link
  std::optional<int64_t> delay_us, jitter_us, loss_ppm, rate_bps, queue_us;
  friend bool operator==(const EmulatorCommand&, const EmulatorCommand&) = default;
};

std::string encode(const EmulatorCommand& command);  // without the line's end
Result<EmulatorCommand> decode_emulator_command(std::string_view line);
// The settings after a command of kind kSet, kCut or kHeal. kInvalid: out of range.
Result<LinkSettings> changed(LinkSettings settings, const EmulatorCommand& command);

struct EmulatorLinkStats {
  std::string name;
  LinkSettings settings;
  LinkCounters forward;   // a to b
  LinkCounters backward;  // b to a
};

std::string encode_answer(const std::vector<EmulatorLinkStats>& stats);
std::string encode_answer(const Status& status);
// kInvalid carries the emulator's own error text.
Result<std::vector<EmulatorLinkStats>> decode_answer(std::string_view line);

}  // namespace weir::lab
