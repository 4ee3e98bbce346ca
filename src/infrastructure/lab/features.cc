#include "infrastructure/lab/features.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "infrastructure/lab/netns.h"

namespace weir::lab {

Features probe_features() {
  Features f;
  f.root = geteuid() == 0;
  if (!f.root) f.missing.emplace_back("root: a lab makes network namespaces and devices; run it with sudo");
  if (const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC); fd >= 0) {
    f.tap = true;
    close(fd);
  } else {
    f.missing.emplace_back("TAP devices: links cannot be emulated; load the module tun (modprobe tun)");
  }
  f.programs = run_program({"ip", "-Version"}, "").has_value();
  if (!f.programs)
    f.missing.emplace_back("iproute2: the network cannot be set up; install the package iproute2");
  Status entered = in_namespace("", [&]() -> Status {
    if (unshare(CLONE_NEWNET) != 0) return fail(ErrorCode::kUnsupported, "no namespace");
    if (!f.programs) return {};
    f.srv6 = run_program({"ip", "-batch", "-"},
                         "link set lo up\n"
                         "route add fd00::/64 encap seg6 mode encap segs fd01::1 dev lo\n"
                         "route add fd02::1/128 encap seg6local action End.DT6 table main dev lo\n")
                 .has_value();
    f.nftables = run_program({"nft", "-f", "-"},
                             "table ip6 probe {\nchain c { type nat hook output priority -100; }\n}\n")
                     .has_value();
    return {};
  });
  f.namespaces = entered.has_value();
  if (f.root && !f.namespaces) {
    f.missing.emplace_back("network namespaces: this kernel or container forbids them; use another machine");
  }
  if (f.namespaces && f.programs && !f.srv6) {
    f.missing.emplace_back(
        "SRv6: paths follow plain routing; use a kernel with CONFIG_IPV6_SEG6_LWTUNNEL to steer them");
  }
  if (f.namespaces && !f.nftables) {
    f.missing.emplace_back(
        "nftables: agents can install no paths and no service addresses; install the package nftables");
  }
  rlimit limit{};
  f.realtime = f.root || (getrlimit(RLIMIT_RTPRIO, &limit) == 0 && limit.rlim_cur >= 10);
  if (!f.realtime) f.missing.emplace_back("real-time scheduling: delays are less exact on a busy machine");
  return f;
}

Status sufficient(const Features& f) {
  if (f.root && f.namespaces && f.tap && f.programs) return {};
  std::string what = "this machine lacks what a lab needs:";
  for (const std::string& line : f.missing) what += "\n  " + line;
  return fail(f.root ? ErrorCode::kUnsupported : ErrorCode::kDenied, what);
}

}  // namespace weir::lab
