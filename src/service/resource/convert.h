#pragma once

#include <string>

#include "service/resource/checks.h"
#include "service/resource/resource.h"
#include "weir/v1/resource.pb.h"

// Between the messages of each kind and their values. Private to this library.
namespace weir::resource {

Intent intent_from(const v1::Intent& message, const Context& context, Checks& checks);
Site site_from(const v1::Site& message, Checks& checks);
Router router_from(const v1::Router& message, Checks& checks);
Link link_from(const v1::Link& message, Checks& checks);
Dataset dataset_from(const v1::Dataset& message, const Context& context, Checks& checks);
Offer offer_from(const v1::Offer& message, Checks& checks);
Tenant tenant_from(const v1::Tenant& message, Checks& checks);
Queue queue_from(const v1::Queue& message, Checks& checks);
Reservation reservation_from(const v1::Reservation& message, const Context& context, Checks& checks);
Workflow workflow_from(const v1::Workflow& message, const Context& context, Checks& checks);
// One instance, at this path.
Workload instance_from(const std::string& path, const v1::Intent::Instance& in, WorkKind kind, Checks& checks);
std::vector<HourRate> hours_from(const v1::Site::Spec& spec, Checks& checks);
Schedule schedule_from(const v1::Intent::Timing& timing, bool job, Checks& checks);

// Each fills name, tenant and spec.
void fill(const Intent& value, v1::Intent& message);
void fill(const Site& value, v1::Site& message);
void fill(const Router& value, v1::Router& message);
void fill(const Link& value, v1::Link& message);
void fill(const Dataset& value, v1::Dataset& message);
void fill(const Offer& value, v1::Offer& message);
void fill(const Tenant& value, v1::Tenant& message);
void fill(const Queue& value, v1::Queue& message);
void fill(const Reservation& value, v1::Reservation& message);
void fill(const Workflow& value, v1::Workflow& message);
// Spans of equal hours; those that change nothing are left out.
void fill(const std::vector<HourRate>& hours, v1::Site::Spec& spec);
void fill(const Schedule& value, v1::Intent::Timing& timing);

template <class Repeated>
std::vector<std::string> strings(const Repeated& repeated) {
  return {repeated.begin(), repeated.end()};
}

}  // namespace weir::resource
