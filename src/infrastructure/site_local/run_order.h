#pragma once

#include <filesystem>
#include <string>

#include "core/ports/site_driver.h"
#include "core/result/result.h"
#include "infrastructure/site_local/record.h"

namespace weir::site_local {

// kInvalid names the field that no site could accept.
Status check_spec(const RunSpec& spec);

// The absolute path of the machine's own program that the command names, without "." and ".."; looked for in
// /usr/local/bin, /usr/bin and /bin where the name has no slash. Empty when the command is the artifact.
// kNotFound.
Result<std::string> find_program(const RunSpec& spec);

// Sets argv and environment from order.spec and order.work_folder.
void fill_command(RunOrder& order, const std::string& program, const std::filesystem::path& artifact);

}  // namespace weir::site_local
