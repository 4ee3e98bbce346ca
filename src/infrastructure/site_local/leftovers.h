#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace weir::site_local {

// Folders in which every user may make files.
std::vector<std::filesystem::path> shared_folders();

// Removes what belongs to a user in these folders, with everything below it. The user must have no processes.
// What cannot be removed stays.
void remove_leftovers(uint32_t uid, const std::vector<std::filesystem::path>& folders = shared_folders());

}  // namespace weir::site_local
