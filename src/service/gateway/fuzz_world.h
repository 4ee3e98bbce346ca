#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "core/units/text.h"
#include "service/gateway/test_brain.h"

namespace weir::gateway {

// A region with an intent that is placed, made anew for the input after one that changed something, so that
// what an input does depends on it alone.
struct FuzzWorld {
  TestBrain brain;
  Service service{brain.ports()};
  std::string bearer = brain.token(Role::kOperator, "alice");
  Position version = 0;

  FuzzWorld() {
    brain.build_region();
    brain.record("op", IntentSubmitted{IntentId(0u), TenantId(0u), 1, brain.cameras()});
    brain.decide();
    version = brain.durable()->version();
  }
  static FuzzWorld& fresh() {
    static std::unique_ptr<FuzzWorld> world;
    if (!world || world->brain.durable()->version() != world->version) world = std::make_unique<FuzzWorld>();
    return *world;
  }
};

inline void require_explained(const Error& error) {
  if (error.what.empty() || !valid_utf8(error.text())) std::abort();
}

}  // namespace weir::gateway
