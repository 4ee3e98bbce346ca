#include "app/ask_text.h"

#include <algorithm>
#include <vector>

#include "app/table.h"
#include "core/units/quantity.h"

namespace weir::app {
namespace {

// Credits to a millionth.
std::string rounded(int64_t nanocredits) { return format_money((nanocredits + 500) / 1'000 * 1'000); }
// To a tenth of a millisecond.
std::string slowest(int64_t latency_us) { return format_duration((latency_us + 50) / 100 * 100); }

constexpr int64_t kSecondUs = 1'000'000, kMinuteUs = 60 * kSecondUs, kHourUs = 60 * kMinuteUs;
constexpr int64_t kAtOnceUs = kSecondUs;  // what is sooner is said to be so
// To a second, a minute or a tenth of an hour.
std::string about(int64_t us, Tongue tongue) {
  const auto of = [us](int64_t unit) { return std::to_string((us + unit / 2) / unit); };
  if (us < kMinuteUs - kSecondUs / 2) return of(kSecondUs) + std::string(tongue.in(" s", " 秒"));
  if (us < kHourUs - kMinuteUs / 2) return of(kMinuteUs) + std::string(tongue.in(" min", " 分钟"));
  const int64_t tenths = (us + kHourUs / 20) / (kHourUs / 10);
  return std::to_string(tenths / 10) + (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10)) + std::string(tongue.in(" h", " 小时"));
}

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& parts, std::string_view by) {
  std::string out;
  for (const std::string& part : parts) out += std::string(out.empty() ? "" : by) + part;
  return out;
}

}  // namespace

std::string render_understood(const v1::Wish& wish, Tongue tongue) {
  std::string out = std::string(tongue.in("Understood: ", "理解为：")) + wish.label() + " (" + std::to_string(wish.confidence_permille() / 10) + " %)\n";
  Table table({std::string(tongue.in("FIELD", "字段")), std::string(tongue.in("VALUE", "值")), std::string(tongue.in("FROM THE WORDS", "依据的话"))});
  for (const v1::Understood& field : wish.fields()) table.add({field.label(), printable(field.value()), or_dash(printable(field.words()))});
  if (table.size() > 0) out += table.text(kTableWidth);
  return out;
}

std::string render_assumptions(const v1::Wish& wish, Tongue tongue) {
  std::string all;
  for (const v1::Assumption& one : wish.assumptions()) all += std::string(all.empty() ? "" : tongue.in("; ", "；")) + one.text();
  return all.empty() ? "" : wrapped(std::string(tongue.in("Assumed, as nothing was said: ", "没有说到，按此假设： ")) + printable(all), kTableWidth);
}

std::string render_question(const v1::Wish& wish, Tongue tongue) {
  if (wish.questions().empty()) return {};
  const v1::Question& first = wish.questions(0);
  std::string out = std::string(tongue.in("Question: ", "请问：")) + printable(first.text());
  if (!first.assumed().empty()) out += std::string(tongue.in(" Until you say: ", " 在您说明之前按：")) + printable(first.assumed());
  return wrapped(out, kTableWidth);
}

std::string render_summary(const v1::Estimate& estimate, Tongue tongue) {
  const std::string count = std::to_string(estimate.instances()), cost = rounded(estimate.billed_per_hour_nanocredits());
  std::string out;
  if (tongue.chinese) {
    out = "方案： " + count + " 个实例，在 " + joined(estimate.sites(), ", ") + "；每小时 " + cost + " 信用点";
    if (estimate.latency_us() > 0) out += "；最慢的一路预计 " + slowest(estimate.latency_us());
    out += "。";
  } else {
    out = "Plan: " + count + (estimate.instances() == 1 ? " instance at " : " instances at ") + joined(estimate.sites(), ", ") + ", " + cost + " credits an hour";
    if (estimate.latency_us() > 0) out += "; the slowest stream answers in " + slowest(estimate.latency_us());
    out += ".";
  }
  return wrapped(out, kTableWidth);
}

