// Any method, target, header and body: an answer or a refusal, and never more than that.
#include <cstddef>
#include <cstdint>
#include <string>

#include "service/gateway/rest_routes.h"
#include "service/gateway/test_brain.h"
#include "weir/v1/service.pb.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::gateway;
  static weir::gateway::TestBrain& brain = *[] {
    auto* made = new TestBrain();
    made->build_region();
    return made;
  }();
  static Service& service = *new Service(brain.ports());
  static const std::string token = brain.token(weir::Role::kOperator, "alice");
  if (size < 2) return 0;
  static constexpr const char* kMethods[] = {"GET", "POST", "DELETE", "PATCH"};
  HttpRequest request{.method = kMethods[data[0] % 4]};
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t end = text.find('\n');
  request.target = text.substr(0, end);
  if (end != std::string::npos) request.body = text.substr(end + 1);
  request.authorization = (data[0] & 64) != 0 ? request.body : token;
  if ((data[0] & 128) != 0) request.content_type = "application/yaml";
  if ((data[1] & 1) != 0) request.last_event_id = request.body;
  auto routed = route(service, request);
  // Reads are answered; changes would make the ledger grow without end.
  if (auto* answer = std::get_if<Answer>(&routed); answer && data[0] % 4 == 0) answer->begin([](HttpResponse) {});
  return 0;
}
