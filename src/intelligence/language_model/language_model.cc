#include "intelligence/language_model/language_model.h"

#include <cstdlib>

extern "C" {
extern const char weir_language_model_begin[];
extern const char weir_language_model_end[];
}

namespace weir::language {

std::shared_ptr<const Model> built_in_model() {
  static const std::shared_ptr<const Model> model = [] {
    auto read = read_model(std::string_view(weir_language_model_begin, static_cast<size_t>(weir_language_model_end - weir_language_model_begin)));
    if (!read) std::abort();  // the build made it
    return std::make_shared<const Model>(std::move(*read));
  }();
  return model;
}

}  // namespace weir::language
