#include "twin/trace/repetita.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/units/text.h"

namespace weir::twin {
namespace {

constexpr size_t kLineBytesMax = 4'096;
constexpr size_t kNameBytesMax = 256;

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::vector<std::string_view> fields(std::string_view line) {
  std::vector<std::string_view> out;
  while (true) {
    while (!line.empty() && blank(line.front())) line.remove_prefix(1);
    if (line.empty()) return out;
    size_t end = 0;
    while (end < line.size() && !blank(line[end])) ++end;
    out.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

// Digits with a fraction and an exponent perhaps, times 10^places, rounded to the nearest; at most `most`.
std::optional<int64_t> decimal(std::string_view text, int places, int64_t most) {
  unsigned __int128 value = 0;
  int exponent = places;
  bool point = false, digits = false;
  size_t i = !text.empty() && text[0] == '+' ? 1 : 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    digits = true;
    // What is behind 30 digits changes nothing but the scale.
    constexpr unsigned __int128 kEnough =
        static_cast<unsigned __int128>(1'000'000'000'000'000) * 1'000'000'000'000'000;
    if (value < kEnough) {
      value = value * 10 + static_cast<unsigned>(c - '0');
      exponent -= point ? 1 : 0;
    } else {
      exponent += point ? 0 : 1;
    }
  }
  if (!digits) return std::nullopt;
  if (i < text.size()) {
    if (text[i] != 'e' && text[i] != 'E') return std::nullopt;
    std::string_view rest = text.substr(i + 1);
    if (rest.starts_with('+')) rest.remove_prefix(1);
    int more = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), more);
    if (error != std::errc() || end != rest.data() + rest.size() || more < -1'000 || more > 1'000)
      return std::nullopt;
    exponent += more;
  }
  if (value == 0) return 0;
  for (; exponent > 0; --exponent) {
    value *= 10;
    if (value > static_cast<unsigned __int128>(most)) return std::nullopt;
  }
  for (; exponent < -1 && value > 0; ++exponent) value /= 10;
  if (exponent == -1) value = (value + 5) / 10;
  if (value > static_cast<unsigned __int128>(most)) return std::nullopt;
  return static_cast<int64_t>(value);
}

std::optional<int64_t> whole(std::string_view text, int64_t most) {
  if (text.ends_with(".0")) text.remove_suffix(2);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > most)
    return std::nullopt;
  return value;
}

// Goes through the lines that say something.
class Lines {
 public:
  Lines(std::string_view text, std::string_view file) : rest_(text), file_(file) { next(); }

  bool ended() const { return ended_; }
  const std::vector<std::string_view>& fields() const { return fields_; }
  bool is(std::string_view section) const { return !ended_ && fields_[0] == section; }

  void next() {
    do {
      if (rest_.empty()) {
        ended_ = true;
        fields_.clear();
        ++line_;
        return;
      }
      const size_t end = rest_.find('\n');
      const std::string_view line = rest_.substr(0, end);
      rest_ = end == std::string_view::npos ? std::string_view{} : rest_.substr(end + 1);
      ++line_;
      too_long_ = line.size() > kLineBytesMax;
      fields_ = too_long_ ? std::vector<std::string_view>{"a line that is too long"} : twin::fields(line);
    } while (fields_.empty() || fields_[0].starts_with('#'));
  }

  tl::unexpected<Error> wrong(std::string what, std::string remedy = {}) const {
    return fail(ErrorCode::kInvalid,
                too_long_ ? "longer than " + std::to_string(kLineBytesMax) + " bytes" : std::move(what),
                file_ + ":" + std::to_string(line_), std::move(remedy));
  }

  // "NODES 11" and "label x y": the section's name, perhaps the number of its lines, and the line with its
  // columns.
  Result<std::optional<int64_t>> section(std::string_view name, std::string_view columns) {
    if (!is(name) || fields_.size() > 2) return wrong("expected \"" + std::string(name) + "\" and a number");
    std::optional<int64_t> count;
    if (fields_.size() == 2) {
      count = whole(fields_[1], INT32_MAX);
      if (!count) return wrong("the number behind " + std::string(name) + " is not one");
    }
    next();
    if (fields_ != twin::fields(columns)) return wrong("expected \"" + std::string(columns) + "\"");
    next();
    return count;
  }

 private:
  std::string_view rest_;
  std::string file_;
  int64_t line_ = 0;
  bool ended_ = false, too_long_ = false;
  std::vector<std::string_view> fields_;
};

std::string name_of(std::string_view text) { return clip_utf8(text, kNameBytesMax); }

Status counted(const Lines& lines, std::string_view section, std::optional<int64_t> said, size_t found) {
  if (!said || *said == static_cast<int64_t>(found)) return {};
  return lines.wrong(std::string(section) + " says " + std::to_string(*said) + " but " +
                     std::to_string(found) + " follow");
}

}  // namespace

