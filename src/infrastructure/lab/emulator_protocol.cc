#include "infrastructure/lab/emulator_protocol.h"

#include <boost/json.hpp>
#include <initializer_list>
#include <utility>

namespace weir::lab {
namespace {

namespace json = boost::json;

tl::unexpected<Error> invalid(const std::string& what) {
  return fail(ErrorCode::kInvalid, what, "emulator", "see docs/design/lab.md for its commands");
}

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code ec;
  json::parse_options options;
  options.max_depth = 8;
  json::value value = json::parse({text.data(), text.size()}, ec, {}, options);
  if (ec || !value.is_object()) return invalid("the line is not a JSON object");
  return std::move(value.as_object());
}

std::optional<std::string> text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains({key.data(), key.size()});
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->as_string());
}

std::optional<int64_t> number_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains({key.data(), key.size()});
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return value->as_int64();
}

json::object settings_object(const LinkSettings& s) {
  return {{"delay_us", s.delay_us}, {"jitter_us", s.jitter_us}, {"loss_ppm", s.loss_ppm},
          {"rate_bps", s.rate_bps}, {"queue_us", s.queue_us},   {"cut", s.cut}};
}

std::optional<LinkSettings> settings_of(const json::object& object) {
  LinkSettings out;
  for (const auto& [key, field] :
       std::initializer_list<std::pair<std::string_view, int64_t*>>{{"delay_us", &out.delay_us},
                                                                    {"jitter_us", &out.jitter_us},
                                                                    {"loss_ppm", &out.loss_ppm},
                                                                    {"rate_bps", &out.rate_bps},
                                                                    {"queue_us", &out.queue_us}}) {
    const auto value = number_of(object, key);
    if (!value) return std::nullopt;
    *field = *value;
  }
  const json::value* cut = object.if_contains("cut");
  if (cut == nullptr || !cut->is_bool()) return std::nullopt;
  out.cut = cut->as_bool();
  return out;
}

json::object counters_object(const LinkCounters& c) {
  return {{"packets", c.packets},       {"bytes", c.bytes}, {"lost", c.lost},
          {"queue_full", c.queue_full}, {"cut", c.cut},     {"refused", c.refused}};
}

LinkCounters counters_of(const json::object& object, std::string_view key) {
  LinkCounters out;
  const json::value* value = object.if_contains({key.data(), key.size()});
  if (value == nullptr || !value->is_object()) return out;
  const auto get = [&](std::string_view name) {
    return static_cast<uint64_t>(number_of(value->as_object(), name).value_or(0));
  };
  out.packets = get("packets");
  out.bytes = get("bytes");
  out.lost = get("lost");
  out.queue_full = get("queue_full");
  out.cut = get("cut");
  out.refused = get("refused");
  return out;
}

constexpr std::string_view kVerbs[] = {"cut", "heal", "set", "stats", "stop", "carry"};

json::object link_object(const EmulatorLink& link) {
  const auto end = [](const EmulatorEnd& e) {
    return json::object{{"namespace", e.namespace_name}, {"device", e.device}, {"mac", e.mac}};
  };
  return {{"name", link.name},
          {"a", end(link.a)},
          {"b", end(link.b)},
          {"settings", settings_object(link.settings)}};
}

Result<EmulatorLink> link_of(const json::value& item) {
  EmulatorLink link;
  const json::object* object = item.if_object();
  const json::value* settings = object != nullptr ? object->if_contains("settings") : nullptr;
  const auto parsed =
      settings != nullptr && settings->is_object() ? settings_of(settings->as_object()) : std::nullopt;
  const auto name = object != nullptr ? text_of(*object, "name") : std::nullopt;
  if (!parsed || !name) return invalid("a link lacks name or settings");
  link.name = *name;
  link.settings = *parsed;
  if (const Status ok = check(link.settings); !ok) return tl::unexpected(ok.error());
  for (const auto& [key, end] : {std::pair("a", &link.a), std::pair("b", &link.b)}) {
    const json::value* value = object->if_contains(key);
    if (value == nullptr || !value->is_object()) return invalid("link " + link.name + " lacks an end");
    const auto ns = text_of(value->as_object(), "namespace"), device = text_of(value->as_object(), "device"),
               mac = text_of(value->as_object(), "mac");
    if (!ns || !device || !mac) return invalid("an end of link " + link.name + " lacks a field");
    *end = {*ns, *device, *mac};
  }
  return link;
}

}  // namespace

std::string encode(const EmulatorConfig& config) {
  json::array links;
  for (const EmulatorLink& link : config.links) links.push_back(link_object(link));
  return json::serialize(json::object{{"control_socket", config.control_socket},
                                      {"mtu_bytes", config.mtu_bytes},
                                      {"seed", config.seed},
                                      {"links", std::move(links)}});
}

Result<EmulatorConfig> decode_emulator_config(std::string_view text) {
  const auto root = parse_object(text);
  if (!root) return tl::unexpected(root.error());
  EmulatorConfig out;
  const auto socket = text_of(*root, "control_socket");
  const auto mtu = number_of(*root, "mtu_bytes"), seed = number_of(*root, "seed");
  const json::value* links = root->if_contains("links");
  if (!socket || !mtu || *mtu < 1280 || *mtu > 9216 || !seed || links == nullptr || !links->is_array()) {
    return invalid("its configuration lacks control_socket, mtu_bytes (1280..9216), seed or links");
  }
  out.control_socket = *socket;
  out.mtu_bytes = static_cast<uint32_t>(*mtu);
  out.seed = static_cast<uint64_t>(*seed);
  for (const json::value& item : links->as_array()) {
    auto link = link_of(item);
    if (!link) return tl::unexpected(link.error());
    out.links.push_back(std::move(*link));
  }
  return out;
}

