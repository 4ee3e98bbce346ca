#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/result/result.h"
#include "security/identity/secret.h"

// Small files that hold secrets: read whole, written whole.
namespace weir::identity {

inline constexpr size_t kPrivateFileBytesMax = 64 * 1024;

// Makes the folder for its owner alone (0700) where it is missing. kDenied when it exists and belongs to
// another user or lets other users write.
Status make_private_folder(const std::filesystem::path& folder);

// Errors: kNotFound; kDenied when it is no regular file (a symbolic link included), belongs to another user,
// or other users may read or write it; kInvalid over the size limit.
Result<SecretText> read_private_file(const std::filesystem::path& path);

// Durable when it returns; at no time is there a partial file, and it is never readable by others.
enum class Existing { kReplace, kKeep };  // kKeep: kConflict when the file exists
Status write_private_file(const std::filesystem::path& path, std::string_view text, Existing existing);

// As write_private_file with kReplace, but readable by all (0644).
Status write_public_file(const std::filesystem::path& path, std::string_view text);

}  // namespace weir::identity