Result<RepetitaGraph> parse_repetita_graph(std::string_view text, std::string_view file) {
  Lines lines(text, file);
  RepetitaGraph graph;
  const auto nodes = lines.section("NODES", "label x y");
  if (!nodes) return tl::unexpected(nodes.error());
  for (; !lines.ended() && !lines.is("EDGES"); lines.next()) {
    if (lines.fields().size() != 3) return lines.wrong("a node has a label and two coordinates");
    if (graph.vertex_names.size() == traffic::kVerticesMax)
      return lines.wrong("more than " + std::to_string(traffic::kVerticesMax) + " nodes");
    graph.vertex_names.push_back(name_of(lines.fields()[0]));
  }
  if (auto same = counted(lines, "NODES", *nodes, graph.vertex_names.size()); !same)
    return tl::unexpected(same.error());
  const auto vertices = static_cast<int64_t>(graph.vertex_names.size());
  graph.network.vertices = static_cast<uint32_t>(vertices);
  const auto edges = lines.section("EDGES", "label src dest weight bw delay");
  if (!edges) return tl::unexpected(edges.error());
  size_t found = 0;
  for (; !lines.ended(); lines.next(), ++found) {
    const std::vector<std::string_view>& field = lines.fields();
    if (field.size() != 6) return lines.wrong("an edge has a label, src, dest, weight, bw and delay");
    const auto from = whole(field[1], vertices - 1), to = whole(field[2], vertices - 1);
    if (!from || !to) return lines.wrong("src and dest are not from 0 to " + std::to_string(vertices - 1));
    const auto weight = whole(field[3], traffic::kWeightMax);
    if (!weight || *weight < 1) return lines.wrong("the weight is not a whole number from 1 to 2^32");
    const auto bps = decimal(field[4], 3, traffic::kCapacityBpsMax);
    if (!bps || *bps < 1) return lines.wrong("bw is not from 0.001 to 2^50 / 1000 kbit/s");
    const auto delay_us = decimal(field[5], 0, int64_t{1} << 40);
    if (!delay_us) return lines.wrong("the delay is not from 0 to 2^40 us");
    if (*from == *to) {
      ++graph.loops;
      continue;
    }
    if (graph.network.links.size() == traffic::kLinksMax)
      return lines.wrong("more than " + std::to_string(traffic::kLinksMax) + " edges");
    graph.network.links.push_back({static_cast<uint32_t>(*from), static_cast<uint32_t>(*to), *bps, *weight});
    graph.link_names.push_back(name_of(field[0]));
    graph.delays_us.push_back(*delay_us);
  }
  if (auto same = counted(lines, "EDGES", *edges, found); !same) return tl::unexpected(same.error());
  return graph;
}

Result<RepetitaDemands> parse_repetita_demands(std::string_view text, std::string_view file,
                                               uint32_t vertices) {
  Lines lines(text, file);
  RepetitaDemands out;
  const auto count = lines.section("DEMANDS", "label src dest bw");
  if (!count) return tl::unexpected(count.error());
  size_t found = 0;
  int64_t sum_bps = 0;
  for (; !lines.ended(); lines.next(), ++found) {
    const std::vector<std::string_view>& field = lines.fields();
    if (field.size() != 4) return lines.wrong("a demand has a label, src, dest and bw");
    const int64_t last = int64_t{vertices} - 1;
    const auto from = whole(field[1], last), to = whole(field[2], last);
    if (!from || !to) return lines.wrong("src and dest are not from 0 to " + std::to_string(last));
    const auto bps = decimal(field[3], 3, traffic::kDemandBpsMax);
    if (!bps) return lines.wrong("bw is not from 0 to 2^50 / 1000 kbit/s");
    if (*from == *to) {
      ++out.loops;
      continue;
    }
    sum_bps += *bps;
    if (sum_bps > traffic::kDemandSumBpsMax) return lines.wrong("the demands sum up to more than 2^56 bit/s");
    if (out.demands.size() == traffic::kDemandsMax) return lines.wrong("too many demands");
    out.demands.push_back({static_cast<uint32_t>(*from), static_cast<uint32_t>(*to), *bps});
    out.names.push_back(name_of(field[0]));
  }
  if (auto same = counted(lines, "DEMANDS", *count, found); !same) return tl::unexpected(same.error());
  return out;
}

namespace {

// In kbit/s.
std::string kbps(int64_t bps) {
  std::string out = std::to_string(bps / 1'000);
  if (bps % 1'000 == 0) return out;
  const std::string thousandths = std::to_string(1'000 + bps % 1'000);
  return out + "." + thousandths.substr(1);
}

}  // namespace

std::string repetita_graph(const traffic::Network& network, const std::vector<int64_t>& delays_us) {
  std::string out = "NODES " + std::to_string(network.vertices) + "\nlabel x y\n";
  for (uint32_t v = 0; v < network.vertices; ++v) out += "node_" + std::to_string(v) + " 0 0\n";
  out += "\nEDGES " + std::to_string(network.links.size()) + "\nlabel src dest weight bw delay\n";
  for (size_t e = 0; e < network.links.size(); ++e) {
    const traffic::Link& link = network.links[e];
    out += "edge_" + std::to_string(e) + " " + std::to_string(link.from) + " " + std::to_string(link.to) +
           " " + std::to_string(link.weight) + " " + kbps(link.capacity_bps) + " " +
           std::to_string(delays_us.empty() ? 0 : delays_us[e]) + "\n";
  }
  return out;
}

std::string repetita_demands(const std::vector<traffic::Demand>& demands) {
  std::string out = "DEMANDS " + std::to_string(demands.size()) + "\nlabel src dest bw\n";
  for (size_t d = 0; d < demands.size(); ++d) {
    out += "demand_" + std::to_string(d) + " " + std::to_string(demands[d].from) + " " +
           std::to_string(demands[d].to) + " " + kbps(demands[d].bps) + "\n";
  }
  return out;
}

}  // namespace weir::twin
