#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/language/public_sets_score.h"
#include "core/result/result.h"

namespace weir::bench {

struct Learning {
  double training_s = 0, training_processor_s = 0;
  size_t model_bytes = 0;
  uint64_t median_us = 0, most_us = 0;  // of reading an utterance, each the fastest of some rounds
};

struct SlotReport {
  size_t train = 0, valid = 0, test = 0, intents = 0, tags = 0;
  SlotScore score;
  Learning learning;
};
SlotReport measure_slots(const SlotSet& set);

struct IntentReport {
  size_t train = 0, val = 0, oos_val = 0, test = 0, oos_test = 0, intents = 0;
  float threshold = 0;
  ScopeScore score;
  Learning learning;
};
IntentReport measure_intents(const IntentSet& set);

// Reads the folder, or the file, learns, and prints a table or JSON. Returns the exit code: 0, or 2 for what is no such set.
int run_slot_set(const std::string& folder, bool json);
int run_intent_set(const std::string& file, bool json);

}  // namespace weir::bench
