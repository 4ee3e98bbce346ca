#pragma once

#include <optional>
#include <string>

#include "service/gateway/rest_routes.h"

namespace weir::gateway {

inline constexpr std::string_view kOpenApiPath = "/v1/openapi.json";

// What REST does, as a document of OpenAPI 3.1: made of the schema's messages, comments and google.api.http annotations, the same
// in each run of one build.
const std::string& openapi_document();

// The document, with its digest as ETag; nothing where another path is asked for. It needs no token: it holds what is public.
std::optional<HttpResponse> openapi_answer(const HttpRequest& request);

}  // namespace weir::gateway
