#include "bench/language/language_bench.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "bench/language/language_set.h"
#include "bench/language/public_sets_bench.h"
#include "bench/support/arguments.h"
#include "bench/support/statistics.h"
#include "intelligence/language/understand.h"
#include "intelligence/language_model/language_model.h"

namespace weir::bench {
namespace {

constexpr const char* kHelp =
    "Usage: weir bench language [--data FILE] [--part all|open|held] [--misses N]\n"
    "                           [--model FILE|none] [-o table|json]\n"
    "       weir bench language --slots FOLDER | --intents FILE [-o table|json]\n"
    "\n"
    "Understands sentences written by hand and compares: the act (request, edit,\n"
    "question, ...), each field (F1 of slot and value), the whole. One third is held\n"
    "back: rules are not written by it. Times one sentence.\n"
    "  --data FILE   sentences in place of those built in: TEXT, a tab, what it means\n"
    "  --part PART   all (default), open, or the third that is held back\n"
    "  --model FILE  a model that weir_language_trainer wrote; none: rules alone\n"
    "                (default: the one that is built in)\n"
    "  --misses N    shows the first N of each language that were misread (default 0)\n"
    "  -o FORMAT     table (default) or json\n"
    "\n"
    "Or learns from a set that others publish, with the learners of Weir and\n"
    "features of words and characters alone, to compare with what they report:\n"
    "  --slots FOLDER  train, valid (or dev) and test, each with seq.in, seq.out and\n"
    "                label (SNIPS, ATIS): intents, slots (F1 as of conlleval), whole\n"
    "                utterances\n"
    "  --intents FILE  JSON of train, val, test, oos_train, oos_val and oos_test,\n"
    "                each a list of [text, intent] (CLINC150): accuracy in scope,\n"
    "                recall of what is out of it. Answers below a threshold are\n"
    "                refused: that by which most of val and oos_val are right.\n"
    "                oos_train is not learned from.\n"
    "\n"
    "Examples: weir bench language --misses 5\n"
    "          weir bench language --slots snips\n"
    "          weir bench language --intents data_full.json -o json\n";

constexpr int kRoundsTimed = 5;

// Microseconds of one sentence: the median and the longest, each the fastest of some rounds.
struct Times {
  uint64_t median_us = 0, most_us = 0;
};
Times time_of(const LanguageSet& set, const language::Model* model) {
  const std::vector<KnownName> names = set_names();
  const language::Gazetteer gazetteer(names);
  std::vector<uint64_t> each;
  for (const Sentence& sentence : set.sentences) {
    uint64_t best = UINT64_MAX;
    for (int round = 0; round < kRoundsTimed; ++round) {
      const auto begin = std::chrono::steady_clock::now();
      const auto understood = language::understand(sentence.text, gazetteer, set_moment(), nullptr, model);
      const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
      if (understood) best = std::min(best, static_cast<uint64_t>(took.count()));
    }
    each.push_back(best);
  }
  return {median(each), *std::max_element(each.begin(), each.end())};
}

Result<std::string> content_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(ErrorCode::kNotFound, "cannot be read", file, "check the name, and that you may read it");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Result<std::shared_ptr<const language::Model>> model_of(const std::string& file) {
  if (file.empty()) return language::built_in_model();
  if (file == "none") return nullptr;
  const auto bytes = content_of(file);
  if (!bytes) return tl::unexpected(bytes.error());
  auto model = language::read_model(*bytes);
  if (!model) return tl::unexpected(model.error());
  return std::make_shared<const language::Model>(std::move(*model));
}

Result<std::vector<LanguageSet>> sets_of(const std::string& file) {
  if (file.empty()) return built_in_sets();
  const auto text = content_of(file);
  if (!text) return tl::unexpected(text.error());
  auto set = read_set(file, *text);
  if (!set) return tl::unexpected(set.error());
  return std::vector<LanguageSet>{std::move(*set)};
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + "\"";
}

}  // namespace

int run_language_bench(const std::vector<std::string>& args) {
  std::string file, model_file, part_name = "all", format = "table", slot_folder, intent_file;
  uint64_t misses_shown = 0;
  const auto ended = read_arguments("weir bench language", kHelp, args,
                                    {Option::text("--data", file), Option::text("--model", model_file), Option::choice("--part", {"all", "open", "held"}, part_name),
                                     Option::number<uint64_t>("--misses", 0, 100'000, misses_shown),
                                     Option::choice("-o", {"table", "json"}, format), Option::text("--slots", slot_folder),
                                     Option::text("--intents", intent_file)});
  if (ended) return *ended;
  const bool json = format == "json";
  if (!slot_folder.empty() || !intent_file.empty()) {
    if (!file.empty() || !model_file.empty() || part_name != "all" || misses_shown != 0 || (!slot_folder.empty() && !intent_file.empty())) {
      std::fprintf(stderr, "weir bench language: --slots and --intents take no option beside them but -o; see --help\n");
      return 2;
    }
    return intent_file.empty() ? run_slot_set(slot_folder, json) : run_intent_set(intent_file, json);
  }
  const auto sets = sets_of(file);
  if (!sets) {
    std::fprintf(stderr, "weir bench language: %s\n", sets.error().text().c_str());
    return 2;
  }
  const auto model = model_of(model_file);
  if (!model) {
    std::fprintf(stderr, "weir bench language: %s\n", model.error().text().c_str());
    return 2;
  }
  const Part part = part_name == "all" ? Part::kAll : part_name == "open" ? Part::kOpen : Part::kHeld;
  if (json) {
    std::printf("{\"part\":\"%s\",\"languages\":[", part_name.c_str());
  } else {
    std::printf("%-8s %9s %8s %8s %8s %10s %9s\n", "LANGUAGE", "SENTENCES", "ACT", "SLOT F1", "WHOLE", "MEDIAN US", "MOST US");
  }
  for (size_t i = 0; i < sets->size(); ++i) {
    const LanguageSet& set = (*sets)[i];
    std::vector<Miss> misses;
    const Score result = score(set, part, model->get(), &misses);
    const Times times = time_of(set, model->get());
    if (json) {
      std::printf("%s{\"language\":%s,\"sentences\":%zu,\"act_accuracy\":%.4f,\"slot_f1\":%.4f,\"whole_accuracy\":%.4f,\"median_us\":%llu,\"most_us\":%llu}",
                  i == 0 ? "" : ",", quoted(set.name).c_str(), result.sentences, result.act_accuracy(), result.slot_f1(), result.whole_accuracy(),
                  static_cast<unsigned long long>(times.median_us), static_cast<unsigned long long>(times.most_us));
      continue;
    }
    std::printf("%-8s %9zu %7.1f%% %7.1f%% %7.1f%% %10llu %9llu\n", set.name.c_str(), result.sentences, 100 * result.act_accuracy(), 100 * result.slot_f1(),
                100 * result.whole_accuracy(), static_cast<unsigned long long>(times.median_us), static_cast<unsigned long long>(times.most_us));
    for (size_t k = 0; k < misses.size() && k < misses_shown; ++k) {
      std::printf("  %s\n    means %s\n    found %s\n", misses[k].text.c_str(), misses[k].expected.c_str(), misses[k].found.c_str());
    }
  }
  if (json) std::printf("]}\n");
  return 0;
}

}  // namespace weir::bench
