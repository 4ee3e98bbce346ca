#pragma once

#include <google/protobuf/message.h>

#include "service/resource/resource.h"
#include "service/resource/tree.h"

// Between trees and messages, by the names of the JSON mapping. Private to this library.
namespace weir::resource {

// Fills `message` from a map; `source.lines` learns where each field was written. `path` leads the field
// paths. kInvalid: an unknown field, a value of the wrong shape, a number out of range.
Status read_message(const Node& node, const std::string& path, google::protobuf::Message& message,
                    Source& source);

}  // namespace weir::resource
