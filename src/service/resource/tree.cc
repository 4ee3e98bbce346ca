#include "service/resource/tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

#include "core/units/text.h"
#include "service/resource/checks.h"
#include "service/resource/resource.h"

namespace weir::resource {
namespace {

// Unwinds yaml-cpp's recursive parser; never leaves this file.
struct Refused {
  int line;
  std::string what;
  std::string remedy;
};

class Builder : public YAML::EventHandler {
 public:
  std::vector<Node> documents;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, "", anchor, Node::Kind::kNull, "");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{mark.line + 1, "aliases are not accepted", "write the value out"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    // yaml-cpp reports "!" for quoted scalars, "?" for plain ones.
    const bool plain = tag == "?" || tag.empty();
    const bool null = plain && (text.empty() || text == "~" || text == "null");
    add(mark, tag, anchor, null ? Node::Kind::kNull : Node::Kind::kScalar, null ? "" : text);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::kList);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::kMap);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    bool has_key = false;
    std::string key;
  };

  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0)
      throw Refused{mark.line + 1, "anchors are not accepted", "write the value out where it is used"};
    if (tag.size() > 1) throw Refused{mark.line + 1, "tags are not accepted", "leave out " + shown(tag)};
    if (++values_ > kValuesMax) {
      throw Refused{mark.line + 1, "more than " + std::to_string(kValuesMax) + " values", "split the file"};
    }
  }

  void add(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind,
           std::string text) {
    check(mark, tag, anchor);
    if (!open_.empty() && open_.back().node.kind == Node::Kind::kMap && !open_.back().has_key) {
      if (kind != Node::Kind::kScalar)
        throw Refused{mark.line + 1, "a field has no name", "write name: value"};
      Open& map = open_.back();
      const auto same = std::find_if(map.node.entries.begin(), map.node.entries.end(),
                                     [&](const auto& entry) { return entry.name == text; });
      if (same != map.node.entries.end()) {
        throw Refused{
            mark.line + 1,
            "field " + shown(text) + " is given twice, first in line " + std::to_string(same->value.line),
            "remove one of them"};
      }
      if (map.node.entries.size() == kFieldsMax) {
        throw Refused{mark.line + 1, "more than " + std::to_string(kFieldsMax) + " fields in one map",
                      "no resource has so many"};
      }
      map.key = std::move(text);
      map.has_key = true;
      return;
    }
    Node node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.text = std::move(text);
    place(std::move(node));
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    check(mark, tag, anchor);
    if (open_.size() >= kDepthMax) {
      throw Refused{mark.line + 1, "nested deeper than " + std::to_string(kDepthMax) + " levels",
                    "no resource needs that"};
    }
    if (!open_.empty() && open_.back().node.kind == Node::Kind::kMap && !open_.back().has_key) {
      throw Refused{mark.line + 1, "a field's name is a list or a map", "write name: value"};
    }
    Open opened;
    opened.node.kind = kind;
    opened.node.line = mark.line + 1;
    open_.push_back(std::move(opened));
  }

  void close() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    place(std::move(node));
  }

  void place(Node node) {
    if (open_.empty()) {
      if (node.kind != Node::Kind::kNull) documents.push_back(std::move(node));
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::kList) {
      parent.node.items.push_back(std::move(node));
    } else {
      parent.node.entries.push_back({std::move(parent.key), std::move(node)});
      parent.has_key = false;
    }
  }

  std::vector<Open> open_;
  size_t values_ = 0;
};

std::string at_line(std::string_view file, int line) {
  if (file.empty()) return "line " + std::to_string(line);
  return std::string(file) + ":" + std::to_string(line);
}

}  // namespace

Result<std::vector<Node>> read_tree(std::string_view text, std::string_view file) {
  if (text.size() > kTextBytesMax) {
    return fail(ErrorCode::kInvalid,
                std::to_string(text.size()) + " bytes are more than " + std::to_string(kTextBytesMax),
                std::string(file), "split the file");
  }
  int line = 1;
  for (size_t begin = 0; begin <= text.size(); ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view row = text.substr(begin, end - begin);
    if (!valid_utf8(row)) {
      return fail(ErrorCode::kInvalid, "is not UTF-8", at_line(file, line), "save the file as UTF-8");
    }
    if (std::any_of(row.begin(), row.end(), [](char c) {
          return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r') || c == 0x7F;
        })) {
      return fail(ErrorCode::kInvalid, "holds a control character", at_line(file, line), "remove it");
    }
    begin = end + 1;
  }
  Builder builder;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
      if (builder.documents.size() > kResourcesMax) {
        return fail(ErrorCode::kInvalid, "more than " + std::to_string(kResourcesMax) + " documents",
                    std::string(file), "split the file");
      }
    }
  } catch (const Refused& refused) {
    return fail(ErrorCode::kInvalid, refused.what, at_line(file, refused.line), refused.remedy);
  } catch (const YAML::Exception& exception) {
    return fail(ErrorCode::kInvalid, "is not YAML: " + exception.msg,
                at_line(file, exception.mark.is_null() ? 1 : exception.mark.line + 1),
                "check the indentation and the brackets");
  }
  return std::move(builder.documents);
}

}  // namespace weir::resource
