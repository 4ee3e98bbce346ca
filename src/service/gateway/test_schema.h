// A small reader of JSON Schema for tests: what the document of OpenAPI and the tools of MCP use of it, and no keyword more.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <regex>
#include <set>
#include <string>

namespace weir::gateway {

// Every "$ref" in it.
inline void each_reference(const boost::json::value& value, const std::function<void(const boost::json::string&)>& visit) {
  if (value.is_array()) {
    for (const boost::json::value& inner : value.get_array()) each_reference(inner, visit);
  } else if (value.is_object()) {
    for (const auto& [name, inner] : value.get_object()) {
      if (name == "$ref" && inner.is_string()) visit(inner.get_string());
      each_reference(inner, visit);
    }
  }
}

class SchemaCheck {
 public:
  // References lead into `root`.
  explicit SchemaCheck(boost::json::value root) : root_(std::move(root)) {}

  const boost::json::value* resolve(const boost::json::string& reference) const {
    boost::json::error_code error;
    return reference.starts_with("#") ? root_.find_pointer(std::string(reference).substr(1), error) : nullptr;
  }
  // What is wrong with the value, with its place; empty: nothing.
  std::string fault(const boost::json::value& value, const boost::json::value& schema, const std::string& at = "$") const {
    static const std::set<std::string> kNotes = {"description", "title", "format", "contentEncoding", "default"};
    if (!schema.is_object()) return at + ": its schema is no object";
    for (const auto& [name, rule] : schema.get_object()) {
      std::string found;
      if (name == "$ref") {
        const boost::json::value* to = resolve(rule.as_string());
        found = to == nullptr ? at + ": unresolved " + std::string(rule.as_string()) : fault(value, *to, at);
      } else if (name == "type") {
        found = of_type(value, rule) ? "" : at + " is not of type " + boost::json::serialize(rule);
      } else if (name == "const") {
        found = value == rule ? "" : at + " is not " + boost::json::serialize(rule);
      } else if (name == "enum") {
        found = among(value, rule.as_array()) ? "" : at + ": not one of the enumeration: " + boost::json::serialize(value);
      } else if (name == "pattern") {
        found = !value.is_string() || std::regex_search(std::string(value.get_string()), std::regex(std::string(rule.as_string())))
                    ? "" : at + " does not match " + std::string(rule.as_string());
      } else if (name == "minimum" || name == "maximum") {
        if (value.is_number()) {
          const double is = value.to_number<double>(), bound = rule.to_number<double>();
          found = (name == "minimum" ? is >= bound : is <= bound) ? "" : at + " is out of range";
        }
      } else if (name == "items") {
        if (value.is_array())
          for (size_t i = 0; i < value.get_array().size() && found.empty(); ++i) found = fault(value.get_array()[i], rule, at + "[" + std::to_string(i) + "]");
      } else if (name == "minItems" || name == "maxItems") {
        const size_t bound = rule.to_number<size_t>();
        if (value.is_array() && (name == "minItems" ? value.get_array().size() < bound : value.get_array().size() > bound)) found = at + " has a wrong number of items";
      } else if (name == "maxProperties") {
        if (value.is_object() && value.get_object().size() > rule.to_number<size_t>()) found = at + " has too many fields";
      } else if (name == "required") {
        for (const auto& one : rule.as_array())
          if (value.is_object() && !value.get_object().contains(one.as_string())) found = at + " lacks " + std::string(one.as_string());
      } else if (name == "properties" || name == "additionalProperties") {
        found = fields(value, schema.get_object(), at);
      } else if (name != "$defs" && !kNotes.contains(std::string(name))) {
        found = at + ": the check does not know " + std::string(name);
      }
      if (!found.empty()) return found;
    }
    return "";
  }

 private:
  static bool of_type(const boost::json::value& value, const boost::json::value& type) {
    if (type.is_array()) {
      for (const auto& one : type.get_array())
        if (of_type(value, one)) return true;
      return false;
    }
    const boost::json::string& name = type.as_string();
    return name == "object"    ? value.is_object()
           : name == "array"   ? value.is_array()
           : name == "string"  ? value.is_string()
           : name == "boolean" ? value.is_bool()
           : name == "integer" ? value.is_int64() || value.is_uint64()
                               : name == "number" && value.is_number();
  }
  static bool among(const boost::json::value& value, const boost::json::array& all) {
    for (const auto& one : all)
      if (one == value) return true;
    return false;
  }
  std::string fields(const boost::json::value& value, const boost::json::object& schema, const std::string& at) const {
    if (!value.is_object()) return "";
    const boost::json::value* known = schema.if_contains("properties");
    const boost::json::value* others = schema.if_contains("additionalProperties");
    for (const auto& [name, inner] : value.get_object()) {
      const std::string place = at + "." + std::string(name);
      const boost::json::value* rule = known != nullptr ? known->as_object().if_contains(name) : nullptr;
      if (rule == nullptr && (others == nullptr || (others->is_bool() && others->get_bool()))) continue;
      if (rule == nullptr && others->is_bool()) return place + " is not described";
      if (const std::string found = fault(inner, rule != nullptr ? *rule : *others, place); !found.empty()) return found;
    }
    return "";
  }

  const boost::json::value root_;
};

}  // namespace weir::gateway
