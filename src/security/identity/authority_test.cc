#include "security/identity/authority.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <thread>

#include "security/identity/clock_text.h"
#include "security/identity/private_file.h"
#include "security/identity/request.h"
#include "security/identity/test_folder.h"
#include "security/identity/token_text.h"

namespace weir::identity {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kNow = 1'763'637'244;  // 2025-11-20T11:14:04Z

class AuthorityTest : public testing::Test {
 protected:
  TestFolder folder_;
  CertificateAuthority ca_ = *CertificateAuthority::open_or_create(folder_.path() / "ca", kNow);

  IssuedCertificate agent(std::string_view site, int64_t now_s = kNow) {
    return *ca_.issue_agent(make_agent_request(site)->csr_pem, site, now_s);
  }
};

mode_t mode_of(const fs::path& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

TEST_F(AuthorityTest, IsCreatedPrivateAndOpenedAgain) {
  const fs::path dir = folder_.path() / "ca";
  EXPECT_EQ(mode_of(dir), 0700u);
  EXPECT_EQ(mode_of(dir / "ca.pem"), 0600u);
  EXPECT_EQ(mode_of(dir / "ca.crt"), 0644u);
  const auto again = CertificateAuthority::open_or_create(dir, kNow + 1);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->fingerprint(), ca_.fingerprint());
  EXPECT_EQ(again->certificate_pem(), ca_.certificate_pem());
  EXPECT_TRUE(ca_.info().authority);
  EXPECT_EQ(ca_.info().not_after_s, kNow + kCaValidity_s);
  EXPECT_EQ(ca_.fingerprint().size(), kFingerprintChars);
  EXPECT_EQ(ca_.certificate_pem().find("PRIVATE"), std::string::npos);
}

TEST_F(AuthorityTest, RefusesAKeyFileThatOthersMayReach) {
  const fs::path file = folder_.path() / "ca" / "ca.pem";
  for (const mode_t mode : {0640u, 0604u, 0620u, 0601u}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    const auto opened = CertificateAuthority::open_or_create(folder_.path() / "ca", kNow);
    ASSERT_FALSE(opened) << mode;
    EXPECT_EQ(opened.error().code, ErrorCode::kDenied);
    EXPECT_NE(opened.error().text().find("chmod 0600"), std::string::npos);
  }
  ASSERT_EQ(::chmod(file.c_str(), 0400), 0);
  EXPECT_TRUE(CertificateAuthority::open_or_create(folder_.path() / "ca", kNow));
}

TEST_F(AuthorityTest, RefusesAFolderThatOthersMayWrite) {
  ASSERT_EQ(::chmod((folder_.path() / "ca").c_str(), 0770), 0);
  const auto opened = CertificateAuthority::open_or_create(folder_.path() / "ca", kNow);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kDenied);
}

TEST_F(AuthorityTest, RefusesAnotherUsersFileAndFolder) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  constexpr uid_t kNobody = 65534;
  const fs::path dir = folder_.path() / "ca";
  for (const fs::path& path : {dir / "ca.pem", dir}) {
    ASSERT_EQ(::chown(path.c_str(), kNobody, 0), 0);
    const auto opened = CertificateAuthority::open_or_create(dir, kNow);
    ASSERT_FALSE(opened) << path;
    EXPECT_EQ(opened.error().code, ErrorCode::kDenied);
    EXPECT_NE(opened.error().text().find("belongs to user 65534"), std::string::npos);
    ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);
  }
}

TEST_F(AuthorityTest, RefusesASymbolicLink) {
  const fs::path other = folder_.path() / "other";
  fs::create_directory(other);
  fs::permissions(other, fs::perms::owner_all);
  fs::create_symlink(folder_.path() / "ca" / "ca.pem", other / "ca.pem");
  const auto opened = CertificateAuthority::open_or_create(other, kNow);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kDenied);
}

TEST_F(AuthorityTest, NeverReplacesADamagedFile) {
  const fs::path file = folder_.path() / "ca" / "ca.pem";
  const std::string good(read_private_file(file)->reveal());
  const size_t certificate = good.find("-----BEGIN CERTIFICATE");
  const std::vector<std::string> damaged = {"",
                                            "rubbish",
                                            good.substr(0, certificate),
                                            good.substr(certificate),
                                            good + "more",
                                            good.substr(0, good.size() / 2)};
  for (const std::string& text : damaged) {
    ASSERT_TRUE(write_private_file(file, text, Existing::kReplace));
    const auto opened = CertificateAuthority::open_or_create(folder_.path() / "ca", kNow);
    ASSERT_FALSE(opened) << text.size();
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(opened.error().text().find("PRIVATE KEY-----\n"), std::string::npos);
    EXPECT_EQ(read_private_file(file)->reveal(), text);
  }
}

