#include "core/ledger/proof_text.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

Hash numbered(uint8_t n) {
  Hash hash;
  hash.bytes[0] = n;
  return hash;
}

InclusionProof inclusion() {
  return {5, numbered(1), {8, numbered(2)}, {numbered(3), numbered(4), numbered(5)}};
}
ConsistencyProof consistency() { return {{6, numbered(1)}, {8, numbered(2)}, {numbered(3), numbered(4)}}; }

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ProofText, GoesBothWays) {
  EXPECT_EQ(inclusion_proof_from_text(to_text(inclusion())), inclusion());
  EXPECT_EQ(consistency_proof_from_text(to_text(consistency())), consistency());
  InclusionProof single{0, numbered(1), {1, numbered(1)}, {}};
  EXPECT_EQ(inclusion_proof_from_text(to_text(single)), single);
}

TEST(ProofText, NamesTheLineThatIsWrong) {
  const std::string good = to_text(inclusion());
  auto where = [](std::string_view text) {
    Result<InclusionProof> proof = inclusion_proof_from_text(text);
    EXPECT_FALSE(proof);
    EXPECT_EQ(proof.error().code, ErrorCode::kInvalid);
    return proof.error().where;
  };
  EXPECT_EQ(where(""), "line 1");
  EXPECT_EQ(where(replaced(good, "proof 1", "proof 2")), "line 1");
  EXPECT_EQ(where(replaced(good, "index 5", "index -5")), "line 2");
  EXPECT_EQ(where(replaced(good, "index 5", "index 05")), "line 2");
  EXPECT_EQ(where(replaced(good, "index 5", "index 18446744073709551616")), "line 2");
  EXPECT_EQ(where(replaced(good, "size 8", "size 8 ")), "line 3");
  EXPECT_EQ(where(replaced(good, "leaf 01", "leaf 0")), "line 4");
  EXPECT_EQ(where(replaced(good, "root 02", "root  02")), "line 5");
  EXPECT_EQ(where(replaced(good, "hash 03", "hash AF")), "line 6");
  EXPECT_EQ(where(good.substr(0, good.size() - 1)), "line 8");
  EXPECT_EQ(where(good + "more\n"), "line 9");
  EXPECT_FALSE(consistency_proof_from_text(good));
}

TEST(ProofText, BoundsTheNumberOfHashes) {
  InclusionProof proof = inclusion();
  proof.hashes.assign(65, numbered(9));
  EXPECT_EQ(inclusion_proof_from_text(to_text(proof)), proof);
  proof.hashes.push_back(numbered(9));
  EXPECT_FALSE(inclusion_proof_from_text(to_text(proof)));
}

}  // namespace
}  // namespace weir