std::string render_rehearsal(const v1::Rehearsal& rehearsal, Tongue tongue, size_t indent) {
  if (rehearsal.window_us() == 0 && rehearsal.problem().empty()) return {};
  if (!rehearsal.problem().empty()) {
    return wrapped(std::string(indent, ' ') + std::string(tongue.in("Not rehearsed: ", "没有预演：")) + printable(rehearsal.problem()), kTableWidth);
  }
  const auto after = [&](int64_t us) { return about(us, tongue); };
  const auto count = [&](int32_t number, std::string_view one, std::string_view many) { return std::to_string(number) + " " + std::string(number == 1 ? one : many); };
  std::vector<std::string> parts;
  const auto say = [&](std::string english, std::string chinese) { parts.push_back(tongue.chinese ? std::move(chinese) : std::move(english)); };
  if (!rehearsal.starts()) {
    say("it does not start", "不会开始");
  } else if (rehearsal.starts_after_us() < kAtOnceUs) {
    say("it starts at once", "立即开始");
  } else {
    say("it starts after " + after(rehearsal.starts_after_us()), after(rehearsal.starts_after_us()) + "后开始");
  }
  if (rehearsal.ends()) say("ends after " + after(rehearsal.ends_after_us()), after(rehearsal.ends_after_us()) + "后结束");
  if (rehearsal.preemptions() > 0) say("gives way " + count(rehearsal.preemptions(), "time", "times"), "让路 " + std::to_string(rehearsal.preemptions()) + " 次");
  if (rehearsal.moves() > 0) say("moves " + count(rehearsal.moves(), "time", "times"), "迁移 " + std::to_string(rehearsal.moves()) + " 次");
  if (rehearsal.short_us() >= kAtOnceUs) {
    say("lacks instances for " + after(rehearsal.short_us()), "实例不足 " + after(rehearsal.short_us()));
  }
  if (rehearsal.others_later() > 0) {
    const bool one = rehearsal.others_later() == 1;
    say(count(rehearsal.others_later(), "other job starts later, by ", "other jobs start later, one by ") + after(rehearsal.others_later_us()) + " or more",
        "其他 " + std::to_string(rehearsal.others_later()) + " 个作业推迟开始，" + (one ? "至少晚 " : "其中一个至少晚 ") + after(rehearsal.others_later_us()));
  }
  if (rehearsal.others_preempted() > 0) {
    say(count(rehearsal.others_preempted(), "other job gives way", "other jobs give way"), "其他 " + std::to_string(rehearsal.others_preempted()) + " 个作业让路");
  }
  if (!rehearsal.lost_site().empty()) {
    const std::string site = printable(rehearsal.lost_site());
    if (rehearsal.repaired()) {
      say("without " + site + " it runs again after " + after(rehearsal.repaired_after_us()), "失去 " + site + " 则 " + after(rehearsal.repaired_after_us()) + "后恢复");
    } else {
      say("without " + site + " it does not run again", "失去 " + site + " 则无法恢复");
    }
  }
  const std::string hours = after(rehearsal.reached_us()), arrivals = std::to_string(rehearsal.arrivals());
  std::string out = tongue.chinese ? "预演未来 " + hours : "Rehearsed, the next " + hours;
  if (rehearsal.forecast() != "none") {
    out += tongue.chinese ? "，预计来 " + arrivals + " 个作业" : " with " + count(rehearsal.arrivals(), "job", "jobs") + " expected";
  }
  for (const std::string& part : parts) out += std::string(&part == &parts.front() ? tongue.in(": ", "：") : tongue.in("; ", "；")) + part;
  return wrapped(std::string(indent, ' ') + out + std::string(tongue.in(".", "。")), kTableWidth);
}

