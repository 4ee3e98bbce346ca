#include "security/policy/policy.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <tuple>

namespace weir::policy {
namespace {

const Principal kOperator{Role::kOperator, {}};
const Principal kCity{Role::kTenant, {"city"}};
const Principal kHub{Role::kProvider, {"hub-a", "hub-b"}};
const Principal kHubAgent{Role::kAgent, {"hub-a"}};

Resource of(Kind kind, std::string_view tenant, std::string_view site, std::string_view far_site = {}) {
  return Resource{kind, "thing", tenant, {site, far_site}};
}

// The matrix once more, written as a person would: one row per role and kind, one letter per action in the
// order of Action: '.' never, 't' own tenant, 's' own site, '*' always.
const std::map<std::pair<Role, Kind>, std::string> kExpected = {
    {{Role::kProvider, Kind::kRouter}, ".*......"},
    {{Role::kTenant, Kind::kRouter}, ".*......"},
    {{Role::kAgent, Kind::kRouter}, "........"},
    //                                    read public usage logs apply delete drain report
    {{Role::kProvider, Kind::kSite}, "s*....s."},
    {{Role::kProvider, Kind::kNode}, "s.....s."},
    {{Role::kProvider, Kind::kLink}, "s*......"},
    {{Role::kProvider, Kind::kIntent}, "........"},
    {{Role::kProvider, Kind::kPlan}, "........"},
    {{Role::kProvider, Kind::kRun}, "..s....."},
    {{Role::kProvider, Kind::kBill}, "........"},
    {{Role::kProvider, Kind::kPrice}, "s*......"},
    {{Role::kProvider, Kind::kOffer}, "s*..ss.."},
    {{Role::kProvider, Kind::kDataset}, "........"},
    {{Role::kProvider, Kind::kTenant}, "........"},
    {{Role::kProvider, Kind::kEvent}, "........"},
    {{Role::kProvider, Kind::kToken}, "........"},
    {{Role::kProvider, Kind::kLedger}, "........"},
    {{Role::kProvider, Kind::kQueue}, ".*......"},
    {{Role::kProvider, Kind::kReservation}, "s......."},
    {{Role::kProvider, Kind::kPolicy}, "*......."},
    {{Role::kProvider, Kind::kWorkflow}, "........"},
    {{Role::kProvider, Kind::kWebhook}, "........"},
    {{Role::kTenant, Kind::kSite}, ".*......"},
    {{Role::kTenant, Kind::kNode}, "........"},
    {{Role::kTenant, Kind::kLink}, ".*......"},
    {{Role::kTenant, Kind::kIntent}, "t...tt.."},
    {{Role::kTenant, Kind::kPlan}, "t......."},
    {{Role::kTenant, Kind::kRun}, "t.tt...."},
    {{Role::kTenant, Kind::kBill}, "t......."},
    {{Role::kTenant, Kind::kPrice}, ".*......"},
    {{Role::kTenant, Kind::kOffer}, ".*......"},
    {{Role::kTenant, Kind::kDataset}, "t...tt.."},
    {{Role::kTenant, Kind::kTenant}, "t......."},
    {{Role::kTenant, Kind::kEvent}, "t......."},
    {{Role::kTenant, Kind::kToken}, "........"},
    {{Role::kTenant, Kind::kLedger}, "........"},
    {{Role::kTenant, Kind::kQueue}, ".*......"},
    {{Role::kTenant, Kind::kReservation}, "t....t.."},
    {{Role::kTenant, Kind::kPolicy}, "*......."},
    {{Role::kTenant, Kind::kWorkflow}, "t...tt.."},
    {{Role::kTenant, Kind::kWebhook}, "t...tt.."},
    {{Role::kAgent, Kind::kSite}, ".......s"},
    {{Role::kAgent, Kind::kNode}, ".......s"},
    {{Role::kAgent, Kind::kLink}, ".......s"},
    {{Role::kAgent, Kind::kIntent}, "........"},
    {{Role::kAgent, Kind::kPlan}, "........"},
    {{Role::kAgent, Kind::kRun}, ".......s"},
    {{Role::kAgent, Kind::kBill}, "........"},
    {{Role::kAgent, Kind::kPrice}, "........"},
    {{Role::kAgent, Kind::kOffer}, "........"},
    {{Role::kAgent, Kind::kDataset}, "........"},
    {{Role::kAgent, Kind::kTenant}, "........"},
    {{Role::kAgent, Kind::kEvent}, "........"},
    {{Role::kAgent, Kind::kToken}, "........"},
    {{Role::kAgent, Kind::kLedger}, "........"},
    {{Role::kAgent, Kind::kQueue}, "........"},
    {{Role::kAgent, Kind::kReservation}, "........"},
    {{Role::kAgent, Kind::kPolicy}, "........"},
    {{Role::kAgent, Kind::kWorkflow}, "........"},
    {{Role::kAgent, Kind::kWebhook}, "........"},
};

char expected(Role role, Kind kind, Action action) {
  if (role == Role::kOperator) return action == Action::kReport ? '.' : '*';
  return kExpected.at({role, kind})[static_cast<size_t>(action)];
}

TEST(Policy, DecidesTheWholeMatrix) {
  const std::map<Role, Principal> principals = {{Role::kOperator, kOperator},
                                                {Role::kProvider, kHub},
                                                {Role::kTenant, kCity},
                                                {Role::kAgent, kHubAgent}};
  int checked = 0;
  for (const auto& [role, principal] : principals) {
    for (int k = 0; k < kKinds; ++k) {
      for (int a = 0; a < kActions; ++a) {
        const auto kind = static_cast<Kind>(k);
        const auto action = static_cast<Action>(a);
        const char want = expected(role, kind, action);
        const auto allowed = [&](const Resource& resource) {
          return authorise(principal, action, resource).has_value();
        };
        SCOPED_TRACE(std::string(role_name(role)) + " " + std::string(action_name(action)) + " " +
                     std::string(kind_name(kind)));
        EXPECT_EQ(allowed(of(kind, "city", "hub-a")), want != '.');
        EXPECT_EQ(allowed(of(kind, "other", "elsewhere", "hub-a")), want == 's' || want == '*');
        EXPECT_EQ(allowed(of(kind, "city", "elsewhere", "far")), want == 't' || want == '*');
        EXPECT_EQ(allowed(of(kind, "other", "elsewhere", "far")), want == '*');
        EXPECT_EQ(allowed(of(kind, "", "")), want == '*');
        // A tenant of a site's name and a site of a tenant's name own nothing of each other.
        EXPECT_EQ(allowed(of(kind, "hub-a", "city")), want == '*');
        checked += 6;
      }
    }
  }
  EXPECT_EQ(checked, kRoles * kKinds * kActions * 6);
}

TEST(Policy, ReadsInTheFullestFormAllowed) {
  EXPECT_EQ(authorise_read(kOperator, of(Kind::kRun, "city", "hub-a")), View::kFull);
  EXPECT_EQ(authorise_read(kHub, of(Kind::kRun, "city", "hub-a")), View::kUsage);
  EXPECT_EQ(authorise_read(kHub, of(Kind::kSite, "", "hub-b")), View::kFull);
  EXPECT_EQ(authorise_read(kHub, of(Kind::kSite, "", "elsewhere")), View::kPublic);
  EXPECT_EQ(authorise_read(kCity, of(Kind::kRun, "city", "hub-a")), View::kFull);
  EXPECT_EQ(authorise_read(kCity, of(Kind::kSite, "", "hub-a")), View::kPublic);
  EXPECT_EQ(authorise_read(kCity, of(Kind::kNode, "", "hub-a")).error().code, ErrorCode::kDenied);
  EXPECT_EQ(authorise_read(kHub, of(Kind::kRun, "city", "elsewhere")).error().code, ErrorCode::kNotFound);
}

TEST(Policy, SaysWhichRoleIsNeeded) {
  const Status drain = authorise(kCity, Action::kDrain, Resource{Kind::kSite, "hub-a", {}, {"hub-a"}});
  ASSERT_FALSE(drain);
  EXPECT_EQ(drain.error().text(),
            "tenant city may not drain site hub-a; needs the role operator or provider of its site");
  const Status apply = authorise(kCity, Action::kApply, Resource{Kind::kIntent, "other/cameras", "other"});
  ASSERT_FALSE(apply);
  EXPECT_EQ(
      apply.error().text(),
      "tenant city may not change intent other/cameras; needs the role operator or tenant that owns it");
  const Status report = authorise(kOperator, Action::kReport, of(Kind::kSite, "", "hub-a"));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().remedy, "needs the role agent of its site");
}

TEST(Policy, AnEmptyNameOwnsNothing) {
  EXPECT_FALSE(authorise({Role::kTenant, {""}}, Action::kRead, of(Kind::kIntent, "", "")));
  EXPECT_FALSE(authorise({Role::kProvider, {""}}, Action::kDrain, of(Kind::kSite, "", "")));
  EXPECT_FALSE(authorise({Role::kAgent, {""}}, Action::kReport, of(Kind::kSite, "", "")));
}

TEST(Policy, KindNamesRoundTrip) {
  for (int i = 0; i < kKinds; ++i) {
    const auto kind = static_cast<Kind>(i);
    EXPECT_EQ(parse_kind(kind_name(kind)), kind);
    EXPECT_EQ(parse_kind(std::string(kind_name(kind)) + "s"), kind);
  }
  for (const char* bad : {"", "s", "sitess", "Site", "pod"}) EXPECT_FALSE(parse_kind(bad)) << bad;
}

TEST(Policy, RefusesValuesOutsideTheEnumerations) {
  const auto kind = static_cast<Kind>(kKinds);
  const auto action = static_cast<Action>(kActions);
  const Principal nobody{static_cast<Role>(kRoles), {"city"}};
  EXPECT_FALSE(authorise(kOperator, action, of(Kind::kSite, "city", "hub-a")));
  EXPECT_FALSE(authorise(kOperator, Action::kRead, of(kind, "city", "hub-a")));
  EXPECT_FALSE(authorise(nobody, Action::kRead, of(Kind::kIntent, "city", "hub-a")));
  EXPECT_EQ(role_name(nobody.role), "unknown");
}

TEST(Policy, ForeignIntentReadsExactlyLikeAnAbsentOne) {
  const auto foreign = authorise(kCity, Action::kRead, Resource{Kind::kIntent, "other/cameras", "other"});
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(foreign.error().text(), "no intent other/cameras");
  EXPECT_EQ(foreign.error(), absent(kCity, Action::kRead, Kind::kIntent, "other/cameras"));
}

rc::Gen<std::string> any_name() { return rc::gen::element<std::string>("city", "other", "hub-a", "", "x"); }
rc::Gen<Principal> any_principal() {
  return rc::gen::map(
      rc::gen::tuple(rc::gen::inRange(0, kRoles), rc::gen::container<std::vector<std::string>>(any_name())),
      [](std::tuple<int, std::vector<std::string>> p) {
        return Principal{static_cast<Role>(std::get<0>(p)), std::get<1>(p)};
      });
}

RC_GTEST_PROP(PolicyProperty, NoTenantEverHasAnotherTenantsObject, ()) {
  Principal principal = *any_principal();
  principal.role = Role::kTenant;
  const auto kind = *rc::gen::element(Kind::kIntent, Kind::kPlan, Kind::kRun, Kind::kBill, Kind::kDataset,
                                      Kind::kTenant, Kind::kEvent);
  const auto action = static_cast<Action>(*rc::gen::inRange(0, kActions));
  const std::string owner = *any_name();
  const std::string site = *any_name();
  std::erase(principal.subjects, owner);
  const Resource resource{kind, "thing", owner, {site, {}}};
  RC_ASSERT(!authorise(principal, action, resource));
  RC_ASSERT(!authorise_read(principal, resource));
}

// Nobody learns from a refusal whether a private object exists, unless they may see it in some form.
RC_GTEST_PROP(PolicyProperty, RefusalOfAPrivateKindEqualsAbsence, ()) {
  const Principal principal = *any_principal();
  const auto kind = *rc::gen::element(Kind::kNode, Kind::kIntent, Kind::kPlan, Kind::kRun, Kind::kBill,
                                      Kind::kDataset, Kind::kTenant, Kind::kEvent);
  const auto action = static_cast<Action>(*rc::gen::inRange(0, kActions));
  const std::string owner = *any_name();
  const std::string site = *any_name();
  const Resource resource{kind, "thing", owner, {site, {}}};
  const bool visible = authorise_read(principal, resource).has_value();
  RC_CLASSIFY(visible);
  if (visible) return;
  const Status status = authorise(principal, action, resource);
  if (!status && action != Action::kApply)
    RC_ASSERT(status.error() == absent(principal, action, kind, "thing"));
}

// Of a refused apply, the answer does not depend on the owner, only on the name that was asked for.
RC_GTEST_PROP(PolicyProperty, RefusedApplyDoesNotDependOnTheObject, ()) {
  const Principal principal = *any_principal();
  const auto kind = static_cast<Kind>(*rc::gen::inRange(0, kKinds));
  const std::string owner = *any_name();
  const std::string site = *any_name();
  const Resource one{kind, "thing", owner, {site, {}}};
  const Status first = authorise(principal, Action::kApply, one);
  const Status second = authorise(principal, Action::kApply, Resource{kind, "thing"});
  if (!first && !second) RC_ASSERT(first.error() == second.error());
}

TEST(Principal, NamesAreDnsLabels) {
  EXPECT_TRUE(valid_name("a"));
  EXPECT_TRUE(valid_name("hub-guizhou"));
  EXPECT_TRUE(valid_name(std::string(kNameBytesMax, 'a')));
  EXPECT_FALSE(valid_name(std::string(kNameBytesMax + 1, 'a')));
  for (const char* bad : {"", "-a", "a-", "A", "a/b", "a.b", "a b", "..", "\xE4\xB8\xAD"}) {
    EXPECT_FALSE(valid_name(bad)) << bad;
  }
}

TEST(Principal, IsWellFormedOnlyWithTheNamesOfItsRole) {
  EXPECT_TRUE(well_formed(kOperator));
  EXPECT_TRUE(well_formed(kHub));
  EXPECT_TRUE(well_formed(kCity));
  EXPECT_FALSE(well_formed({Role::kTenant, {}}));
  EXPECT_FALSE(well_formed({Role::kTenant, {"a", "b"}}));
  EXPECT_FALSE(well_formed({Role::kTenant, {"A"}}));
  EXPECT_FALSE(well_formed({Role::kProvider, {}}));
  EXPECT_TRUE(well_formed({Role::kProvider, std::vector<std::string>(kSubjectsMax, "a")}));
  EXPECT_FALSE(well_formed({Role::kProvider, std::vector<std::string>(kSubjectsMax + 1, "a")}));
  const std::string long_name(63, 'a');  // 16 of them, with commas, are 1023 bytes
  EXPECT_TRUE(well_formed({Role::kProvider, std::vector<std::string>(16, long_name)}));
  EXPECT_FALSE(well_formed({Role::kProvider, std::vector<std::string>(17, long_name)}));
  EXPECT_FALSE(well_formed({Role::kAgent, {"a", "b"}}));
  EXPECT_FALSE(well_formed({Role::kOperator, {"a", "b"}}));
  EXPECT_FALSE(well_formed({static_cast<Role>(kRoles), {"a"}}));
}

TEST(Principal, SubjectsRoundTripAsText) {
  for (const Principal& principal : {kOperator, kCity, kHub, kHubAgent}) {
    EXPECT_EQ(principal_of(principal.role, subject_text(principal)), principal);
  }
  for (const char* bad : {",", "a,", ",a", "a,,b", "a, b"}) {
    EXPECT_FALSE(well_formed(principal_of(Role::kProvider, bad))) << bad;
  }
  EXPECT_FALSE(well_formed(principal_of(Role::kTenant, "")));
}

TEST(Principal, RoleNamesRoundTrip) {
  for (int i = 0; i < kRoles; ++i) {
    EXPECT_EQ(parse_role(role_name(static_cast<Role>(i))), static_cast<Role>(i));
  }
  EXPECT_FALSE(parse_role("root"));
  EXPECT_EQ(kHub.text(), "provider hub-a,hub-b");
}

}  // namespace
}  // namespace weir::policy
