// The gRPC service over loopback.
#include <grpcpp/create_channel.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include "service/gateway/grpc_service.h"
#include "service/gateway/test_brain.h"
#include "weir/v1/service.grpc.pb.h"

namespace weir::gateway {
namespace {

class GrpcServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    brain.build_region();
    open({});
  }
  void open(GrpcLimits limits) {
    close();
    grpc_service = std::make_unique<GrpcService>(service, limits);
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

TEST_F(GrpcServiceTest, LogsComeInOrderAndEnd) {
  std::function<void(LogPiece)> tell;
  brain.read_log = [&tell](SiteId, RunId, uint64_t, bool, uint64_t,
                           std::function<void(LogPiece)> piece) -> Result<std::function<void()>> {
    piece({.offset = 0, .data = "hello ", .complete = false, .error = {}, .last = false});
    piece({.offset = 6, .data = "world", .complete = true, .error = {}, .last = true});
    return [] {};
  };
  Service with_logs(brain.ports());
  close();
  grpc_service = std::make_unique<GrpcService>(with_logs);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&grpc_service->service());
  server = builder.BuildAndStart();
  stub = v1::Weir::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
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
