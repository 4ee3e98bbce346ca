#pragma once

#include <memory>

#include "bench/packing/openb_trace.h"
#include "orchestration/placement/packing.h"

namespace weir::bench {

// FGD in the authors' floating-point arithmetic, addition by addition: where a placement changes nothing, its
// rounding errors decide whether the score is 49 or 50, and so does the published result. Kinds of task that
// name a model twice are kinds of their own, as there.
std::unique_ptr<PackingPolicy> make_published_fgd(const PackingTrace& trace);

}  // namespace weir::bench
