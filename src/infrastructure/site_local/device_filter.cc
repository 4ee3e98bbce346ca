#include "infrastructure/site_local/device_filter.h"

#include <fcntl.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "infrastructure/posix/file.h"
#include "infrastructure/posix/unique_fd.h"
#include "infrastructure/site_local/bpf.h"

namespace weir::site_local {
namespace {

constexpr size_t kInstructionsOfDevice = 4;
constexpr ProgramKind kKind = {
    .type = BPF_PROG_TYPE_CGROUP_DEVICE, .attach_type = BPF_CGROUP_DEVICE, .name = "weir_devices"};

// if (type != char) return 1; for each device: if (major == it && minor == it) return 0; return 1
std::vector<bpf_insn> denying_program(std::span<const DeviceNumber> devices) {
  std::vector<bpf_insn> out = {
      bpf_instruction(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1,
                      offsetof(bpf_cgroup_dev_ctx, access_type), 0),
      // The upper half says which access is asked for: all are refused.
      bpf_instruction(BPF_ALU | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff),
      bpf_instruction(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_3, BPF_REG_1, offsetof(bpf_cgroup_dev_ctx, major),
                      0),
      bpf_instruction(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, BPF_REG_1, offsetof(bpf_cgroup_dev_ctx, minor),
                      0),
      bpf_instruction(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0,
                      static_cast<int16_t>(kInstructionsOfDevice * devices.size()), BPF_DEVCG_DEV_CHAR)};
  for (const DeviceNumber& device : devices) {
    out.push_back(
        bpf_instruction(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_3, 0, 3, static_cast<int32_t>(device.major)));
    out.push_back(
        bpf_instruction(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_4, 0, 2, static_cast<int32_t>(device.minor)));
    out.push_back(bpf_instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0));
    out.push_back(bpf_instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  }
  out.push_back(bpf_instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1));
  out.push_back(bpf_instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  return out;
}

}  // namespace

Status deny_devices(const std::filesystem::path& group, std::span<const DeviceNumber> devices) {
  if (devices.size() > kDeniedDevicesMax) {
    return fail(ErrorCode::kExhausted,
                "more than " + std::to_string(kDeniedDevicesMax) + " devices to keep from runs",
                group.string());
  }
  const posix::UniqueFd folder(::open(group.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return posix::fail_errno("cannot open", group, errno);
  return attach_program(kKind, denying_program(devices), folder.get(), group);
}

bool can_deny_devices() { return load_program(kKind, denying_program({}), "runs").has_value(); }

}  // namespace weir::site_local
