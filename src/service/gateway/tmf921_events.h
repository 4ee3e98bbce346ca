#pragma once

#include "service/gateway/webhook_source.h"

namespace weir::v1 {
class Intent;
}

namespace weir::gateway {

// The notifications of TMF921 that come after `to.next`, from what the owner may see of the stream of events.
Result<webhook::Batch> tmf921_batch(Service& service, const webhook::Subscription& to, webhook::Memory& memory);

// Events that are an intent's reports.
inline constexpr const char* kReportEvents[] = {"PlanCommitted", "IntentRefused", "PromiseStateChanged"};

// An intent as TMF921 knows it, with when its generation was submitted. kNotFound: also when it was withdrawn.
Result<std::pair<v1::Intent, TimeUs>> tmf921_intent(Service& service, const policy::Principal& who, const std::string& tenant, const std::string& name);

}  // namespace weir::gateway
