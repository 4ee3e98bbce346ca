#include "intelligence/trainer/grammar.h"

#include <algorithm>
#include <optional>

#include "core/ports/understanding_text.h"
#include "intelligence/trainer/values.h"

namespace weir::trainer {
namespace {

std::optional<Slot> slot_of(std::string_view name) {
  for (size_t i = 0; i < kSlots; ++i) {
    if (name_of(static_cast<Slot>(i)) == name) return static_cast<Slot>(i);
  }
  return std::nullopt;
}

std::optional<Act> act_of(std::string_view name) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(Act::kOther); ++i) {
    if (name_of(static_cast<Act>(i)) == name) return static_cast<Act>(i);
  }
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

}  // namespace

// One alternative, from its first character on.
class Grammar::Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<Node> read() {
    auto node = choice("");
    if (node && at_ < text_.size()) return wrong("'" + std::string(1, text_[at_]) + "' closes nothing");
    return node;
  }

 private:
  static tl::unexpected<Error> wrong(std::string what) { return fail(ErrorCode::kInvalid, std::move(what)); }

  // Sequences parted by '|', up to one of `ends`.
  Result<Node> choice(std::string_view ends) {
    if (++depth_ > kDepthMax) return wrong("has brackets in one another more than " + std::to_string(kDepthMax) + " deep");
    Node out{.kind = Node::Kind::kChoice};
    for (;;) {
      auto part = sequence(ends);
      if (!part) return part;
      out.parts.push_back(std::move(*part));
      if (at_ >= text_.size() || text_[at_] != '|') break;
      ++at_;
    }
    --depth_;
    return out.parts.size() == 1 ? std::move(out.parts[0]) : std::move(out);
  }

  Result<Node> sequence(std::string_view ends) {
    Node out{.kind = Node::Kind::kSequence};
    std::string plain;
    const auto flush = [&] {
      if (!plain.empty()) out.parts.push_back({.kind = Node::Kind::kText, .text = std::move(plain)});
      plain.clear();
    };
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '|' || ends.find(c) != std::string_view::npos) break;
      if (c == '\\' && at_ + 1 < text_.size()) {
        plain += text_[at_ + 1];
        at_ += 2;
        continue;
      }
      if (c == ')' || c == ']' || c == '>' || c == '}') return wrong("'" + std::string(1, c) + "' closes nothing");
      if (c != '{' && c != '[' && c != '(' && c != '<') {
        plain += c;
        ++at_;
        continue;
      }
      flush();
      ++at_;
      auto part = c == '{' ? name() : c == '<' ? mark() : bracket(c);
      if (!part) return part;
      out.parts.push_back(std::move(*part));
    }
    flush();
    return out;
  }

  Result<Node> bracket(char open) {
    auto inside = choice(open == '[' ? "]" : ")");
    if (!inside) return inside;
    if (at_ >= text_.size()) return wrong("'" + std::string(1, open) + "' is never closed");
    ++at_;
    if (open == '(') return inside;
    Node out{.kind = Node::Kind::kOptional};
    out.parts.push_back(std::move(*inside));
    return out;
  }

  Result<Node> name() {
    const size_t end = text_.find('}', at_);
    if (end == std::string_view::npos) return wrong("'{' is never closed");
    const std::string_view inside = text_.substr(at_, end - at_);
    at_ = end + 1;
    return Node{.kind = is_value(inside) ? Node::Kind::kValue : Node::Kind::kPhrase, .text = std::string(inside)};
  }

  Result<Node> mark() {
    const size_t end = text_.find_first_of(" >", at_);
    if (end == std::string_view::npos || text_[end] == '>') return wrong("'<' needs a slot, a blank and what fills it");
    std::string_view head = text_.substr(at_, end - at_);
    const size_t equals = head.find('=');
    const auto slot = slot_of(head.substr(0, equals));
    if (!slot) return wrong("'" + std::string(head.substr(0, equals)) + "' is no slot");
    Node out{.kind = Node::Kind::kMark, .text = equals == std::string_view::npos ? "" : std::string(head.substr(equals + 1)), .slot = *slot};
    at_ = end + 1;
    auto inside = choice(">");
    if (!inside) return inside;
    if (at_ >= text_.size()) return wrong("'<' is never closed");
    ++at_;
    out.parts.push_back(std::move(*inside));
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t depth_ = 0;
};

