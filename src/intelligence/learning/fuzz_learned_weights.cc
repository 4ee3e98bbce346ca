// Whatever bytes a model is read from: never a crash, and what is read can be asked and written again.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "intelligence/learning/classifier.h"
#include "intelligence/learning/tagger.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::learning;
  if (size > 1 << 16) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view bytes = text;
  if (const auto classifier = Classifier::read(bytes)) {
    const Feature features[] = {1, 2, 3};
    if (classifier->probabilities(features).size() != classifier->labels()) std::abort();
    std::string again;
    classifier->write(again);
    std::string_view left = again;
    if (!Classifier::read(left) || !left.empty()) std::abort();
  }
  bytes = text;
  if (const auto tagger = Tagger::read(bytes); tagger && tagger->labels() <= 64) {
    const std::vector<Feature> places[] = {{1, 2}, {}, {3}};
    if (tagger->labels_of(places).size() != 3 || tagger->marginals(places).size() != 3) std::abort();
  }
  return 0;
}
