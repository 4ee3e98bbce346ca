#include "infrastructure/lab/yaml_map.h"

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <sstream>

namespace weir::lab {
namespace {

// Listens to a document without keeping it.
class Listener : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { start = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
  YAML::Mark start;
};

}  // namespace

std::vector<YamlDocument> split_yaml(std::string_view text) {
  std::vector<YamlDocument> out;
  YamlDocument document;
  int lines = 0;
  while (!text.empty()) {
    const size_t end =
        std::min(text.size(), text.find('\n') == std::string_view::npos ? text.size() : text.find('\n') + 1);
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    if (line.starts_with("---") && !document.text.empty()) {
      out.push_back(std::move(document));
      document = {};
    }
    if (document.text.empty()) document.lines_before = lines;
    document.text += line;
    ++lines;
  }
  if (!document.text.empty()) out.push_back(std::move(document));
  return out;
}

YAML::Node load_yaml(const YamlDocument& document) {
  std::istringstream in(document.text);
  YAML::Parser parser(in);
  Listener listener;
  if (!parser.HandleNextDocument(listener)) return YAML::Node(YAML::NodeType::Undefined);
  if (parser.HandleNextDocument(listener)) {
    throw YAML::ParserException(listener.start, "something that does not belong to the fields before it");
  }
  return YAML::Load(document.text);
}

void Diagnosis::report(int line, const std::string& field, std::string what, std::string remedy) {
  if (error_) return;
  std::string where = line > 0 ? file_ + ":" + std::to_string(line) : file_;
  if (!field.empty()) where += ": " + field;
  error_ = Error{ErrorCode::kInvalid, std::move(what), std::move(where), std::move(remedy)};
}

YamlMap::YamlMap(const YAML::Node& node, std::string path, Diagnosis& diagnosis)
    : path_(std::move(path)), diagnosis_(&diagnosis) {
  if (!node.IsDefined()) return;
  line_ = diagnosis.lines_before + node.Mark().line + 1;
  if (!node.IsMap()) {
    diagnosis.report(line_, path_, "is not a mapping", "write fields as 'name: value'");
    return;
  }
  for (const auto& pair : node) {
    const int at = diagnosis.lines_before + pair.first.Mark().line + 1;
    if (!pair.first.IsScalar()) {
      diagnosis.report(at, path_, "has a field whose name is not text", "write fields as 'name: value'");
      return;
    }
    Entry entry{pair.first.Scalar(), pair.second, at, false};
    if (find(entry.name) != nullptr) {
      diagnosis.report(at, join(entry.name), "is given twice", "remove one of them");
      return;
    }
    entries_.push_back(std::move(entry));
  }
  known_.clear();
}

std::string YamlMap::join(std::string_view field) const {
  return path_.empty() ? std::string(field) : path_ + "." + std::string(field);
}

YamlMap::Entry* YamlMap::find(std::string_view field) {
  known_.emplace_back(field);
  const auto at = std::ranges::find(entries_, field, &Entry::name);
  if (at == entries_.end()) return nullptr;
  at->read = true;
  return &*at;
}

YamlMap::Entry* YamlMap::need(std::string_view field) {
  Entry* entry = find(field);
  if (entry == nullptr) diagnosis_->report(line_, join(field), "is missing", "add it");
  return entry;
}

bool YamlMap::has(std::string_view field) {
  return std::ranges::find(entries_, field, &Entry::name) != entries_.end();
}

int64_t YamlMap::read_number(std::string_view field,
                             const std::function<Result<int64_t>(std::string_view)>& parse,
                             std::optional<int64_t> fallback) {
  Entry* entry = fallback ? find(field) : need(field);
  if (entry == nullptr) return fallback.value_or(0);
  if (!entry->value.IsScalar()) {
    diagnosis_->report(entry->line, join(field), "is not a single value", "write one value");
    return fallback.value_or(0);
  }
  const auto value = parse(entry->value.Scalar());
  if (!value) {
    diagnosis_->report(entry->line, join(field), value.error().what, value.error().remedy);
    return fallback.value_or(0);
  }
  return *value;
}

std::string YamlMap::text(std::string_view field, std::optional<std::string> fallback) {
  Entry* entry = fallback ? find(field) : need(field);
  if (entry == nullptr) return fallback.value_or(std::string());
  if (!entry->value.IsScalar() || entry->value.Scalar().empty()) {
    diagnosis_->report(entry->line, join(field), "is not a text", "write one word");
    return {};
  }
  if (entry->value.Scalar().size() > 256) {
    diagnosis_->report(entry->line, join(field), "is longer than 256 bytes", "shorten it");
    return {};
  }
  return entry->value.Scalar();
}

bool YamlMap::flag(std::string_view field, bool fallback) {
  if (!has(field)) {
    find(field);
    return fallback;
  }
  return choice(field, {"false", "true"}) == 1;
}

size_t YamlMap::choice(std::string_view field, std::initializer_list<std::string_view> names) {
  const std::string value = text(field);
  const auto at = std::ranges::find(names, std::string_view(value));
  if (at != names.end()) return static_cast<size_t>(at - names.begin());
  if (Entry* entry = find(field)) {
    std::string known;
    for (const std::string_view name : names) known += (known.empty() ? "" : ", ") + std::string(name);
    diagnosis_->report(entry->line, join(field), "'" + value + "' is unknown", "choose one of " + known);
  }
  return 0;
}

std::vector<std::string> YamlMap::texts(std::string_view field) {
  Entry* entry = find(field);
  if (entry == nullptr) return {};
  std::vector<std::string> out;
  if (entry->value.IsSequence() && entry->value.size() <= 64) {
    for (const auto& item : entry->value) {
      if (!item.IsScalar() || item.Scalar().empty() || item.Scalar().size() > 256) break;
      out.push_back(item.Scalar());
    }
    if (out.size() == entry->value.size()) return out;
  }
  diagnosis_->report(entry->line, join(field), "is not a list of at most 64 words",
                     "write it like [one, two]");
  return {};
}

YamlMap YamlMap::map(std::string_view field) {
  Entry* entry = need(field);
  if (entry == nullptr) return YamlMap(YAML::Node(YAML::NodeType::Undefined), join(field), *diagnosis_);
  return YamlMap(entry->value, join(field), *diagnosis_);
}

void YamlMap::report(std::string_view field, std::string what, std::string remedy) {
  const auto at = std::ranges::find(entries_, field, &Entry::name);
  diagnosis_->report(at == entries_.end() ? line_ : at->line, join(field), std::move(what),
                     std::move(remedy));
}

void YamlMap::finish() {
  for (const Entry& entry : entries_) {
    if (entry.read) continue;
    std::ranges::sort(known_);
    known_.erase(std::ranges::unique(known_).begin(), known_.end());
    std::string fields;
    for (const std::string& name : known_) fields += (fields.empty() ? "" : ", ") + name;
    diagnosis_->report(entry.line, join(entry.name), "is not a known field", "known here: " + fields);
    return;
  }
}

}  // namespace weir::lab
