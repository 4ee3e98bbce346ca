// What users send over gRPC: the first byte chooses the call and who calls; the rest is the request message.
// Each is answered once, or refused with a reason that people can read.
#include <cstddef>
#include <cstdint>

#include "service/gateway/fuzz_world.h"
#include "weir/v1/service.pb.h"

namespace {

using namespace weir;
using namespace weir::gateway;

struct Input {
  Service& service;
  const Caller who;
  const uint8_t* data;
  size_t size;

  template <class Who, class Request, class Response>
  void read(Result<Response> (Service::*handler)(const Who&, const Request&)) const {
    Request request;
    if (!request.ParseFromArray(data, static_cast<int>(size))) return;
    const auto response = (service.*handler)(who, request);
    if (!response) require_explained(response.error());
  }
  template <class Request, class Response>
  void change(void (Service::*handler)(const policy::Principal&, const Request&,
                                       Service::Reply<Response>)) const {
    Request request;
    if (!request.ParseFromArray(data, static_cast<int>(size))) return;
    int answers = 0;
    (service.*handler)(who, request, [&answers](Result<Response> response) {
      if (!response) require_explained(response.error());
      ++answers;
    });
    if (answers != 1) std::abort();
  }
  void events() const {
    v1::EventsRequest request;
    if (!request.ParseFromArray(data, static_cast<int>(size))) return;
    if (const Status may = service.check_events(who, request); !may) return require_explained(may.error());
    const auto events = service.events(who, request, request.from());
    if (!events) return require_explained(events.error());
    if (events->next() < request.from()) std::abort();
  }
  void logs() const {
    v1::LogsRequest request;
    if (!request.ParseFromArray(data, static_cast<int>(size))) return;
    const auto cancel = service.logs(who, request, [](const LogPiece&) {});
    if (!cancel) require_explained(cancel.error());
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  FuzzWorld& world = FuzzWorld::fresh();
  const bool tenant = (data[0] & 128) != 0;
  const Input in{world.service,
                 Caller{policy::principal_of(tenant ? policy::Role::kTenant : policy::Role::kOperator, tenant ? "city" : "alice")},
                 data + 1, size - 1};
  switch ((data[0] & 127) % 19) {
    case 0:
      in.change(&Service::apply);
      break;
    case 1:
      in.change(&Service::remove);
      break;
    case 2:
      in.change(&Service::drain);
      break;
    case 3:
      in.change(&Service::undrain);
      break;
    case 4:
      in.change(&Service::issue_token);
      break;
    case 5:
      in.change(&Service::revoke_token);
      break;
    case 6:
      in.read(&Service::get);
      break;
    case 7:
      in.read(&Service::list);
      break;
    case 8:
      in.read(&Service::explain);
      break;
    case 9:
      in.read(&Service::bill);
      break;
    case 10:
      in.read(&Service::ledger_head);
      break;
    case 11:
      in.read(&Service::ledger_proof);
      break;
    case 12:
      in.events();
      break;
    case 13:
      in.logs();
      break;
    case 14:
      in.read(&Service::ask);
      break;
    case 15:
      in.read(&Service::who_am_i);
      break;
    case 16:
      in.read(&Service::add_webhook);
      break;
    case 17:
      in.read(&Service::list_webhooks);
      break;
    case 18:
      in.read(&Service::remove_webhook);
      break;
  }
  return 0;
}
