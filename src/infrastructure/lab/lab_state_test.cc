#include "infrastructure/lab/lab_state.h"

#include <gtest/gtest.h>

namespace weir::lab {
namespace {

LabState busy() {
  return {.number = 7,
          .srv6 = true,
          .complete = true,
          .emulator = ProcessName{41, 777},
          .processes = {{"", {42, 778}}, {"metro", {43, UINT64_MAX}}},
          .cut = {"a-b"},
          .killed = {"hub"}};
}

TEST(LabStateText, ComesBackTheSame) {
  for (const LabState& state : {LabState{}, busy()}) {
    const auto back = decode_lab_state(encode(state), "state.json");
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(*back, state);
  }
}

TEST(LabStateText, DamageIsNamed) {
  const std::string whole = encode(busy());
  const auto replaced = [&whole](const std::string& what, const std::string& by) {
    std::string text = whole;
    return text.replace(text.find(what), what.size(), by);
  };
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string("[]"), whole.substr(0, whole.size() / 2),
        replaced("42", "0"), replaced("42", "-1"), replaced("41", "0"), replaced("42", "1e300"),
        replaced("\"number\":7", "\"number\":256"), replaced("\"metro\"", "3")}) {
    const auto back = decode_lab_state(text, "state.json");
    ASSERT_FALSE(back) << text;
    EXPECT_EQ(back.error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(back.error().where, "state.json");
  }
}

}  // namespace
}  // namespace weir::lab
