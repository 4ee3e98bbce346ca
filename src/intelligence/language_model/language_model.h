#pragma once

#include <memory>

#include "intelligence/language/model.h"

namespace weir::language {

// The model that was learned when Weir was built. One for all; made at the first call.
std::shared_ptr<const Model> built_in_model();

}  // namespace weir::language
