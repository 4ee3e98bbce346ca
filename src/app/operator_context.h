#pragma once

#include <filesystem>
#include <string>

#include "core/ports/brain.h"
#include "core/ports/clock.h"
#include "core/result/result.h"

namespace weir::app {

// The first operator's way in: where there is no such file, issues a token of operator "local" that does not
// expire and writes it there, for its owner alone. Whoever deletes the file ends the token in it: the new one
// replaces all that were issued so before. Waits for the brain. Errors: those of the brain and of the file.
Status write_operator_context(const std::filesystem::path& file, const std::string& endpoint,
                              const std::string& ca_file, Brain& brain, Clock& clock);

}  // namespace weir::app
