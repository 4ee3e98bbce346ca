#include "service/resource/mapping.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/units/quantity.h"
#include "core/units/text.h"
#include "service/resource/checks.h"

namespace weir::resource {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string_view shape(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kScalar:
      return "a single value";
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
  }
  return "nothing";
}

class MessageReader {
 public:
  explicit MessageReader(Source& source) : source_(source) {}

  Status read(const Node& node, const std::string& path, Message& message) {
    if (node.kind != Node::Kind::kMap) return wrong_shape(node, path, "a map of fields");
    const Descriptor* descriptor = message.GetDescriptor();
    for (const auto& [key, value] : node.entries) {
      const std::string field_path = path.empty() ? key : path + "." + key;
      source_.lines.emplace(field_path, value.line);
      const FieldDescriptor* field = find(descriptor, key);
      if (field == nullptr) return unknown(descriptor, field_path, key);
      if (value.kind == Node::Kind::kNull) continue;
      if (auto ok = read_field(value, field_path, message, field); !ok) return ok;
    }
    return {};
  }

 private:
  static const FieldDescriptor* find(const Descriptor* descriptor, const std::string& key) {
    for (int i = 0; i < descriptor->field_count(); ++i) {
      if (descriptor->field(i)->json_name() == key) return descriptor->field(i);
    }
    return nullptr;
  }

  tl::unexpected<Error> unknown(const Descriptor* descriptor, const std::string& path,
                                const std::string& key) {
    std::vector<std::string_view> names;
    std::string all;
    for (int i = 0; i < descriptor->field_count(); ++i) {
      names.push_back(descriptor->field(i)->json_name());
      all += (all.empty() ? "" : ", ") + descriptor->field(i)->json_name();
    }
    const std::string_view near = nearest(key, names);
    std::string remedy = !near.empty() ? "did you mean " + std::string(near) + "?"
                         : all.empty() ? "there are no fields here"
                                       : "fields here: " + all;
    return refuse(path, "unknown field " + shown(key), std::move(remedy));
  }

  Status read_field(const Node& node, const std::string& path, Message& message,
                    const FieldDescriptor* field) {
    const Reflection* reflection = message.GetReflection();
    if (field->is_map()) {
      if (node.kind != Node::Kind::kMap) return wrong_shape(node, path, "a map of texts");
      for (const auto& [key, value] : node.entries) {
        if (value.kind != Node::Kind::kScalar) return wrong_shape(value, path + "." + key, "a text");
        source_.lines.emplace(path + "." + key, value.line);
        Message* entry = reflection->AddMessage(&message, field);
        const Descriptor* pair = entry->GetDescriptor();
        entry->GetReflection()->SetString(entry, pair->map_key(), key);
        entry->GetReflection()->SetString(entry, pair->map_value(), value.text);
      }
      return {};
    }
    if (!field->is_repeated()) return read_one(node, path, message, field);
    if (node.kind != Node::Kind::kList) return wrong_shape(node, path, "a list");
    for (size_t i = 0; i < node.items.size(); ++i) {
      const std::string item_path = path + "[" + std::to_string(i) + "]";
      source_.lines.emplace(item_path, node.items[i].line);
      if (auto ok = read_one(node.items[i], item_path, message, field); !ok) return ok;
    }
    return {};
  }

  template <class T>
  Status read_number(const Node& node, const std::string& path, T& out) {
    const char* end = node.text.data() + node.text.size();
    const auto [rest, error] = std::from_chars(node.text.data(), end, out);
    if (error == std::errc::result_out_of_range) {
      return refuse(path,
                    shown(node.text) + " is not between " + std::to_string(std::numeric_limits<T>::min()) +
                        " and " + std::to_string(std::numeric_limits<T>::max()),
                    "");
    }
    if (error != std::errc() || rest != end)
      return refuse(path, shown(node.text) + " is not a whole number", "");
    return {};
  }

