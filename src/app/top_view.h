#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/ask_text.h"
#include "weir/v1/service.pb.h"

// What `weir top` shows of each kind of resource. Knows nothing of terminals.
namespace weir::app::top {

enum class Kind { kSites, kLinks, kIntents, kRuns, kQueues, kEvents };
inline constexpr size_t kKinds = 6;
inline constexpr std::array<const char*, kKinds> kKindNames = {"sites", "links", "intents", "runs", "queues", "events"};

using Resources = google::protobuf::RepeatedPtrField<v1::Resource>;

// What a state is to whoever watches. Shown as colour, and never as colour alone.
enum class Tone { kPlain, kGood, kWarning, kBad, kDim };
Tone tone_of(std::string_view state);

struct Cell {
  std::string text;
  int64_t order = 0;  // of figures: what they are sorted by
  Tone tone = Tone::kPlain;
};

struct Column {
  const char* title;
  const char* chinese;
  size_t width;   // at least; columns of the terminal
  bool figure;    // set to the right, and sorted from the largest
  bool flexible;  // takes what room is left
  Cell (*cell)(const v1::Resource& resource);
};

// The first of them matter most.
std::span<const Column> columns_of(Kind kind);
const char* title_of(Kind kind, Tongue tongue);

struct Piece {
  std::string text;
  Tone tone = Tone::kPlain;
};
// What all resources of a kind come to; nothing for events. O(resources).
std::vector<Piece> summary_of(Kind kind, const Resources& resources, Tongue tongue);
// How many there are in each state, by name.
std::vector<std::pair<std::string, size_t>> states_of(const Resources& resources);

}  // namespace weir::app::top
