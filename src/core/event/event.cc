#include "core/event/event.h"

#include <utility>

namespace weir {
namespace {

template <size_t... I>
constexpr auto makers(std::index_sequence<I...>) {
  using Maker = void (*)(EventKinds& to, void* from);
  return std::array<Maker, sizeof...(I)>{[](EventKinds& to, void* from) {
    to.emplace<I>(std::move(*static_cast<std::variant_alternative_t<I, EventKinds>*>(from)));
  }...};
}

}  // namespace

EventBody::EventBody() = default;
EventBody::EventBody(const EventBody& other) = default;
EventBody::EventBody(EventBody&& other) noexcept = default;
EventBody& EventBody::operator=(const EventBody& other) = default;
EventBody& EventBody::operator=(EventBody&& other) noexcept = default;
EventBody::~EventBody() = default;

EventBody::EventBody(size_t index, void* body) {
  static constexpr auto kMakers = makers(std::make_index_sequence<std::variant_size_v<EventKinds>>());
  kMakers[index](*this, body);
}

bool is_repair(const Event& event) {
  return std::visit(
      []<class T>(const T& body) {
        // That a run is not ready any more is not among them: while it cannot be written, that it is ready again is no
        // change, so that no site can use the room up by saying both in turn.
        if constexpr (std::is_same_v<T, RunStateChanged>) {
          return has_ended(body.state) || body.state == RunState::kStopping || body.state == RunState::kRunning;
        }
        // What stops, releases, mends or fences: without these a full disk could not be outlived. A plan
        // counts, since mending is a plan; admission of new intents stops earlier, because IntentSubmitted is
        // not here.
        return std::is_same_v<T, BrainStarted> || std::is_same_v<T, SiteStateChanged> ||
               std::is_same_v<T, LinkStateChanged> || std::is_same_v<T, IntentWithdrawn> ||
               std::is_same_v<T, PlanCommitted> || std::is_same_v<T, PlanRetired> ||
               std::is_same_v<T, PathSwitched> ||
               std::is_same_v<T, PromiseStateChanged> || std::is_same_v<T, TokenRevoked> ||
               std::is_same_v<T, CertificateRevoked> || std::is_same_v<T, WorkMeasured> ||
               std::is_same_v<T, JobPreempted> || std::is_same_v<T, WorkflowWithdrawn>;
      },
      event.body);
}

}  // namespace weir
