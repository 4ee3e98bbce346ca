#include "security/identity/agent_identity.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "security/identity/authority.h"
#include "security/identity/private_file.h"
#include "security/identity/test_folder.h"

namespace weir::identity {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kNow = 1'763'637'244;

class AgentIdentityTest : public testing::Test {
 protected:
  TestFolder folder_;
  CertificateAuthority ca_ = *CertificateAuthority::open_or_create(folder_.path() / "ca", kNow);
  fs::path home_ = folder_.path() / "agent";
  AgentStore store_{home_};

  std::string issue(const std::string& csr, std::string_view site, int64_t now_s = kNow) {
    return ca_.issue_agent(csr, site, now_s)->certificate_pem;
  }
  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(home_)) names.insert(entry.path().filename());
    return names;
  }
};

TEST_F(AgentIdentityTest, JoinsAndRenews) {
  EXPECT_EQ(store_.load().error().code, ErrorCode::kNotFound);
  const AgentRequest request = *store_.request("hub-a");
  EXPECT_EQ(read_request(request.csr_pem)->site, "hub-a");
  const auto joined = store_.accept(issue(request.csr_pem, "hub-a"), ca_.certificate_pem(), kNow);
  ASSERT_TRUE(joined) << joined.error().text();
  EXPECT_EQ(joined->info.site, "hub-a");
  EXPECT_EQ(joined->ca_pem, ca_.certificate_pem());
  EXPECT_EQ(files(), std::set<std::string>{"identity.pem"});
  struct stat info {};
  ASSERT_EQ(::stat((home_ / "identity.pem").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);

  const int64_t later_s = kNow + 17 * 3600;
  ASSERT_TRUE(needs_renewal(joined->info, later_s));
  const AgentRequest renewal = *store_.request("hub-a");
  EXPECT_NE(read_request(renewal.csr_pem)->key_fingerprint, joined->info.key_fingerprint)
      << "a renewal has a new key";
  EXPECT_EQ(store_.load()->info, joined->info) << "asking changes nothing yet";
  const auto renewed =
      store_.accept(issue(renewal.csr_pem, "hub-a", later_s), ca_.certificate_pem(), later_s);
  ASSERT_TRUE(renewed) << renewed.error().text();
  EXPECT_FALSE(needs_renewal(renewed->info, later_s));
  EXPECT_EQ(AgentStore(home_).load()->info, renewed->info);
}

TEST_F(AgentIdentityTest, ComesBackAfterSleepingPastItsCertificate) {
  ASSERT_TRUE(store_.accept(issue(store_.request("a")->csr_pem, "a"), ca_.certificate_pem(), kNow));
  const AgentIdentity old = *store_.load();
  const int64_t end_s = old.info.not_after_s;
  const AgentRequest request = *store_.lapsed_request();
  EXPECT_EQ(read_request(request.csr_pem)->key_fingerprint, old.info.key_fingerprint);

  const auto renew = [&](const std::string& csr, const std::string& lapsed, int64_t now_s,
                         const RevocationList& revoked = {}) {
    return ca_.renew_lapsed(csr, lapsed, now_s, revoked);
  };
  const auto back = renew(request.csr_pem, old.certificate_pem, end_s + kLapseGrace_s);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->info.site, "a");
  const auto kept = store_.accept(back->certificate_pem, ca_.certificate_pem(), end_s + kLapseGrace_s);
  ASSERT_TRUE(kept) << kept.error().text();
  EXPECT_NE(kept->info.serial, old.info.serial);

  const auto late = renew(request.csr_pem, old.certificate_pem, end_s + kLapseGrace_s + 1);
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().text().find("more than 30 days before"), std::string::npos);
  EXPECT_FALSE(renew(request.csr_pem, old.certificate_pem, kNow - kClockTolerance_s - 1))
      << "before its life";
  RevocationList revoked;
  revoked.revoke_site("a", kNow);
  EXPECT_NE(renew(request.csr_pem, old.certificate_pem, end_s + 1, revoked).error().text().find("revoked"),
            std::string::npos);
  const auto thief = renew(make_agent_request("a")->csr_pem, old.certificate_pem, end_s + 1);
  ASSERT_FALSE(thief) << "a certificate is public; only its key proves anything";
  EXPECT_EQ(thief.error().code, ErrorCode::kDenied);
  EXPECT_FALSE(renew(make_agent_request("b", old.key_pem)->csr_pem, old.certificate_pem, end_s + 1));
  const auto other_ca = CertificateAuthority::open_or_create(folder_.path() / "other", kNow);
  EXPECT_FALSE(other_ca->renew_lapsed(request.csr_pem, old.certificate_pem, end_s + 1));
  EXPECT_FALSE(renew(request.csr_pem, ca_.certificate_pem(), kNow));
}

