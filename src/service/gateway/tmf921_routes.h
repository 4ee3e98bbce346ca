#pragma once

#include <string_view>
#include <vector>

#include "service/gateway/rest_routes.h"

// TM Forum's Intent Management API (TMF921 5.0.0) over the operations of Service: a TMF intent is an Intent, its reports are what the
// ledger and the present state tell of it, and its hub is the webhooks.
namespace weir::gateway {

bool is_tmf921(std::string_view target);
Routed route_tmf921(Service& service, const HttpRequest& request);
// What is routed, as route_names() has it. TM Forum publishes the document of these paths: /v1/openapi.json has none of them.
std::vector<RouteName> tmf921_route_names();

}  // namespace weir::gateway