  Status read_one(const Node& node, const std::string& path, Message& message, const FieldDescriptor* field) {
    const Reflection* reflection = message.GetReflection();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return read(node, path,
                  field->is_repeated() ? *reflection->AddMessage(&message, field)
                                       : *reflection->MutableMessage(&message, field));
    }
    if (node.kind != Node::Kind::kScalar) return wrong_shape(node, path, "a single value");
    auto number = [&]<class T>(T value, auto set, auto add) -> Status {
      if (auto ok = read_number(node, path, value); !ok) return ok;
      field->is_repeated() ? (reflection->*add)(&message, field, value)
                           : (reflection->*set)(&message, field, value);
      return {};
    };
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return number(int32_t{}, &Reflection::SetInt32, &Reflection::AddInt32);
      case FieldDescriptor::CPPTYPE_INT64:
        return number(int64_t{}, &Reflection::SetInt64, &Reflection::AddInt64);
      case FieldDescriptor::CPPTYPE_UINT32:
        return number(uint32_t{}, &Reflection::SetUInt32, &Reflection::AddUInt32);
      case FieldDescriptor::CPPTYPE_UINT64:
        return number(uint64_t{}, &Reflection::SetUInt64, &Reflection::AddUInt64);
      case FieldDescriptor::CPPTYPE_BOOL:
        if (node.text != "true" && node.text != "false") {
          return refuse(path, shown(node.text) + " is neither true nor false", "write true or false");
        }
        field->is_repeated() ? reflection->AddBool(&message, field, node.text == "true")
                             : reflection->SetBool(&message, field, node.text == "true");
        return {};
      case FieldDescriptor::CPPTYPE_STRING:
        field->is_repeated() ? reflection->AddString(&message, field, node.text)
                             : reflection->SetString(&message, field, node.text);
        return {};
      case FieldDescriptor::CPPTYPE_ENUM: {
        const auto* value = field->enum_type()->FindValueByName(node.text);
        if (value == nullptr) {
          return refuse(path, shown(node.text) + " is not one of its values",
                        "write it like " + field->enum_type()->value(1)->name());
        }
        field->is_repeated() ? reflection->AddEnum(&message, field, value)
                             : reflection->SetEnum(&message, field, value);
        return {};
      }
      default:
        return refuse(path, "cannot be written in a file", "leave it out");
    }
  }

  tl::unexpected<Error> wrong_shape(const Node& node, const std::string& path, const std::string& wanted) {
    source_.lines.emplace(path, node.line);
    return refuse(path, "is " + std::string(shape(node.kind)) + ", not " + wanted, "");
  }
  tl::unexpected<Error> refuse(const std::string& path, std::string what, std::string remedy) {
    return fail(ErrorCode::kInvalid, std::move(what), source_.where(path), std::move(remedy));
  }

  Source& source_;
};

// ---- writing -----------------------------------------------------------------------------------------

// Whether a plain scalar is read back as the same text by any YAML reader; numbers stay plain on purpose.
bool plain(std::string_view text) {
  if (text.empty() || text.size() > 200) return false;
  for (std::string_view word :
       {"null", "true", "false", "yes",   "no",  "on",  "off", "~",  "y",  "n",  "Null", "NULL",
        "True", "TRUE", "False", "FALSE", "Yes", "YES", "No",  "NO", "On", "ON", "Off",  "OFF"}) {
    if (text == word) return false;
  }
  const auto first = static_cast<unsigned char>(text.front());
  if (!(std::isalnum(first) || first == '/' || first == '_' || first >= 0x80)) return false;
  if (text.back() == ':' || text.back() == ' ') return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (std::isalnum(c) || c >= 0x80 ||
        std::string_view("_-./@%+()=;").find(text[i]) != std::string_view::npos)
      continue;
    if ((c == ' ' || c == ':') && i + 1 < text.size() && text[i + 1] != ' ' && text[i + 1] != '#') continue;
    return false;
  }
  return true;
}

