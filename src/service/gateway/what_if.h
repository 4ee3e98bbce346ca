#pragma once

#include <string>
#include <vector>

#include "core/event/types.h"
#include "core/result/result.h"
#include "service/resource/resource.h"

// Wishes that are tried without being made.
namespace weir::gateway {

inline constexpr size_t kWhatIfsMax = 16;

// The intent with fields of its spec set: "schedule.deadline=+2h", "deadline=+2h" where one field has the
// name, "where.only=metro,hub". A time may be given from `now` on. kInvalid: no such field, or a value that
// the field does not take; where: the change.
Result<resource::Resource> altered(const resource::Resource& intent, const std::vector<std::string>& changes,
                                   TimeUs now);

}  // namespace weir::gateway
