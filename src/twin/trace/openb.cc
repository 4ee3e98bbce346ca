#include "twin/trace/openb.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/units/text.h"

namespace weir {
namespace openb {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// Control characters would be shown to a terminal.
bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

}  // namespace

tl::unexpected<Error> Columns::wrong(std::string what, std::string remedy) const {
  return fail(ErrorCode::kInvalid, std::move(what), file_ + ":" + std::to_string(line_), std::move(remedy));
}

Result<bool> Columns::line(std::string_view text, const std::vector<std::string_view>& required) {
  ++line_;
  fields_.clear();
  if (text.size() > kOpenbLineBytesMax)
    return wrong("the line has more than " + std::to_string(kOpenbLineBytesMax) + " bytes");
  if (line_ == 1 && text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty()) return false;
  if (!valid_utf8(text) || !printable(text)) return wrong("the line is not plain UTF-8 text");
  if (text.find('"') != std::string_view::npos)
    return wrong("the line has a quotation mark", "the format has no quoted fields");
  std::vector<std::string_view> fields = split(text, ',');
  if (fields.size() > kOpenbColumnsMax)
    return wrong("the line has more than " + std::to_string(kOpenbColumnsMax) + " fields");
  if (has_header()) {
    if (fields.size() != names_.size()) {
      return wrong("the line has " + std::to_string(fields.size()) + " fields, the header " +
                   std::to_string(names_.size()));
    }
    fields_ = std::move(fields);
    return true;
  }
  for (const std::string_view name : required) {
    if (std::find(fields.begin(), fields.end(), name) == fields.end())
      return wrong("the header has no column \"" + std::string(name) + "\"");
  }
  std::vector<std::string_view> sorted = fields;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (!sorted[i].empty() && sorted[i] == sorted[i - 1])
      return wrong("the header has the column \"" + clip_utf8(sorted[i], 40) + "\" twice");
  }
  names_.assign(fields.begin(), fields.end());
  return false;
}

std::string_view Columns::field(std::string_view name) const {
  const auto at = std::find(names_.begin(), names_.end(), name);
  return at == names_.end() ? std::string_view() : fields_[static_cast<size_t>(at - names_.begin())];
}

Result<int64_t> Columns::number(std::string_view name, int64_t least, int64_t most) const {
  const std::string_view text = field(name);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return wrong(
        std::string(name) + " is \"" + clip_utf8(text, 40) + "\"",
        "a whole number from " + std::to_string(least) + " to " + std::to_string(most) + " is expected");
  }
  return value;
}

}  // namespace openb

namespace {

constexpr int64_t kMilliMax = 1'000'000'000;
constexpr int64_t kAcceleratorsMax = 1'000;

Result<std::optional<int64_t>> time_of(const openb::Columns& columns, std::string_view name) {
  if (columns.field(name).empty()) return std::nullopt;
  const auto seconds = columns.number(name, 0, INT64_MAX / 1'000'000);
  if (!seconds) return tl::unexpected(seconds.error());
  return *seconds;
}

}  // namespace

Result<std::optional<OpenbNode>> OpenbNodeReader::line(std::string_view text) {
  const auto row = columns_.line(text, {"sn", "cpu_milli", "memory_mib", "gpu", "model"});
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::nullopt;
  OpenbNode node{.name = std::string(columns_.field("sn")), .model = std::string(columns_.field("model"))};
  if (node.name.empty()) return columns_.wrong("the node has no name");
  const auto cpu = columns_.number("cpu_milli", 0, kMilliMax);
  if (!cpu) return tl::unexpected(cpu.error());
  const auto memory = columns_.number("memory_mib", 0, kMilliMax);
  if (!memory) return tl::unexpected(memory.error());
  const auto accelerators = columns_.number("gpu", 0, kAcceleratorsMax);
  if (!accelerators) return tl::unexpected(accelerators.error());
  node.cpu_milli = static_cast<int32_t>(*cpu);
  node.memory_mib = static_cast<int32_t>(*memory);
  node.accelerators = static_cast<int32_t>(*accelerators);
  return node;
}

Status OpenbNodeReader::end() const {
  if (!columns_.has_header()) return columns_.wrong("the file has no header");
  return {};
}

Result<std::optional<OpenbTask>> OpenbTaskReader::line(std::string_view text) {
  const auto row = columns_.line(text, {"name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"});
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::nullopt;
  OpenbTask task{.name = std::string(columns_.field("name")),
                 .qos = std::string(columns_.field("qos")),
                 .phase = std::string(columns_.field("pod_phase"))};
  if (task.name.empty()) return columns_.wrong("the task has no name");
  const auto cpu = columns_.number("cpu_milli", 0, kMilliMax);
  if (!cpu) return tl::unexpected(cpu.error());
  const auto memory = columns_.number("memory_mib", 0, kMilliMax);
  if (!memory) return tl::unexpected(memory.error());
  const auto accelerators = columns_.number("num_gpu", 0, kAcceleratorsMax);
  if (!accelerators) return tl::unexpected(accelerators.error());
  task.cpu_milli = static_cast<int32_t>(*cpu);
  task.memory_mib = static_cast<int32_t>(*memory);
  task.accelerators = static_cast<int32_t>(*accelerators);
  if (task.accelerators > 0) {
    const auto milli = columns_.number("gpu_milli", 1, 1000);
    if (!milli) return tl::unexpected(milli.error());
    if (task.accelerators > 1 && *milli != 1000)
      return columns_.wrong("the task takes a share of several accelerators",
                            "gpu_milli is 1000 where num_gpu is not 1");
    task.accelerator_milli = static_cast<int32_t>(*milli);
    for (const std::string_view model : openb::split(columns_.field("gpu_spec"), '|')) {
      if (!model.empty()) task.models.emplace_back(model);
    }
  }
  const std::pair<std::string_view, std::optional<int64_t>*> times[] = {
      {"creation_time", &task.creation_time_s},
      {"deletion_time", &task.deletion_time_s},
      {"scheduled_time", &task.scheduled_time_s}};
  for (const auto& [name, time] : times) {
    const auto seconds = time_of(columns_, name);
    if (!seconds) return tl::unexpected(seconds.error());
    *time = *seconds;
  }
  return task;
}

Status OpenbTaskReader::end() const {
  if (!columns_.has_header()) return columns_.wrong("the file has no header");
  return {};
}

}  // namespace weir
