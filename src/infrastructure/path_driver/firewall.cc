#include "infrastructure/path_driver/firewall.h"

#include <nftables/libnftables.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <optional>
#include <set>

namespace weir::path_driver {
namespace {

namespace json = boost::json;

// Priorities: addresses are translated where nftables puts destination NAT, counting comes after it.
constexpr const char* kFrame = R"(table ip6 weir {
  map services { type inet_proto . ipv6_addr . inet_service : verdict; }
  chain steered { }
  chain service_output { type nat hook output priority -100; }
  chain service_prerouting { type nat hook prerouting priority -100; }
  chain count_output { type filter hook output priority 0; }
  chain count_forward { type filter hook forward priority 0; }
}
flush chain ip6 weir service_output
flush chain ip6 weir service_prerouting
flush chain ip6 weir count_output
flush chain ip6 weir count_forward
add rule ip6 weir service_output meta l4proto . ip6 daddr . th dport vmap @services
add rule ip6 weir service_prerouting meta l4proto . ip6 daddr . th dport vmap @services
add rule ip6 weir count_output jump steered
add rule ip6 weir count_forward jump steered
)";

std::string_view name_of(Transport transport) { return transport == Transport::kTcp ? "tcp" : "udp"; }

// Of the chain of one service; at most 31 characters, which nftables allows.
std::string chain_of(const Ipv6Address& address, uint16_t port, Transport transport) {
  std::string out(name_of(transport));
  out += '_' + std::to_string(port) + '_';
  for (const uint8_t byte : address.bytes) {
    for (const int shift : {4, 0}) out += "0123456789abcdef"[byte >> shift & 0xf];
  }
  return out;
}

std::string key_of(const Ipv6Address& address, uint16_t port, Transport transport) {
  return std::string(name_of(transport)) + " . " + address.text() + " . " + std::to_string(port);
}

std::string counter_of(PathLabel label) { return "path_" + std::to_string(label); }

std::optional<uint16_t> label_of_counter(std::string_view name) {
  if (!name.starts_with("path_")) return std::nullopt;
  name.remove_prefix(5);
  uint16_t label = 0;
  const auto end = std::from_chars(name.data(), name.data() + name.size(), label);
  if (end.ec != std::errc() || end.ptr != name.data() + name.size()) return std::nullopt;
  return label;
}

// The object under `key` of every element of {"nftables": [...]} that has it.
template <class Visit>
void each(const json::value& root, std::string_view key, const Visit& visit) {
  for (const json::value& item : root.at("nftables").as_array()) {
    if (const json::value* found = item.as_object().if_contains({key.data(), key.size()}))
      visit(found->as_object());
  }
}

// Weights and targets of {"map": {"data": {"set": [[key, {"concat": [address, port]}], ...]}}}.
std::vector<ServiceTarget> targets_of(const json::object& dnat) {
  std::vector<ServiceTarget> out;
  for (const json::value& element : dnat.at("addr").at("map").at("data").at("set").as_array()) {
    const json::value& key = element.as_array().at(0);
    const json::array& target = element.as_array().at(1).at("concat").as_array();
    ServiceTarget t;
    if (key.is_object()) {
      const json::array& range = key.at("range").as_array();
      t.weight =
          static_cast<uint32_t>(range.at(1).to_number<int64_t>() - range.at(0).to_number<int64_t>() + 1);
    }
    t.address = Ipv6Address::parse(std::string_view(target.at(0).as_string())).value_or(Ipv6Address{});
    t.port = target.at(1).to_number<uint16_t>();
    out.push_back(t);
  }
  return out;
}

}  // namespace

void Firewall::Free::operator()(nft_ctx* context) const { nft_ctx_free(context); }

Result<Firewall> Firewall::open() {
  nft_ctx* context = nft_ctx_new(NFT_CTX_DEFAULT);
  if (context == nullptr) return fail(ErrorCode::kUnavailable, "cannot be opened", "nftables");
  nft_ctx_buffer_output(context);
  nft_ctx_buffer_error(context);
  Firewall out(context);
  if (const Status s = out.run("add table ip6 weir_probe\ndelete table ip6 weir_probe\n"); !s) {
    return tl::unexpected(s.error());
  }
  return out;
}

Status Firewall::run(const std::string& commands) {
  if (nft_run_cmd_from_buffer(context_.get(), commands.c_str()) == 0) {
    nft_ctx_get_output_buffer(context_.get());
    return {};
  }
  std::string said = nft_ctx_get_error_buffer(context_.get());
  said = said.substr(0, said.find('\n'));
  const bool denied = said.find("ermitted") != std::string::npos;
  return fail(denied ? ErrorCode::kDenied : ErrorCode::kUnsupported, "the kernel refuses: " + said,
              "nftables", denied ? "run with CAP_NET_ADMIN" : "use a kernel with nftables, NAT and counters");
}

Result<std::string> Firewall::list_json() {
  nft_ctx_output_set_flags(context_.get(), NFT_CTX_OUTPUT_JSON);
  const int code = nft_run_cmd_from_buffer(context_.get(), "list table ip6 weir");
  nft_ctx_output_set_flags(context_.get(), 0);
  const std::string out = nft_ctx_get_output_buffer(context_.get());
  const std::string said = nft_ctx_get_error_buffer(context_.get());
  if (code == 0) return out;
  if (said.find("No such file") != std::string::npos) return std::string(R"({"nftables": []})");
  return fail(ErrorCode::kUnavailable, "cannot be read: " + said.substr(0, said.find('\n')), "nftables");
}

