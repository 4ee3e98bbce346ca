#include "infrastructure/path_driver/conntrack.h"

#include <gtest/gtest.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace weir::path_driver {
namespace {

struct End {
  const char* address;
  uint16_t port;
};

void put_tuple(Message& message, uint16_t type, End from, End to, uint8_t protocol = IPPROTO_TCP) {
  const size_t tuple = message.open_nest(type);
  const size_t ip = message.open_nest(CTA_TUPLE_IP);
  message.put(CTA_IP_V6_SRC, Ipv6Address::parse(from.address)->bytes.data(), 16);
  message.put(CTA_IP_V6_DST, Ipv6Address::parse(to.address)->bytes.data(), 16);
  message.close_nest(ip);
  const size_t ports = message.open_nest(CTA_TUPLE_PROTO);
  message.put_u8(CTA_PROTO_NUM, protocol)
      .put_u16(CTA_PROTO_SRC_PORT, htons(from.port))
      .put_u16(CTA_PROTO_DST_PORT, htons(to.port));
  message.close_nest(ports);
  message.close_nest(tuple);
}

void put_packets(Message& message, uint16_t type, uint64_t packets) {
  const size_t nest = message.open_nest(type);
  const uint64_t value = htobe64(packets);
  message.put(CTA_COUNTERS_PACKETS, &value, sizeof value);
  message.close_nest(nest);
}

Message entry(uint8_t protocol = IPPROTO_TCP) {
  nfgenmsg body{};
  body.nfgen_family = AF_INET6;
  Message out(0, 0, body);
  put_tuple(out, CTA_TUPLE_ORIG, {"fd00::1", 40'000}, {"fd77::5", 80}, protocol);
  put_tuple(out, CTA_TUPLE_REPLY, {"fd00:2::8000", 7'000}, {"fd00::1", 40'000}, protocol);
  return out;
}

std::optional<TrackedConnection> read(Message& message) {
  return tracked_connection(message.finish(1).subspan(sizeof(nlmsghdr)));
}

TEST(TrackedConnection, SaysWhoWasAskedAndWhoAnswers) {
  Message message = entry();
  put_packets(message, CTA_COUNTERS_ORIG, 7);
  put_packets(message, CTA_COUNTERS_REPLY, uint64_t{1} << 40);
  const auto found = read(message);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->address.text(), "fd77::5");
  EXPECT_EQ(found->port, 80);
  EXPECT_EQ(found->answerer.text(), "fd00:2::8000");
  EXPECT_EQ(found->answerer_port, 7'000);
  EXPECT_EQ(found->packets, 7u);
  EXPECT_EQ(found->packets_returned, uint64_t{1} << 40);
  EXPECT_EQ(found->key[15], 1);
  EXPECT_EQ(found->key[16] << 8 | found->key[17], 40'000);
  EXPECT_EQ(found->key[34] << 8 | found->key[35], 80);
}

TEST(TrackedConnection, IsEndedAsItselfAndNotByItsKeyAlone) {
  Message message = entry();
  message.put_u32(CTA_ID, 0x01020304);
  const auto found = read(message);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->id, 0x01020304u);
  Message deletion = deletion_of(*found);
  bool tuple = false;
  std::optional<uint32_t> id;
  for (const Attribute& a : attributes(deletion.finish(1).subspan(sizeof(nlmsghdr) + sizeof(nfgenmsg)))) {
    tuple = tuple || a.type == CTA_TUPLE_ORIG;
    if (a.type == CTA_ID) id = a.u32();
  }
  EXPECT_TRUE(tuple) << "without it the kernel forgets all";
  EXPECT_EQ(id, found->id);
}

TEST(TrackedConnection, WithoutCountersItIsNotJudged) {
  Message message = entry();
  const auto found = read(message);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->packets);
  EXPECT_FALSE(found->packets_returned);
}

TEST(SwitchOn, SetsWhatIsOffOrSaysWhatToDo) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("weir_switch_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto contents = [&](const char* before) {
    std::ofstream(folder / "switch") << before;
    EXPECT_TRUE(switch_on(folder / "switch"));
    std::ifstream in(folder / "switch");
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_EQ(contents("0\n"), "1\n");
  EXPECT_EQ(contents("1\n"), "1\n");
  EXPECT_TRUE(switch_on(folder / "missing")) << "the kernel has no such thing";
  EXPECT_FALSE(std::filesystem::exists(folder / "missing"));
  const Status denied = switch_on(folder);  // is no file
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, ErrorCode::kDenied);
  EXPECT_EQ(denied.error().where, folder);
  EXPECT_NE(denied.error().remedy.find("=1 on the host"), std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST(TrackedConnection, OtherProtocolsAndPartsAreNone) {
  Message udp = entry(IPPROTO_UDP);
  EXPECT_FALSE(read(udp));
  EXPECT_FALSE(tracked_connection({}));
  Message whole = entry();
  const auto bytes = whole.finish(1).subspan(sizeof(nlmsghdr));
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(tracked_connection(bytes.first(n))) << n;
}

}  // namespace
}  // namespace weir::path_driver
