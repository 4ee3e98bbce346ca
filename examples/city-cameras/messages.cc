#include "city-cameras/messages.h"

#include <algorithm>
#include <boost/json.hpp>
#include <boost/json/src.hpp>
#include <limits>

namespace city_cameras {
namespace json = boost::json;
namespace {

constexpr std::size_t kStringBytesMax = 256;
constexpr std::size_t kBoxesMax = 10'000;

std::string_view cut(std::string_view text) { return text.substr(0, kStringBytesMax); }

Result<json::object> parse_object(std::string_view text) {
  json::error_code code;
  json::parse_options options;
  options.max_depth = 8;
  json::value value = json::parse(json::string_view(text.data(), text.size()), code, {}, options);
  if (code) return tl::unexpected<std::string>("not JSON: " + code.message());
  if (!value.is_object()) return tl::unexpected<std::string>("a JSON object is expected");
  return std::move(value.get_object());
}

// Reads fields of one object; the first failure is kept and the rest read as zero.
class Fields {
 public:
  explicit Fields(const json::object& object) : object_(object) {}

  std::int64_t integer(std::string_view key, std::int64_t min, std::int64_t max) {
    const json::value* value = object_.if_contains(json::string_view(key.data(), key.size()));
    if (value == nullptr || !value->is_int64() || value->get_int64() < min || value->get_int64() > max) {
      refuse(key, "an integer from " + std::to_string(min) + " to " + std::to_string(max));
      return 0;
    }
    return value->get_int64();
  }

  std::int64_t amount(std::string_view key) {
    return integer(key, 0, std::numeric_limits<std::int64_t>::max() / 4);
  }

  std::string text(std::string_view key, bool optional = false) {
    const json::value* value = object_.if_contains(json::string_view(key.data(), key.size()));
    if (value == nullptr && optional) return {};
    if (value == nullptr || !value->is_string() || value->get_string().size() > kStringBytesMax) {
      refuse(key, "a string of at most " + std::to_string(kStringBytesMax) + " bytes");
      return {};
    }
    return std::string(value->get_string().data(), value->get_string().size());
  }

  void refuse(std::string_view key, const std::string& expected) {
    if (error_.empty()) error_ = "\"" + std::string(key) + "\" must be " + expected;
  }
  const std::string& error() const { return error_; }

 private:
  const json::object& object_;
  std::string error_;
};

json::string_view view(std::string_view text) { return json::string_view(text.data(), text.size()); }

}  // namespace

std::string to_json(const Answer& answer) {
  json::array boxes;
  boxes.reserve(answer.boxes.size());
  for (const Box& box : answer.boxes) {
    boxes.push_back(json::object{{"x", box.x},
                                 {"y", box.y},
                                 {"width", box.width},
                                 {"height", box.height},
                                 {"score_milli", box.score_milli}});
  }
  return json::serialize(json::object{{"boxes", std::move(boxes)},
                                      {"queue_us", answer.queue_us},
                                      {"work_us", answer.work_us},
                                      {"cpu_us", answer.cpu_us},
                                      {"instance", view(cut(answer.instance))},
                                      {"site", view(cut(answer.site))}});
}

Result<Answer> parse_answer(std::string_view text) {
  Result<json::object> object = parse_object(text);
  if (!object) return tl::unexpected(object.error());
  Fields fields(*object);
  Answer answer;
  answer.queue_us = fields.amount("queue_us");
  answer.work_us = fields.amount("work_us");
  answer.cpu_us = fields.amount("cpu_us");
  answer.instance = fields.text("instance");
  answer.site = fields.text("site");
  const json::value* boxes = object->if_contains("boxes");
  if (boxes == nullptr || !boxes->is_array() || boxes->get_array().size() > kBoxesMax) {
    fields.refuse("boxes", "an array of at most " + std::to_string(kBoxesMax) + " boxes");
  } else {
    for (const json::value& item : boxes->get_array()) {
      if (!item.is_object()) {
        fields.refuse("boxes", "an array of objects");
        break;
      }
      constexpr std::int64_t kEdge = 1'000'000;
      Fields box(item.get_object());
      answer.boxes.push_back(Box{static_cast<int>(box.integer("x", -kEdge, kEdge)),
                                 static_cast<int>(box.integer("y", -kEdge, kEdge)),
                                 static_cast<int>(box.integer("width", 0, kEdge)),
                                 static_cast<int>(box.integer("height", 0, kEdge)),
                                 box.integer("score_milli", -kEdge * 1000, kEdge * 1000)});
      if (!box.error().empty()) return tl::unexpected("boxes: " + box.error());
    }
  }
  if (!fields.error().empty()) return tl::unexpected(fields.error());
  return answer;
}

std::string error_json(std::string_view reason) {
  return json::serialize(json::object{{"error", view(reason)}});
}

std::string parse_error(std::string_view text) {
  Result<json::object> object = parse_object(text);
  if (object) {
    const json::value* error = object->if_contains("error");
    if (error != nullptr && error->is_string()) {
      return std::string(cut({error->get_string().data(), error->get_string().size()}));
    }
  }
  return std::string(text.substr(0, 80));
}

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kMiss:
      return "miss";
    case Outcome::kLost:
      break;
  }
  return "lost";
}