Status Firewall::count(const std::vector<PathLabel>& labels, const std::vector<Steering>& steerings) {
  const auto known = counters();
  if (!known) return tl::unexpected(known.error());
  std::string commands = kFrame;
  for (const PathLabel label : labels) commands += "add counter ip6 weir " + counter_of(label) + "\n";
  commands += "flush chain ip6 weir steered\n";
  std::vector<Steering> sorted = steerings;
  std::ranges::stable_sort(sorted, [](const Steering& a, const Steering& b) {
    return std::pair(a.destination.length, a.source.has_value()) >
           std::pair(b.destination.length, b.source.has_value());
  });
  for (const Steering& s : sorted) {
    commands += "add rule ip6 weir steered ip6 daddr " + s.destination.text();
    if (s.source) commands += " ip6 saddr " + s.source->text();
    commands += " counter name " + counter_of(s.label) + " return\n";
  }
  for (const auto& [label, ignored] : *known) {
    if (std::ranges::find(labels, label) == labels.end()) {
      commands += "delete counter ip6 weir " + counter_of(label) + "\n";
    }
  }
  return run(commands);
}

Result<std::map<PathLabel, PathCounters>> Firewall::counters() {
  const auto text = list_json();
  if (!text) return tl::unexpected(text.error());
  std::map<PathLabel, PathCounters> out;
  try {
    each(json::parse(*text), "counter", [&](const json::object& counter) {
      if (const auto label = label_of_counter(counter.at("name").as_string())) {
        out[*label] = {counter.at("packets").to_number<uint64_t>(),
                       counter.at("bytes").to_number<uint64_t>()};
      }
    });
  } catch (const std::exception& e) {
    return fail(ErrorCode::kInternal, std::string("its listing is not understood: ") + e.what(), "nftables");
  }
  return out;
}

Status Firewall::publish(const PublishedService& service) {
  const std::string chain = chain_of(service.address, service.port, service.transport);
  uint32_t total = 0;
  std::string map;
  for (const ServiceTarget& target : service.targets) {
    const uint32_t last = total + target.weight - 1;
    map += (map.empty() ? "" : ", ") + std::to_string(total) +
           (last > total ? "-" + std::to_string(last) : "") + " : " + target.address.text() + " . " +
           std::to_string(target.port);
    total = last + 1;
  }
  return run(std::string(kFrame) + "add chain ip6 weir " + chain + "\nflush chain ip6 weir " + chain +
             "\nadd rule ip6 weir " + chain + " meta l4proto " + std::string(name_of(service.transport)) +
             " dnat ip6 to numgen inc mod " + std::to_string(total) + " map { " + map +
             " }\nadd element ip6 weir services { " +
             key_of(service.address, service.port, service.transport) + " : goto " + chain + " }\n");
}

Status Firewall::withdraw(const Ipv6Address& address, uint16_t port, Transport transport) {
  const auto known = services();
  if (!known) return tl::unexpected(known.error());
  const bool published = std::ranges::any_of(*known, [&](const PublishedService& s) {
    return s.address == address && s.port == port && s.transport == transport;
  });
  if (!published) return {};
  const std::string chain = chain_of(address, port, transport);
  return run("delete element ip6 weir services { " + key_of(address, port, transport) +
             " }\nflush chain ip6 weir " + chain + "\ndelete chain ip6 weir " + chain + "\n");
}

Result<std::vector<PublishedService>> Firewall::services() {
  const auto text = list_json();
  if (!text) return tl::unexpected(text.error());
  std::vector<PublishedService> out;
  try {
    const json::value root = json::parse(*text);
    std::map<std::string, std::vector<ServiceTarget>> targets;
    each(root, "rule", [&](const json::object& rule) {
      for (const json::value& expression : rule.at("expr").as_array()) {
        if (const json::value* dnat = expression.as_object().if_contains("dnat")) {
          targets[std::string(rule.at("chain").as_string())] = targets_of(dnat->as_object());
        }
      }
    });
    each(root, "map", [&](const json::object& map) {
      const json::value* elements = map.if_contains("elem");
      if (map.at("name").as_string() != "services" || elements == nullptr) return;
      for (const json::value& element : elements->as_array()) {
        const json::array& key = element.as_array().at(0).at("concat").as_array();
        PublishedService service;
        service.transport = key.at(0).as_string() == "udp" ? Transport::kUdp : Transport::kTcp;
        service.address = Ipv6Address::parse(std::string_view(key.at(1).as_string())).value_or(Ipv6Address{});
        service.port = key.at(2).to_number<uint16_t>();
        service.targets = targets[chain_of(service.address, service.port, service.transport)];
        out.push_back(std::move(service));
      }
    });
  } catch (const std::exception& e) {
    return fail(ErrorCode::kInternal, std::string("its listing is not understood: ") + e.what(), "nftables");
  }
  std::ranges::sort(out, [](const PublishedService& a, const PublishedService& b) {
    return std::tie(a.address, a.port, a.transport) < std::tie(b.address, b.port, b.transport);
  });
  return out;
}

Status Firewall::reset() { return run("add table ip6 weir\ndelete table ip6 weir\n"); }

}  // namespace weir::path_driver
