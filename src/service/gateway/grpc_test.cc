// The gRPC service over loopback.
#include <google/protobuf/util/json_util.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "service/gateway/grpc_service.h"
#include "service/gateway/test_brain.h"
#include "weir/v1/service.grpc.pb.h"

namespace weir::gateway {
namespace {

constexpr const char* kIntent =
    R"({"intent":{"apiVersion":"weir/v1","kind":"Intent","metadata":{"name":"doors","tenant":"city"},)"
    R"("spec":{"from":[{"site":"street","streams":2}],"workload":{"service":{"artifact":"detector","port":8080,)"
    R"("cpu":"1","memory":"256Mi"},"traffic":{"up":"1Mbps","down":"50kbps","requests_per_second":"2",)"
    R"("work_per_request":"30ms@reference-core"}},"promise":{"latency":"500ms","percentile":"99"}}}})";

class GrpcServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    brain.build_region();
    open({});
  }
  void open(GrpcLimits limits) {
    close();
    serve(service, limits);
  }
  void serve(Service& served, GrpcLimits limits) {
    grpc_service = std::make_unique<GrpcService>(served, limits);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&grpc_service->service());
    server = builder.BuildAndStart();
    stub = v1::Weir::NewStub(
        grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  }
  void close() {
    if (!server) return;
    grpc_service->stop();
    server->Shutdown();
    server.reset();
    grpc_service.reset();
  }
  void TearDown() override { close(); }
  static std::unique_ptr<grpc::ClientContext> as(const std::string& token) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    if (!token.empty()) context->AddMetadata("authorization", token);
    return context;
  }

  TestBrain brain;
  Service service{brain.ports()};
  std::unique_ptr<GrpcService> grpc_service;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<v1::Weir::Stub> stub;
};

