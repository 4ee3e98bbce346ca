#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/site_driver.h"
#include "core/result/result.h"

namespace weir::site_local {

// What one tenant may run here, and how much at once.
struct TenantRule {
  std::string tenant;                  // "*": every tenant that no other rule names
  std::vector<std::string> artifacts;  // digests, or "*"
  std::vector<std::string> commands;   // globs over the absolute path of a program of this machine
  uint64_t cpu_milli_max = 0;
  uint64_t memory_bytes_max = 0;
  uint32_t accelerators_max = 0;
  uint32_t runs_max = 0;
  uint32_t line = 0;  // of the rule, for messages
};

// What a tenant holds already.
struct TenantHoldings {
  uint64_t cpu_milli = 0;
  uint64_t memory_bytes = 0;
  uint64_t accelerator_milli = 0;  // thousandths of devices
  uint32_t runs = 0;
};

// All that a run takes of accelerators, in thousandths of one.
inline uint64_t accelerators_taken_milli(const RunSpec& spec) {
  return spec.accelerators * uint64_t{spec.accelerator_milli > 0 ? spec.accelerator_milli : 1'000};
}

// The provider's word on what may run on this machine; what it does not name is denied. A TOML file (the part
// of TOML that parse_toml_subset reads):
//
//   version = 1
//   [[tenant]]
//   name = "city"
//   artifacts = ["sha256:<64 hexadecimal digits>"]   # or ["*"]
//   commands = ["/usr/bin/python3*"]                  # programs of the machine; "*" matches "/" too
//   cpu_milli_max = 4000
//   memory_mib_max = 8192
//   accelerators_max = 0                              # default 0
//   runs_max = 64                                     # default 64
class AllowList {
 public:
  // Errors are kInvalid and name file, line and field. `name` stands for the file in messages.
  static Result<AllowList> parse(std::string_view text, const std::string& name);
  static Result<AllowList> load(const std::filesystem::path& path);

  // `program` is the absolute path of the command when it is not an artifact. kDenied names the rule, or the
  // lack of one; kExhausted: allowed, but over the tenant's share now.
  Status check(const RunSpec& spec, std::string_view program, const TenantHoldings& holdings) const;

  const std::vector<TenantRule>& rules() const { return rules_; }

 private:
  std::string name_;
  std::vector<TenantRule> rules_;
};

// "*" matches any characters, "?" one.
bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace weir::site_local
