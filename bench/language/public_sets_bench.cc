#include "bench/language/public_sets_bench.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "bench/language/public_sets_learner.h"
#include "bench/support/statistics.h"

namespace weir::bench {
namespace {

constexpr int kRoundsTimed = 3;

using Clock = std::chrono::steady_clock;

// The time of each of `count` readings, the fastest of some rounds.
template <class Read>
void time_readings(size_t count, const Read& read, Learning& out) {
  std::vector<uint64_t> each;
  for (size_t i = 0; i < count; ++i) {
    uint64_t best = UINT64_MAX;
    for (int round = 0; round < kRoundsTimed; ++round) {
      const auto begin = Clock::now();
      read(i);
      best = std::min(best, static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count()));
    }
    each.push_back(best);
  }
  out.median_us = median(each);
  out.most_us = each.empty() ? 0 : *std::max_element(each.begin(), each.end());
}

// From its making on, by the wall and of the processor.
class Stopwatch {
 public:
  void read(Learning& out) const {
    out.training_s = std::chrono::duration<double>(Clock::now() - begin_).count();
    out.training_processor_s = static_cast<double>(std::clock() - processor_begin_) / CLOCKS_PER_SEC;
  }

 private:
  Clock::time_point begin_ = Clock::now();
  std::clock_t processor_begin_ = std::clock();
};

int refused(const Error& error) {
  std::fprintf(stderr, "weir bench language: %s\n", error.text().c_str());
  return 2;
}

void print_learning(const Learning& learning, bool json) {
  const auto median_us = static_cast<unsigned long long>(learning.median_us), most_us = static_cast<unsigned long long>(learning.most_us);
  if (json) {
    std::printf(",\"training_s\":%.2f,\"training_processor_s\":%.2f,\"model_bytes\":%zu,\"median_us\":%llu,\"most_us\":%llu}\n", learning.training_s,
                learning.training_processor_s, learning.model_bytes, median_us, most_us);
    return;
  }
  std::printf("\nlearned in %.1f s (%.1f s of processor time), model of %.1f MB; an utterance is read in %llu us (median), %llu us at most\n",
              learning.training_s, learning.training_processor_s, static_cast<double>(learning.model_bytes) / 1e6, median_us, most_us);
}

}  // namespace

SlotReport measure_slots(const SlotSet& set) {
  SlotReport out{.train = set.train.size(), .valid = set.valid.size(), .test = set.test.size(), .score = {}, .learning = {}};
  const Stopwatch watch;
  const SlotReader reader = SlotReader::train(set);
  watch.read(out.learning);
  out.learning.model_bytes = reader.model_bytes();
  out.intents = reader.intents();
  out.tags = reader.tags();
  std::vector<TaggedUtterance> found(set.test.size());
  time_readings(set.test.size(), [&](size_t i) { found[i] = reader.read(set.test[i].words); }, out.learning);
  for (size_t i = 0; i < found.size(); ++i) out.score.add(set.test[i], found[i]);
  return out;
}

IntentReport measure_intents(const IntentSet& set) {
  IntentReport out{.train = set.train.size(), .val = set.val.size(), .oos_val = set.oos_val.size(), .test = set.test.size(), .oos_test = set.oos_test.size(),
                   .score = {}, .learning = {}};
  const Stopwatch watch;
  const IntentReader reader = IntentReader::train(set.train, set.val);
  const auto answer_to = [&](const IntentUtterance& utterance) {
    const IntentReader::Answer answer = reader.read(utterance.words);
    return ScopedAnswer{.in_scope = utterance.intent != kOutOfScope, .right = answer.intent == utterance.intent, .probability = answer.probability};
  };
  std::vector<ScopedAnswer> held;
  for (const auto* part : {&set.val, &set.oos_val}) {
    for (const IntentUtterance& utterance : *part) held.push_back(answer_to(utterance));
  }
  out.threshold = best_refusal(held);
  watch.read(out.learning);
  out.learning.model_bytes = reader.model_bytes();
  out.intents = reader.intents();
  std::vector<ScopedAnswer> answers(set.test.size() + set.oos_test.size());
  time_readings(
      answers.size(), [&](size_t i) { answers[i] = answer_to(i < set.test.size() ? set.test[i] : set.oos_test[i - set.test.size()]); }, out.learning);
  out.score = score_scope(answers, out.threshold);
  return out;
}

int run_slot_set(const std::string& folder, bool json) {
  const auto set = read_slot_folder(folder);
  if (!set) return refused(set.error());
  const SlotReport report = measure_slots(*set);
  const SlotScore& score = report.score;
  if (json) {
    std::printf("{\"layout\":\"slots\",\"train\":%zu,\"valid\":%zu,\"test\":%zu,\"intents\":%zu,\"tags\":%zu,\"intent_accuracy\":%.4f,\"slot_f1\":%.4f,\"whole_accuracy\":%.4f",
                report.train, report.valid, report.test, report.intents, report.tags, score.intent_accuracy(), score.slot_f1(), score.whole_accuracy());
  } else {
    std::printf("%7s %7s %7s %8s %6s %8s %8s %8s\n", "TRAIN", "VALID", "TEST", "INTENTS", "TAGS", "INTENT", "SLOT F1", "WHOLE");
    std::printf("%7zu %7zu %7zu %8zu %6zu %7.1f%% %7.1f%% %7.1f%%\n", report.train, report.valid, report.test, report.intents, report.tags,
                100 * score.intent_accuracy(), 100 * score.slot_f1(), 100 * score.whole_accuracy());
  }
  print_learning(report.learning, json);
  return 0;
}

int run_intent_set(const std::string& file, bool json) {
  const auto set = read_intent_file(file);
  if (!set) return refused(set.error());
  const IntentReport report = measure_intents(*set);
  const ScopeScore& score = report.score;
  const auto threshold = static_cast<double>(report.threshold);
  if (json) {
    std::printf("{\"layout\":\"intents\",\"train\":%zu,\"val\":%zu,\"oos_val\":%zu,\"test\":%zu,\"oos_test\":%zu,\"intents\":%zu,\"threshold\":%.9g,"
                "\"in_scope_accuracy\":%.4f,\"out_of_scope_recall\":%.4f,\"in_scope_accuracy_unrefused\":%.4f",
                report.train, report.val, report.oos_val, report.test, report.oos_test, report.intents, threshold, score.in_scope_accuracy(),
                score.out_of_scope_recall(), score.in_scope_accuracy_unrefused());
  } else {
    std::printf("%7s %7s %7s %7s %8s %8s %9s %9s %10s %10s\n", "TRAIN", "VAL", "OOS VAL", "TEST", "OOS TEST", "INTENTS", "THRESHOLD", "IN SCOPE", "OOS RECALL",
                "UNREFUSED");
    std::printf("%7zu %7zu %7zu %7zu %8zu %8zu %9.4f %8.1f%% %9.1f%% %9.1f%%\n", report.train, report.val, report.oos_val, report.test, report.oos_test,
                report.intents, threshold, 100 * score.in_scope_accuracy(), 100 * score.out_of_scope_recall(), 100 * score.in_scope_accuracy_unrefused());
  }
  print_learning(report.learning, json);
  return 0;
}

}  // namespace weir::bench