TEST_F(GrpcServiceTest, CallsNeedAToken) {
  v1::ListRequest request;
  request.set_kind("sites");
  v1::ListResponse response;
  EXPECT_EQ(stub->List(as("").get(), request, &response).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(stub->List(as("Bearer nonsense").get(), request, &response).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  const auto status = stub->List(as(brain.token(Role::kTenant, "city")).get(), request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.items_size(), 3);
}

TEST_F(GrpcServiceTest, ErrorsCarryTheirDetail) {
  v1::GetRequest request;
  request.set_kind("site");
  request.set_name("atlantis");
  v1::GetResponse response;
  const auto status = stub->Get(as(brain.token(Role::kOperator, "alice")).get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  v1::ErrorDetail detail;
  ASSERT_TRUE(detail.ParseFromString(status.error_details()));
  EXPECT_EQ(detail.code(), "not-found");
  EXPECT_FALSE(detail.what().empty());
}

TEST_F(GrpcServiceTest, ChangesAnswerWhenTheyAreDurable) {
  v1::DrainRequest request;
  request.set_site("metro");
  v1::DrainResponse response;
  ASSERT_TRUE(stub->Drain(as(brain.token(Role::kOperator, "alice")).get(), request, &response).ok());
  EXPECT_EQ(response.version(), brain.durable()->version());
}

TEST_F(GrpcServiceTest, EventsFollowAndEnd) {
  const std::string op = brain.token(Role::kOperator, "alice");
  v1::EventsRequest request;
  const auto all = as(op);
  auto stream = stub->Events(all.get(), request);
  v1::EventsResponse batch;
  Position next = 0;
  while (stream->Read(&batch)) {
    for (const auto& event : batch.events()) EXPECT_EQ(event.position(), next++);
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(next, brain.durable()->version());

  request.set_from(next);
  request.set_follow(true);
  const auto following = as(op);
  stream = stub->Events(following.get(), request);
  brain.record("op", TenantDefined{TenantId(2u), "later"});
  ASSERT_TRUE(stream->Read(&batch));
  EXPECT_EQ(batch.events(0).position(), next);
  grpc_service->stop();
  while (stream->Read(&batch)) {}
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcServiceTest, StreamsAreBounded) {
  open({.streams_max = 1});
  const std::string op = brain.token(Role::kOperator, "alice");
  v1::EventsRequest request;
  request.set_follow(true);
  const auto one = as(op), two = as(op);
  auto first = stub->Events(one.get(), request);
  v1::EventsResponse batch;
  ASSERT_TRUE(first->Read(&batch));
  auto second = stub->Events(two.get(), request);
  EXPECT_FALSE(second->Read(&batch));
  EXPECT_EQ(second->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  one->TryCancel();
  while (first->Read(&batch)) {}
  (void)first->Finish();
}

TEST_F(GrpcServiceTest, ASlowReaderIsToldSo) {
  for (uint32_t i = 0; i < 60'000; ++i) brain.record("op", LinkMeasured{LinkId(0u), 1000 + i, 0, 0});
  const std::string op = brain.token(Role::kOperator, "alice");
  const auto context = as(op);
  auto stream = stub->Events(context.get(), {});
  v1::EventsResponse batch;
  ASSERT_TRUE(stream->Read(&batch));
  brain.clock.steady += 3'600'000'000;  // an hour passes while the windows are full
  while (stream->Read(&batch)) {}
  const auto status = stream->Finish();
  EXPECT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
}

TEST_F(GrpcServiceTest, AFollowerKnowsThatItFollowsBeforeAnythingHappens) {
  const std::string op = brain.token(Role::kOperator, "alice");
  v1::EventsRequest request;
  request.set_tail(true);
  request.set_follow(true);
  const auto context = as(op);
  const auto stream = stub->Events(context.get(), request);
  // The deadline of the call ends the wait if nothing else does.
  const auto began = std::chrono::steady_clock::now();
  stream->WaitForInitialMetadata();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
  brain.record("op", TenantDefined{TenantId(2u), "later"});
  v1::EventsResponse batch;
  ASSERT_TRUE(stream->Read(&batch));
  EXPECT_EQ(batch.events(0).name(), "TenantDefined");
  context->TryCancel();
  (void)stream->Finish();
}

TEST_F(GrpcServiceTest, StreamsEndWithTheirToken) {
  const std::string revoked = brain.token(Role::kOperator, "alice"),
                    expiring = brain.token(Role::kOperator, "bob", 100);
  v1::EventsRequest request;
  request.set_tail(true);
  request.set_follow(true);
  for (const std::string& token : {revoked, expiring}) {
    const auto context = as(token);
    const auto stream = stub->Events(context.get(), request);
    stream->WaitForInitialMetadata();
    if (token == revoked) {
      brain.record("op", TokenRevoked{identity::parse_bearer(token)->id});
    } else {
      brain.clock.wall += 101'000'000;  // nothing else happens
    }
    v1::EventsResponse batch;
    EXPECT_FALSE(stream->Read(&batch));
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  }
}

TEST_F(GrpcServiceTest, OneSubjectDoesNotTakeAllStreams) {
  open({.streams_per_subject_max = 1});
  const std::string op = brain.token(Role::kOperator, "alice"), city = brain.token(Role::kTenant, "city");
  v1::EventsRequest request;
  request.set_follow(true);
  const auto one = as(city), two = as(city), other = as(op);
  const auto first = stub->Events(one.get(), request);
  v1::EventsResponse batch;
  ASSERT_TRUE(first->Read(&batch));
  const auto second = stub->Events(two.get(), request);
  EXPECT_FALSE(second->Read(&batch));
  EXPECT_EQ(second->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  const auto third = stub->Events(other.get(), request);
  EXPECT_TRUE(third->Read(&batch));
  one->TryCancel();
  other->TryCancel();
  (void)first->Finish();
  (void)third->Finish();
}

TEST_F(GrpcServiceTest, LongWorkLeavesOthersServed) {
  close();
  std::promise<void> go_on;
  const std::shared_future<void> gate = go_on.get_future().share();
  Ports ports = brain.ports();
  std::atomic<int> begun = 0, heard = 0;
  ports.decide = [gate, &begun](const Graph&, IntentId intent) -> Decision {
    ++begun;
    gate.wait();
    return Refusal{.intent = intent};
  };
  Service slow(ports);
  serve(slow, {});
  const std::string city = brain.token(Role::kTenant, "city");
  v1::ApplyRequest request;
  request.set_dry_run(true);
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(kIntent, request.add_resources()).ok());
  std::vector<std::thread> deciding;
  for (int i = 0; i < 4; ++i) {
    deciding.emplace_back([&] {
      v1::ApplyResponse response;
      const grpc::Status status = stub->Apply(as(city).get(), request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      ++heard;
    });
  }
  while (begun < GrpcLimits{}.workers) std::this_thread::yield();
  // A stream is begun and fed meanwhile.
  v1::EventsRequest events;
  events.set_follow(true);
  const auto context = as(city);
  const auto stream = stub->Events(context.get(), events);
  v1::EventsResponse batch;
  EXPECT_TRUE(stream->Read(&batch));
  EXPECT_EQ(heard, 0);
  go_on.set_value();
  for (std::thread& thread : deciding) thread.join();
  context->TryCancel();
  (void)stream->Finish();
  close();
}

// A reader that falls behind sees a beginning of the log, and never one with a hole.
TEST_F(GrpcServiceTest, AnOverflowingLogEndsAtItsGap) {
  std::function<void(LogPiece)> tell;
  brain.read_log = [&tell](SiteId, RunId, uint64_t, bool, uint64_t,
                           std::function<void(LogPiece)> piece) -> Result<std::function<void()>> {
    uint64_t offset = 0;
    const auto say = [&](size_t pieces) {
      for (size_t i = 0; i < pieces; ++i, offset += 1'000) {
        piece({.offset = offset,
               .data = std::string(1'000, 'x'),
               .complete = false,
               .error = {},
               .last = false});
      }
    };
    say(1'000);  // many more than may wait, while the stream takes a few
    tell = std::move(piece);
    return [] {};
  };
  Service with_logs(brain.ports());
  close();
  serve(with_logs, {});
  brain.record("tenant/city", IntentSubmitted{IntentId(0u), TenantId(0u), 1, brain.cameras()});
  brain.decide();
  const RunId run = brain.durable()->intent(IntentId(0u)).runs.at(0).run;
  v1::LogsRequest request;
  request.set_plan(run.plan);
  request.set_follow(true);
  const auto context = as(brain.token(Role::kTenant, "city"));
  const auto stream = stub->Logs(context.get(), request);
  uint64_t next = 0;
  v1::LogsResponse piece;
  while (stream->Read(&piece)) {
    EXPECT_EQ(piece.offset(), next);
    next = piece.offset() + piece.data().size();
    // As many again as were taken: there is room, and a gap before them.
    tell({.offset = 1'000'000 + next, .data = "later", .complete = false, .error = {}, .last = false});
  }
  EXPECT_GE(next, 64'000u);
  EXPECT_LT(next, 1'000'000u);
  EXPECT_EQ(next % 1'000, 0u);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  close();
}

TEST_F(GrpcServiceTest, LogsComeInOrderAndEnd) {
  brain.read_log = [](SiteId, RunId, uint64_t, bool, uint64_t,
                      std::function<void(LogPiece)> piece) -> Result<std::function<void()>> {
    piece({.offset = 0, .data = "hello ", .complete = false, .error = {}, .last = false});
    piece({.offset = 6, .data = "world", .complete = true, .error = {}, .last = true});
    return [] {};
  };
  Service with_logs(brain.ports());
  close();
  serve(with_logs, {});
  brain.record("tenant/city", IntentSubmitted{IntentId(0u), TenantId(0u), 1, brain.cameras()});
  brain.decide();
  const RunId run = brain.durable()->intent(IntentId(0u)).runs.at(0).run;
  v1::LogsRequest request;
  request.set_plan(run.plan);
  const auto context = as(brain.token(Role::kTenant, "city"));
  auto stream = stub->Logs(context.get(), request);
  std::string text;
  v1::LogsResponse piece;
  while (stream->Read(&piece)) text += piece.data();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(text, "hello world");
  const auto other = as(brain.token(Role::kTenant, "rival"));
  stream = stub->Logs(other.get(), request);
  EXPECT_FALSE(stream->Read(&piece));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
  close();
}

}  // namespace
}  // namespace weir::gateway
