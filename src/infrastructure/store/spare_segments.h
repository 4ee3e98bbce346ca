#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "infrastructure/store/file_system.h"

namespace weir::store {

// A preallocated file of zeros that will become a segment by being given a header and its name.
struct SpareSegment {
  std::string path;
  bool from_reserve = false;
};

// Preallocated segments of one ledger, and the reserve: one more that only repairs may take. Used by the
// writer thread; a thread of its own prepares one spare ahead if asked to, because writing zeros to it makes
// later flushes faster (the file system need not record that blocks came into use).
class SpareSegments {
 public:
  SpareSegments(FileSystem& files, std::string directory, uint64_t segment_bytes, bool prepare_ahead);
  ~SpareSegments();

  // Takes over the spares and the reserve that an earlier process left; removes those of another size.
  Status adopt(const std::vector<std::string>& names);
  // Starts preparing a spare, if this is wanted and there is none.
  void prepare();

  // Makes sure that take() succeeds this many times, the last time from the reserve if `with_reserve` and
  // nothing else is left. kExhausted: no space; nothing was changed that matters.
  Status secure(size_t count, bool with_reserve);
  SpareSegment take();

  // Makes the reserve if there is none. kExhausted: no space.
  Status secure_reserve();
  bool has_reserve() const { return reserve_.has_value(); }

 private:
  Result<SpareSegment> make(const std::string& name, bool write_zeros);
  void prepare_in_background();

  FileSystem& files_;
  const std::string directory_;
  const uint64_t segment_bytes_;
  uint64_t next_number_ = 0;
  std::optional<SpareSegment> reserve_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<SpareSegment> ready_;
  bool wanted_ = false;  // the thread is to make one, or is making it
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace weir::store
