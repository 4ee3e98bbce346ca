#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <filesystem>
#include <span>

#include "core/result/result.h"
#include "infrastructure/posix/unique_fd.h"

// The few calls of bpf(2) that small programs at control groups need.
namespace weir::site_local {

// The system call; -1 and errno on failure.
int bpf(int command, bpf_attr& attributes);
uint64_t bpf_address(const void* pointer);
bpf_insn bpf_instruction(int code, uint8_t to, uint8_t from, int16_t offset, int32_t value);

struct ProgramKind {
  uint32_t type;         // BPF_PROG_TYPE_CGROUP_...
  uint32_t attach_type;  // BPF_CGROUP_...
  const char* name;      // below 16 bytes
};

// The program's descriptor.
Result<posix::UniqueFd> load_program(const ProgramKind& kind, std::span<const bpf_insn> program,
                                     const std::filesystem::path& where);
// Loads a program and attaches it, beside others, to the group that `group` has open; it leaves with the
// group. An error names the program and `where`.
Status attach_program(const ProgramKind& kind, std::span<const bpf_insn> program, int group,
                      const std::filesystem::path& where);

}  // namespace weir::site_local
