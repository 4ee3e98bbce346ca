#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/result/result.h"

namespace weir::posix {

// "what path: strerror(errno)", with a code that fits the errno.
tl::unexpected<Error> fail_errno(std::string_view what, const std::filesystem::path& path, int error_number);

// The whole file, of any kind; kExhausted when it is longer than `bytes_max`.
Result<std::string> read_file(const std::filesystem::path& path, size_t bytes_max = 1 << 20);

enum class Durability {
  kDurable,  // survives a power failure when the call returns
  kOrdered,  // readers see the old or the new content, never a part
};

// Replaces the file's content in one step, by way of a temporary file beside it.
Status replace_file(const std::filesystem::path& path, std::string_view content, mode_t mode,
                    Durability durability);

// Writes to a file of a kernel interface (cgroupfs, procfs) in one write.
Status write_control(const std::filesystem::path& path, std::string_view content);

}  // namespace weir::posix