std::string encode(const EmulatorCommand& command) {
  json::object object{{"do", kVerbs[static_cast<size_t>(command.kind)]}};
  if (!command.link.empty()) object["link"] = command.link;
  if (command.carried) object["carried"] = link_object(*command.carried);
  if (command.delay_us) object["delay_us"] = *command.delay_us;
  if (command.jitter_us) object["jitter_us"] = *command.jitter_us;
  if (command.loss_ppm) object["loss_ppm"] = *command.loss_ppm;
  if (command.rate_bps) object["rate_bps"] = *command.rate_bps;
  if (command.queue_us) object["queue_us"] = *command.queue_us;
  return json::serialize(object);
}

Result<EmulatorCommand> decode_emulator_command(std::string_view line) {
  if (line.size() > kControlLineBytesMax) return invalid("the line is longer than 4096 bytes");
  const auto root = parse_object(line);
  if (!root) return tl::unexpected(root.error());
  EmulatorCommand out;
  const auto verb = text_of(*root, "do");
  size_t kind = 0;
  while (kind < std::size(kVerbs) && (!verb || *verb != kVerbs[kind])) ++kind;
  if (kind == std::size(kVerbs)) return invalid("'do' is none of cut, heal, set, stats, stop, carry");
  out.kind = static_cast<EmulatorCommand::Kind>(kind);
  for (const auto& member : *root) {
    const std::string_view key(member.key().data(), member.key().size());
    if (key == "do") continue;
    if (key == "link") {
      const auto name = text_of(*root, key);
      if (!name || name->empty()) return invalid("'link' is not a name");
      out.link = *name;
      continue;
    }
    if (key == "carried") {
      auto link = link_of(member.value());
      if (!link) return tl::unexpected(link.error());
      if (link->name.empty()) return invalid("'carried' has no name");
      out.carried = std::move(*link);
      continue;
    }
    std::optional<int64_t>* field = key == "delay_us"    ? &out.delay_us
                                    : key == "jitter_us" ? &out.jitter_us
                                    : key == "loss_ppm"  ? &out.loss_ppm
                                    : key == "rate_bps"  ? &out.rate_bps
                                    : key == "queue_us"  ? &out.queue_us
                                                         : nullptr;
    if (field == nullptr) return invalid("'" + std::string(key.substr(0, 40)) + "' is not a known field");
    *field = number_of(*root, key);
    if (!*field) return invalid("'" + std::string(key) + "' is not a whole number");
  }
  const bool has_value = out.delay_us || out.jitter_us || out.loss_ppm || out.rate_bps || out.queue_us;
  using Kind = EmulatorCommand::Kind;
  const bool about_link = out.kind == Kind::kCut || out.kind == Kind::kHeal || out.kind == Kind::kSet;
  if (about_link == out.link.empty()) {
    return invalid(about_link ? "'link' is missing" : "'link' has no meaning here");
  }
  if ((out.kind == Kind::kCarry) != out.carried.has_value()) {
    return invalid(out.carried ? "only 'carry' takes 'carried'" : "'carried' is missing");
  }
  if ((out.kind == Kind::kSet) != has_value) {
    return invalid(has_value ? "only 'set' takes values" : "'set' changes nothing");
  }
  return out;
}

Result<LinkSettings> changed(LinkSettings settings, const EmulatorCommand& command) {
  if (command.kind == EmulatorCommand::Kind::kCut) settings.cut = true;
  if (command.kind == EmulatorCommand::Kind::kHeal) settings.cut = false;
  settings.delay_us = command.delay_us.value_or(settings.delay_us);
  settings.jitter_us = command.jitter_us.value_or(settings.jitter_us);
  settings.loss_ppm = command.loss_ppm.value_or(settings.loss_ppm);
  settings.rate_bps = command.rate_bps.value_or(settings.rate_bps);
  settings.queue_us = command.queue_us.value_or(settings.queue_us);
  if (const Status ok = check(settings); !ok) return tl::unexpected(ok.error());
  return settings;
}

std::string encode_answer(const std::vector<EmulatorLinkStats>& stats) {
  json::array links;
  for (const EmulatorLinkStats& link : stats) {
    links.push_back(json::object{{"name", link.name},
                                 {"settings", settings_object(link.settings)},
                                 {"forward", counters_object(link.forward)},
                                 {"backward", counters_object(link.backward)}});
  }
  return json::serialize(json::object{{"ok", true}, {"links", std::move(links)}});
}

std::string encode_answer(const Status& status) {
  if (status) return R"({"ok":true})";
  return json::serialize(json::object{{"ok", false}, {"error", status.error().what}});
}

Result<std::vector<EmulatorLinkStats>> decode_answer(std::string_view line) {
  const auto root = parse_object(line);
  if (!root) return tl::unexpected(root.error());
  const json::value* ok = root->if_contains("ok");
  if (ok == nullptr || !ok->is_bool() || !ok->as_bool()) {
    return invalid(text_of(*root, "error").value_or("its answer lacks 'ok'"));
  }
  std::vector<EmulatorLinkStats> out;
  const json::value* links = root->if_contains("links");
  if (links == nullptr || !links->is_array()) return out;
  for (const json::value& item : links->as_array()) {
    const json::object* object = item.if_object();
    const json::value* settings = object != nullptr ? object->if_contains("settings") : nullptr;
    const auto parsed =
        settings != nullptr && settings->is_object() ? settings_of(settings->as_object()) : std::nullopt;
    const auto name = object != nullptr ? text_of(*object, "name") : std::nullopt;
    if (!parsed || !name) return invalid("its answer has a link without name or settings");
    out.push_back({*name, *parsed, counters_of(*object, "forward"), counters_of(*object, "backward")});
  }
  return out;
}

}  // namespace weir::lab
