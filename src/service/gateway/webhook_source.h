#pragma once

#include "service/gateway/service.h"
#include "service/webhook/webhooks.h"

namespace weir::gateway {

// A body may be as long; an event that is longer is sent without its record, which can be read by its position.
inline constexpr size_t kWebhookBodyBytesMax = 256 * 1024;

// What there is to post to subscribers: what their owners may see of the stream of events, as it is or as TM Forum's notifications.
// The service outlives it.
webhook::Source webhook_source(Service& service);

// The one that TM Forum's hub or the API adds, after the checks that are the same for both. `secret` may be empty: nothing is signed.
Result<webhook::Standing> add_webhook_for(const Service& service, const Caller& who, webhook::Subscription wanted);
// Those that the caller may see.
Result<std::vector<webhook::Standing>> webhooks_of(const Service& service, const policy::Principal& who);
Status remove_webhook_of(const Service& service, const policy::Principal& who, const std::string& id);

}  // namespace weir::gateway