std::string scalar(std::string_view text) {
  if (plain(text)) return std::string(text);
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      static const char* const kDigits = "0123456789abcdef";
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string base64(std::string_view bytes) {
  static const char* const kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (size_t j = 0; j < 4; ++j) out += i + j <= bytes.size() ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

class Emitter {
 public:
  void map(const Message& message, int indent, bool first_inline) {
    const Reflection* reflection = message.GetReflection();
    const Descriptor* descriptor = message.GetDescriptor();
    bool any = false;
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      if (field->is_repeated() ? reflection->FieldSize(message, field) == 0
                               : !reflection->HasField(message, field))
        continue;
      if (any || !first_inline) pad(indent);
      any = true;
      out_ += field->json_name() + ":";
      if (field->is_map()) {
        labels(message, field, indent + 2);
      } else if (field->is_repeated()) {
        list(message, field, indent);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        nested(reflection->GetMessage(message, field), indent + 2);
      } else {
        out_ += " " + value(message, field, -1) + "\n";
      }
    }
    if (!any) {
      if (!first_inline) pad(indent);
      out_ += "{}\n";
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void pad(int indent) { out_.append(static_cast<size_t>(indent), ' '); }

  static bool empty(const Message& message) {
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    return fields.empty();
  }
  void nested(const Message& message, int indent) {
    if (empty(message)) {
      out_ += " {}\n";
    } else {
      out_ += "\n";
      map(message, indent, false);
    }
  }
  void labels(const Message& message, const FieldDescriptor* field, int indent) {
    const Reflection* reflection = message.GetReflection();
    std::vector<std::pair<std::string, std::string>> pairs;
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      const Message& entry = reflection->GetRepeatedMessage(message, field, i);
      const Descriptor* pair = entry.GetDescriptor();
      pairs.emplace_back(value(entry, pair->map_key(), -1), value(entry, pair->map_value(), -1));
    }
    std::sort(pairs.begin(), pairs.end());
    out_ += "\n";
    for (const auto& [key, text] : pairs) {
      pad(indent);
      out_ += key + ": " + text + "\n";
    }
  }
  void list(const Message& message, const FieldDescriptor* field, int indent) {
    const Reflection* reflection = message.GetReflection();
    const int size = reflection->FieldSize(message, field);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      out_ += " [";
      for (int i = 0; i < size; ++i) out_ += (i ? ", " : "") + value(message, field, i);
      out_ += "]\n";
      return;
    }
    out_ += "\n";
    for (int i = 0; i < size; ++i) {
      pad(indent);
      out_ += "- ";
      map(reflection->GetRepeatedMessage(message, field, i), indent + 2, true);
    }
  }
  // Of a single field (index -1) or one item of a repeated one.
  static std::string value(const Message& message, const FieldDescriptor* field, int index) {
    const Reflection* r = message.GetReflection();
    const bool one = index < 0;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return std::to_string(one ? r->GetInt32(message, field) : r->GetRepeatedInt32(message, field, index));
      case FieldDescriptor::CPPTYPE_INT64:
        return std::to_string(one ? r->GetInt64(message, field) : r->GetRepeatedInt64(message, field, index));
      case FieldDescriptor::CPPTYPE_UINT32:
        return std::to_string(one ? r->GetUInt32(message, field)
                                  : r->GetRepeatedUInt32(message, field, index));
      case FieldDescriptor::CPPTYPE_UINT64:
        return std::to_string(one ? r->GetUInt64(message, field)
                                  : r->GetRepeatedUInt64(message, field, index));
      case FieldDescriptor::CPPTYPE_BOOL:
        return (one ? r->GetBool(message, field) : r->GetRepeatedBool(message, field, index)) ? "true"
                                                                                              : "false";
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int number =
            one ? r->GetEnumValue(message, field) : r->GetRepeatedEnumValue(message, field, index);
        const auto* named = field->enum_type()->FindValueByNumber(number);
        return named ? named->name() : std::to_string(number);
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        const std::string text =
            one ? r->GetString(message, field) : r->GetRepeatedString(message, field, index);
        return scalar(field->type() == FieldDescriptor::TYPE_BYTES ? base64(text) : text);
      }
      default:
        return "\"\"";
    }
  }

  std::string out_;
};

}  // namespace

Status read_message(const Node& node, const std::string& path, Message& message, Source& source) {
  return MessageReader(source).read(node, path, message);
}

std::string to_yaml(const Message& message) {
  Emitter emitter;
  emitter.map(message, 0, false);
  return emitter.take();
}

}  // namespace weir::resource
