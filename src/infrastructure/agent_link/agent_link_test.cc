// The brain's side of the agents' connections, over loopback and TLS, with a brain that records what it hears.
#include "infrastructure/agent_link/agent_link.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>

#include "core/event/limits.h"
#include "core/loop/admit.h"
#include "infrastructure/agent_link/convert.h"
#include "security/identity/join_token.h"
#include "security/identity/request.h"
#include "weir/v1/agent.grpc.pb.h"

namespace weir::agent_link {
namespace {

namespace fs = std::filesystem;

class NowClock : public Clock {
 public:
  TimeUs wall_us() override { return int64_t{std::time(nullptr)} * 1'000'000; }
  TimeUs steady_us() override { return wall_us(); }
};

class RecordingBrain : public Brain {
 public:
  void record(EventBody body) {
    Graph next = *durable();
    (void)next.apply(Event{NowClock().wall_us(), "test", std::move(body)});
    const std::lock_guard lock(mutex);
    graph = std::make_shared<const Graph>(std::move(next));
  }
  void propose(std::vector<Proposal> proposals, Reply reply) override {
    for (Proposal& proposal : proposals) {
      auto admission = admit(*durable(), proposal.body, NowClock().wall_us());
      if (!admission) return reply(tl::unexpected(admission.error()));
      record(std::move(admission->body));
    }
    reply(Admitted{});
  }
  Snapshot durable() const override {
    const std::lock_guard lock(mutex);
    return graph;
  }
  uint64_t subscribe(Notify) override { return 0; }
  void unsubscribe(uint64_t) override {}
  bool attached(SiteId, uint64_t, Hello hello) override {
    say("attached " + hello.driver);
    return true;
  }
  bool detached(SiteId, uint64_t) override {
    say("detached");
    return true;
  }
  bool reported(SiteId, uint64_t, std::vector<Report> reports, std::function<void()> done) override {
    if (full) return false;
    if (done) {
      const std::lock_guard lock(mutex);
      pending.push_back(std::move(done));
    }
    say("reported " + std::to_string(reports.size()));
    return true;
  }
  bool heartbeat(SiteId, uint64_t) override {
    say("heartbeat");
    return true;
  }
  void make_durable(size_t i) {
    std::function<void()> done;
    {
      const std::lock_guard lock(mutex);
      done = pending.at(i);
    }
    done();
  }
  void say(const std::string& what) {
    const std::lock_guard lock(mutex);
    heard.push_back(what);
    changed.notify_all();
  }
  bool wait_for(const std::string& what) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] {
      return std::find(heard.begin(), heard.end(), what) != heard.end();
    });
  }

  mutable std::mutex mutex;
  std::condition_variable changed;
  Snapshot graph = std::make_shared<const Graph>();
  std::vector<std::string> heard;
  std::vector<std::function<void()>> pending;
  std::atomic<bool> full{false};
};

class AgentLinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = fs::temp_directory_path() / ("weir-link-" + std::to_string(getpid()));
    fs::remove_all(folder);
    fs::create_directories(folder / "artifacts");
    fs::permissions(folder, fs::perms::owner_all);
    ca = std::make_unique<identity::CertificateAuthority>(
        *identity::CertificateAuthority::open_or_create(folder / "ca", std::time(nullptr) - 3 * 86400));
    artifacts = std::make_unique<ArtifactFolder>(folder / "artifacts");
    brain.record(DomainCreated{.name = "test"});
    brain.record(SiteDefined{SiteId(0u), VertexId(0u), {.name = "hub"}});
    brain.record(SiteDefined{SiteId(1u), VertexId(1u), {.name = "metro"}});
    link = std::make_unique<AgentLink>(*ca, *artifacts, clock);
    link->connect(brain);
    const auto own = *ca->issue_brain({"127.0.0.1"}, std::time(nullptr));
    ASSERT_TRUE(identity::write_brain_file(folder / "brain.pem", own));
    const std::string file = folder / "brain.pem";
    grpc::experimental::TlsServerCredentialsOptions tls(
        std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(file, file, 60));
    tls.watch_identity_key_cert_pairs();
    tls.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::experimental::TlsServerCredentials(tls), &port);
    builder.RegisterService(&link->service());
    server = builder.BuildAndStart();
    ASSERT_TRUE(server);
  }
  void TearDown() override {
    link->stop();
    server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
    server.reset();
    link.reset();
    fs::remove_all(folder);
  }

  struct Agent {
    std::string key, certificate;
  };
  // A certificate as an agent would hold it.
  Agent agent(const std::string& site, const identity::CertificateAuthority& by, int64_t age_s = 0) {
    const auto request = *identity::make_agent_request(site);
    return {std::string(request.key_pem.reveal()),
            by.issue_agent(request.csr_pem, site, std::time(nullptr) - age_s)->certificate_pem};
  }
  std::unique_ptr<v1::AgentLink::Stub> stub(const Agent& as) {
    grpc::SslCredentialsOptions tls{ca->certificate_pem(), as.key, as.certificate};
    grpc::ChannelArguments arguments;
    arguments.SetInt("grpc.use_local_subchannel_pool", 1);
    return v1::AgentLink::NewStub(
        grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port), grpc::SslCredentials(tls), arguments));
  }
  static std::unique_ptr<grpc::ClientContext> context() {
    auto out = std::make_unique<grpc::ClientContext>();
    out->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    return out;
  }
  static v1::AgentMessage hello(const std::string& site, int64_t skew_s = 0) {
    v1::AgentMessage out;
    v1::Hello& h = *out.mutable_hello();
    h.set_site(site);
    h.set_clock((std::time(nullptr) + skew_s) * int64_t{1'000'000});
    h.mutable_driver()->set_driver("local");
    h.add_nodes()->mutable_spec()->set_name("n0");
    h.mutable_nodes(0)->mutable_spec()->set_cpu_milli(1000);
    h.mutable_nodes(0)->mutable_spec()->set_speed_milli(1000);
    return out;
  }
  static v1::AgentMessage observation(uint64_t sequence) {
    v1::AgentMessage out;
    out.set_sequence(sequence);
    out.mutable_observation()->set_applied_version(3);
    return out;
  }
  // What the brain says to a first message.
  v1::Refused refused(const Agent& as, const v1::AgentMessage& first) {
    const auto channel = stub(as);
    const auto call = context();
    const auto stream = channel->Attach(call.get());
    stream->Write(first);
    v1::BrainMessage answer;
    while (stream->Read(&answer) && !answer.has_refused()) {}
    v1::Refused out = answer.refused();
    const grpc::Status status = stream->Finish();
    EXPECT_FALSE(status.ok());
    if (out.what().empty()) out.set_what(status.error_message());
    return out;
  }

  NowClock clock;
  fs::path folder;
  std::unique_ptr<identity::CertificateAuthority> ca;
  std::unique_ptr<ArtifactFolder> artifacts;
  RecordingBrain brain;
  std::unique_ptr<AgentLink> link;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

TEST_F(AgentLinkTest, ASiteJoinsOnceAndRenews) {
  const auto issued = *identity::issue_join_token(*identity::draw_token_seed(), "hub", ca->fingerprint(),
                                                  std::time(nullptr), 3600);
  brain.record(TokenIssued{issued.record.id, issued.record.secret_hash, true, Role::kProvider, "hub",
                           issued.record.expires_s * 1'000'000});
  const auto request = *identity::make_agent_request("hub");
  v1::JoinRequest join;
  join.set_bearer(std::string(issued.text.reveal()));
  join.set_csr_pem(request.csr_pem);
  v1::JoinResponse joined;
  const grpc::Status status = stub({})->Join(context().get(), join, &joined);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(joined.site(), "hub");
  EXPECT_EQ(joined.site_id(), 0u);
  EXPECT_TRUE(stub({})->Join(context().get(), join, &joined).ok()) << "the same key may ask again";

  const auto other = *identity::make_agent_request("hub");
  v1::JoinRequest stolen = join;
  stolen.set_csr_pem(other.csr_pem);
  v1::JoinResponse nothing;
  EXPECT_EQ(stub({})->Join(context().get(), stolen, &nothing).error_code(), grpc::StatusCode::ABORTED);
  stolen.set_bearer("weir1.nonsense");
  EXPECT_FALSE(stub({})->Join(context().get(), stolen, &nothing).ok());

  const Agent self{std::string(request.key_pem.reveal()), joined.certificate_chain_pem()};
  v1::RenewRequest renew;
  renew.set_csr_pem(request.csr_pem);
  v1::RenewResponse renewed;
  ASSERT_TRUE(stub(self)->Renew(context().get(), renew, &renewed).ok());
  EXPECT_TRUE(identity::verify_peer(renewed.certificate_chain_pem(), ca->certificate_pem(), identity::Peer::kAgent,
                                    std::time(nullptr)));
  EXPECT_FALSE(stub({})->Renew(context().get(), renew, &renewed).ok());
  // Its certificate ended a day ago; the same key brings it back.
  const Agent lapsed{self.key, ca->issue_agent(request.csr_pem, "hub", std::time(nullptr) - 2 * 86400)->certificate_pem};
  EXPECT_TRUE(stub(lapsed)->Renew(context().get(), renew, &renewed).ok());
  EXPECT_FALSE(stub(agent("hub", *ca, 2 * 86400))->Renew(context().get(), renew, &renewed).ok()) << "another key";
}

