#include "infrastructure/site_local/traffic_counter.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/pkt_sched.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <vector>

#include "infrastructure/posix/file.h"
#include "infrastructure/site_local/bpf.h"

namespace weir::site_local {
namespace {

using posix::UniqueFd;

// Packets of this priority go last where the machine's queue knows priorities (pfifo_fast, prio, fq; tc-prio(8)).
std::array<bpf_insn, 2> yielding_program() {
  return {{
      bpf_instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_8, 0, 0, TC_PRIO_FILLER),
      bpf_instruction(BPF_STX | BPF_MEM | BPF_W, BPF_REG_1, BPF_REG_8, offsetof(__sk_buff, priority), 0),
  }};
}

// counters[index] += packet length; let it pass.
std::array<bpf_insn, 11> counting_program(int map, int32_t index) {
  return {{
      bpf_instruction(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_7, BPF_REG_1, offsetof(__sk_buff, len), 0),
      bpf_instruction(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, index),
      bpf_instruction(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),
      bpf_instruction(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
      bpf_instruction(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map),
      bpf_instruction(0, 0, 0, 0, 0),  // second half of the load
      bpf_instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
      bpf_instruction(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 1, 0),
      bpf_instruction(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_7, 0, BPF_ADD),
      bpf_instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1),
      bpf_instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  }};
}

Status attach_one(int group, int map, int32_t index, uint32_t type, bool yields, const std::filesystem::path& where) {
  std::vector<bpf_insn> program;
  if (yields) {
    for (const bpf_insn& instruction : yielding_program()) program.push_back(instruction);
  }
  for (const bpf_insn& instruction : counting_program(map, index)) program.push_back(instruction);
  return attach_program({.type = BPF_PROG_TYPE_CGROUP_SKB, .attach_type = type, .name = "weir_traffic"},
                        program, group, where);
}

}  // namespace

Result<TrafficCounter> TrafficCounter::attach(const std::filesystem::path& group, bool yields) {
  const UniqueFd folder(::open(group.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return posix::fail_errno("cannot open", group, errno);
  bpf_attr create{};
  create.map_type = BPF_MAP_TYPE_ARRAY;
  create.key_size = sizeof(uint32_t);
  create.value_size = sizeof(uint64_t);
  create.max_entries = 2;
  UniqueFd map(bpf(BPF_MAP_CREATE, create));
  if (!map) return posix::fail_errno("cannot make the traffic counters", group, errno);
  if (Status ok = attach_one(folder.get(), map.get(), 1, BPF_CGROUP_INET_EGRESS, yields, group); !ok) {
    return tl::unexpected(ok.error());
  }
  if (Status ok = attach_one(folder.get(), map.get(), 0, BPF_CGROUP_INET_INGRESS, false, group); !ok) {
    return tl::unexpected(ok.error());
  }
  return TrafficCounter(std::move(map));
}

Traffic TrafficCounter::read() const {
  std::array<uint64_t, 2> values{};
  for (uint32_t i = 0; i < values.size(); ++i) {
    bpf_attr look{};
    look.map_fd = static_cast<uint32_t>(map_.get());
    look.key = bpf_address(&i);
    look.value = bpf_address(&values[i]);
    if (bpf(BPF_MAP_LOOKUP_ELEM, look) != 0) values[i] = 0;
  }
  return {values[0], values[1]};
}

}  // namespace weir::site_local
