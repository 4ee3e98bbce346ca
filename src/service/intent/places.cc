#include "service/intent/places.h"

#include <algorithm>

namespace weir::intent {
namespace {

bool alike(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::vector<KnownName> names_of(const Domain& domain) {
  std::vector<KnownName> out;
  std::vector<std::string> regions, labels;
  for (const Domain::Site& site : domain.sites) {
    out.push_back({NameKind::kSite, site.name});
    regions.push_back(site.region);
    labels.insert(labels.end(), site.residency.begin(), site.residency.end());
  }
  const auto each_once = [&](std::vector<std::string> names, NameKind kind) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const std::string& name : names) {
      if (!name.empty()) out.push_back({kind, name});
    }
  };
  each_once(std::move(regions), NameKind::kRegion);
  each_once(std::move(labels), NameKind::kLabel);
  each_once(domain.intents, NameKind::kIntent);
  each_once(domain.artifacts, NameKind::kArtifact);
  each_once(domain.accelerator_models, NameKind::kAcceleratorModel);
  // Models that people name where there are none of them: the brain says so.
  for (const char* model : {"A10", "A100", "A800", "B200", "H20", "H100", "H200", "H800", "L4", "L40S", "T4", "V100", "RTX 3090", "RTX 4090", "RTX 5090", "MI300X", "Ascend 310P",
                            "Ascend 910B", "Ascend 910C"}) {
    const bool there = std::any_of(domain.accelerator_models.begin(), domain.accelerator_models.end(),
                                   [&](const std::string& known) { return alike(known, model) || known.find(model) != std::string::npos; });
    if (!there) out.push_back({NameKind::kAcceleratorModel, model});
  }
  return out;
}

std::vector<std::string> sites_of(const Domain& domain, std::string_view name) {
  std::vector<std::string> out;
  for (const Domain::Site& site : domain.sites) {
    if (alike(site.name, name)) return {site.name};
    if (alike(site.region, name)) out.push_back(site.name);
  }
  return out;
}

std::vector<Ingress> shared(int64_t streams, const std::vector<std::string>& sites) {
  std::vector<Ingress> out;
  const auto count = std::min<int64_t>(streams, static_cast<int64_t>(sites.size()));
  for (int64_t i = 0; i < count; ++i) out.push_back({sites[static_cast<size_t>(i)], streams / count + (i < streams % count ? 1 : 0)});
  return out;
}

std::vector<std::string> likely_ingresses(const Domain& domain) {
  std::vector<std::string> out;
  for (const Domain::Site& site : domain.sites) {
    if (site.tier == "end") out.push_back(site.name);
  }
  if (out.empty() && domain.sites.size() == 1) out.push_back(domain.sites[0].name);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace weir::intent
