#include "infrastructure/cgroup/tree.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "infrastructure/posix/file.h"

namespace weir::cgroup {
namespace {

// Version 1 has no word for "no limit": the largest multiple of the page size below 2^63.
constexpr uint64_t kUnlimitedFrom = uint64_t{1} << 62;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(separator, start), text.size());
    out.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

// mountinfo writes blanks and backslashes as \ooo.
std::string unescape(std::string_view text) {
  std::string out;
  const auto octal = [](char c) { return c >= '0' && c <= '7'; };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && octal(text[i + 1]) && octal(text[i + 2]) &&
        octal(text[i + 3])) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string quoted(std::string_view text) {
  constexpr size_t kShown = 80;
  return "'" + std::string(text.substr(0, kShown)) + (text.size() > kShown ? "...'" : "'");
}

// The membership's path below the mount: inside a container the mount shows only a part of the tree, from
// `mount_root` down. A path outside of that part (another namespace's) stands at the mount itself.
std::filesystem::path relative_to(std::string_view path, std::string_view mount_root) {
  if (mount_root != "/") {
    if (!path.starts_with(mount_root)) return {};
    path.remove_prefix(mount_root.size());
    if (!path.empty() && path.front() != '/') return {};
  }
  while (path.starts_with('/')) path.remove_prefix(1);
  if (path.find("..") != std::string_view::npos) return {};
  return std::filesystem::path(path);
}

struct Mount {
  std::string root;
  std::filesystem::path point;
  bool v2 = false;
  std::vector<std::string> options;
};

std::vector<Mount> parse_mounts(std::string_view mountinfo, const std::filesystem::path& prefix) {
  std::vector<Mount> out;
  for (const std::string_view line : split_lines(mountinfo)) {
    const auto fields = split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    // ID parent device root point options [optional ...] - type source super-options
    if (dash - fields.begin() < 6 || fields.end() - dash < 4) continue;
    const std::string_view type = dash[1];
    if (type != "cgroup" && type != "cgroup2") continue;
    Mount mount;
    mount.root = unescape(fields[3]);
    mount.point = unescape(fields[4]);
    if (!prefix.empty()) mount.point = prefix / mount.point.relative_path();
    mount.v2 = type == "cgroup2";
    for (const std::string_view option : split(dash[3], ',')) mount.options.emplace_back(option);
    out.push_back(std::move(mount));
  }
  return out;
}

}  // namespace

std::string_view to_string(Version version) { return version == Version::kV1 ? "cgroup-v1" : "cgroup-v2"; }

const Tree::Hierarchy* Tree::find(std::string_view controller) const {
  const auto found = hierarchies.find(version == Version::kV2 ? std::string() : std::string(controller));
  return found == hierarchies.end() ? nullptr : &found->second;
}

Result<Tree> parse_tree(std::string_view mountinfo, std::string_view membership,
                        const std::filesystem::path& prefix) {
  const std::vector<Mount> mounts = parse_mounts(mountinfo, prefix);
  Tree tree;
  for (const std::string_view line : split_lines(membership)) {
    // "4:memory:/path", or "0::/path" for version 2.
    const size_t first = line.find(':');
    const size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) {
      return fail(ErrorCode::kCorrupt, "expected 'number:controllers:path', found " + quoted(line),
                  "/proc/self/cgroup");
    }
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view path = line.substr(second + 1);
    for (const Mount& mount : mounts) {
      if (controllers.empty() && mount.v2) {
        if (!tree.unified) tree.unified = {mount.point, relative_to(path, mount.root)};
        continue;
      }
      if (controllers.empty() || mount.v2) continue;
      for (const std::string_view controller : split(controllers, ',')) {
        if (std::find(mount.options.begin(), mount.options.end(), controller) == mount.options.end())
          continue;
        tree.hierarchies.try_emplace(std::string(controller),
                                     Tree::Hierarchy{mount.point, relative_to(path, mount.root)});
      }
    }
  }
  // Named hierarchies ("name=systemd") hold no limits: a machine that mounts nothing else in version 1 is a
  // version 2 machine.
  std::erase_if(tree.hierarchies, [](const auto& entry) { return entry.first.starts_with("name="); });
  if (tree.hierarchies.contains("cpu") || tree.hierarchies.contains("memory")) {
    tree.version = Version::kV1;
    return tree;
  }
  if (!tree.unified) {
    return fail(ErrorCode::kUnsupported, "no control groups are mounted", "/proc/self/mountinfo",
                "mount cgroup2 at /sys/fs/cgroup");
  }
  tree.version = Version::kV2;
  tree.hierarchies.clear();
  tree.hierarchies.emplace("", *tree.unified);
  tree.unified.reset();
  return tree;
}

