#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/event/event.h"
#include "core/result/result.h"

// The stored form of events, api/weir/v1/event.proto: protobuf in one canonical way (fields ascending,
// defaults left out, numbers packed), so that equal events have equal bytes on every machine and for ever.
// The bytes of a value are those of the message of the same name in api/weir/v1/types.proto.
namespace weir {

// Whether the event can be stored: identifiers present, quantities in range, enumerations known, texts valid
// UTF-8, nothing longer than core/event/limits.h allows. kInvalid names the field:
// "PlanCommitted.plan.flows[2].path". Whoever makes an event from outside input checks it once before it is
// encoded. O(size).
Status validate(const Event& event);

// Appends. The event must be valid: what is encoded from an invalid one is refused by decode.
void encode(const Event& event, std::vector<std::byte>& out);

// Inverse of encode: accepts no other bytes. kUnsupported: an event kind, a field or an enumeration value written by a newer weir.
// kCorrupt: not the bytes of an event. kInvalid: as validate.
Result<Event> decode(std::span<const std::byte> bytes);

// The same for the values inside, for checkpoints.
Status validate(const IntentSpec& value);
Status validate(const Plan& value);
Status validate(const SiteSpec& value);
Status validate(const LinkSpec& value);
Status validate(const NodeSpec& value);
Status validate(const DatasetSpec& value);
Status validate(const QueueSpec& value);
Status validate(const ReservationSpec& value);
Status validate(const Workflow& value);
Status validate(const Refusal& value);
void encode(const IntentSpec& value, std::vector<std::byte>& out);
void encode(const Plan& value, std::vector<std::byte>& out);
void encode(const SiteSpec& value, std::vector<std::byte>& out);
void encode(const LinkSpec& value, std::vector<std::byte>& out);
void encode(const NodeSpec& value, std::vector<std::byte>& out);
void encode(const DatasetSpec& value, std::vector<std::byte>& out);
void encode(const QueueSpec& value, std::vector<std::byte>& out);
void encode(const ReservationSpec& value, std::vector<std::byte>& out);
void encode(const Workflow& value, std::vector<std::byte>& out);
void encode(const Refusal& value, std::vector<std::byte>& out);
Result<IntentSpec> decode_intent_spec(std::span<const std::byte> bytes);
Result<Plan> decode_plan(std::span<const std::byte> bytes);
Result<SiteSpec> decode_site_spec(std::span<const std::byte> bytes);
Result<LinkSpec> decode_link_spec(std::span<const std::byte> bytes);
Result<NodeSpec> decode_node_spec(std::span<const std::byte> bytes);
Result<DatasetSpec> decode_dataset_spec(std::span<const std::byte> bytes);
Result<QueueSpec> decode_queue_spec(std::span<const std::byte> bytes);
Result<ReservationSpec> decode_reservation_spec(std::span<const std::byte> bytes);
Result<Workflow> decode_workflow(std::span<const std::byte> bytes);
Result<Refusal> decode_refusal(std::span<const std::byte> bytes);

}  // namespace weir
