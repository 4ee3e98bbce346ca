#pragma once

// Private to this folder: waiting.h in Chinese. Reached by its functions with Language::kChinese.

#include "service/gateway/waiting.h"

namespace weir::gateway::zh {

std::string wait_text(const Reading& from, const JobWait& wait);
std::string explain_wait(const Reading& from, const JobWait& wait);

}  // namespace weir::gateway::zh
