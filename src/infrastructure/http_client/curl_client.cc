#include "infrastructure/http_client/curl_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "core/ports/public_address.h"

namespace weir {
namespace {

constexpr size_t kHeadersMax = 128;

struct EasyEnds {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListEnds {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Receiving {
  HttpReply reply;
  size_t bytes_max = 0;
  size_t header_bytes = 0;
  bool too_long = false;
};

size_t take_body(char* data, size_t size, size_t count, void* context) {
  auto& receiving = *static_cast<Receiving*>(context);
  const size_t bytes = size * count;
  if (receiving.reply.body.size() + bytes > receiving.bytes_max) {
    receiving.too_long = true;
    return 0;
  }
  receiving.reply.body.append(data, bytes);
  return bytes;
}

size_t take_header(char* data, size_t size, size_t count, void* context) {
  auto& receiving = *static_cast<Receiving*>(context);
  const size_t bytes = size * count;
  std::string_view line(data, bytes);
  receiving.header_bytes += bytes;
  if (receiving.header_bytes > receiving.bytes_max || receiving.reply.headers.size() >= kHeadersMax) {
    receiving.too_long = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) {  // what came before was of an interim reply
    receiving.reply.headers.clear();
    return bytes;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bytes;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  std::string_view value = line.substr(colon + 1);
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!value.empty() && blank(value.front())) value.remove_prefix(1);
  while (!value.empty() && blank(value.back())) value.remove_suffix(1);
  receiving.reply.headers.emplace_back(std::move(name), std::string(value));
  return bytes;
}

// Asked after names were resolved, of the address that is connected to: a name cannot mean another one later.
curl_socket_t open_public(void* context, curlsocktype, curl_sockaddr* to) {
  std::optional<Ipv6Address> address;
  if (to->family == AF_INET) {
    sockaddr_in at{};
    std::memcpy(&at, &to->addr, sizeof at);
    std::array<uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &at.sin_addr, bytes.size());
    address = mapped(bytes);
  } else if (to->family == AF_INET6) {
    sockaddr_in6 at{};
    static_assert(sizeof at <= sizeof(sockaddr_storage));
    std::memcpy(&at, &to->addr, std::min<size_t>(sizeof at, to->addrlen));
    address.emplace();
    std::memcpy(address->bytes.data(), &at.sin6_addr, address->bytes.size());
  }
  if (!address || !is_public(*address)) {
    *static_cast<bool*>(context) = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

int ask_whether_to_give_up(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return (*static_cast<const std::function<bool()>*>(context))() ? 1 : 0;
}

bool has_line_end(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos; }

std::optional<std::string> wrong_with(const HttpCall& call) {
  if (!call.url.starts_with("http://") && !call.url.starts_with("https://")) return "is not an http or https address";
  if (has_line_end(call.url) || call.url.find(' ') != std::string::npos) return "has a blank or the end of a line in it";
  if (call.method.empty() || !std::all_of(call.method.begin(), call.method.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return "cannot be asked with the method '" + call.method + "'";
  }
  for (const auto& [name, value] : call.headers) {
    if (name.empty() || has_line_end(name) || name.find(':') != std::string::npos || has_line_end(value)) return "would be sent a header that is none";
  }
  return std::nullopt;
}

}  // namespace

CurlClient::CurlClient() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

Result<HttpReply> CurlClient::call(const HttpCall& call) {
  if (const auto wrong = wrong_with(call)) return fail(ErrorCode::kInvalid, *wrong, call.url);
  const std::unique_ptr<CURL, EasyEnds> easy(curl_easy_init());
  if (!easy) return fail(ErrorCode::kExhausted, "no memory for a connection", call.url);
  std::unique_ptr<curl_slist, ListEnds> headers;
  const auto add_header = [&](const std::string& line) {
    if (curl_slist* longer = curl_slist_append(headers.get(), line.c_str())) {
      static_cast<void>(headers.release());
      headers.reset(longer);
    }
  };
  add_header("Expect:");
  for (const auto& [name, value] : call.headers) add_header(value.empty() ? name + ";" : name + ": " + value);

  Receiving receiving{.bytes_max = call.reply_bytes_max};
  char reason[CURL_ERROR_SIZE] = {};
  CURL* handle = easy.get();
  curl_easy_setopt(handle, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);  // the end of a call does not wait for a name server
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<int64_t>(1, call.timeout_us / 1'000)));
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &receiving);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &receiving);
  bool private_address = false;
  if (call.public_only) {
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_public);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, &private_address);
  }
  if (call.give_up) {
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, ask_whether_to_give_up);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &call.give_up);
  }
  if (!call.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, call.ca_file.c_str());
  if (call.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  } else if (call.method != "GET" || !call.body.empty()) {
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call.body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, call.method.c_str());
  }
  const CURLcode code = curl_easy_perform(handle);
  if (receiving.too_long) {
    return fail(ErrorCode::kExhausted, "the reply is longer than " + std::to_string(call.reply_bytes_max) + " bytes", call.url);
  }
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
    return fail(ErrorCode::kInvalid, "is not an http or https address", call.url);
  }
  if (code != CURLE_OK && private_address) {
    return fail(ErrorCode::kDenied, "does not lead to a public address", call.url, "name a machine that everybody can reach");
  }
  if (code != CURLE_OK) {
    return fail(ErrorCode::kUnavailable, reason[0] != '\0' ? std::string(reason) : std::string(curl_easy_strerror(code)), call.url);
  }
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  receiving.reply.status = static_cast<int>(status);
  return std::move(receiving.reply);
}

}  // namespace weir