Result<Grammar> Grammar::read(std::string_view name, std::string_view text, Language language) {
  Grammar out;
  out.language_ = language;
  out.sentences_.resize(static_cast<size_t>(Act::kOther) + 1);
  Rule* rule = nullptr;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = trimmed(text.substr(begin, end - begin));
    begin = end + 1;
    ++number;
    const auto wrong = [&](const std::string& what) {
      return fail(ErrorCode::kInvalid, what, std::string(name) + ":" + std::to_string(number), "the form of a grammar is told in grammar.h");
    };
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == ':') {
      const std::string_view phrase = trimmed(line.substr(1));
      if (phrase.empty() || is_value(phrase)) return wrong("'" + std::string(phrase) + "' cannot be the name of a phrase");
      rule = &out.phrases_[std::string(phrase)];
      continue;
    }
    if (line.starts_with("= ")) {
      const auto act = act_of(trimmed(line.substr(2)));
      if (!act) return wrong("'" + std::string(trimmed(line.substr(2))) + "' is no act");
      rule = &out.sentences_[static_cast<size_t>(*act)];
      continue;
    }
    if (rule == nullptr) return wrong("stands before any phrase or act");
    int weight = 1;
    const size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
    const size_t bar = line.find_first_not_of(' ', digits);
    if (digits > 0 && digits <= 3 && bar != std::string_view::npos && line[bar] == '|') {
      weight = 0;
      for (const char c : line.substr(0, digits)) weight = weight * 10 + (c - '0');
      line = trimmed(line.substr(bar + 1));
    }
    auto node = Reader(line).read();
    if (!node) return wrong(node.error().what);
    rule->alternatives.push_back(std::move(*node));
    rule->weights.push_back(weight);
    rule->weight += weight;
  }
  for (const auto& [phrase, held] : out.phrases_) {
    if (held.weight == 0) return fail(ErrorCode::kInvalid, "phrase '" + phrase + "' has no alternatives", std::string(name));
  }
  for (const Rule& held : out.sentences_) {
    for (const Node& node : held.alternatives) {
      if (auto checked = out.check(node, 0, name); !checked) return tl::unexpected(checked.error());
    }
  }
  return out;
}

Status Grammar::check(const Node& node, size_t depth, std::string_view file) const {
  if (depth > kDepthMax) return fail(ErrorCode::kInvalid, "a phrase uses itself, or they use one another more than " + std::to_string(kDepthMax) + " deep", std::string(file));
  if (node.kind == Node::Kind::kPhrase) {
    const auto found = phrases_.find(node.text);
    if (found == phrases_.end()) return fail(ErrorCode::kInvalid, "there is no phrase '" + node.text + "'", std::string(file));
    for (const Node& alternative : found->second.alternatives) {
      if (auto checked = check(alternative, depth + 1, file); !checked) return checked;
    }
  }
  for (const Node& part : node.parts) {
    if (auto checked = check(part, depth + 1, file); !checked) return checked;
  }
  return {};
}

size_t Grammar::alternatives() const {
  size_t out = 0;
  for (const auto& [phrase, rule] : phrases_) out += rule.alternatives.size();
  for (const Rule& rule : sentences_) out += rule.alternatives.size();
  return out;
}

const Grammar::Node& Grammar::draw_from(const Rule& rule, learning::Draws& draws) const {
  auto left = static_cast<int>(draws.below(static_cast<size_t>(std::max(1, rule.weight))));
  for (size_t i = 0; i < rule.weights.size(); ++i) {
    left -= rule.weights[i];
    if (left < 0) return rule.alternatives[i];
  }
  return rule.alternatives.back();
}

Drawn Grammar::draw(Act act, learning::Draws& draws) const {
  Drawn out{.act = act};
  expand(draw_from(sentences_.at(static_cast<size_t>(act)), draws), out, draws);
  return out;
}

std::string Grammar::draw_phrase(std::string_view phrase, learning::Draws& draws) const {
  const auto found = phrases_.find(phrase);
  if (found == phrases_.end()) return {};
  Drawn out;
  expand(draw_from(found->second, draws), out, draws);
  return out.text;
}

void Grammar::expand(const Node& node, Drawn& out, learning::Draws& draws) const {
  if (out.text.size() > kTextBytesMax) return;
  switch (node.kind) {
    case Node::Kind::kText: out.text += node.text; return;
    case Node::Kind::kValue: out.text += draw_value(node.text, language_, draws); return;
    case Node::Kind::kPhrase: return expand(draw_from(phrases_.find(node.text)->second, draws), out, draws);
    case Node::Kind::kOptional:
      if (draws.below(2) == 0) expand(node.parts[0], out, draws);
      return;
    case Node::Kind::kChoice: return expand(node.parts[draws.below(node.parts.size())], out, draws);
    case Node::Kind::kSequence:
      for (const Node& part : node.parts) expand(part, out, draws);
      return;
    case Node::Kind::kMark: {
      const size_t begin = out.text.size();
      expand(node.parts[0], out, draws);
      out.marks.push_back({begin, out.text.size(), node.slot, node.text});
      return;
    }
  }
}

}  // namespace weir::trainer
