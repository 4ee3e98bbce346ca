#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infrastructure/lab/address_plan.h"
#include "infrastructure/lab/lab_spec.h"
#include "infrastructure/lab/link_queue.h"
#include "infrastructure/lab/netns.h"

// A running lab. Everything that is true of it stands in its state folder or in the kernel, so that any
// process can open it, and take it down after a crash.
namespace weir::lab {

struct LabState;

struct LabOptions {
  std::string state_root = "/run/weir/labs";
  // Runs run_emulator; the path of its configuration is appended.
  std::vector<std::string> emulator_command = {"/proc/self/exe", "lab", "emulate"};
  bool srv6 = true;               // false: plain paths even where SRv6 works
  std::optional<uint8_t> number;  // instead of the file's
  std::function<void(std::string_view)> progress = [](std::string_view) {};  // one line for each step
};

struct LinkStatus {
  std::string name;
  std::string a, b;
  LinkSettings settings;  // settings.cut: somebody cut it, or an end was killed
  LinkCounters forward;   // a to b
  LinkCounters backward;
};

struct SiteStatus {
  std::string name;
  bool killed = false;
  std::string namespace_name;
  std::string control_address;
  std::string data_prefix;
  size_t processes = 0;
};

struct LabStatus {
  std::string name;
  bool srv6 = false;
  ProcessName emulator;
  bool emulator_alive = false;  // if not: take the lab down, and up again
  std::vector<LinkStatus> links;
  std::vector<SiteStatus> sites;
  std::vector<std::string> routers;
};

class Lab {
 public:
  // Builds it, or leaves nothing behind. kConflict: a lab of this name or number is up, or was left
  // half-made. kDenied, kUnsupported: what the machine lacks.
  static Result<Lab> up(LabSpec spec, const LabOptions& options);
  static Result<Lab> open(const std::string& name, const std::string& state_root = LabOptions().state_root);
  static std::vector<std::string> list(const std::string& state_root = LabOptions().state_root);
  // Ends every process that was started in the lab and removes every trace of it, whole or half-made.
  // kNotFound: there was no trace.
  static Status down(const std::string& name, const std::string& state_root = LabOptions().state_root);

  const LabSpec& spec() const { return spec_; }
  const AddressPlan& addresses() const { return addresses_; }
  bool srv6() const { return srv6_; }
  const std::string& folder() const { return folder_; }

  Result<LabStatus> status() const;
  Status cut(const std::string& link);  // silently: both ends still see a carrier
  Status heal(const std::string& link);
  // Fields that are not set stay as they are.
  struct Change {
    std::optional<int64_t> delay_us, jitter_us, loss_ppm, rate_bps, queue_us;
  };
  Status change(const std::string& link, const Change& change);

  // The site dies: its processes end at once and its links carry nothing, nor does its control cable.
  Status kill(const std::string& site);
  // Its links and its control cable work again; nothing runs there.
  Status revive(const std::string& site);

  // Sites join, with the links that the text describes; the file is for errors. Nothing runs there yet. Every
  // address stays. On failure after the text was found good (kUnavailable), parts of them may be there until
  // the lab is taken down. kInvalid: the text. kConflict: a link ends at a killed site.
  Status join(std::string_view text, const std::string& file);

  // Starts a process at a site, or outside of all of them if `site` is empty (the brain). down() ends it. A
  // log path that is not absolute is below folder().
  Result<ProcessName> start(const std::string& site, ProcessSpec process);

 private:
  Lab() : addresses_("", 0) {}
  Result<LabState> load() const;
  Status save(const LabState& state) const;
  Result<const LabSite*> find_site(const std::string& site) const;
  Result<std::vector<struct EmulatorLinkStats>> tell_emulator(const struct EmulatorCommand& command) const;
  static Status remove(const std::string& name, const std::string& state_root);
  Status build(const LabOptions& options);
  Status make_namespace(const std::string& vertex) const;
  Status set_up(VertexId vertex, const PlainRoutes& routes) const;
  Status start_emulator(const LabOptions& options, LabState& state);
  Status cut_links_of(VertexId site, bool cut, const LabState& state);

  std::string folder_;
  LabSpec spec_;
  AddressPlan addresses_;
  bool srv6_ = false;
};

}  // namespace weir::lab
