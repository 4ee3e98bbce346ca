#include <gtest/gtest.h>

#include "service/gateway/service.h"
#include "service/gateway/test_brain.h"
#include "service/resource/resource.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

const policy::Principal kCity = policy::principal_of(policy::Role::kTenant, "city");

// In which order the intents of a request are submitted.
class ApplyOrderTest : public ::testing::Test {
 protected:
  void SetUp() override { brain.build_region(); }

  static std::string named(const std::string& name, const std::string& where) {
    return "---\napiVersion: weir/v1\nkind: Intent\nmetadata: {name: " + name +
           ", tenant: city}\nspec:\n  workload: {service: {artifact: detector, port: 8080, cpu: \"1\", memory: 256Mi}}\n"
           "  from: [{site: street, streams: 1}]\n  where: {" + where + "}\n";
  }
  Result<v1::ApplyResponse> apply(const std::string& yaml, bool dry_run = false) {
    const auto read = resource::parse(yaml, "test.yaml");
    if (!read) return tl::unexpected(read.error());
    v1::ApplyRequest request;
    request.set_dry_run(dry_run);
    for (const auto& item : *read) resource::to_message(item, *request.add_resources());
    std::optional<Result<v1::ApplyResponse>> out;
    service.apply(kCity, request, [&out](Result<v1::ApplyResponse> answer) { out = std::move(answer); });
    return *out;
  }

  TestBrain brain;
  Service service{brain.ports()};
};

TEST_F(ApplyOrderTest, IntentsOfARequestKeepApartInACircle) {
  const std::string circle = named("a", "apart_from: [b]") + named("b", "apart_from: [c]") + named("c", "apart_from: [a, base]");
  const std::string rest = named("behind", "near: [second], apart_from: [a]") + named("second", "near: [base]") + named("base", "sites: 1");
  const auto apart_from = [this](const std::string& name) {
    const IntentRow& row = brain.durable()->intent(brain.durable()->find_intent("city", name));
    std::string out;
    for (const IntentId other : row.spec->where.apart_from) out += brain.durable()->intent_name(other) + " ";
    return out;
  };
  const auto tried = apply(circle + rest, true);
  ASSERT_TRUE(tried) << tried.error().text();
  EXPECT_EQ(tried->results_size(), 6);
  const auto answer = apply(circle + rest);
  ASSERT_TRUE(answer) << answer.error().text();
  ASSERT_EQ(answer->results_size(), 6);
  for (const auto& result : answer->results()) EXPECT_EQ(result.action(), "created") << result.name();
  EXPECT_EQ(apart_from("a"), "city/b ");
  EXPECT_EQ(apart_from("b"), "city/c ");
  EXPECT_EQ(apart_from("c"), "city/a city/base ");
  EXPECT_EQ(apart_from("behind"), "city/a ");
  int64_t twice = 0;
  for (const auto& result : answer->results()) twice += result.generation() == 2;
  EXPECT_EQ(twice, 1) << "only one of the circle is submitted again";
  const auto again = apply(circle + rest);
  ASSERT_TRUE(again) << again.error().text();
  for (const auto& result : again->results()) EXPECT_EQ(result.action(), "unchanged") << result.name();

  const Position before = brain.durable()->version();
  const auto unknown = apply(named("e", "apart_from: [f, nobody]") + named("f", "apart_from: [e]"));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().text().substr(unknown.error().text().find("spec.")),
            "spec.where.apart_from[1]: no intent \"nobody\"; apply its description first");
  EXPECT_EQ(brain.durable()->version(), before);
  // A circle that nobody can come first in leaves the others as they are.
  const auto stuck = apply(named("egg", "near: [hen]") + named("hen", "near: [egg]") +
                                             named("g", "near: [h]") + named("h", "sites: 1"));
  ASSERT_FALSE(stuck);
  EXPECT_NE(stuck.error().text().find("no intent \"hen\""), std::string::npos) << stuck.error().text();
}

}  // namespace
}  // namespace weir::gateway