TEST_F(AuthorityTest, RefusesAKeyThatIsNotTheCertificates) {
  const auto other = CertificateAuthority::open_or_create(folder_.path() / "other", kNow);
  const std::string mine(read_private_file(folder_.path() / "ca" / "ca.pem")->reveal());
  const std::string key = mine.substr(0, mine.find("-----BEGIN CERTIFICATE"));
  ASSERT_TRUE(write_private_file(folder_.path() / "ca" / "ca.pem", key + other->certificate_pem(),
                                 Existing::kReplace));
  const auto opened = CertificateAuthority::open_or_create(folder_.path() / "ca", kNow);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
}

TEST_F(AuthorityTest, NamesTheClockWhenTheCaIsNotAlive) {
  const auto early =
      CertificateAuthority::open_or_create(folder_.path() / "ca", kNow - kClockTolerance_s - 1);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::kDenied);
  EXPECT_NE(early.error().text().find("clock is wrong"), std::string::npos);
  EXPECT_TRUE(CertificateAuthority::open_or_create(folder_.path() / "ca", kNow - kClockTolerance_s));
  EXPECT_TRUE(CertificateAuthority::open_or_create(folder_.path() / "ca", kNow + kCaValidity_s));
  EXPECT_FALSE(CertificateAuthority::open_or_create(folder_.path() / "ca", kNow + kCaValidity_s + 1));
}

TEST_F(AuthorityTest, IsNotMadeUnderAClockThatWasNeverSet) {
  const auto made = CertificateAuthority::open_or_create(folder_.path() / "new", kEarliestClock_s - 1);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().text().find("clock reads 2023-12-31T23:59:59Z"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_.path() / "new" / "ca.pem"));
  EXPECT_TRUE(CertificateAuthority::open_or_create(folder_.path() / "new", kEarliestClock_s));
}

TEST_F(AuthorityTest, ConcurrentCreatorsEndWithTheSameCa) {
  std::vector<std::string> fingerprints(8);
  {
    std::vector<std::jthread> threads;
    for (std::string& fingerprint : fingerprints) {
      threads.emplace_back([&] {
        const auto opened = CertificateAuthority::open_or_create(folder_.path() / "race", kNow);
        fingerprint = opened ? opened->fingerprint() : opened.error().text();
      });
    }
  }
  EXPECT_EQ(std::set<std::string>(fingerprints.begin(), fingerprints.end()).size(), 1u) << fingerprints[0];
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder_.path() / "race")) ++files;
  EXPECT_EQ(files, 2u) << "temporary files are left behind";
}

TEST_F(AuthorityTest, IssuesAgentsForTheirSite) {
  const AgentRequest request = *make_agent_request("hub-a");
  const auto issued = ca_.issue_agent(request.csr_pem, "hub-a", kNow);
  ASSERT_TRUE(issued) << issued.error().text();
  EXPECT_EQ(issued->info.site, "hub-a");
  EXPECT_EQ(issued->info.issued_s, kNow);
  EXPECT_EQ(issued->info.not_after_s, kNow + kAgentValidity_s);
  EXPECT_FALSE(issued->info.authority);
  EXPECT_EQ(issued->info.key_fingerprint, read_request(request.csr_pem)->key_fingerprint);
  EXPECT_EQ(verify_peer(issued->certificate_pem, ca_.certificate_pem(), Peer::kAgent, kNow), issued->info);

  const auto wrong = ca_.issue_agent(request.csr_pem, "hub-b", kNow);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kDenied);
  EXPECT_FALSE(ca_.issue_agent(request.csr_pem, "hub-a", kNow, 0));
  EXPECT_TRUE(ca_.issue_agent(request.csr_pem, "hub-a", kNow, 1));
}

TEST_F(AuthorityTest, IssuesFromSeveralThreads) {
  const std::string csr = make_agent_request("a")->csr_pem;
  std::vector<std::set<std::string>> serials(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : serials) {
      threads.emplace_back([&] {
        for (int i = 0; i < 25; ++i) {
          const auto issued = ca_.issue_agent(csr, "a", kNow);
          if (issued && verify_peer(issued->certificate_pem, ca_.certificate_pem(), Peer::kAgent, kNow)) {
            mine.insert(issued->info.serial);
          }
        }
      });
    }
  }
  std::set<std::string> all;
  for (const auto& mine : serials) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 100u);
}

TEST_F(AuthorityTest, TheBrainsFileIsPrivateAndWhole) {
  const BrainIdentity brain = *ca_.issue_brain({}, kNow);
  const fs::path path = folder_.path() / "brain.pem";
  ASSERT_TRUE(write_brain_file(path, brain));
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_EQ(read_private_file(path)->reveal(), std::string(brain.key_pem.reveal()) + brain.chain_pem);
}

