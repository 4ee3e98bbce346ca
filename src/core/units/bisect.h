#pragma once

namespace weir {

// The greatest of `least` to `beyond` - 1 for which `holds`, where it holds for all up to some one, and for `least`, which is not
// asked. Requires least < beyond, and that their difference is an Int. O(log) questions.
template <class Int, class Holds>
Int greatest(Int least, Int beyond, Holds&& holds) {
  while (beyond - least > 1) {
    const Int middle = least + (beyond - least) / 2;
    (holds(middle) ? least : beyond) = middle;
  }
  return least;
}

}  // namespace weir
