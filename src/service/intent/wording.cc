#include "service/intent/wording.h"

#include <array>

namespace weir::intent {
namespace {

struct Both {
  std::string_view english, chinese;
  std::string_view in(Language language) const { return language == Language::kChinese ? chinese : english; }
};

constexpr std::array<Both, kSlots> kLabels = {{{"kind", "类型"}, {"work", "工作"}, {"program", "程序"}, {"intent", "意图"}, {"streams", "路数"},
    {"from", "来源"}, {"latency", "时延"}, {"percentile", "百分位"}, {"bandwidth per stream", "每路带宽"}, {"requests per second", "每秒请求"},
    {"cores per instance", "每实例核数"}, {"memory per instance", "每实例内存"}, {"accelerators", "加速卡"}, {"accelerator model", "卡型号"},
    {"accelerator memory", "显存"}, {"instances", "实例数"}, {"budget", "预算"}, {"deadline", "截止时间"}, {"not before", "开始时间"},
    {"run time", "运行时间"}, {"residency", "数据驻留"}, {"only at", "只在"}, {"not at", "不在"}, {"availability", "可用性"},
    {"preference", "偏好"}, {"failing", "假设故障"}}};

constexpr std::array<Both, 11> kActLabels = {{{"request", "需求"}, {"change", "修改"}, {"why", "询问原因"}, {"what if", "假设"}, {"how much", "询价"},
    {"where", "询问资源"}, {"status", "询问状态"}, {"cancellation", "取消"}, {"consent", "同意"}, {"refusal", "不同意"}, {"something else", "其他"}}};

std::string conflict_text(const Doubt& doubt, Language language) {
  switch (doubt.slot) {
    case Slot::kDeadline: return std::string(Both{"The deadline has passed. Until when may it take?", "截止时间已过，最晚到什么时候？"}.in(language));
    case Slot::kStart: return std::string(Both{"It would start after its deadline. When may it start?", "开始时间晚于截止时间，什么时候可以开始？"}.in(language));
    case Slot::kRunTime: return std::string(Both{"It runs longer than the time until its deadline. Which of the two counts?", "运行时间超过截止前的时间，以哪一个为准？"}.in(language));
    case Slot::kAvailability: return std::string(Both{"Nothing is available 100% of the time. Is 99.99% enough?", "没有什么能做到百分之百可用，99.99% 够吗？"}.in(language));
    case Slot::kOnly:
      return language == Language::kChinese ? "“" + doubt.said + "”既要求又排除，以哪一个为准？" : "\"" + doubt.said + "\" is both asked for and excluded. Which counts?";
    default: break;
  }
  const std::string slot(label(doubt.slot, language));
  return language == Language::kChinese ? slot + "说了不止一个值，以哪一个为准？" : "There is more than one value for " + slot + ". Which counts?";
}

}  // namespace

std::string_view label(Slot slot, Language language) { return kLabels[static_cast<size_t>(slot)].in(language); }
std::string_view label(Act act, Language language) { return kActLabels[static_cast<size_t>(act)].in(language); }

std::string question_text(const Question& question, Language language) {
  const Doubt& doubt = question.doubt;
  const bool chinese = language == Language::kChinese;
  if (doubt.kind == DoubtKind::kConflict) return conflict_text(doubt, language);
  if (doubt.kind == DoubtKind::kUnclear && doubt.slot != Slot::kBudget) {
    return chinese ? "没有叫“" + doubt.said + "”的站点或地区，指的是哪里？" : "No site or region is called \"" + doubt.said + "\". Which one is meant?";
  }
  switch (doubt.slot) {
    case Slot::kWorkload: return chinese ? "要运行什么程序？" : "Which program is to run?";
    case Slot::kFrom: return chinese ? "数据流从哪些站点进来？" : "At which sites do the streams come in?";
    case Slot::kStreams: return chinese ? "一共多少路？" : "How many streams are there?";
    case Slot::kBudget: return chinese ? doubt.said + " 是多长时间的预算？" : doubt.said + " for which time?";
    default: break;
  }
  const std::string slot(label(doubt.slot, language));
  return chinese ? slot + "是多少？" : "What is the " + slot + "?";
}

std::string assumption_text(const Assumption& assumption, Language language) {
  const bool chinese = language == Language::kChinese;
  if (!assumption.like.empty()) {
    const std::string what = std::string(label(assumption.slot, language)) + (chinese ? "：" : ": ") + assumption.value;
    return what + (chinese ? "（照 " + assumption.like + " 那次）" : " (as last time for " + assumption.like + ")");
  }
  switch (assumption.slot) {
    case Slot::kLatency: return chinese ? "没有时延承诺" : "no promise of latency";
    case Slot::kPrefer: return chinese ? "“快”不能单独承诺：请说出时延" : "\"fast\" alone promises nothing: say a latency";
    case Slot::kRunTime: return chinese ? "服务一直运行，直到取消" : "a service runs until it is cancelled";
    default: break;
  }
  return std::string(label(assumption.slot, language)) + (chinese ? "：" : ": ") + assumption.value;
}

}  // namespace weir::intent