TEST_F(AgentIdentityTest, AsksAgainWithTheSameKeyUntilAnswered) {
  const AgentRequest first = *store_.request("hub-a");
  const AgentRequest again = *AgentStore(home_).request("hub-a");
  EXPECT_EQ(first.csr_pem, again.csr_pem);
  EXPECT_EQ(first.key_pem.reveal(), again.key_pem.reveal());
  EXPECT_NE(store_.request("hub-b")->csr_pem, first.csr_pem);
}

TEST_F(AgentIdentityTest, AcceptsAChainAndKeepsItsFirstCertificate) {
  const std::string leaf = issue(store_.request("a")->csr_pem, "a");
  const auto joined = store_.accept(leaf + ca_.certificate_pem(), ca_.certificate_pem(), kNow);
  ASSERT_TRUE(joined) << joined.error().text();
  EXPECT_EQ(joined->certificate_pem, leaf);
}

TEST_F(AgentIdentityTest, RefusesWrongAnswersAndStaysAsItWas) {
  const AgentRequest request = *store_.request("hub-a");
  const std::string good = issue(request.csr_pem, "hub-a");
  const auto other_ca = CertificateAuthority::open_or_create(folder_.path() / "other", kNow);
  const std::string other_key = issue(make_agent_request("hub-a")->csr_pem, "hub-a");
  const struct {
    std::string certificate, ca;
    int64_t now_s;
    std::string_view why;
  } cases[] = {
      {other_key, ca_.certificate_pem(), kNow, "another key"},
      {good, other_ca->certificate_pem(), kNow, "not issued by"},
      {good, ca_.certificate_pem(), kNow + kAgentValidity_s + 1, "expired"},
      {good, ca_.certificate_pem(), kNow - kClockTolerance_s - 1, "clock"},
      {"rubbish", ca_.certificate_pem(), kNow, "no certificate"},
      {good, "rubbish", kNow, "no certificate"},
      {ca_.issue_brain({}, kNow)->chain_pem, ca_.certificate_pem(), kNow, "not made for an agent"},
  };
  for (const auto& c : cases) {
    const auto refused = store_.accept(c.certificate, c.ca, c.now_s);
    ASSERT_FALSE(refused) << c.why;
    EXPECT_NE(refused.error().text().find(c.why), std::string::npos) << refused.error().text();
    EXPECT_EQ(store_.load().error().code, ErrorCode::kNotFound);
  }
  EXPECT_TRUE(store_.accept(good, ca_.certificate_pem(), kNow));
  EXPECT_EQ(store_.accept(good, ca_.certificate_pem(), kNow).error().code, ErrorCode::kNotFound)
      << "nothing is asked";
}

TEST_F(AgentIdentityTest, ARenewalComesFromTheSameCa) {
  ASSERT_TRUE(store_.accept(issue(store_.request("a")->csr_pem, "a"), ca_.certificate_pem(), kNow));
  const auto other_ca = CertificateAuthority::open_or_create(folder_.path() / "other", kNow);
  const std::string foreign = other_ca->issue_agent(store_.request("a")->csr_pem, "a", kNow)->certificate_pem;
  const auto refused = store_.accept(foreign, other_ca->certificate_pem(), kNow);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("another CA"), std::string::npos);
  EXPECT_EQ(store_.load()->ca_pem, ca_.certificate_pem());
}

TEST_F(AgentIdentityTest, RemembersItsTokenThroughRenewals) {
  const std::string id = "0123456789abcdef";
  const auto joined =
      store_.accept(issue(store_.request("a")->csr_pem, "a"), ca_.certificate_pem(), kNow, id);
  ASSERT_TRUE(joined) << joined.error().text();
  EXPECT_EQ(joined->token_id, id);
  ASSERT_TRUE(store_.accept(issue(store_.request("a")->csr_pem, "a"), ca_.certificate_pem(), kNow));
  EXPECT_EQ(store_.load()->token_id, id);
  // A token pins its CA, which need not be the one that the folder knows.
  const auto other_ca = CertificateAuthority::open_or_create(folder_.path() / "other", kNow);
  const std::string foreign = other_ca->issue_agent(store_.request("a")->csr_pem, "a", kNow)->certificate_pem;
  const std::string other = "fedcba9876543210";
  ASSERT_TRUE(store_.accept(foreign, other_ca->certificate_pem(), kNow, other));
  EXPECT_EQ(store_.load()->token_id, other);
  EXPECT_EQ(store_.load()->ca_pem, other_ca->certificate_pem());
  const fs::path file = home_ / "identity.pem";
  const std::string good(read_private_file(file)->reveal());
  for (const std::string& text : {good + "x", good.substr(0, good.size() - 3), good + "token " + id + "\n"}) {
    ASSERT_TRUE(write_private_file(file, text, Existing::kReplace));
    EXPECT_EQ(store_.load().error().code, ErrorCode::kCorrupt);
  }
}

