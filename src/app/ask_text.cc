#include "app/ask_text.h"

#include <algorithm>

#include "app/table.h"
#include "core/units/quantity.h"
#include "intelligence/language/frame_text.h"
#include "service/intent/wording.h"

namespace weir::app {
namespace {

bool is_name(Slot slot) {
  return slot == Slot::kKind || slot == Slot::kWorkload || slot == Slot::kArtifact || slot == Slot::kTarget || slot == Slot::kAcceleratorModel ||
         slot == Slot::kResidency || slot == Slot::kOnly || slot == Slot::kNot || slot == Slot::kPrefer || slot == Slot::kDown;
}

std::string value_of(const Field& field, const Said& said) {
  return is_name(field.slot) ? field.name : language::value_text(field, said.utc_offset_s);
}

std::string words_of(const Field& field, const Said& said) {
  return std::string(said.text.substr(field.span.begin, field.span.end - field.span.begin));
}

std::string quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    if (byte < 0x20) {
      out += std::string("\\u00") + kHex[byte >> 4] + kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string rounded(int64_t nanocredits) { return format_money((nanocredits + 500) / 1'000 * 1'000); }

}  // namespace

std::string render_understood(const Frame& frame, const Said& said) {
  const Language language = said.language;
  std::string out = std::string(in(language, "Understood: ", "理解为：")) + std::string(intent::label(frame.act, language)) + " (" +
                    std::to_string(frame.confidence_permille / 10) + " %)\n";
  Table table({std::string(in(language, "FIELD", "字段")), std::string(in(language, "VALUE", "值")), std::string(in(language, "FROM THE WORDS", "依据的话"))});
  for (const Field& field : frame.fields) {
    table.add({std::string(intent::label(field.slot, language)), printable(value_of(field, said)),
               field.span.end > field.span.begin ? printable(words_of(field, said)) : "-"});
  }
  if (table.size() > 0) out += table.text(kTableWidth);
  return out;
}

std::string render_assumptions(const intent::Draft& draft, Language language) {
  std::string all;
  for (const intent::Assumption& one : draft.assumptions) {
    all += std::string(all.empty() ? "" : in(language, "; ", "；")) + intent::assumption_text(one, language);
  }
  return all.empty() ? "" : wrapped(std::string(in(language, "Assumed, as nothing was said: ", "没有说到，按此假设： ")) + printable(all), kTableWidth);
}

std::string render_question(const intent::Draft& draft, Language language) {
  if (draft.questions.empty()) return {};
  const intent::Question& first = draft.questions.front();
  std::string out = std::string(in(language, "Question: ", "请问：")) + printable(intent::question_text(first, language));
  if (!first.assumed.empty()) out += std::string(in(language, " Until you say: ", " 在您说明之前按：")) + printable(first.assumed);
  return wrapped(out, kTableWidth);
}

std::string render_summary(const v1::PlanView& plan, Language language) {
  std::vector<std::string> sites;
  for (const v1::PlacementView& one : plan.placements()) {
    if (std::find(sites.begin(), sites.end(), one.site()) == sites.end()) sites.push_back(one.site());
  }
  std::string at;
  for (const std::string& site : sites) at += (at.empty() ? "" : ", ") + site;
  int64_t latency_us = 0;
  for (const v1::Flow& flow : plan.value().flows()) latency_us = std::max(latency_us, flow.latency_us_predicted());
  const std::string count = std::to_string(plan.placements_size()), cost = rounded(plan.value().billed_per_hour());
  const std::string slowest = format_duration((latency_us + 50) / 100 * 100);
  std::string out;
  if (language == Language::kChinese) {
    out = "方案： " + count + " 个实例，在 " + at + "；每小时 " + cost + " 积分";
    if (latency_us > 0) out += "；最慢的一路预计 " + slowest;
    out += "。";
  } else {
    out = "Plan: " + count + (plan.placements_size() == 1 ? " instance at " : " instances at ") + at + ", " + cost + " credits an hour";
    if (latency_us > 0) out += "; the slowest stream answers in " + slowest;
    out += ".";
  }
  return wrapped(out, kTableWidth);
}

std::string render_free(const google::protobuf::RepeatedPtrField<v1::Resource>& sites, const std::vector<std::string>& only, bool green) {
  struct Row {
    int64_t key;
    std::vector<std::string> cells;
  };
  std::vector<Row> rows;
  for (const v1::Resource& item : sites) {
    const v1::Site& site = item.site();
    const std::string& name = site.metadata().name();
    if (!only.empty() && std::find(only.begin(), only.end(), name) == only.end()) continue;
    const auto& status = site.status();
    const auto free = [&](const std::string& text) { return status.restricted() ? std::string("-") : text; };
    const auto ask = parse_money_nanocredits(site.spec().asks().core_hour());
    const auto carbon = parse_carbon_mg_per_kwh(site.spec().power().carbon());
    const int64_t key = green ? carbon.value_or(0) : ask.value_or(0);
    rows.push_back({key, {name, site.spec().region(), status.state(), free(format_cpu(status.cpu_milli_free())), free(format_memory(status.memory_mib_free())),
                          free(std::to_string(status.accelerators_free())), site.spec().asks().core_hour(), site.spec().power().carbon()}});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.key < b.key; });
  Table table({"SITE", "REGION", "STATE", "CPU FREE", "MEMORY FREE", "ACCEL FREE", "CORE-HOUR", "CARBON"});
  table.lesser({"CARBON", "STATE"});
  for (Row& row : rows) table.add(std::move(row.cells));
  return table.text(kTableWidth);
}

std::string json_of(const Frame& frame, const Said& said) {
  std::string out = "{\"act\":" + quoted(language::name_of(frame.act)) + ",\"confidence\":" + format_milli(frame.confidence_permille) + ",\"fields\":[";
  for (size_t i = 0; i < frame.fields.size(); ++i) {
    const Field& field = frame.fields[i];
    out += std::string(i > 0 ? "," : "") + "{\"field\":" + quoted(language::name_of(field.slot)) + ",\"value\":" + quoted(value_of(field, said)) +
           ",\"confidence\":" + format_milli(field.confidence_permille) + ",\"begin\":" + std::to_string(field.span.begin) +
           ",\"end\":" + std::to_string(field.span.end) + ",\"words\":" + quoted(words_of(field, said)) + "}";
  }
  return out + "]";
}

std::string json_of(const intent::Draft& draft, Language language) {
  std::string out = "\"assumptions\":[";
  for (size_t i = 0; i < draft.assumptions.size(); ++i) {
    const intent::Assumption& one = draft.assumptions[i];
    out += std::string(i > 0 ? "," : "") + "{\"field\":" + quoted(language::name_of(one.slot)) + ",\"value\":" + quoted(one.value) + "}";
  }
  out += "],\"questions\":[";
  for (size_t i = 0; i < draft.questions.size(); ++i) {
    const intent::Question& one = draft.questions[i];
    out += std::string(i > 0 ? "," : "") + "{\"field\":" + quoted(language::name_of(one.doubt.slot)) + ",\"question\":" + quoted(intent::question_text(one, language)) +
           ",\"assumed\":" + quoted(one.assumed) + "}";
  }
  return out + "]";
}

}  // namespace weir::app
