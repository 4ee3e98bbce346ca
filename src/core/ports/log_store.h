#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "core/ids/ids.h"
#include "core/result/result.h"

namespace weir {

using Bytes = std::span<const std::byte>;

// A state of the graph, encoded, that stands for the first `version` records.
struct Checkpoint {
  Position version = 0;
  std::vector<std::byte> state;
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// The durable records of a ledger. Every function may be called from any thread.
class LogReader {
 public:
  virtual ~LogReader() = default;

  // Records below this position survive a crash.
  virtual Position durable_end() const = 0;

  // Calls `visit` with each record of [from, to) in order; stops at the first error, which it returns.
  // The bytes are valid during the call only. kInvalid: to > durable_end(), nothing was visited. kCorrupt
  // names the position.
  virtual Status read(Position from, Position to,
                      const std::function<Status(Position, Bytes)>& visit) const = 0;

  // Newest checkpoint that is complete and at most durable_end(); none on a new ledger.
  virtual Result<std::optional<Checkpoint>> newest_checkpoint() const = 0;
};

// Where the ledger's records lie. One writer thread calls end, append, flush and save_checkpoint.
class LogStore : public LogReader {
 public:
  // Events of repair (a plan that mends a broken promise, a death, a lease) may use the space reserve that
  // ordinary events may not.
  enum class Urgency { kOrdinary, kRepair };

  // Position that the next record will take; equals the number of records appended.
  virtual Position end() const = 0;

  // Takes all records or none. Not durable before the next successful flush. kExhausted: no space left for
  // this urgency, nothing was taken, the store stays usable. kInvalid: a record over the size limit; likewise.
  // Any other error is final, as of flush.
  virtual Status append(std::span<const Bytes> records, Urgency urgency) = 0;

  // Makes everything appended durable. An error is final: the state of the file is unknown, the process
  // must stop and recover by reopening.
  virtual Status flush() = 0;

  // Durable when it returns; older checkpoints may be removed, but at least one older one is kept. kInvalid:
  // its version is beyond durable_end(). After another error the older checkpoints stand and the store stays
  // usable.
  virtual Status save_checkpoint(const Checkpoint& checkpoint) = 0;
};

}  // namespace weir