TEST_F(AgentIdentityTest, RefusesDamagedAndOpenFiles) {
  ASSERT_TRUE(store_.accept(issue(store_.request("a")->csr_pem, "a"), ca_.certificate_pem(), kNow));
  const fs::path file = home_ / "identity.pem";
  const std::string good(read_private_file(file)->reveal());
  for (const std::string& text : {std::string(), good.substr(0, good.size() / 2), good + "more",
                                  good.substr(good.find("-----BEGIN CERTIFICATE"))}) {
    ASSERT_TRUE(write_private_file(file, text, Existing::kReplace));
    EXPECT_EQ(store_.load().error().code, ErrorCode::kCorrupt) << text.size();
  }
  const std::string other_key(make_agent_request("a")->key_pem.reveal());
  const std::string swapped = other_key + good.substr(good.find("-----BEGIN CERTIFICATE"));
  ASSERT_TRUE(write_private_file(file, swapped, Existing::kReplace));
  EXPECT_EQ(store_.load().error().code, ErrorCode::kCorrupt) << "a key that is not the certificate's";
  ASSERT_TRUE(write_private_file(file, good, Existing::kReplace));
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  const auto open = store_.load();
  EXPECT_EQ(open.error().code, ErrorCode::kDenied);
  EXPECT_EQ(open.error().text().find("BEGIN"), std::string::npos);
  ASSERT_TRUE(write_private_file(home_ / "request.pem", "rubbish", Existing::kReplace));
  EXPECT_EQ(store_.request("a").error().code, ErrorCode::kCorrupt);
}

TEST(Request, RefusesWhatIsNotOneRequestForOneSite) {
  const std::string good = make_agent_request("hub-a")->csr_pem;
  ASSERT_TRUE(read_request(good));
  EXPECT_TRUE(read_request(good + "\n"));
  EXPECT_FALSE(read_request(good + good));
  EXPECT_FALSE(read_request("text\n" + good));
  EXPECT_FALSE(read_request(""));
  EXPECT_TRUE(read_request(good + std::string(kRequestBytesMax - good.size(), '\n')));
  EXPECT_FALSE(read_request(good + std::string(kRequestBytesMax - good.size() + 1, '\n')));
  for (size_t i = 30; i + 40 < good.size(); i += 7) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    const auto read = read_request(bad);
    EXPECT_TRUE(!read || bad == good) << "a changed request keeps its signature at " << i;
  }
  EXPECT_FALSE(make_agent_request("Not a name"));
  EXPECT_TRUE(make_agent_request(std::string(63, 'a')));
  EXPECT_FALSE(make_agent_request(std::string(64, 'a')));
}

// Made with OpenSSL's command line: openssl req -new -newkey rsa:1024 -nodes -subj /CN=a
//   -addext subjectAltName=URI:weir://site/a
TEST(Request, RefusesAnotherKindOfKey) {
  const auto read = read_request(R"(-----BEGIN CERTIFICATE REQUEST-----
MIIBdjCB4AIBADAMMQowCAYDVQQDDAFhMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCB
iQKBgQCmTosI5W+ualuP6ABj1njnSP7cy4LyU45v3tr55xr2D5Ccpz6II7/2sqg9
jsRwQPGAy3B3HXEQTJmjbLjn9cFmrwKKHJvM0Z5B0lDcbd5d0A8NYfljbU98cVy3
yOovagnAtAWA4/C0CGqVSLS1l5rU9XfEU8RA3wwybZGtppfKUwIDAQABoCswKQYJ
KoZIhvcNAQkOMRwwGjAYBgNVHREEETAPhg13ZWlyOi8vc2l0ZS9hMA0GCSqGSIb3
DQEBCwUAA4GBABv3wVOLF+R00W5P3u0dcoPsOg+/jVuHeC4YrzhMPIGu/tBVRE6n
dn+yhsd+kJUgGJZv18CtH/ErklBalUEt1GF79flu13SmNLdmky73zqIEHdloHXuR
sLqrbjdJt/dbbNdTRYLDMQZ80G9oClAnGnZZFnzamxenYwcpy/qhj4FT
-----END CERTIFICATE REQUEST-----
)");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().text().find("not ECDSA P-256"), std::string::npos) << read.error().text();
}

}  // namespace
}  // namespace weir::identity
