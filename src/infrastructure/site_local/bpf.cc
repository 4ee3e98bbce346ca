#include "infrastructure/site_local/bpf.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "infrastructure/posix/file.h"
#include "infrastructure/posix/unique_fd.h"

namespace weir::site_local {

int bpf(int command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

uint64_t bpf_address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

bpf_insn bpf_instruction(int code, uint8_t to, uint8_t from, int16_t offset, int32_t value) {
  bpf_insn out{};
  out.code = static_cast<uint8_t>(code);
  out.dst_reg = to & 0xf;
  out.src_reg = from & 0xf;
  out.off = offset;
  out.imm = value;
  return out;
}

Result<posix::UniqueFd> load_program(const ProgramKind& kind, std::span<const bpf_insn> program,
                                     const std::filesystem::path& where) {
  bpf_attr load{};
  load.prog_type = kind.type;
  load.expected_attach_type = kind.attach_type;
  load.insns = bpf_address(program.data());
  load.insn_cnt = static_cast<uint32_t>(program.size());
  load.license = bpf_address("Apache-2.0");
  std::memcpy(load.prog_name, kind.name, std::min(std::strlen(kind.name), sizeof load.prog_name - 1));
  posix::UniqueFd fd(bpf(BPF_PROG_LOAD, load));
  if (!fd) return posix::fail_errno("cannot load " + std::string(kind.name) + " for", where, errno);
  return fd;
}

Status attach_program(const ProgramKind& kind, std::span<const bpf_insn> program, int group,
                      const std::filesystem::path& where) {
  const auto fd = load_program(kind, program, where);
  if (!fd) return tl::unexpected(fd.error());
  bpf_attr attach{};
  attach.target_fd = static_cast<uint32_t>(group);
  attach.attach_bpf_fd = static_cast<uint32_t>(fd->get());
  attach.attach_type = kind.attach_type;
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  if (bpf(BPF_PROG_ATTACH, attach) != 0)
    return posix::fail_errno("cannot attach " + std::string(kind.name) + " to", where, errno);
  return {};
}

}  // namespace weir::site_local
