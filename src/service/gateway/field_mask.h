#pragma once

#include <cstddef>
#include <map>
#include <string_view>

#include "core/result/result.h"

namespace google::protobuf {
class Descriptor;
class Message;
}  // namespace google::protobuf

// Parts of an answer, as the parameter `fields` asks for them: the paths of google.protobuf.FieldMask (AIP-157), which lead through lists too.
namespace weir::gateway {

inline constexpr size_t kFieldPathsMax = 64;
inline constexpr size_t kFieldDepthMax = 16;

// By number of the field. Of a field without more all is kept.
struct FieldTree {
  std::map<int, FieldTree> below;
};

// "items.site.metadata.name,version": names as in the schema or in JSON. kInvalid, with the path that leads nowhere.
Result<FieldTree> parse_field_mask(std::string_view paths, const google::protobuf::Descriptor& of);
void keep_fields(const FieldTree& tree, google::protobuf::Message& message);

}  // namespace weir::gateway
