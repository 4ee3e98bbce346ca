#include "twin/replay/html.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "twin/replay/charts.h"

namespace weir::twin {
namespace {

std::string number(double value, const char* format = "%.6g") {
  char text[48];
  std::snprintf(text, sizeof text, format, std::isfinite(value) ? value : 0.0);
  return text;
}

std::string grouped(uint64_t value) {
  std::string digits = std::to_string(value);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string percent(double share) { return number(share * 100, "%.1f") + " %"; }

std::string span(double s) {
  if (s >= 86'400)
    return number(std::floor(s / 86'400), "%.0f") + " d " + number(std::fmod(s, 86'400) / 3'600, "%.0f") +
           " h";
  if (s >= 3'600)
    return number(std::floor(s / 3'600), "%.0f") + " h " + number(std::fmod(s, 3'600) / 60, "%.0f") + " min";
  if (s >= 60) return number(std::floor(s / 60), "%.0f") + " min " + number(std::fmod(s, 60), "%.0f") + " s";
  return number(s, s >= 10 ? "%.0f s" : "%.3g s");
}

double seconds(TimeUs us) { return static_cast<double>(us) / 1e6; }

class Page {
 public:
  Page(const Recorder& recorder, const ReportHead& head) : recorder_(recorder), head_(head) {}

  std::string write() {
    const Recorder::Summary& s = recorder_.summary();
    add("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Replay of ");
    add(html_text(head_.trace) + ", " + html_text(head_.policy) + "</title>\n<style>");
    add(kUplotStyle);
    add(kReportStyle);
    add("</style></head><body>\n<h1>" + html_text(head_.trace) + "</h1>\n<p class=\"dim\">policy " +
        html_text(head_.policy) + " · seed " + std::to_string(head_.seed) + " · " + html_text(head_.machine) +
        "</p>\n");
    add("<dl class=\"cards\">");
    card("jobs done", grouped(s.done));
    if (s.too_large > 0) card("too large", grouped(s.too_large));
    if (s.refused > 0) card("refused", grouped(s.refused));
    if (s.never_started > 0) card("never started", grouped(s.never_started));
    card("mean wait", span(s.wait_s.mean()));
    card("bounded slowdown", number(s.slowdown.mean(), "%.2f"));
    card("cores in use", percent(s.core_share));
    if (recorder_.has_accelerators()) card("accelerators in use", percent(s.accelerator_share));
    card("makespan", span(seconds(s.end_us - s.first_us)));
    card("credits billed", number(s.billed_credits, "%.6g"));
    card("carbon", number(s.carbon_kg, "%.4g") + " kg");
    add("</dl>\n");
    table();
    section("use", "Utilisation");
    section("queue", "Jobs waiting and running");
    section("waits", "Mean wait of the jobs that started");
    section("fragmentation", "Free room that a job of this trace could not use, on average");
    section("price", "Price of a core-hour, scarcity included");
    section("carbon", "Carbon of the cores in use");
    gantt();
    add("<footer class=\"dim\"><p>" + html_text(head_.command) + "</p><p>weir " + html_text(head_.version) +
        " · ledger root " + html_text(head_.ledger_root) + "</p></footer>\n");
    script();
    add("</body></html>\n");
    return std::move(out_);
  }

 private:
  void add(std::string_view text) { out_ += text; }
  void card(const char* what, const std::string& value) {
    add(std::string("<div class=\"card\"><dt>") + what + "</dt><dd>" + html_text(value) + "</dd></div>");
  }
  void section(const char* id, const char* title) {
    add(std::string("<h2>") + title + "</h2>\n<div class=\"chart\" id=\"" + id + "\"></div>\n");
  }

  void table() {
    const Recorder::Summary& s = recorder_.summary();
    add("<h2>Waits</h2>\n<table><tr><th></th><th>mean</th><th>median</th><th>95 %</th><th>99 "
        "%</th><th>longest</th></tr>\n");
    const auto row = [this](const char* what, const Distribution& d, const auto& text) {
      add(std::string("<tr><td>") + what + "</td>");
      for (const double value : {d.mean(), d.quantile(0.5), d.quantile(0.95), d.quantile(0.99), d.max()}) {
        add("<td>" + text(value) + "</td>");
      }
      add("</tr>\n");
    };
    row("wait", s.wait_s, span);
    row("bounded slowdown", s.slowdown, [](double value) { return number(value, "%.2f"); });
    add("</table>\n");
  }

  void gantt() {
    const size_t bars = recorder_.bars().size();
    add("<h2>Gantt chart</h2>\n<p class=\"dim\">");
    if (recorder_.bars_every() > 1) {
      add("A sample: every " + grouped(recorder_.bars_every()) + "th of " +
          grouped(recorder_.summary().done) + " jobs, " + grouped(bars) + " bars.");
    } else {
      add("All " + grouped(bars) + " jobs.");
    }
    add("</p>\n<div class=\"chart\"><canvas id=\"gantt\"></canvas><p class=\"dim\" "
        "id=\"gantt-hint\">&nbsp;</p></div>\n");
  }

  template <class Value>
  void values(const Value& value) {
    const Timeline& line = recorder_.timeline();
    add("[");
    for (size_t bin = 0; bin < line.bins(); ++bin) {
      if (bin > 0) add(",");
      add(value(bin));
    }
    add("]");
  }
  void line(const char* label, Recorder::Channel channel) {
    add(std::string("{label:\"") + label + "\",values:");
    values([&](size_t bin) { return number(recorder_.timeline().mean(channel, bin), "%.5g"); });
    add("}");
  }
  void chart(const char* id, const char* unit,
             std::initializer_list<std::pair<const char*, Recorder::Channel>> lines) {
    add(std::string("{id:\"") + id + "\",unit:\"" + unit + "\",lines:[");
    const char* comma = "";
    for (const auto& [label, channel] : lines) {
      add(comma);
      comma = ",";
      line(label, channel);
    }
    add("]},\n");
  }

  void script() {
    const Timeline& time = recorder_.timeline();
    add("<script>");
    add(kUplotScript);
    add("</script>\n<script>window.replay={at:");
    values([&](size_t bin) { return number(seconds(time.at_us(bin)), "%.12g"); });
    add(",\ncharts:[");
    if (recorder_.has_accelerators()) {
      chart("use", "%", {{"cores", Recorder::kCores}, {"accelerators", Recorder::kAccelerators}});
    } else {
      chart("use", "%", {{"cores", Recorder::kCores}});
    }
    chart("queue", "", {{"waiting", Recorder::kWaiting}, {"running", Recorder::kRunning}});
    add("{id:\"waits\",unit:\"time\",lines:[{label:\"mean wait\",values:");
    values([&](size_t bin) -> std::string {
      const double started = time.sum(Recorder::kStarted, bin);
      return started == 0 ? "null" : number(time.sum(Recorder::kWaited, bin) / started, "%.5g");
    });
    add("}]},\n");
    chart("fragmentation", "%", {{"not usable", Recorder::kFragmented}});
    chart("price", "credits", {{"core-hour", Recorder::kCorePrice}});
    chart("carbon", "g/h", {{"carbon", Recorder::kCarbon}});
    add("],\nsites:[");
    for (const std::string& site : head_.sites) add(script_string(site) + ",");
    add("],\nbars:[");
    std::map<std::string, size_t> queues;
    for (const Recorder::Bar& bar : recorder_.bars()) {
      const size_t queue = queues.try_emplace(bar.queue, queues.size()).first->second;
      add("[" + number(seconds(bar.submit_us), "%.12g") + "," + number(seconds(bar.start_us), "%.12g") + "," +
          number(seconds(bar.end_us), "%.12g") + "," + number(bar.cpu_milli / 1000.0) + "," +
          std::to_string(queue) + "," + script_string(bar.id) + "," +
          (bar.site.valid() ? std::to_string(bar.site.value) : "-1") + "],\n");
    }
    add("]};</script>\n<script>");
    add(kReportScript);
    add("</script>\n");
  }

  const Recorder& recorder_;
  const ReportHead& head_;
  std::string out_;
};

}  // namespace

std::string html_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string script_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += std::string("\\") + c;
    } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(byte));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string html_report(const Recorder& recorder, const ReportHead& head) {
  return Page(recorder, head).write();
}

}  // namespace weir::twin