TEST_F(AuthorityTest, SerialNumbersDiffer) {
  const std::string csr = make_agent_request("a")->csr_pem;
  std::set<std::string> serials;
  for (int i = 0; i < 50; ++i) serials.insert(ca_.issue_agent(csr, "a", kNow)->info.serial);
  EXPECT_EQ(serials.size(), 50u);
  EXPECT_EQ(serials.begin()->size(), 32u);
}

TEST_F(AuthorityTest, ACertificateNeverOutlivesTheCa) {
  const int64_t end_s = kNow + kCaValidity_s;
  EXPECT_EQ(agent("a", end_s - 10).info.not_after_s, end_s);
  EXPECT_FALSE(ca_.issue_agent(make_agent_request("a")->csr_pem, "a", end_s + 1));
  EXPECT_FALSE(ca_.issue_brain({}, end_s + 1));
}

TEST_F(AuthorityTest, IssuesTheBrainForItsNames) {
  const auto brain = ca_.issue_brain({"127.0.0.1", "fd00::1", "brain.example.org"}, kNow);
  ASSERT_TRUE(brain) << brain.error().text();
  EXPECT_EQ(brain->info.names,
            (std::vector<std::string>{std::string(kBrainName), "127.0.0.1",
                                      "fd00:0000:0000:0000:0000:0000:0000:0001", "brain.example.org"}));
  EXPECT_TRUE(verify_peer(brain->chain_pem, ca_.certificate_pem(), Peer::kBrain, kNow));
  for (const char* bad : {"", "a,IP:1.2.3.4", "a b", "DNS:x", "-a", "a..b", "a.", "\n"}) {
    EXPECT_FALSE(ca_.issue_brain({bad}, kNow)) << bad;
  }
  EXPECT_TRUE(ca_.issue_brain(std::vector<std::string>(kBrainNamesMax, "a"), kNow));
  EXPECT_FALSE(ca_.issue_brain(std::vector<std::string>(kBrainNamesMax + 1, "a"), kNow));
}

TEST_F(AuthorityTest, AnAgentIsNoBrainAndABrainNoAgent) {
  const auto brain = ca_.issue_brain({}, kNow);
  const auto as_agent = verify_peer(brain->chain_pem, ca_.certificate_pem(), Peer::kAgent, kNow);
  ASSERT_FALSE(as_agent);
  EXPECT_EQ(as_agent.error().what, "the certificate was not made for an agent");
  const auto as_brain = verify_peer(agent("a").certificate_pem, ca_.certificate_pem(), Peer::kBrain, kNow);
  ASSERT_FALSE(as_brain);
  EXPECT_EQ(as_brain.error().what, "the certificate was not made for a brain");
}

TEST(SpanText, NamesTheTwoLargestUnits) {
  EXPECT_EQ(span_text(0), "0 s");
  EXPECT_EQ(span_text(59), "59 s");
  EXPECT_EQ(span_text(-61), "1 min 1 s");
  EXPECT_EQ(span_text(3600), "1 h");
  EXPECT_EQ(span_text(3605), "1 h");
  EXPECT_EQ(span_text(2 * 3600 + 13 * 60 + 5), "2 h 13 min");
  EXPECT_EQ(span_text(400 * 86400 + 3 * 3600), "400 d 3 h");
  EXPECT_EQ(span_text(INT64_MIN), "106751991167300 d 15 h");
}

TEST_F(AuthorityTest, VerificationNamesTheClock) {
  const IssuedCertificate issued = agent("a");
  const auto verify = [&](int64_t now_s) {
    return verify_peer(issued.certificate_pem, ca_.certificate_pem(), Peer::kAgent, now_s);
  };
  EXPECT_TRUE(verify(kNow - kClockTolerance_s));
  EXPECT_TRUE(verify(kNow + kAgentValidity_s));
  const auto late = verify(kNow + kAgentValidity_s + 1);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().text(),
            "the certificate of site a expired at 2025-11-21T11:14:04Z, and the clock here reads "
            "2025-11-21T11:14:05Z, 1 s later; if that clock is wrong, set it; otherwise renew, or join again "
            "with a new "
            "token");
  const CertificateInfo info = issued.info;
  const auto early = check_lifetime(info, kNow - kClockTolerance_s - 1, "it");
  ASSERT_FALSE(early);
  const auto far = check_lifetime(info, kNow - 400 * 86400 - 3 * 3600, "it");
  EXPECT_NE(far.error().text().find(", 400 d 2 h earlier; a clock is wrong"), std::string::npos)
      << far.error().text();
  EXPECT_EQ(early.error().text(),
            "it is valid only from 2025-11-20T11:09:04Z, and the clock here reads 2025-11-20T11:09:03Z, 1 s "
            "earlier; a clock is wrong, most likely the one here: set it, then try again");
}

