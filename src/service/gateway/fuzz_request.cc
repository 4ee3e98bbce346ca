// Any method, target, header and body: one answer or refusal, and never more than that. The two bytes before
// the target choose method, token and headers; the body follows the first line.
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "service/gateway/fuzz_world.h"
#include "service/gateway/rest_routes.h"
#include "weir/v1/service.pb.h"

namespace {

using namespace weir::gateway;

void check(const HttpResponse& response) {
  google::protobuf::Value value;
  const bool good = response.status == 200 || response.status == 201 || response.status == 204 || response.status == 206;
  if (!good && response.status != 304 && response.status < 400) std::abort();
  if ((response.status == 204 || response.status == 304) && response.body.empty()) return;
  if (!google::protobuf::util::JsonStringToMessage(response.body, &value).ok()) std::abort();
  if (http_reason(response.status) == "Error") std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  FuzzWorld& world = FuzzWorld::fresh();
  static constexpr const char* kMethods[] = {"GET", "POST", "DELETE", "PATCH"};
  HttpRequest request{.method = kMethods[data[0] % 4]};
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t end = text.find('\n');
  request.target = text.substr(0, end);
  if (end != std::string::npos) request.body = text.substr(end + 1);
  request.authorization = (data[0] & 64) != 0 ? request.body : world.bearer;
  if ((data[0] & 128) != 0) request.content_type = "application/yaml";
  if ((data[1] & 1) != 0) request.last_event_id = request.body;
  if ((data[1] & 2) != 0) request.idempotency_key = request.body;
  if ((data[1] & 4) != 0) request.if_none_match = request.body;
  if ((data[1] & 8) != 0) request.if_match = request.body;

  // As of a server of its own: the world may be new.
  auto routed = route(world.service, request, std::make_shared<CallerBounds>(RateSettings{}), 0);
  if (const auto* refused = std::get_if<HttpResponse>(&routed)) {
    check(*refused);
  } else if (const auto* answer = std::get_if<Answer>(&routed)) {
    int answers = 0;
    answer->begin([&answers](const HttpResponse& response) {
      check(response);
      ++answers;
    });
    if (answers != 1) std::abort();
  } else if (const auto* begin = std::get_if<EventsBegin>(&routed)) {
    const auto events = world.service.events(begin->who, *begin->request, begin->next);
    if (!events) {
      require_explained(events.error());
    } else if (sse_text(*events).find('\0') != std::string::npos) {
      std::abort();
    }
  } else {
    const auto& logs = std::get<LogsBegin>(routed);
    const auto cancel = world.service.logs(logs.who, *logs.request, [](const LogPiece&) {});
    if (!cancel) require_explained(cancel.error());
  }
  return 0;
}
