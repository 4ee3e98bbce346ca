#pragma once

#include <string_view>

namespace weir::gateway {

// A serialised google.protobuf.FileDescriptorSet of api/weir/v1/{types,resource,service}.proto, with the places of comments.
extern const std::string_view kApiSchema;

}  // namespace weir::gateway