TEST_F(AuthorityTest, RefusesOthersCertificates) {
  const auto other = CertificateAuthority::open_or_create(folder_.path() / "other", kNow);
  const auto foreign = other->issue_agent(make_agent_request("a")->csr_pem, "a", kNow);
  const auto refused = verify_peer(foreign->certificate_pem, ca_.certificate_pem(), Peer::kAgent, kNow);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("not issued by this brain's CA"), std::string::npos);
  // The CA itself is nobody's agent, and neither is another CA.
  const auto self = verify_peer(other->certificate_pem(), ca_.certificate_pem(), Peer::kAgent, kNow);
  ASSERT_FALSE(self);
  EXPECT_NE(self.error().what.find("self-signed"), std::string::npos) << self.error().text();
  EXPECT_FALSE(verify_peer(ca_.certificate_pem(), ca_.certificate_pem(), Peer::kAgent, kNow));
  EXPECT_EQ(verify_peer("rubbish", ca_.certificate_pem(), Peer::kAgent, kNow).error().code,
            ErrorCode::kInvalid);
}

TEST_F(AuthorityTest, RevokesBySite) {
  const IssuedCertificate one = agent("a");
  const IssuedCertificate two = agent("a", kNow + 10);
  const IssuedCertificate other = agent("b");
  const auto good = [&](const IssuedCertificate& issued, const RevocationList& list) {
    return verify_peer(issued.certificate_pem, ca_.certificate_pem(), Peer::kAgent, kNow + 20, list)
        .has_value();
  };
  RevocationList sites;
  EXPECT_TRUE(good(one, sites));
  sites.revoke_site("a", kNow + 9);
  EXPECT_FALSE(good(one, sites));
  EXPECT_TRUE(good(two, sites)) << "it joined again later";
  sites.revoke_site("a", kNow + 10);
  EXPECT_FALSE(good(two, sites));
  sites.revoke_site("a", kNow);
  EXPECT_FALSE(good(two, sites)) << "an older revocation does not undo a newer one";
  EXPECT_TRUE(good(other, sites));
  EXPECT_EQ(check_revoked(one.info, sites).error().text(),
            "the certificate of site a (serial " + one.info.serial +
                ") is revoked; ask the operator; to come back, join with a new token");
}

TEST_F(AuthorityTest, RenewsAtTwoThirdsOfLife) {
  CertificateInfo info;
  info.not_before_s = 1000;
  info.not_after_s = 1000 + 300;
  EXPECT_FALSE(needs_renewal(info, 1199));
  EXPECT_TRUE(needs_renewal(info, 1200));
  EXPECT_TRUE(needs_renewal(info, 9999));
  EXPECT_FALSE(needs_renewal(info, 0));
  EXPECT_FALSE(needs_renewal(agent("a").info, kNow + 15 * 3600));
  EXPECT_TRUE(needs_renewal(agent("a").info, kNow + 16 * 3600));
}

TEST_F(AuthorityTest, AnAgentSpeaksForItsOwnSite) {
  const CertificateInfo info = agent("a").info;
  EXPECT_TRUE(require_site(info, "a"));
  const Status refused = require_site(info, "b");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDenied);
  EXPECT_FALSE(require_site(CertificateInfo{}, ""));
}

TEST_F(AuthorityTest, FindsThePinnedCaInWhatTheServerShows) {
  const auto brain = ca_.issue_brain({"127.0.0.1"}, kNow);
  EXPECT_EQ(find_pinned_ca(brain->chain_pem, ca_.fingerprint(), kNow), ca_.certificate_pem());

  const auto other = CertificateAuthority::open_or_create(folder_.path() / "other", kNow);
  const auto impostor = other->issue_brain({"127.0.0.1"}, kNow);
  const auto unknown = find_pinned_ca(impostor->chain_pem, ca_.fingerprint(), kNow);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kDenied);
  // Showing the right CA below a certificate of another one proves nothing.
  const std::string leaf =
      impostor->chain_pem.substr(0, impostor->chain_pem.find("-----END CERTIFICATE-----") + 26);
  EXPECT_FALSE(find_pinned_ca(leaf + ca_.certificate_pem(), ca_.fingerprint(), kNow));
  // An agent of the same CA cannot pose as its brain.
  EXPECT_FALSE(find_pinned_ca(agent("a").certificate_pem + ca_.certificate_pem(), ca_.fingerprint(), kNow));
  EXPECT_FALSE(find_pinned_ca("", ca_.fingerprint(), kNow));
  EXPECT_FALSE(find_pinned_ca(brain->chain_pem, ca_.fingerprint(), kNow + kBrainValidity_s + 1));
}

}  // namespace
}  // namespace weir::identity