std::string render_strategies(const v1::Wish& wish, Tongue tongue) {
  const bool refused = !wish.strategies().empty() && wish.strategies(0).kind() != "asked";
  if (wish.strategies_size() < (refused ? 1 : 2)) return {};
  const auto head = [&](std::string_view english, std::string_view chinese) { return std::string(tongue.in(english, chinese)); };
  Table table({head("STRATEGY", "方案"), head("AN HOUR", "每小时"), head("SLOWEST", "最慢"), head("CARBON", "碳排放"), head("AVAILABLE", "可用性"), head("SITES", "站点")});
  std::string titles;
  // What is suggested comes first, and is marked.
  std::vector<const v1::Strategy*> ordered;
  for (const v1::Strategy& one : wish.strategies()) ordered.insert(one.suggested().empty() ? ordered.end() : ordered.begin(), &one);
  for (const v1::Strategy* shown : ordered) {
    const v1::Strategy& one = *shown;
    const v1::Estimate& e = one.estimate();
    table.add({one.kind() + (one.suggested().empty() ? "" : " *"), rounded(e.billed_per_hour_nanocredits()), e.latency_us() > 0 ? slowest(e.latency_us()) : "-", format_decimal(e.carbon_mg_per_hour(), 3) + " g/h",
               e.availability_ppm() > 0 ? format_fraction(e.availability_ppm()) : "-", printable(joined(e.sites(), ", "))});
    if (!one.suggested().empty()) {
      titles += wrapped("* " + std::string(tongue.in("suggested, for ", "推荐：")) + printable(one.suggested()), kTableWidth);
    }
    titles += wrapped("  " + one.kind() + ": " + printable(one.title()) +
                          (one.changes().empty() ? "" : " (" + printable(joined(one.changes(), ", ")) + ")"),
                      kTableWidth);
    titles += render_rehearsal(one.rehearsal(), tongue, 4);
  }
  return std::string(refused ? tongue.in("\nWhat would make it possible:\n", "\n怎样才可以做到：\n") : tongue.in("\nWays to have it:\n", "\n可选方案：\n")) +
         table.text(kTableWidth) + titles;
}

std::string render_past(const v1::Wish& wish, Tongue tongue) {
  if (wish.past().empty()) return {};
  std::string out(tongue.in("\nAlike before:\n", "\n类似的往例：\n"));
  for (const v1::PastCase& one : wish.past()) out += wrapped("  " + printable(one.text()), kTableWidth);
  return out;
}

std::string render_rated(const v1::RateRequest& request, const v1::RateResponse& response, Tongue tongue) {
  const bool good = request.verdict() == "good";
  const std::string why = request.because().empty() ? "" : ", " + request.because();
  const std::string name = printable(request.tenant().empty() ? request.intent() : request.tenant() + "/" + request.intent());
  if (!response.changed()) return std::string(tongue.in("It was judged so already: ", "之前已经这样评价过：")) + name + "\n";
  return wrapped(tongue.chinese ? "已记下评价：" + name + (good ? " 好" : " 不好") + why + "。以后的建议会参考它。"
                                : "Recorded: " + name + " is " + (good ? "good" : "bad") + why + ". What is suggested next time goes by it.",
                 kTableWidth);
}

std::string render_free(const google::protobuf::RepeatedPtrField<v1::Resource>& sites, const v1::SiteSearch& search) {
  struct Row {
    int64_t key;
    std::vector<std::string> cells;
  };
  std::vector<Row> rows;
  for (const v1::Resource& item : sites) {
    const v1::Site& site = item.site();
    const std::string& name = site.metadata().name();
    if (search.names_size() > 0 && std::find(search.names().begin(), search.names().end(), name) == search.names().end()) continue;
    const auto& status = site.status();
    const auto free = [&](const std::string& text) { return status.restricted() ? std::string("-") : text; };
    const auto ask = parse_money_nanocredits(site.spec().asks().core_hour());
    const auto carbon = parse_carbon_mg_per_kwh(site.spec().power().carbon());
    const int64_t key = search.cleanest_first() ? carbon.value_or(0) : ask.value_or(0);
    rows.push_back({key, {name, site.spec().region(), status.state(), free(format_cpu(status.cpu_milli_free())), free(format_memory(status.memory_mib_free())),
                          free(std::to_string(status.accelerators_free())), site.spec().asks().core_hour(), site.spec().power().carbon()}});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.key < b.key; });
  Table table({"SITE", "REGION", "STATE", "CPU FREE", "MEMORY FREE", "ACCEL FREE", "CORE-HOUR", "CARBON"});
  table.lesser({search.cleanest_first() ? "CORE-HOUR" : "CARBON", "STATE"});
  for (Row& row : rows) table.add(std::move(row.cells));
  return table.text(kTableWidth);
}

}  // namespace weir::app
