#include "core/ports/ip_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace weir {
namespace {

TEST(Ipv6Address, ReadsAndWritesTheShortForm) {
  for (const char* text :
       {"::", "::1", "1::", "fd77:1:f:3:e0:a::", "fd77::1:0:0:1", "1:2:3:4:5:6:7:8", "a:0:b:0:c:0:d:0"}) {
    const auto address = Ipv6Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
  EXPECT_EQ(Ipv6Address::parse("FD77:0000::0001")->text(), "fd77::1");
  EXPECT_EQ(Ipv6Address::parse("1:2:3:4:5:6:7::")->text(), "1:2:3:4:5:6:7:0");
}

TEST(Ipv6Address, RefusesWhatIsNone) {
  for (const char* text : {"", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
                           "12345::", "g::", "::1:", ":1::", "1:2:3:4:5:6:7:8::", "::1.2.3.4", "fe80::1%lo",
                           "1: :2::", "::/64"}) {
    EXPECT_FALSE(Ipv6Address::parse(text)) << text;
  }
}

TEST(Ipv6Address, AgreesWithTheSystem) {
  EXPECT_TRUE(rc::check([](const std::array<uint8_t, 16>& raw, const std::array<bool, 16>& zero) {
    Ipv6Address address;
    for (size_t i = 0; i < 16; ++i) address.bytes[i] = zero[i / 2 * 2] ? uint8_t{0} : raw[i];
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(AF_INET6, address.bytes.data(), text.data(), text.size());
    // The system writes some addresses with a dotted tail, which RFC 5952 leaves to the context.
    if (std::string_view(text.data()).find('.') == std::string_view::npos)
      RC_ASSERT(address.text() == text.data());
    RC_ASSERT(Ipv6Address::parse(address.text()) == address);
  }));
  EXPECT_TRUE(rc::check([] {
    const auto text = *rc::gen::container<std::string>(rc::gen::element(':', ':', '0', '1', 'f', 'a'));
    in6_addr system{};
    const bool valid = inet_pton(AF_INET6, text.c_str(), &system) == 1;
    const auto ours = Ipv6Address::parse(text);
    RC_ASSERT(ours.has_value() == valid);
    if (ours) RC_ASSERT(std::equal(ours->bytes.begin(), ours->bytes.end(), system.s6_addr));
  }));
}

TEST(Ipv6Prefix, KeepsToItsLength) {
  EXPECT_EQ(Ipv6Prefix::parse("fd77:1::/32")->text(), "fd77:1::/32");
  EXPECT_EQ(Ipv6Prefix::parse("fd77::1")->length, 128);
  EXPECT_EQ(Ipv6Prefix::parse("::/0")->text(), "::/0");
  for (const char* text : {"fd77::1/64", "fd77::/129", "fd77::/", "fd77::/1234", "fd77::/6x", "/64"}) {
    EXPECT_FALSE(Ipv6Prefix::parse(text)) << text;
  }
  const auto address = *Ipv6Address::parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  EXPECT_EQ(Ipv6Prefix::of(address, 0).text(), "::/0");
  EXPECT_EQ(Ipv6Prefix::of(address, 61).text(), "ffff:ffff:ffff:fff8::/61");
  EXPECT_EQ(Ipv6Prefix::of(address, 128).address, address);
  EXPECT_TRUE(Ipv6Prefix::parse("fd77::/64")->contains(*Ipv6Address::parse("fd77::9")));
  EXPECT_FALSE(Ipv6Prefix::parse("fd77::/64")->contains(*Ipv6Address::parse("fd77:0:0:1::9")));
}

}  // namespace
}  // namespace weir
