#include "app/operator_context.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "security/identity/context.h"
#include "service/gateway/test_brain.h"

namespace weir::app {
namespace {

class OperatorContext : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::path(testing::TempDir()) / ("weir-context." + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    file = folder / "context.toml";
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  Status write() { return write_operator_context(file, "127.0.0.1:7443", "/ca.crt", brain, brain.clock); }
  std::string bearer() const {
    return "Bearer " + std::string(identity::load_contexts(file)->named.at("local").token.reveal());
  }

  std::filesystem::path folder, file;
  gateway::TestBrain brain;
  gateway::Service service{brain.ports()};
};

TEST_F(OperatorContext, IsWrittenOnce) {
  ASSERT_TRUE(write());
  const std::string first = bearer();
  EXPECT_TRUE(service.authenticate(first));
  ASSERT_TRUE(write());
  EXPECT_EQ(bearer(), first);
}

TEST_F(OperatorContext, AFileThatIsDeletedEndsItsToken) {
  const std::string alice = brain.token(Role::kOperator, "alice"),
                    person = brain.token(Role::kOperator, "local", 3600);
  ASSERT_TRUE(write());
  const std::string first = bearer();
  std::filesystem::remove(file);
  ASSERT_TRUE(write());
  EXPECT_TRUE(service.authenticate(bearer()));
  EXPECT_FALSE(service.authenticate(first));
  EXPECT_TRUE(service.authenticate(alice));
  EXPECT_TRUE(service.authenticate(person));
}

}  // namespace
}  // namespace weir::app
