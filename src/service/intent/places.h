#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "service/intent/draft.h"

namespace weir::intent {

// The sites that a name stands for: itself, or those of its region. Empty: unknown.
std::vector<std::string> sites_of(const Domain& domain, std::string_view name);

struct Ingress {
  std::string site;
  int64_t streams = 0;
};
// So many streams, shared evenly among sites; the first have one more. No more sites than streams.
std::vector<Ingress> shared(int64_t streams, const std::vector<std::string>& sites);
// Where streams come in if nobody says: at the ends of the network, or at the only site there is. Empty: it cannot be known.
std::vector<std::string> likely_ingresses(const Domain& domain);

}  // namespace weir::intent
