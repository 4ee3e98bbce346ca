#include "intelligence/trainer/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace weir::trainer {
namespace {

using learning::Draws;
using std::string_view;

constexpr std::array kValues = {"short", "long", "instant", "money", "mbps", "gib", "percent", "nines", "pct", "per", "site", "region", "label", "intent", "artifact", "model"};

constexpr std::array<string_view, 24> kSites = {"street-a",  "street-b",  "street-c", "metro",     "hub-guizhou", "hub-ningxia", "hub-sichuan", "edge-1", "edge-7", "dc-north", "dc-south", "campus",
                                                "west-lake", "harbour",   "airport",  "lab-2",     "core-1",      "plant-3",     "station",     "hz-dc1", "sh-edge2", "bj-core", "mall-4",  "ward-9"};
struct Region {
  string_view name, chinese, english;
};
constexpr std::array<Region, 14> kRegions = {{{"zhejiang", "浙江", "Zhejiang"}, {"shanghai", "上海", "Shanghai"}, {"guizhou", "贵州", "Guizhou"}, {"ningxia", "宁夏", "Ningxia"},
                                              {"sichuan", "四川", "Sichuan"}, {"beijing", "北京", "Beijing"}, {"guangdong", "广东", "Guangdong"}, {"jiangsu", "江苏", "Jiangsu"},
                                              {"gansu", "甘肃", "Gansu"}, {"hebei", "河北", "Hebei"}, {"hubei", "湖北", "Hubei"}, {"fujian", "福建", "Fujian"},
                                              {"shandong", "山东", "Shandong"}, {"xinjiang", "新疆", "Xinjiang"}}};
constexpr std::array<string_view, 12> kIntents = {"cameras", "gates", "nightly", "render-7", "chatbot", "web-shop", "model-train", "asr", "backup-index", "climate", "lobby", "checkout"};
constexpr std::array<string_view, 8> kArtifacts = {"detector", "resnet", "encoder", "solver", "tracker", "indexer", "asr-server", "renderer"};
constexpr std::array<string_view, 8> kModels = {"A100", "H100", "RTX 4090", "Ascend 910B", "L40S", "V100", "T4", "H800"};
constexpr std::array<string_view, 8> kSpokenModels = {"A100", "H100", "4090", "910B", "L40S", "V100", "T4", "H800"};

template <size_t n>
string_view one_of(const std::array<string_view, n>& of, Draws& draws) { return of[draws.below(n)]; }
std::string one_of(Draws& draws, std::initializer_list<string_view> of) { return std::string(of.begin()[draws.below(of.size())]); }

constexpr std::array<string_view, 20> kSmall = {"zero", "one",    "two",    "three",    "four",     "five",    "six",     "seven",     "eight",    "nine",
                                                "ten",  "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<string_view, 10> kTens = {"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
constexpr std::array<string_view, 10> kDigits = {"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"};

std::string english_words(size_t n) {
  if (n < 20) return std::string(kSmall[n]);
  if (n < 100) return std::string(kTens[n / 10]) + (n % 10 == 0 ? "" : "-" + std::string(kSmall[n % 10]));
  if (n < 1'000) return english_words(n / 100) + " hundred" + (n % 100 == 0 ? "" : " and " + english_words(n % 100));
  return english_words(n / 1'000) + " thousand" + (n % 1'000 == 0 ? "" : " " + english_words(n % 1'000));
}

std::string chinese_words(size_t n) {
  if (n == 2) return "两";
  if (n < 10) return std::string(kDigits[n]);
  if (n < 100) return (n / 10 == 1 ? "" : std::string(kDigits[n / 10])) + "十" + (n % 10 == 0 ? "" : std::string(kDigits[n % 10]));
  if (n < 1'000) return std::string(kDigits[n / 100]) + "百" + (n % 100 == 0 ? "" : (n % 100 < 10 ? "零" : n % 100 < 20 ? "一" : "") + chinese_words(n % 100));
  if (n < 10'000) return (n / 1'000 == 2 ? "两" : std::string(kDigits[n / 1'000])) + "千" + (n % 1'000 == 0 ? "" : (n % 1'000 < 100 ? "零" : "") + chinese_words(n % 1'000));
  return chinese_words(n / 10'000) + "万" + (n % 10'000 == 0 ? "" : chinese_words(n % 10'000));
}

// People round what is large.
size_t round_count(size_t n) { return n < 20 ? n : n < 100 ? n / 5 * 5 : n < 1'000 ? n / 50 * 50 : n / 500 * 500; }

std::string count(size_t least, size_t most, Language language, Draws& draws) {
  size_t n = least + draws.below(most - least + 1);
  if (draws.chance(0.6)) n = std::max(least, round_count(n));
  if (draws.chance(language == Language::kChinese ? 0.35 : 0.3) && (n < 100 || n % 100 == 0)) return language == Language::kChinese ? chinese_words(n) : english_words(n);
  return std::to_string(n);
}

std::string short_time(Language language, Draws& draws) {
  const size_t ms = std::array<size_t, 16>{5, 10, 20, 30, 40, 50, 80, 100, 120, 150, 200, 250, 300, 400, 500, 800}[draws.below(16)];
  const size_t seconds = 1 + draws.below(5);
  if (language == Language::kChinese) {
    switch (draws.below(8)) {
      case 0: return chinese_words(ms) + "毫秒";
      case 1: return chinese_words(seconds) + one_of(draws, {"秒", "秒钟"});
      case 2: return one_of(draws, {"半秒", "半秒钟", "一秒半", "0.3秒", "1.5秒", "零点五秒", "0.2s", "小半秒"});
      case 3: return std::to_string(seconds) + one_of(draws, {"秒", "s", " s"});
      default: return std::to_string(ms) + one_of(draws, {"ms", "毫秒", " ms", "ms", "毫秒"});
    }
  }
  switch (draws.below(8)) {
    case 0: return english_words(ms) + one_of(draws, {" milliseconds", " ms", " millis"});
    case 1: return seconds == 1 ? one_of(draws, {"a second", "one second", "1 second"}) : english_words(seconds) + " seconds";
    case 2: return one_of(draws, {"half a second", "a second and a half", "0.3 s", "1.5 seconds", "a quarter of a second", "0.2s", "a tenth of a second", "1/2 s"});
    case 3: return std::to_string(seconds) + one_of(draws, {"s", " s", " seconds", " sec", " secs"});
    default: return std::to_string(ms) + one_of(draws, {"ms", " ms", " milliseconds", " msec", " ms"});
  }
}

std::string long_time(Language language, Draws& draws) {
  const size_t n = 2 + draws.below(11);
  if (language == Language::kChinese) {
    const std::string number = draws.chance(0.5) ? chinese_words(n) : std::to_string(n);
    switch (draws.below(6)) {
      case 0: return std::to_string(5 * n) + "分钟";
      case 1: return one_of(draws, {"半小时", "半天", "一个半小时", "一整天", "一周", "两个星期", "一个月", "三个礼拜", "1.5小时", "半个月"});
      case 2: return number + one_of(draws, {"天", "周", "个星期"});
      default: return number + one_of(draws, {"小时", "个小时", "个钟头", "天", "h"});
    }
  }
  const std::string number = draws.chance(0.5) ? english_words(n) : std::to_string(n);
  switch (draws.below(6)) {
    case 0: return std::to_string(5 * n) + one_of(draws, {" minutes", " min", "min", " mins"});
    case 1: return one_of(draws, {"half an hour", "half a day", "an hour and a half", "a whole day", "a week", "two weeks", "a month", "a day", "1.5 hours", "a fortnight", "an hour"});
    case 2: return number + one_of(draws, {" days", " weeks", "d"});
    default: return number + one_of(draws, {" hours", " hrs", "h", " h", " days"});
  }
}

std::string instant(Language language, Draws& draws) {
  const size_t hour = 1 + draws.below(11);
  if (language == Language::kChinese) {
    const std::string clock = (draws.chance(0.5) ? chinese_words(hour) : std::to_string(hour)) + one_of(draws, {"点", "点钟", "点半", "点整", "点一刻"});
    switch (draws.below(8)) {
      case 0: return one_of(draws, {"明天", "后天", "周五", "下周一", "星期三", "月底", "今天下班", "周末", "本周四", "今晚", "明早", "年底"});
      case 1: return one_of(draws, {"周一", "周二", "周三", "周四", "周五", "下周二", "星期六", "这周日"}) + one_of(draws, {"早上", "上午", "下午", "晚上", ""}) + clock;
      case 2: return std::to_string(hour + 8) + ":" + one_of(draws, {"00", "30", "15"});
      case 3: return std::to_string(1 + draws.below(12)) + "月" + std::to_string(1 + draws.below(28)) + one_of(draws, {"日", "号"});
      default: return one_of(draws, {"今晚", "明早", "明天早上", "明天下午", "今天下午", "后天上午", "早上", "凌晨", "晚上", "下午", "明晚"}) + clock;
    }
  }
  const std::string clock = std::to_string(hour) + one_of(draws, {"am", "pm", " am", " pm", ":30 pm", ":00", " o'clock", ":15 am"});
  switch (draws.below(8)) {
    case 0: return one_of(draws, {"tomorrow", "Friday", "tonight", "the end of the month", "noon", "midnight", "Monday morning", "next Tuesday", "Thursday evening", "the weekend", "end of day", "tomorrow night"});
    case 1: return one_of(draws, {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "next Monday"}) + one_of(draws, {" ", " at "}) + clock;
    case 2: return std::to_string(hour + 8) + ":" + one_of(draws, {"00", "30", "15"});
    case 3: return one_of(draws, {"December 1", "Nov 28", "3 December", "1st of December", "the 30th", "December 24th"});
    default: return clock + one_of(draws, {"", " tomorrow", " on Friday", " today", " on Monday", " sharp"});
  }
}

std::string money(Language language, Draws& draws) {
  const size_t n = std::array<size_t, 20>{2, 3, 5, 8, 10, 12, 15, 20, 25, 30, 50, 80, 100, 150, 200, 300, 500, 800, 1'000, 2'000}[draws.below(20)];
  if (language == Language::kChinese) {
    if (draws.chance(0.4)) return chinese_words(n) + one_of(draws, {"块", "块钱", "元", "积分", "元钱"});
    return draws.chance(0.15) ? "¥" + std::to_string(n) : std::to_string(n) + one_of(draws, {"块", "元", "块钱", "积分", "个积分", "RMB", "元"});
  }
  if (draws.chance(0.3)) return one_of(draws, {"$", "€", "¥", "£"}) + std::to_string(n);
  return (draws.chance(0.25) ? english_words(n) : std::to_string(n)) + one_of(draws, {" credits", " euros", " dollars", " bucks", " yuan", " EUR", "€", " credits"});
}

}  // namespace

bool is_value(string_view name) { return name.starts_with("n:") || std::find(kValues.begin(), kValues.end(), name) != kValues.end(); }

std::string draw_value(string_view name, Language language, Draws& draws) {
  const bool chinese = language == Language::kChinese;
  if (name.starts_with("n:")) {
    size_t least = 1, most = 100;
    const size_t dash = name.find('-');
    std::from_chars(name.data() + 2, name.data() + std::min(dash, name.size()), least);
    if (dash != string_view::npos) std::from_chars(name.data() + dash + 1, name.data() + name.size(), most);
    return count(least, std::max(least, most), language, draws);
  }
  if (name == "short") return short_time(language, draws);
  if (name == "long") return long_time(language, draws);
  if (name == "instant") return instant(language, draws);
  if (name == "money") return money(language, draws);
  if (name == "mbps") {
    const std::string n = std::to_string(std::array<size_t, 8>{2, 4, 6, 8, 10, 20, 50, 100}[draws.below(8)]);
    return n + (chinese ? one_of(draws, {"Mbps", "兆", "兆带宽", "M带宽", " Mbit/s", "兆码流"}) : one_of(draws, {" Mbps", " Mbit/s", "Mbps", " megabits", " Mb/s"}));
  }
  if (name == "gib") {
    const std::string n = std::to_string(std::array<size_t, 8>{8, 16, 24, 32, 40, 64, 80, 128}[draws.below(8)]);
    return n + (chinese ? one_of(draws, {"G", "GB", "个G", "G", " GB", "GiB"}) : one_of(draws, {" GB", "GB", "G", " GiB", " gigs", " gigabytes"}));
  }
  if (name == "percent") {
    if (chinese && draws.chance(0.25)) return one_of(draws, {"百分之九十九", "百分之九十九点九", "百分之九十五"});
    return one_of(draws, {"99.9", "99", "99.95", "99.99", "95", "99.5"}) + (chinese ? "%" : one_of(draws, {"%", " percent", " %"}));
  }
  if (name == "nines") return chinese ? one_of(draws, {"三个九", "四个九", "两个九", "五个9", "3个9"}) : one_of(draws, {"three nines", "four nines", "two nines", "five nines", "3 nines"});
  if (name == "pct") return one_of(draws, {"p99", "p95", "P99", "p90", "p99.9", chinese ? "99分位" : "the 99th percentile"});
  if (name == "per") return chinese ? one_of(draws, {"每小时", "每天", "每月", "一小时", "一个月", "一天", "/小时"}) : one_of(draws, {"per hour", "an hour", "a day", "per month", "/h", "a month", "hourly", "per day"});
  if (name == "site") return std::string(one_of(kSites, draws));
  if (name == "region" || name == "label") {
    if (name == "label" && draws.chance(0.4)) return chinese ? one_of(draws, {"国内", "境内", "中国", "欧盟"}) : one_of(draws, {"China", "the EU", "the country", "Europe", "mainland China"});
    const Region& region = kRegions[draws.below(kRegions.size())];
    return std::string(chinese && draws.chance(0.9) ? region.chinese : region.english);
  }
  if (name == "intent") return std::string(one_of(kIntents, draws));
  if (name == "artifact") return std::string(one_of(kArtifacts, draws));
  return std::string(draws.chance(0.7) ? one_of(kSpokenModels, draws) : one_of(kModels, draws));
}

const std::vector<KnownName>& training_names() {
  static const std::vector<KnownName> names = [] {
    std::vector<KnownName> out;
    for (const string_view name : kSites) out.push_back({NameKind::kSite, std::string(name)});
    for (const Region& region : kRegions) {
      out.push_back({NameKind::kRegion, std::string(region.name)});
      out.push_back({NameKind::kLabel, std::string(region.name)});
    }
    out.push_back({NameKind::kLabel, "cn"});
    out.push_back({NameKind::kLabel, "eu"});
    for (const string_view name : kIntents) out.push_back({NameKind::kIntent, std::string(name)});
    for (const string_view name : kArtifacts) out.push_back({NameKind::kArtifact, std::string(name)});
    for (const string_view name : kModels) out.push_back({NameKind::kAcceleratorModel, std::string(name)});
    return out;
  }();
  return names;
}

}  // namespace weir::trainer