Result<Tree> read_tree() {
  const auto mountinfo = posix::read_file("/proc/self/mountinfo", 16 << 20);
  if (!mountinfo) return tl::unexpected(mountinfo.error());
  const auto membership = posix::read_file("/proc/self/cgroup");
  if (!membership) return tl::unexpected(membership.error());
  return parse_tree(*mountinfo, *membership, {});
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t start = text.find_first_not_of(kBlank);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kBlank) - start + 1);
}

std::vector<std::string_view> split_lines(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.empty()) return {};
  return split(text, '\n');
}

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

Result<std::optional<uint64_t>> parse_cpu_max(std::string_view text) {
  const auto fields = split(trim(text), ' ');
  const auto period = fields.size() == 2 ? parse_number(fields[1]) : std::nullopt;
  if (!period || *period == 0) {
    return fail(ErrorCode::kCorrupt, "expected 'quota period', found " + quoted(trim(text)));
  }
  // Version 1 says -1 for no quota.
  if (fields[0] == "max" || fields[0] == "-1") return std::optional<uint64_t>();
  const auto quota = parse_number(fields[0]);
  if (!quota) return fail(ErrorCode::kCorrupt, "expected a quota or 'max', found " + quoted(fields[0]));
  const auto milli = static_cast<unsigned __int128>(*quota) * 1000 / *period;
  return std::optional<uint64_t>(
      static_cast<uint64_t>(std::min<unsigned __int128>(milli, std::numeric_limits<uint64_t>::max())));
}

Result<std::optional<uint64_t>> parse_limit(std::string_view text) {
  text = trim(text);
  if (text == "max" || text == "-1") return std::optional<uint64_t>();
  const auto value = parse_number(text);
  if (!value) return fail(ErrorCode::kCorrupt, "expected a number or 'max', found " + quoted(text));
  if (*value >= kUnlimitedFrom) return std::optional<uint64_t>();
  return value;
}

Result<uint32_t> parse_cpu_list(std::string_view text) {
  text = trim(text);
  if (text.empty()) return uint32_t{0};
  uint64_t count = 0;
  for (const std::string_view range : split(text, ',')) {
    const size_t dash = range.find('-');
    const auto first = parse_number(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_number(range.substr(dash + 1));
    constexpr uint64_t kProcessorsMax = 1 << 20;
    if (!first || !last || *last < *first || *last > kProcessorsMax || count > kProcessorsMax) {
      return fail(ErrorCode::kCorrupt, "expected a list such as '0-3,8', found " + quoted(text));
    }
    count += *last - *first + 1;
  }
  return static_cast<uint32_t>(count);
}

std::map<std::string, uint64_t> parse_flat_keyed(std::string_view text) {
  std::map<std::string, uint64_t> out;
  for (const std::string_view line : split_lines(text)) {
    const size_t blank = line.find(' ');
    if (blank == std::string_view::npos) continue;
    if (const auto value = parse_number(trim(line.substr(blank + 1)))) {
      out.insert_or_assign(std::string(line.substr(0, blank)), *value);
    }
  }
  return out;
}

std::vector<int32_t> parse_pids(std::string_view text) {
  std::vector<int32_t> out;
  for (const std::string_view line : split_lines(text)) {
    const auto pid = parse_number(trim(line));
    // 0 is a process of another namespace; as an argument of kill() it would mean our own group.
    if (pid && *pid > 0 && *pid <= static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) {
      out.push_back(static_cast<int32_t>(*pid));
    }
  }
  return out;
}

}  // namespace weir::cgroup
