#include "service/gateway/field_mask.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <string>
#include <vector>

namespace weir::gateway {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr const char* kWhere = "query: fields";

const FieldDescriptor* named_field(const Descriptor& of, const std::string& name) {
  if (const FieldDescriptor* field = of.FindFieldByName(name)) return field;
  for (int i = 0; i < of.field_count(); ++i) {
    if (of.field(i)->json_name() == name) return of.field(i);
  }
  return nullptr;
}

std::string quoted(std::string_view path) { return "\"" + std::string(path.substr(0, 200)) + "\""; }

// A path that leads into what another one keeps whole adds nothing.
Status add_path(std::string_view path, const Descriptor& top, FieldTree& tree) {
  const Descriptor* of = &top;
  FieldTree* at = &tree;
  bool whole = false;
  std::string_view left = path;
  for (size_t depth = 1;; ++depth) {
    if (depth > kFieldDepthMax) return fail(ErrorCode::kInvalid, quoted(path) + " is deeper than 16", kWhere);
    const size_t end = std::min(left.find('.'), left.size());
    const FieldDescriptor* field = of == nullptr ? nullptr : named_field(*of, std::string(left.substr(0, end)));
    if (field == nullptr) {
      return fail(ErrorCode::kInvalid, quoted(path) + " names no field of " + top.name(), kWhere, "/v1/openapi.json describes the answers; write a,b.c");
    }
    const bool known = at->below.contains(field->number());
    if (!whole) at = &at->below[field->number()];
    whole = whole || (known && at->below.empty());
    if (end == left.size()) break;
    left.remove_prefix(end + 1);
    of = field->is_map() ? nullptr : field->message_type();
  }
  if (!whole) at->below.clear();
  return {};
}

}  // namespace

Result<FieldTree> parse_field_mask(std::string_view paths, const Descriptor& of) {
  FieldTree out;
  for (size_t count = 1;; ++count) {
    if (count > kFieldPathsMax) return fail(ErrorCode::kInvalid, "are more than 64", kWhere);
    const size_t end = std::min(paths.find(','), paths.size());
    if (const Status added = add_path(paths.substr(0, end), of, out); !added) return tl::unexpected(added.error());
    if (end == paths.size()) return out;
    paths.remove_prefix(end + 1);
  }
}

void keep_fields(const FieldTree& tree, Message& message) {
  if (tree.below.empty()) return;
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const auto kept = tree.below.find(field->number());
    if (kept == tree.below.end()) {
      reflection->ClearField(&message, field);
    } else if (kept->second.below.empty()) {
      continue;
    } else if (field->is_repeated()) {
      for (int i = 0; i < reflection->FieldSize(message, field); ++i) keep_fields(kept->second, *reflection->MutableRepeatedMessage(&message, field, i));
    } else {
      keep_fields(kept->second, *reflection->MutableMessage(&message, field));
    }
  }
}

}  // namespace weir::gateway
