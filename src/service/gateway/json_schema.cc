#include "service/gateway/json_schema.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>
#include <vector>

#include "service/gateway/api_schema.h"

namespace weir::gateway {
namespace {

namespace json = boost::json;
using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

// Words of a comment, one space apart.
void append_words(const std::string& comment, std::string& out) {
  bool space = !out.empty();
  for (const char c : comment) {
    if (c == ' ' || c == '\n' || c == '\t') {
      space = !out.empty();
    } else {
      if (space) out += ' ';
      space = false;
      out += c;
    }
  }
}

// Of what the files declare, by its full name.
using Comments = std::map<std::string, std::string>;

class SchemaReader {
 public:
  SchemaReader(const google::protobuf::FileDescriptorProto& file, Comments& out) : out_(out) {
    for (const auto& at : file.source_code_info().location()) {
      std::string text;
      append_words(at.leading_comments(), text);
      append_words(at.trailing_comments(), text);
      if (!text.empty()) places_[{at.path().begin(), at.path().end()}] = text;
    }
    // Numbers of fields in descriptor.proto are what paths are made of.
    for (int i = 0; i < file.message_type_size(); ++i) message(file.message_type(i), file.package(), {4, i});
    for (int i = 0; i < file.enum_type_size(); ++i) keep(file.package(), file.enum_type(i).name(), {5, i});
    for (int i = 0; i < file.service_size(); ++i) {
      const std::string name = file.package() + "." + file.service(i).name();
      for (int k = 0; k < file.service(i).method_size(); ++k) keep(name, file.service(i).method(k).name(), {6, i, 2, k});
    }
  }

 private:
  using Path = std::vector<int>;
  void keep(const std::string& scope, const std::string& name, const Path& path) {
    const auto found = places_.find(path);
    if (found != places_.end()) out_[scope + "." + name] = found->second;
  }
  void message(const google::protobuf::DescriptorProto& of, const std::string& scope, const Path& path) {
    const auto inner = [&path](int field, int index) {
      Path out = path;
      out.insert(out.end(), {field, index});
      return out;
    };
    const std::string name = scope + "." + of.name();
    keep(scope, of.name(), path);
    for (int i = 0; i < of.field_size(); ++i) keep(name, of.field(i).name(), inner(2, i));
    for (int i = 0; i < of.nested_type_size(); ++i) message(of.nested_type(i), name, inner(3, i));
    for (int i = 0; i < of.enum_type_size(); ++i) keep(name, of.enum_type(i).name(), inner(4, i));
  }

  std::map<Path, std::string> places_;
  Comments& out_;
};

std::string comment(const std::string& full_name) {
  static const Comments all = [] {
    Comments out;
    google::protobuf::FileDescriptorSet files;
    files.ParseFromArray(kApiSchema.data(), static_cast<int>(kApiSchema.size()));
    for (const auto& file : files.file()) SchemaReader(file, out);
    return out;
  }();
  const auto found = all.find(full_name);
  return found == all.end() ? "" : found->second;
}

template <class T>
std::string name_of(const T& of) {
  return of.full_name().substr(of.file()->package().size() + 1);
}

json::object text(const char* format, const char* pattern, bool number) {
  const json::value type = number ? json::value{"string", "integer"} : json::value("string");
  return {{"type", type}, {"format", format}, {"pattern", pattern}};
}

// A resource's status, or a view among the resources.
bool only_read(const FieldDescriptor& field) {
  const Descriptor& in = *field.containing_type();
  if (field.name() == "status") return in.FindFieldByName("spec") != nullptr;
  return in.full_name() == "weir.v1.Resource" && field.message_type()->FindFieldByName("spec") == nullptr;
}

json::object number(const char* format) { return {{"type", "integer"}, {"format", format}}; }

}  // namespace

std::string about(const Descriptor& message) { return comment(message.full_name()); }
std::string about(const FieldDescriptor& field) { return comment(field.full_name()); }
std::string about(const MethodDescriptor& method) { return comment(method.full_name()); }

json::object JsonSchemas::value(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: return number("int32");
    case FieldDescriptor::CPPTYPE_UINT32: {
      json::object out = number("uint32");
      out["minimum"] = 0;
      return out;
    }
    case FieldDescriptor::CPPTYPE_INT64: return text("int64", "^-?[0-9]{1,19}$", style_.input);
    case FieldDescriptor::CPPTYPE_UINT64: return text("uint64", "^[0-9]{1,20}$", style_.input);
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT: return {{"type", "number"}};
    case FieldDescriptor::CPPTYPE_BOOL: return {{"type", "boolean"}};
    case FieldDescriptor::CPPTYPE_ENUM: return reference(*field.enum_type());
    case FieldDescriptor::CPPTYPE_STRING:
      if (field.type() == FieldDescriptor::TYPE_BYTES) return {{"type", "string"}, {"contentEncoding", "base64"}};
      return {{"type", "string"}};
    case FieldDescriptor::CPPTYPE_MESSAGE: return reference(*field.message_type());
  }
  return {};
}

json::object JsonSchemas::field(const FieldDescriptor& field) {
  json::object out;
  if (field.is_map()) {
    out = {{"type", "object"}, {"additionalProperties", value(*field.message_type()->map_value())}};
  } else if (field.is_repeated()) {
    out = {{"type", "array"}, {"items", value(field)}};
  } else {
    out = value(field);
  }
  if (const std::string says = about(field); style_.descriptions && !says.empty()) out["description"] = says;
  return out;
}

json::object JsonSchemas::reference(const EnumDescriptor& values) {
  const std::string name = name_of(values);
  json::object& made = definitions_[name];
  if (made.empty()) {
    json::array names;
    for (int i = 0; i < values.value_count(); ++i) names.emplace_back(values.value(i)->name());
    made = {{"type", "string"}, {"enum", std::move(names)}};
    if (const std::string says = comment(values.full_name()); style_.descriptions && !says.empty()) made["description"] = says;
  }
  return {{"$ref", style_.prefix + name}};
}

json::object JsonSchemas::reference(const Descriptor& message) {
  const std::string name = name_of(message);
  if (definitions_[name].empty()) {
    // It may refer to itself.
    definitions_[name]["type"] = "object";
    json::object properties;
    for (int i = 0; i < message.field_count(); ++i) {
      if (style_.input && only_read(*message.field(i))) continue;
      properties[message.field(i)->json_name()] = field(*message.field(i));
    }
    json::object& made = definitions_[name];
    if (const std::string says = about(message); style_.descriptions && !says.empty()) made["description"] = says;
    made["properties"] = std::move(properties);
    made["additionalProperties"] = false;
    if (message.real_oneof_decl_count() == 1 && message.oneof_decl(0)->field_count() == message.field_count()) made["maxProperties"] = 1;
  }
  return {{"$ref", style_.prefix + name}};
}

}  // namespace weir::gateway
