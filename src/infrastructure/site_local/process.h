#pragma once

#include <cstdint>
#include <string>

#include "infrastructure/site_local/record.h"

namespace weir::site_local {

// Microseconds of CLOCK_BOOTTIME, and of CLOCK_REALTIME since 1970.
uint64_t boottime_us();
uint64_t unix_us();

// Of this boot of the machine.
std::string boot_id();

// The running process of this number; pid 0 in the answer when there is none.
ProcessName name_process(int32_t pid);

// Whether the very process still exists; a zombie counts as gone.
bool alive(const ProcessName& process);

// Sends a signal to that very process. False: it is gone.
bool signal_process(const ProcessName& process, int signal_number);

}  // namespace weir::site_local
