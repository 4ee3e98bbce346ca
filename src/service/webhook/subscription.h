#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/event/types.h"
#include "core/result/result.h"
#include "security/identity/secret.h"
#include "security/policy/principal.h"

namespace weir::webhook {

inline constexpr size_t kUrlBytesMax = 2'048;
inline constexpr size_t kNamesMax = 64;      // of one subscription
inline constexpr size_t kNameBytesMax = 64;
inline constexpr size_t kWhyBytesMax = 512;

// What is posted: the events of the stream, or TM Forum's notifications.
inline constexpr std::string_view kWeirFormat = "weir";
inline constexpr std::string_view kTmf921Format = "tmf921";

// Who is told of what, and how far that is.
struct Subscription {
  std::string id;  // 16 hexadecimal digits
  policy::Principal owner;
  std::string token;  // public identifier of the token that it was added with; empty: none is known
  std::string url;
  std::vector<std::string> names;  // of events, in the words of the format; empty: all
  std::string tenant;              // only what concerns it; empty: whatever the owner may see
  std::string format = std::string(kWeirFormat);
  std::string query;               // as it was given, where the names were written so
  identity::SecretText secret;     // its bytes; empty: nothing is signed
  TimeUs created = 0;

  Position next = 0;         // of the first event that may not have been delivered
  TimeUs failing_since = 0;  // 0: the last delivery went well
  bool disabled = false;
  std::string why;           // the last delivery failed, or it was given up
};

// One line of JSON, secret included: for a private file. Less than 16 KiB.
identity::SecretText encode(const Subscription& subscription);
// kCorrupt: not what encode() gives.
Result<Subscription> decode(std::string_view text);

// What of a URL decides whether it may be posted to.
struct Address {
  bool tls = false;
  std::string host;             // without brackets, in lower case
  bool known_private = false;   // written as an address, or a name, that is nobody else's: 127.0.0.1, localhost
};
// kInvalid: not http://HOST[:PORT][/PATH][?QUERY] or https. Names and passwords in it are refused: it is shown.
Result<Address> parse_url(std::string_view url);

}  // namespace weir::webhook