std::string to_json_line(const FrameRecord& record) {
  json::object line{{"kind", "frame"},
                    {"stream", record.stream},
                    {"seq", record.seq},
                    {"sent_at", record.sent_at_us},
                    {"latency_us", nullptr},
                    {"result", view(name_of(record.outcome))},
                    {"boxes", record.boxes},
                    {"work_us", record.work_us},
                    {"queue_us", record.queue_us},
                    {"cpu_us", record.cpu_us},
                    {"bytes", record.bytes},
                    {"ingress", view(cut(record.ingress))},
                    {"instance", view(cut(record.instance))},
                    {"site", view(cut(record.site))}};
  if (record.latency_us) line["latency_us"] = *record.latency_us;
  if (!record.reason.empty()) line["reason"] = view(cut(record.reason));
  return json::serialize(line);
}

Result<std::optional<FrameRecord>> parse_json_line(std::string_view text) {
  if (text.size() > kLineBytesMax) {
    return tl::unexpected<std::string>("a line of " + std::to_string(text.size()) + " bytes; at most " +
                                       std::to_string(kLineBytesMax) + " are read");
  }
  Result<json::object> object = parse_object(text);
  if (!object) return tl::unexpected(object.error());
  Fields fields(*object);
  const std::string kind = fields.text("kind");
  if (!fields.error().empty()) return tl::unexpected(fields.error());
  if (kind != "frame") return std::nullopt;

  FrameRecord record;
  record.stream = fields.integer("stream", 0, 1'000'000);
  record.seq = fields.amount("seq");
  record.sent_at_us = fields.amount("sent_at");
  record.boxes = fields.amount("boxes");
  record.work_us = fields.amount("work_us");
  record.queue_us = fields.amount("queue_us");
  record.cpu_us = fields.amount("cpu_us");
  record.bytes = fields.amount("bytes");
  record.ingress = fields.text("ingress");
  record.instance = fields.text("instance");
  record.site = fields.text("site");
  record.reason = fields.text("reason", true);
  const std::string outcome = fields.text("result");
  if (outcome == name_of(Outcome::kOk)) {
    record.outcome = Outcome::kOk;
  } else if (outcome == name_of(Outcome::kMiss)) {
    record.outcome = Outcome::kMiss;
  } else if (outcome == name_of(Outcome::kLost)) {
    record.outcome = Outcome::kLost;
  } else {
    fields.refuse("result", "\"ok\", \"miss\" or \"lost\"");
  }
  const json::value* latency = object->if_contains("latency_us");
  if (record.outcome != Outcome::kLost) {
    record.latency_us = fields.amount("latency_us");
  } else if (latency == nullptr || !latency->is_null()) {
    fields.refuse("latency_us", "null for a lost frame");
  }
  if (!fields.error().empty()) return tl::unexpected(fields.error());
  return record;
}

}  // namespace city_cameras
