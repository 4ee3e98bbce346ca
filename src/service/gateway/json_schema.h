#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <string>

namespace google::protobuf {
class Descriptor;
class EnumDescriptor;
class FieldDescriptor;
class MethodDescriptor;
}  // namespace google::protobuf

// JSON Schema (draft 2020-12) of the API's messages in protobuf's JSON mapping, as the gateway reads and writes it: numbers of 64
// bits as text, enumerations by name, bytes in base64, and what has its default left out.
namespace weir::gateway {

// What the schema's files say of it, in one line; empty: nothing.
std::string about(const google::protobuf::Descriptor& message);
std::string about(const google::protobuf::FieldDescriptor& field);
std::string about(const google::protobuf::MethodDescriptor& method);

struct SchemaStyle {
  std::string prefix;        // of the names of definitions in references: "#/components/schemas/"
  bool descriptions = true;
  // Of what is sent alone: without states and views, which are only ever read, and numbers of 64 bits also as numbers.
  bool input = false;
};

class JsonSchemas {
 public:
  explicit JsonSchemas(SchemaStyle style) : style_(std::move(style)) {}

  // {"$ref": …} to the definition of the message, which is made, with all that it refers to.
  boost::json::object reference(const google::protobuf::Descriptor& message);
  // Of one value of the field, or of its list or map, described.
  boost::json::object field(const google::protobuf::FieldDescriptor& field);

  // By name, without the package: "Intent.Spec".
  const std::map<std::string, boost::json::object>& definitions() const { return definitions_; }

 private:
  boost::json::object reference(const google::protobuf::EnumDescriptor& values);
  boost::json::object value(const google::protobuf::FieldDescriptor& field);

  const SchemaStyle style_;
  std::map<std::string, boost::json::object> definitions_;
};

}  // namespace weir::gateway
