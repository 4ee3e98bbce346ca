#include "infrastructure/lab/features.h"

#include <gtest/gtest.h>

namespace weir::lab {
namespace {

Features everything() {
  Features f;
  f.root = f.namespaces = f.tap = f.programs = f.srv6 = f.nftables = f.realtime = true;
  return f;
}

TEST(Features, WhatIsOptionalMayBeMissing) {
  Features f = everything();
  f.srv6 = f.nftables = f.realtime = false;
  EXPECT_TRUE(sufficient(f));
}

TEST(Features, WhatIsRequiredIsNamedWithItsRemedy) {
  for (bool Features::*part : {&Features::namespaces, &Features::tap, &Features::programs}) {
    Features f = everything();
    f.*part = false;
    f.missing = {"a part: what follows; the remedy"};
    const Status refused = sufficient(f);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(refused.error().what.find("the remedy"), std::string::npos);
  }
  Features f = everything();
  f.root = false;
  EXPECT_EQ(sufficient(f).error().code, ErrorCode::kDenied);
}

TEST(Features, EveryMissingOneHasALine) {
  const Features f = probe_features();
  size_t missing = 0;
  for (const bool has : {f.root, f.namespaces, f.tap, f.programs, f.srv6, f.nftables, f.realtime})
    missing += has ? 0 : 1;
  EXPECT_LE(f.missing.size(), missing);
  EXPECT_EQ(f.missing.empty(), missing == 0);
}

}  // namespace
}  // namespace weir::lab
