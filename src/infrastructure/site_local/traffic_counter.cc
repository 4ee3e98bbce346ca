#include "infrastructure/site_local/traffic_counter.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "infrastructure/posix/file.h"

namespace weir::site_local {
namespace {

using posix::UniqueFd;

int bpf(int command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

uint64_t address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

bpf_insn instruction(int code, uint8_t to, uint8_t from, int16_t offset, int32_t value) {
  bpf_insn out{};
  out.code = static_cast<uint8_t>(code);
  out.dst_reg = to & 0xf;
  out.src_reg = from & 0xf;
  out.off = offset;
  out.imm = value;
  return out;
}

// counters[index] += packet length; let it pass.
std::array<bpf_insn, 11> counting_program(int map, int32_t index) {
  return {{
      instruction(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_7, BPF_REG_1, offsetof(__sk_buff, len), 0),
      instruction(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, index),
      instruction(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),
      instruction(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
      instruction(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map),
      instruction(0, 0, 0, 0, 0),  // second half of the load
      instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
      instruction(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 1, 0),
      instruction(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_7, 0, BPF_ADD),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  }};
}

Status attach_one(int group, int map, int32_t index, uint32_t type, const std::filesystem::path& where) {
  const auto program = counting_program(map, index);
  bpf_attr load{};
  load.prog_type = BPF_PROG_TYPE_CGROUP_SKB;
  load.expected_attach_type = type;
  load.insns = address(program.data());
  load.insn_cnt = static_cast<uint32_t>(program.size());
  load.license = address("Apache-2.0");
  std::memcpy(load.prog_name, "weir_traffic", 13);
  const UniqueFd fd(bpf(BPF_PROG_LOAD, load));
  if (!fd) return posix::fail_errno("cannot load the traffic counter", where, errno);
  bpf_attr attach{};
  attach.target_fd = static_cast<uint32_t>(group);
  attach.attach_bpf_fd = static_cast<uint32_t>(fd.get());
  attach.attach_type = type;
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  if (bpf(BPF_PROG_ATTACH, attach) != 0)
    return posix::fail_errno("cannot attach the traffic counter", where, errno);
  return {};
}

}  // namespace

Result<TrafficCounter> TrafficCounter::attach(const std::filesystem::path& group) {
  const UniqueFd folder(::open(group.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return posix::fail_errno("cannot open", group, errno);
  bpf_attr create{};
  create.map_type = BPF_MAP_TYPE_ARRAY;
  create.key_size = sizeof(uint32_t);
  create.value_size = sizeof(uint64_t);
  create.max_entries = 2;
  UniqueFd map(bpf(BPF_MAP_CREATE, create));
  if (!map) return posix::fail_errno("cannot make the traffic counters", group, errno);
  if (Status ok = attach_one(folder.get(), map.get(), 0, BPF_CGROUP_INET_INGRESS, group); !ok) {
    return tl::unexpected(ok.error());
  }
  if (Status ok = attach_one(folder.get(), map.get(), 1, BPF_CGROUP_INET_EGRESS, group); !ok) {
    return tl::unexpected(ok.error());
  }
  return TrafficCounter(std::move(map));
}

Traffic TrafficCounter::read() const {
  std::array<uint64_t, 2> values{};
  for (uint32_t i = 0; i < values.size(); ++i) {
    bpf_attr look{};
    look.map_fd = static_cast<uint32_t>(map_.get());
    look.key = address(&i);
    look.value = address(&values[i]);
    if (bpf(BPF_MAP_LOOKUP_ELEM, look) != 0) values[i] = 0;
  }
  return {values[0], values[1]};
}

}  // namespace weir::site_local
