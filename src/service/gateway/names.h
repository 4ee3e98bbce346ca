#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/event/types.h"
#include "core/ids/ids.h"
#include "core/result/result.h"

// How enumerations and identifiers are written at the interfaces.
namespace weir::gateway {

std::string_view to_text(Liveness state);
std::string_view to_text(RunState state);
std::string_view to_text(ErrorCode code);  // "not-found", as in ErrorDetail

// Without its tenant's: "cameras" of "city/cameras".
std::string short_name(const std::string& full);
// What an operator is told who names a thing of a tenant without saying whose: kInvalid.
Error whose(std::string_view kind, std::string_view name);
// What run_text() wrote.
std::optional<RunId> parse_run(std::string_view text);
// A whole number without sign, and nothing else.
std::optional<uint64_t> parse_number(std::string_view text);

}  // namespace weir::gateway
