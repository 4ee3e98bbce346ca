#include "bench/traffic/report.h"

#include <algorithm>
#include <cstdio>

namespace weir::bench {
namespace {

std::string format(const char* pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

double against(int64_t ppm, const TrafficTrial& trial) {
  return trial.lower_ppm == 0 ? 1 : static_cast<double>(ppm) / static_cast<double>(trial.lower_ppm);
}

// Mean and worst.
struct Spread {
  double sum = 0, worst = 0;
  size_t count = 0;
  void add(double value) {
    sum += value;
    worst = std::max(worst, value);
    ++count;
  }
  double mean() const { return count == 0 ? 0 : sum / static_cast<double>(count); }
};

std::string json(const Routed& routed) {
  return "{\"max_utilisation_ppm\": " + std::to_string(routed.max_utilisation_ppm) +
         ", \"processor_s\": " + format("%.3f", routed.processor_s) +
         ", \"lists\": " + std::to_string(routed.lists) + "}";
}

std::string json(const std::vector<TrafficTrial>& trials) {
  std::string out = "[\n";
  for (size_t i = 0; i < trials.size(); ++i) {
    const TrafficTrial& t = trials[i];
    std::string name;
    for (const char c : t.name)
      name += c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 ? '_' : c;
    out += "  {\"network\": \"" + name + "\", \"vertices\": " + std::to_string(t.vertices) +
           ", \"links\": " + std::to_string(t.links) + ", \"demands\": " + std::to_string(t.demands) +
           ",\n   \"optimum_ppm\": {\"lower\": " + std::to_string(t.lower_ppm) +
           ", \"upper\": " + std::to_string(t.upper_ppm) +
           (t.exact_ppm ? ", \"exact\": " + std::to_string(*t.exact_ppm) : std::string()) +
           ", \"processor_s\": " + format("%.3f", t.bound_processor_s) +
           "},\n   \"single_path\": " + json(t.single_path) + ", \"ecmp\": " + json(t.ecmp) +
           ",\n   \"two_segments\": " + json(t.two) + ",\n   \"three_segments\": " + json(t.three) +
           ",\n   \"three_segments_weighted\": " + json(t.weighted) + "}" +
           (i + 1 < trials.size() ? ",\n" : "\n");
  }
  return out + "]\n";
}

struct Row {
  std::vector<std::string> cells;
};

std::vector<Row> rows(const std::vector<TrafficTrial>& trials) {
  std::vector<Row> out;
  out.push_back({{"network", "nodes", "links", "1 path", "ECMP", "2 segments", "3 segments", "weighted",
                  "bounds", "s"}});
  for (size_t first = 0; first < trials.size();) {
    size_t end = first;
    Spread single, ecmp, two, three, weighted, gap, seconds;
    size_t links = 0;
    for (; end < trials.size() && trials[end].name == trials[first].name; ++end) {
      const TrafficTrial& t = trials[end];
      links += t.links;
      single.add(against(t.single_path.max_utilisation_ppm, t));
      ecmp.add(against(t.ecmp.max_utilisation_ppm, t));
      two.add(against(t.two.max_utilisation_ppm, t));
      three.add(against(t.three.max_utilisation_ppm, t));
      weighted.add(against(t.weighted.max_utilisation_ppm, t));
      gap.add(against(t.upper_ppm, t));
      seconds.add(std::max({t.two.processor_s, t.three.processor_s, t.weighted.processor_s}));
    }
    const auto both = [](const Spread& spread) {
      return spread.count == 1 ? format("%.4f", spread.mean())
                               : format("%.3f", spread.mean()) + format(" %.3f", spread.worst);
    };
    out.push_back(
        {{trials[first].name, std::to_string(trials[first].vertices), std::to_string(links / (end - first)),
          format("%.2f", single.mean()), format("%.2f", ecmp.mean()), both(two), both(three), both(weighted),
          format("%.4f", gap.mean()), format("%.2f", seconds.worst)}});
    first = end;
  }
  return out;
}

std::string table(const std::vector<Row>& all, bool markdown) {
  std::vector<size_t> widths;
  for (const Row& row : all) {
    widths.resize(row.cells.size(), 0);
    for (size_t c = 0; c < row.cells.size(); ++c) widths[c] = std::max(widths[c], row.cells[c].size());
  }
  std::string out;
  for (size_t r = 0; r < all.size(); ++r) {
    for (size_t c = 0; c < all[r].cells.size(); ++c) {
      const std::string& cell = all[r].cells[c];
      if (markdown) {
        out += "| " + cell + " ";
      } else {
        const std::string pad(widths[c] - cell.size(), ' ');
        out += c == 0 ? cell + pad : " " + pad + cell;
      }
    }
    out += markdown ? "|\n" : "\n";
    if (markdown && r == 0) {
      for (size_t c = 0; c < all[r].cells.size(); ++c) out += "|---";
      out += "|\n";
    }
  }
  return out;
}

}  // namespace

std::string report(const std::vector<TrafficTrial>& trials, TrafficFormat format) {
  return format == TrafficFormat::kJson ? json(trials)
                                        : table(rows(trials), format == TrafficFormat::kMarkdown);
}

}  // namespace weir::bench
