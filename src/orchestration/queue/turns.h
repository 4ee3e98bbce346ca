#pragma once

#include <algorithm>
#include <cstddef>

namespace weir::queue {

// Of those that would search at each look, which do: the first few always, and of the others some in turn, so that who finds
// nothing keeps nobody behind from searching.
class Turns {
 public:
  // `first` of the at most `most` searches of a look are those of the first.
  Turns(size_t first, size_t most) : first_(first), most_(most) {}

  void restart() { from_ = 0; }
  void begin() {
    met_ = taken_ = 0;
    next_ = first_;
  }
  // Whether the one that is met next has to wait for another look, and all behind it.
  bool enough() {
    if (taken_ < most_ || met_ < std::max(first_, from_)) return false;
    next_ = met_;
    return true;
  }
  // Whether the one that is met now searches.
  bool next() {
    const size_t one = met_++;
    if (one >= first_ && one < from_) return false;
    ++taken_;
    return true;
  }
  size_t taken() const { return taken_; }
  // Nobody found anything. Whether all have had their turn; else the next look goes on where this one had enough.
  bool end() {
    from_ = next_;
    return next_ == first_;
  }

 private:
  size_t first_, most_;
  size_t from_ = 0;  // which comes after the first ones
  size_t met_ = 0, taken_ = 0, next_ = 0;
};

}  // namespace weir::queue
