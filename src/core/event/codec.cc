#include "core/event/codec.h"

#include <array>
#include <utility>

#include "core/event/wire.h"

namespace weir {
namespace {

using Bytes = std::span<const std::byte>;
using stored::Checker;
using stored::Fields;
using stored::Reader;
using stored::Writer;

constexpr std::string_view kNewerRemedy = "it was written by a newer weir: use that version or a later one";

Error error_of(const stored::Failure& failure, std::string_view of) {
  Error error = failure.error(of, "");
  if (error.code == ErrorCode::kUnsupported) error.remedy = kNewerRemedy;
  return error;
}

// The fields of Event before its body.
struct Envelope {
  template <class Op, class V>
  static void each(Op& op, V& event) {
    op.template number<1>("at", event.at, 0, stored::kI64);
    op.template text<2>("actor", event.actor, limits::kActorBytesMax);
  }
};

template <size_t I>
void decode_body(Reader& reader, EventBody& body) {
  reader.root(body.emplace<I>());
}

struct BodyDecoder {
  uint32_t number;
  void (*decode)(Reader&, EventBody&);
};
template <size_t... I>
constexpr auto body_decoders(std::index_sequence<I...>) {
  return std::array{
      BodyDecoder{Fields<std::variant_alternative_t<I, EventKinds>>::kNumber, decode_body<I>}...};
}
constexpr auto kBodyDecoders = body_decoders(std::make_index_sequence<std::variant_size_v<EventKinds>>());

constexpr bool ascending() {
  for (size_t i = 1; i < kBodyDecoders.size(); ++i) {
    if (kBodyDecoders[i].number != kBodyDecoders[i - 1].number + 1) return false;
  }
  return true;
}
static_assert(ascending(), "decode finds the body's decoder by subtraction");

template <class T>
Status validate_value(const T& value) {
  Checker checker;
  Fields<T>::each(checker, value);
  if (checker.failed()) return tl::unexpected(error_of(checker.failure(), Fields<T>::kName));
  return {};
}

template <class T>
void encode_value(const T& value, std::vector<std::byte>& out) {
  Writer writer(out);
  Fields<T>::each(writer, value);
}

template <class T>
Result<T> decode_value(Bytes bytes) {
  Result<T> value;
  Reader reader(bytes);
  reader.root(*value);
  if (reader.failed()) return tl::unexpected(error_of(reader.failure(), Fields<T>::kName));
  return value;
}

}  // namespace

Status validate(const Event& event) {
  Checker checker;
  Envelope::each(checker, event);
  if (checker.failed()) return tl::unexpected(error_of(checker.failure(), "Event"));
  std::visit([&](const auto& body) { Fields<std::decay_t<decltype(body)>>::each(checker, body); },
             event.body);
  if (checker.failed()) return tl::unexpected(error_of(checker.failure(), event.name()));
  return {};
}

void encode(const Event& event, std::vector<std::byte>& out) {
  Writer writer(out);
  Envelope::each(writer, event);
  std::visit([&](const auto& body) { writer.body(body); }, event.body);
}

Result<Event> decode(Bytes bytes) {
  Result<Event> event;
  Reader reader(bytes);
  Envelope::each(reader, *event);
  if (reader.failed()) return tl::unexpected(error_of(reader.failure(), "Event"));
  if (reader.at_end()) return fail(ErrorCode::kCorrupt, "has no body", "Event");
  const uint32_t number = reader.enter_field();
  if (reader.failed()) return tl::unexpected(error_of(reader.failure(), "Event"));
  const size_t index = number - kBodyDecoders.front().number;
  if (index >= kBodyDecoders.size()) {
    return fail(ErrorCode::kUnsupported, "event kind " + std::to_string(number) + " is unknown", "Event",
                std::string(kNewerRemedy));
  }
  kBodyDecoders[index].decode(reader, event->body);
  if (reader.failed()) return tl::unexpected(error_of(reader.failure(), event->name()));
  return event;
}

Status validate(const IntentSpec& value) { return validate_value(value); }
Status validate(const Plan& value) { return validate_value(value); }
Status validate(const SiteSpec& value) { return validate_value(value); }
Status validate(const LinkSpec& value) { return validate_value(value); }
Status validate(const NodeSpec& value) { return validate_value(value); }
Status validate(const DatasetSpec& value) { return validate_value(value); }
Status validate(const QueueSpec& value) { return validate_value(value); }
Status validate(const ReservationSpec& value) { return validate_value(value); }
Status validate(const Workflow& value) { return validate_value(value); }
Status validate(const Refusal& value) { return validate_value(value); }
void encode(const IntentSpec& value, std::vector<std::byte>& out) { encode_value(value, out); }
void encode(const Plan& value, std::vector<std::byte>& out) { encode_value(value, out); }
void encode(const SiteSpec& value, std::vector<std::byte>& out) { encode_value(value, out); }
void encode(const LinkSpec& value, std::vector<std::byte>& out) { encode_value(value, out); }
void encode(const NodeSpec& value, std::vector<std::byte>& out) { encode_value(value, out); }
void encode(const DatasetSpec& value, std::vector<std::byte>& out) { encode_value(value, out); }
void encode(const QueueSpec& value, std::vector<std::byte>& out) { encode_value(value, out); }
void encode(const ReservationSpec& value, std::vector<std::byte>& out) { encode_value(value, out); }
void encode(const Workflow& value, std::vector<std::byte>& out) { encode_value(value, out); }
void encode(const Refusal& value, std::vector<std::byte>& out) { encode_value(value, out); }
Result<IntentSpec> decode_intent_spec(Bytes bytes) { return decode_value<IntentSpec>(bytes); }
Result<Plan> decode_plan(Bytes bytes) { return decode_value<Plan>(bytes); }
Result<SiteSpec> decode_site_spec(Bytes bytes) { return decode_value<SiteSpec>(bytes); }
Result<LinkSpec> decode_link_spec(Bytes bytes) { return decode_value<LinkSpec>(bytes); }
Result<NodeSpec> decode_node_spec(Bytes bytes) { return decode_value<NodeSpec>(bytes); }
Result<DatasetSpec> decode_dataset_spec(Bytes bytes) { return decode_value<DatasetSpec>(bytes); }
Result<QueueSpec> decode_queue_spec(Bytes bytes) { return decode_value<QueueSpec>(bytes); }
Result<ReservationSpec> decode_reservation_spec(Bytes bytes) { return decode_value<ReservationSpec>(bytes); }
Result<Workflow> decode_workflow(Bytes bytes) { return decode_value<Workflow>(bytes); }
Result<Refusal> decode_refusal(Bytes bytes) { return decode_value<Refusal>(bytes); }

}  // namespace weir
