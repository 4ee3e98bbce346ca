#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"
#include "infrastructure/agent/ports.h"
#include "infrastructure/agent/usage_meter.h"

namespace weir::v1 {
class AgentMessage;
class BrainMessage;
class Hello;
}  // namespace weir::v1

// Between the agent's structs and api/weir/v1/agent.proto.
namespace weir::agent {

void put_report(const AgentReport& report, uint64_t sequence, TimeUs wall_us, v1::AgentMessage& out);

// What the usage record holds between two processes: a report from 0 says what has been reported of its run
// in all, the others wait to be acknowledged.
std::string encode_usage_record(const UsageMeter::Reported& reported,
                                const std::vector<UsageReport>& waiting);
struct UsageRecord {
  UsageMeter::Reported reported;
  std::vector<UsageReport> waiting;
};
Result<UsageRecord> decode_usage_record(std::string_view bytes);  // kCorrupt

}  // namespace weir::agent
