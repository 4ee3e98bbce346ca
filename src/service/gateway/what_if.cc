#include "service/gateway/what_if.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>

#include "core/units/quantity.h"
#include "core/units/text.h"
#include "service/gateway/names.h"
#include "service/resource/time_text.h"
#include "weir/v1/resource.pb.h"

namespace weir::gateway {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int64_t kSecondUs = 1'000'000;

// Fields from the spec down to a value.
using Way = std::vector<const FieldDescriptor*>;

std::string text_of(const Way& way) {
  std::string out;
  for (const FieldDescriptor* field : way) out += (out.empty() ? "" : ".") + field->json_name();
  return out;
}

// All values that can be set, of the kind of work that the intent is.
void collect(const Descriptor* at, const std::string& other_kind, Way& way, std::vector<Way>& out) {
  for (int i = 0; i < at->field_count(); ++i) {
    const FieldDescriptor* field = at->field(i);
    if (field->json_name() == other_kind) continue;
    way.push_back(field);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      out.push_back(way);
    } else if (!field->is_repeated()) {
      collect(field->message_type(), other_kind, way, out);
    }
    way.pop_back();
  }
}

bool set(Message& spec, const Way& way, const std::string& value) {
  Message* at = &spec;
  for (size_t i = 0; i + 1 < way.size(); ++i) at = at->GetReflection()->MutableMessage(at, way[i]);
  const FieldDescriptor* field = way.back();
  const auto* reflection = at->GetReflection();
  if (field->is_repeated()) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return false;
    reflection->ClearField(at, field);
    for (size_t from = 0; !value.empty() && from <= value.size();) {
      const size_t comma = std::min(value.find(',', from), value.size());
      reflection->AddString(at, field, value.substr(from, comma - from));
      from = comma + 1;
    }
    return true;
  }
  if (value.empty()) {
    reflection->ClearField(at, field);
    return true;
  }
  const bool negative = value.starts_with('-');
  const auto number = parse_number(negative ? value.substr(1) : value);
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection->SetString(at, field, value);
      return true;
    case FieldDescriptor::CPPTYPE_BOOL:
      if (value != "true" && value != "false") return false;
      reflection->SetBool(at, field, value == "true");
      return true;
    case FieldDescriptor::CPPTYPE_INT32:
      if (!number || *number > INT32_MAX) return false;
      reflection->SetInt32(at, field, static_cast<int32_t>(*number) * (negative ? -1 : 1));
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<resource::Resource> altered(const resource::Resource& intent, const std::vector<std::string>& changes,
                                   TimeUs now) {
  if (changes.size() > kWhatIfsMax) {
    return fail(ErrorCode::kInvalid, std::to_string(changes.size()) + " changes are more than 16", "what_if");
  }
  v1::Resource message;
  resource::to_message(intent, message);
  v1::Intent::Spec& spec = *message.mutable_intent()->mutable_spec();
  std::vector<Way> ways;
  Way way;
  collect(spec.GetDescriptor(), spec.workload().has_job() ? "service" : "job", way, ways);
  for (const std::string& change : changes) {
    const std::string where = "what_if \"" + clip_utf8(change, 80) + "\"";
    const size_t equals = change.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorCode::kInvalid, "is not a change", where, "write FIELD=VALUE, like deadline=+2h");
    }
    std::string path = change.substr(0, equals);
    std::string value = change.substr(equals + 1);
    if (path.starts_with("spec.")) path.erase(0, 5);
    std::vector<Way> meant;
    for (const Way& known : ways) {
      const std::string text = text_of(known);
      if (text == path || text.ends_with("." + path)) meant.push_back(known);
    }
    if (meant.size() != 1) {
      std::vector<std::string> names;
      for (const Way& known : meant.empty() ? ways : meant) {
        names.push_back(meant.empty() ? known.back()->json_name() : text_of(known));
      }
      const std::vector<std::string_view> views(names.begin(), names.end());
      std::string remedy;
      if (meant.empty()) {
        const std::string_view near = nearest(path.substr(path.rfind('.') + 1), views);
        remedy =
            near.empty() ? "name a field of the intent's spec" : "did you mean " + std::string(near) + "?";
      } else {
        for (const std::string& name : names) remedy += (remedy.empty() ? "write " : " or ") + name;
      }
      return fail(ErrorCode::kInvalid,
                  meant.empty() ? "no field \"" + clip_utf8(path, 60) + "\" can be set"
                                : "\"" + path + "\" may be one of several fields",
                  where, remedy);
    }
    const std::string name = meant[0].back()->json_name();
    if (value.starts_with('+') && (name == "deadline" || name == "not_before")) {
      const auto later = parse_lifetime_us(std::string_view(value).substr(1));
      if (!later) return fail(ErrorCode::kInvalid, later.error().what, where, "write it like +2h");
      value = resource::format_time((now + *later + kSecondUs - 1) / kSecondUs * kSecondUs);
    }
    if (!set(spec, meant[0], value)) {
      const bool flag = meant[0].back()->cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
      return fail(ErrorCode::kInvalid, "\"" + clip_utf8(value, 60) + "\" is not " + (flag ? "true or false" : "a whole number"),
                  where);
    }
  }
  auto out = resource::from_message(message);
  if (!out) {
    Error error = out.error();
    error.where = "what_if " + error.where;
    return tl::unexpected(error);
  }
  return out;
}

}  // namespace weir::gateway
