// Learns the model of language that is built into `weir`: weir_language_trainer ZH_GRAMMAR EN_GRAMMAR MODEL, or with --print N instead of MODEL:
// N sentences of each, with what they mean.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "core/ports/understanding_text.h"
#include "intelligence/trainer/train.h"

namespace {

int complain(const std::string& what) {
  std::fprintf(stderr, "weir_language_trainer: %s\n", what.c_str());
  return 1;
}

void print(const std::vector<weir::trainer::Grammar>& grammars, size_t sentences) {
  weir::learning::Draws draws(1);
  for (const auto& grammar : grammars) {
    for (size_t i = 0; i < sentences; ++i) {
      const auto act = static_cast<weir::Act>(i % weir::language::kActLabels);
      if (!grammar.has(act)) continue;
      const weir::trainer::Drawn drawn = grammar.draw(act, draws);
      std::printf("%s\t%s", drawn.text.c_str(), std::string(name_of(act)).c_str());
      for (const auto& mark : drawn.marks) {
        const std::string said = mark.value.empty() ? drawn.text.substr(mark.begin, mark.end - mark.begin) : mark.value;
        std::printf(" %s=[%s]", std::string(name_of(mark.slot)).c_str(), said.c_str());
      }
      std::printf("\n");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace weir;
  const bool prints = argc == 5 && std::string(argv[3]) == "--print";
  if (argc != 4 && !prints) return complain("wants ZH_GRAMMAR EN_GRAMMAR, then MODEL or --print N");
  std::vector<trainer::Grammar> grammars;
  for (const int at : {1, 2}) {
    std::ifstream file(argv[at], std::ios::binary);
    if (!file) return complain(std::string("cannot read ") + argv[at]);
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    auto grammar = trainer::Grammar::read(argv[at], text, at == 1 ? Language::kChinese : Language::kEnglish);
    if (!grammar) return complain(grammar.error().text());
    grammars.push_back(std::move(*grammar));
  }
  if (prints) {
    print(grammars, static_cast<size_t>(std::strtoul(argv[4], nullptr, 10)));
    return 0;
  }
  const trainer::Training training = trainer::train(grammars, {});
  std::string bytes;
  language::write_model(training.model, bytes);
  std::ofstream file(argv[3], std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) return complain(std::string("cannot write ") + argv[3]);
  const trainer::Validation& held = training.validation;
  std::printf("language model: %zu alternatives, %zu sentences learned from, %zu held back: acts %.1f %%, work %.1f %%, values %.1f %%, all of it %.1f %%; "
              "believed from %.2f and %.2f; %zu bytes\n",
              grammars[0].alternatives() + grammars[1].alternatives(), held.trained, held.held, 100 * held.acts, 100 * held.workloads, 100 * held.values, 100 * held.sentences,
              static_cast<double>(training.model.act_threshold), static_cast<double>(training.model.workload_threshold), bytes.size());
  return 0;
}