TEST_F(AgentLinkTest, ATokenOpensOnceInTimeForItsSiteAndUntilRevoked) {
  const auto now = static_cast<int64_t>(std::time(nullptr));
  const auto issue = [&](const std::string& site, int64_t age_s) {
    auto issued = *identity::issue_join_token(*identity::draw_token_seed(), site, ca->fingerprint(), now - age_s, 3600);
    brain.record(TokenIssued{issued.record.id, issued.record.secret_hash, true, Role::kProvider, site,
                             issued.record.expires_s * 1'000'000});
    return issued;
  };
  const auto join = [&](const identity::IssuedJoinToken& token, int64_t skew_s = 0) {
    v1::JoinRequest request;
    request.set_bearer(std::string(token.text.reveal()));
    request.set_csr_pem(identity::make_agent_request("hub")->csr_pem);
    request.set_clock((std::time(nullptr) + skew_s) * int64_t{1'000'000});
    v1::JoinResponse response;
    return stub({})->Join(context().get(), request, &response).error_message();
  };
  const auto good = issue("hub", 0);
  EXPECT_NE(join(good, 7'210).find("2 h ahead of the brain's"), std::string::npos) << join(good, 7'210);
  EXPECT_NE(join(good, -7'210).find("behind the brain's"), std::string::npos);
  EXPECT_EQ(join(good), "") << "a wrong clock costs no token";
  EXPECT_NE(join(good).find("was already used at"), std::string::npos);
  EXPECT_NE(join(issue("hub", 7'200 + 3'600)).find("2 h later; ask the operator"), std::string::npos);
  const auto revoked = issue("hub", 0);
  brain.record(TokenRevoked{revoked.record.id});
  EXPECT_NE(join(revoked).find("was revoked"), std::string::npos);
  EXPECT_NE(join(issue("metro", 0)).find("is for site metro, not for hub"), std::string::npos);
}

TEST_F(AgentLinkTest, ARevokedSiteIsCutOffAndComesBackOnlyWithANewToken) {
  const auto issue = [&] {
    auto issued = *identity::issue_join_token(*identity::draw_token_seed(), "hub", ca->fingerprint(), std::time(nullptr), 3600);
    brain.record(TokenIssued{issued.record.id, issued.record.secret_hash, true, Role::kProvider, "hub",
                             issued.record.expires_s * 1'000'000});
    return issued;
  };
  const auto request = *identity::make_agent_request("hub");
  v1::JoinResponse joined;
  const auto join = [&](const identity::IssuedJoinToken& token) {
    v1::JoinRequest message;
    message.set_bearer(std::string(token.text.reveal()));
    message.set_csr_pem(request.csr_pem);
    return stub({})->Join(context().get(), message, &joined);
  };
  const auto first = issue();
  const auto unused = issue();
  ASSERT_TRUE(join(first).ok());
  const Agent self{std::string(request.key_pem.reveal()), joined.certificate_chain_pem()};
  const auto channel = stub(self);
  const auto call = context();
  const auto stream = channel->Attach(call.get());
  ASSERT_TRUE(stream->Write(hello("hub")));
  ASSERT_TRUE(brain.wait_for("attached local"));

  brain.record(CertificateRevoked{SiteId(0u), "stolen"});
  link->drop(SiteId(0u));  // as the loop does once it is durable
  v1::BrainMessage message;
  while (stream->Read(&message) && !message.has_refused()) {}
  EXPECT_EQ(message.refused().code(), "denied");
  EXPECT_NE(message.refused().what().find("is revoked"), std::string::npos);
  EXPECT_NE(message.refused().remedy().find("new token"), std::string::npos);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  ASSERT_TRUE(brain.wait_for("detached"));

  EXPECT_NE(refused(self, hello("hub")).what().find("is revoked"), std::string::npos);
  EXPECT_EQ(link->attached_count(), 0u);
  v1::RenewRequest renew;
  renew.set_csr_pem(request.csr_pem);
  v1::RenewResponse renewed;
  EXPECT_NE(stub(self)->Renew(context().get(), renew, &renewed).error_message().find("is revoked"), std::string::npos);
  const Agent lapsed{self.key, ca->issue_agent(request.csr_pem, "hub", std::time(nullptr) - 2 * 86400)->certificate_pem};
  EXPECT_NE(stub(lapsed)->Renew(context().get(), renew, &renewed).error_message().find("is revoked"), std::string::npos);
  v1::ArtifactRequest artifact;
  v1::ArtifactChunk chunk;
  const auto reading = context();
  const auto reader = channel->Artifact(reading.get(), artifact);
  EXPECT_FALSE(reader->Read(&chunk));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  // The key that used a token may ask again for a lost answer, but not after this; nor do older tokens help.
  EXPECT_NE(join(first).error_message().find("was revoked"), std::string::npos);
  EXPECT_NE(join(unused).error_message().find("was revoked"), std::string::npos);

  const auto anew = issue();
  grpc::Status status = join(anew);
  while (status.error_code() == grpc::StatusCode::UNAVAILABLE) {  // within the second of the revocation
    EXPECT_NE(status.error_message().find("try again in a second"), std::string::npos);
    status = join(anew);
  }
  ASSERT_TRUE(status.ok()) << status.error_message();
  const Agent back{self.key, joined.certificate_chain_pem()};
  const auto second_channel = stub(back);
  const auto second_call = context();
  const auto second = second_channel->Attach(second_call.get());
  {
    const std::lock_guard lock(brain.mutex);
    brain.heard.clear();
  }
  ASSERT_TRUE(second->Write(hello("hub")));
  EXPECT_TRUE(brain.wait_for("attached local"));
  second_call->TryCancel();
  (void)second->Finish();
}

TEST_F(AgentLinkTest, DirectivesReportsAndAcknowledgements) {
  const Agent self = agent("hub", *ca);
  const auto channel = stub(self);
  const auto call = context();
  const auto stream = channel->Attach(call.get());
  ASSERT_TRUE(stream->Write(hello("hub")));
  ASSERT_TRUE(brain.wait_for("attached local"));
  EXPECT_EQ(link->attached_count(), 1u);
  ASSERT_TRUE(link->contact(SiteId(0u)));
  EXPECT_EQ(link->contact(SiteId(0u))->driver, "local");

  SiteDirective directive{.site = SiteId(0u), .version = 7, .brain_epoch = 2, .lease_us = 5'000'000};
  directive.paths.push_back({.label = 300, .far_site = SiteId(1u), .destination_prefix = "fd77::/64", .segments = {"fd77::1"}});
  directive.runs.push_back({.run = {5, 1}, .intent = IntentId(3u), .tenant = "city", .intent_name = "i", .workload = {.best_effort = true}, .task = 4, .tasks = 9, .ended = true});
  link->send(directive);
  link->send({.site = SiteId(1u)});  // nobody there: nothing happens
  v1::BrainMessage message;
  ASSERT_TRUE(stream->Read(&message));
  const auto got = directive_from(message, SiteId(0u));
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, directive);
  v1::RunDirective& run = *message.mutable_directive()->mutable_runs(0);
  for (int i = 0; i < limits::kInstancesBetweenMax; ++i) run.add_instances("fd77::1");
  run.set_instance(limits::kInstancesBetweenMax - 1);
  EXPECT_TRUE(directive_from(message, SiteId(0u)));
  run.set_instance(limits::kInstancesBetweenMax);
  EXPECT_FALSE(directive_from(message, SiteId(0u))) << "there is no such instance";
  run.set_instance(0);
  run.add_instances("fd77::1");
  const auto many = directive_from(message, SiteId(0u));
  ASSERT_FALSE(many);
  EXPECT_NE(many.error().text().find("runs.instances"), std::string::npos) << many.error().text();

  v1::AgentMessage heartbeat;
  heartbeat.mutable_heartbeat()->set_clock(42);
  ASSERT_TRUE(stream->Write(heartbeat));
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.lease().lease_us(), 5'000'000);
  EXPECT_EQ(message.lease().heartbeat_clock(), 42);

  // Three reports; the first becomes durable last, and nothing is acknowledged before it.
  for (uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(stream->Write(observation(i)));
  while (true) {
    const std::lock_guard lock(brain.mutex);
    if (brain.pending.size() == 3) break;
  }
  brain.make_durable(2);
  brain.make_durable(1);
  brain.make_durable(0);
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.acknowledgement().sequence(), 3u);

  // A newer connection takes over.
  const auto second_call = context();
  const auto second_channel = stub(self);
  const auto second = second_channel->Attach(second_call.get());
  ASSERT_TRUE(second->Write(hello("hub")));
  while (stream->Read(&message) && !message.has_refused()) {}
  EXPECT_EQ(message.refused().code(), "conflict");
  EXPECT_FALSE(stream->Finish().ok());
  link->drop(SiteId(0u));
  while (second->Read(&message)) {}
  EXPECT_EQ(second->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(brain.wait_for("detached"));
}

TEST_F(AgentLinkTest, KeepsWhatPathsCarriedWhileTheirSiteIsAttached) {
  const auto channel = stub(agent("hub", *ca));
  const auto call = context();
  const auto stream = channel->Attach(call.get());
  ASSERT_TRUE(stream->Write(hello("hub")));
  ASSERT_TRUE(brain.wait_for("attached local"));
  v1::AgentMessage told = observation(1);
  for (const uint32_t label : {400u, 300u, 500u, 300u}) {
    v1::ObservedPath& path = *told.mutable_observation()->add_paths();
    path.set_label(label);
    path.set_installed(true);
    path.set_counted(label != 500);
    path.set_packets(label / 100);
    path.set_bytes(label);
  }
  ASSERT_TRUE(stream->Write(told));
  ASSERT_TRUE(brain.wait_for("reported 1"));
  EXPECT_EQ(link->path_traffic(SiteId(0u), 300), (PathTraffic{300, 3, 300}));
  EXPECT_EQ(link->path_traffic(SiteId(0u), 400), (PathTraffic{400, 4, 400}));
  EXPECT_FALSE(link->path_traffic(SiteId(0u), 500)) << "it does not count there";
  EXPECT_FALSE(link->path_traffic(SiteId(0u), 299));
  EXPECT_FALSE(link->path_traffic(SiteId(0u), 501));
  EXPECT_FALSE(link->path_traffic(SiteId(1u), 300));
  EXPECT_EQ(link->path_traffic().size(), 2u) << "a label said twice is one path";
  link->drop(SiteId(0u));
  v1::BrainMessage message;
  while (stream->Read(&message)) {
  }
  EXPECT_FALSE(stream->Finish().ok());
  ASSERT_TRUE(brain.wait_for("detached"));
  EXPECT_TRUE(link->path_traffic().empty());
}

TEST_F(AgentLinkTest, WhatAFullInboxRefusedIsNotAcknowledged) {
  const auto channel = stub(agent("hub", *ca));
  const auto call = context();
  const auto stream = channel->Attach(call.get());
  ASSERT_TRUE(stream->Write(hello("hub")));
  ASSERT_TRUE(brain.wait_for("attached local"));
  brain.full = true;
  ASSERT_TRUE(stream->Write(observation(1)));
  ASSERT_TRUE(stream->Write(v1::AgentMessage([] {
    v1::AgentMessage m;
    m.mutable_heartbeat();
    return m;
  }())));
  ASSERT_TRUE(brain.wait_for("heartbeat"));
  brain.full = false;
  ASSERT_TRUE(stream->Write(observation(2)));
  ASSERT_TRUE(brain.wait_for("reported 1"));
  brain.make_durable(0);
  ASSERT_TRUE(stream->Write(observation(1)));  // said again
  while (true) {
    const std::lock_guard lock(brain.mutex);
    if (brain.pending.size() == 2) break;
  }
  brain.make_durable(1);
  v1::BrainMessage message;
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.acknowledgement().sequence(), 2u) << "one acknowledgement, for both";
  call->TryCancel();
  (void)stream->Finish();
}

TEST_F(AgentLinkTest, WhoIsNotWelcomeIsToldWhy) {
  const Agent hub = agent("hub", *ca);
  EXPECT_NE(refused({}, hello("hub")).what().find("shows no certificate"), std::string::npos);
  EXPECT_NE(refused(hub, hello("metro")).what().find("is of site hub, which cannot speak for site metro"),
            std::string::npos);
  EXPECT_NE(refused(hub, observation(1)).what().find("no Hello"), std::string::npos);
  EXPECT_NE(refused(hub, hello("hub", 1'000)).remedy().find("clock"), std::string::npos);
  for (const int64_t wall : {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    v1::AgentMessage mad = hello("hub");
    mad.mutable_hello()->set_clock(wall);
    EXPECT_NE(refused(hub, mad).remedy().find("clock"), std::string::npos) << wall;
  }
  EXPECT_NE(refused(hub, hello("hub", 1'000'000)).what().find("11 d 13 h ahead of the brain's"), std::string::npos)
      << refused(hub, hello("hub", 1'000'000)).what();
  EXPECT_NE(refused(hub, hello("hub", -1'000)).what().find("behind the brain's"), std::string::npos);
  EXPECT_NE(refused(agent("hub", *ca, -2'000), hello("hub")).what().find("is valid only from"), std::string::npos);
  EXPECT_TRUE(refused(agent("attic", *ca), hello("attic")).what().find("no such site") != std::string::npos);
  EXPECT_NE(refused(agent("hub", *ca, 2 * 86400), hello("hub")).what().find("expired"), std::string::npos);
  const auto other = *identity::CertificateAuthority::open_or_create(folder / "other", std::time(nullptr));
  const std::string stranger = refused(agent("hub", other), hello("hub")).what();
  EXPECT_NE(stranger.find("was not issued by this brain's CA"), std::string::npos) << stranger;
  v1::AgentMessage bad = hello("hub");
  bad.mutable_hello()->mutable_nodes(0)->mutable_spec()->set_cpu_milli(-1);
  EXPECT_NE(refused(hub, bad).what().find("cpu_milli"), std::string::npos);
  bad = hello("hub");
  bad.mutable_hello()->mutable_nodes(0)->mutable_spec()->clear_speed_milli();
  EXPECT_NE(refused(hub, bad).what().find("speed_milli"), std::string::npos) << "no machine takes for ever";
  bad = hello("hub");
  bad.mutable_hello()->mutable_nodes(0)->mutable_spec()->set_accelerator_slices(kDeviceSlicesMax + 1);
  EXPECT_NE(refused(hub, bad).what().find("accelerator_slices"), std::string::npos);
  bad = hello("hub");
  bad.mutable_hello()->mutable_nodes(0)->mutable_spec()->set_rack(std::string(limits::kNameBytesMax + 1, 'r'));
  EXPECT_NE(refused(hub, bad).what().find("rack"), std::string::npos);
}

TEST_F(AgentLinkTest, ArtifactsComeByDigest) {
  const std::string bytes(600'000, 'w');
  std::ofstream(folder / "artifacts" / "detector") << bytes;
  const auto digest = artifacts->digest("detector");
  ASSERT_TRUE(digest);
  EXPECT_FALSE(artifacts->digest("../ca/ca.pem"));
  EXPECT_FALSE(artifacts->digest("nothing"));
  const auto channel = stub(agent("hub", *ca));
  v1::ArtifactRequest request;
  request.set_digest(*digest);
  request.set_offset(100);
  std::string got;
  v1::ArtifactChunk chunk;
  const auto call = context();
  auto reader = channel->Artifact(call.get(), request);
  while (reader->Read(&chunk)) {
    EXPECT_EQ(chunk.offset(), 100 + got.size());
    got += chunk.data();
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(got, bytes.substr(100));
  for (const auto& [bad, code] : {std::pair{std::string(64, '0'), grpc::StatusCode::NOT_FOUND},
                                  std::pair{std::string("../x"), grpc::StatusCode::INVALID_ARGUMENT}}) {
    const auto again = context();
    request.set_digest(bad);
    reader = channel->Artifact(again.get(), request);
    EXPECT_FALSE(reader->Read(&chunk));
    EXPECT_EQ(reader->Finish().error_code(), code);
  }
  const auto stranger = stub({});
  const auto again = context();
  request.set_digest(*digest);
  reader = stranger->Artifact(again.get(), request);
  EXPECT_FALSE(reader->Read(&chunk));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(AgentLinkTest, LogsAreAskedForPieceByPiece) {
  EXPECT_EQ(link->read_log(SiteId(0u), {5, 0}, 0, false, 0, [](LogPiece) {}).error().code, ErrorCode::kUnavailable);
  const auto channel = stub(agent("hub", *ca));
  const auto call = context();
  const auto stream = channel->Attach(call.get());
  ASSERT_TRUE(stream->Write(hello("hub")));
  ASSERT_TRUE(brain.wait_for("attached local"));
  std::string text;
  ASSERT_TRUE(link->read_log(SiteId(0u), {5, 1}, 0, false, 0, [&](LogPiece piece) {
    text += piece.data;
    if (piece.last) brain.say("last");
  }));
  const std::string log = "hello world";
  v1::BrainMessage message;
  for (bool last = false; !last;) {
    ASSERT_TRUE(stream->Read(&message));
    const v1::LogRequest& ask = message.log_request();
    EXPECT_EQ(ask.run().item(), 1u);
    v1::AgentMessage answer;
    v1::LogChunk& chunk = *answer.mutable_log();
    chunk.set_request(ask.request());
    *chunk.mutable_run() = ask.run();
    chunk.set_offset(ask.offset());
    chunk.set_data(log.substr(ask.offset(), 6));
    chunk.set_next_offset(ask.offset() + chunk.data().size());
    chunk.set_complete(chunk.next_offset() == log.size());
    last = chunk.complete();
    ASSERT_TRUE(stream->Write(answer));
  }
  ASSERT_TRUE(brain.wait_for("last"));
  EXPECT_EQ(text, log);
  call->TryCancel();
  (void)stream->Finish();
  ASSERT_TRUE(brain.wait_for("detached"));
}

TEST_F(AgentLinkTest, ALogOfAnotherRunReachesNobody) {
  const auto channel = stub(agent("hub", *ca));
  const auto call = context();
  const auto stream = channel->Attach(call.get());
  ASSERT_TRUE(stream->Write(hello("hub")));
  ASSERT_TRUE(brain.wait_for("attached local"));
  std::mutex mutex;
  std::string text;
  ASSERT_TRUE(link->read_log(SiteId(0u), {5, 1}, 0, true, 0, [&](LogPiece piece) {
    const std::lock_guard lock(mutex);
    text += piece.data;
    if (piece.complete) brain.say("complete");
  }));
  v1::BrainMessage message;
  do {
    ASSERT_TRUE(stream->Read(&message));
  } while (!message.has_log_request());
  for (const uint32_t item : {0u, 1u}) {
    v1::AgentMessage answer;
    answer.mutable_log()->set_request(message.log_request().request());
    answer.mutable_log()->mutable_run()->set_plan(5);
    answer.mutable_log()->mutable_run()->set_item(item);
    answer.mutable_log()->set_data(item == 0 ? "theirs" : "ours");
    answer.mutable_log()->set_complete(item == 1);
    ASSERT_TRUE(stream->Write(answer));
  }
  ASSERT_TRUE(brain.wait_for("complete"));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(text, "ours");
  call->TryCancel();
  (void)stream->Finish();
}

}  // namespace
}  // namespace weir::agent_link
