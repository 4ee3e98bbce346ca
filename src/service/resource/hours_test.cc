// The hours in which a site asks other prices of jobs: as files have them, and as they are refused.
#include <gtest/gtest.h>

#include "service/resource/resource.h"
#include "weir/v1/resource.pb.h"

namespace weir::resource {
namespace {

std::string site_with(const std::string& hours) {
  return R"(apiVersion: weir/v1
kind: Site
metadata: {name: metro}
spec:
  tier: edge
  asks: {core_hour: "0.04", gib_hour: "0.005"}
  power: {idle_per_core: 3W, peak_per_core: 9W, pue: "1.2", carbon: 0.5kgCO2/kWh}
  availability: "0.999"
  hours: )" +
         hours + "\n";
}

std::vector<HourRate> hours_of(const std::string& hours) {
  const auto read = parse(site_with(hours), "f.yaml");
  EXPECT_TRUE(read.has_value()) << (read ? "" : read.error().text());
  return read ? std::get<Site>(read->front().value).spec.hours : std::vector<HourRate>{};
}

std::string error_with(const std::string& hours) {
  const auto read = parse(site_with(hours), "f.yaml");
  return read ? "accepted" : read.error().text();
}

// As it is printed, "between asks/carbon" by entry, and read again.
std::string printed(const std::string& hours) {
  const auto read = parse(site_with(hours), "f.yaml");
  if (!read) return read.error().text();
  v1::Resource message;
  to_message(read->front(), message);
  const auto back = from_message(message);
  EXPECT_TRUE(back && back->value == read->front().value);
  std::string out;
  for (const auto& each : message.site().spec().hours()) {
    out += (out.empty() ? "" : ", ") + each.between() + " " + each.asks() + "/" + each.carbon();
  }
  return out;
}

TEST(SiteHours, AreOfADayInUtc) {
  const auto hours = hours_of(R"([{between: "01:00-03:00", asks: "0.6", carbon: "0.8"}])");
  ASSERT_EQ(hours.size(), 24u);
  EXPECT_EQ(hours[0], HourRate{});
  EXPECT_EQ(hours[1], (HourRate{600, 800}));
  EXPECT_EQ(hours[2], (HourRate{600, 800}));
  EXPECT_EQ(hours[3], HourRate{});
  EXPECT_TRUE(hours_of("[]").empty());
  EXPECT_TRUE(hours_of(R"([{between: "00:00-24:00", asks: "1"}])").empty()) << "nothing changes";
}

TEST(SiteHours, OfAnotherTimeZoneBecomeThoseOfUtc) {
  EXPECT_EQ(printed(R"([{between: "22:00-06:00+08:00", asks: "0.6"}])"), "14:00-22:00 0.6/");
  EXPECT_EQ(printed(R"([{between: "22:00-06:00-05:00", asks: "0.6"}])"), "03:00-11:00 0.6/");
  EXPECT_EQ(printed(R"([{between: "08:00-20:00+14:00", carbon: "0.25"}])"), "18:00-06:00 /0.25");
  EXPECT_EQ(printed(R"([{between: "18:00-20:00-12:00", asks: "2"}])"), "06:00-08:00 2/");
  EXPECT_EQ(printed(R"([{between: "22:00-06:00Z", asks: "0"}])"), "22:00-06:00 0/") << "over midnight";
}

TEST(SiteHours, ThatAreAlikeArePrintedAsOne) {
  EXPECT_EQ(printed(R"([{between: "22:00-24:00", asks: "0.6"}, {between: "00:00-06:00", asks: "0.6"}])"),
            "22:00-06:00 0.6/");
  EXPECT_EQ(printed(R"([{between: "00:00-12:00", asks: "2"}, {between: "12:00-24:00", asks: "2"}])"),
            "00:00-24:00 2/");
  EXPECT_EQ(
      printed(R"([{between: "20:00-23:00", asks: "3"}, {between: "23:00-01:00", asks: "0.5", carbon: "2"}])"),
      "20:00-23:00 3/, 23:00-01:00 0.5/2");
  EXPECT_EQ(printed(R"([{between: "00:00-23:00", asks: "1000"}, {between: "23:00-24:00", asks: "0.001"}])"),
            "00:00-23:00 1000/, 23:00-00:00 0.001/");
}

TEST(SiteHours, AreRefusedWithTheirPlace) {
  const auto refused = [](const std::string& hours, const std::string& what) {
    const std::string error = error_with(hours);
    EXPECT_NE(error.find(what), std::string::npos) << error;
  };
  refused(R"([{between: "22:00-06:00", asks: "0.6"}, {between: "05:00-07:00", asks: "2"}])",
          "spec.hours[1].between: holds 05:00 UTC, as spec.hours[0] does");
  refused(R"([{between: "22:00-06:00+08:00", asks: "0.6"}, {between: "21:00-23:00", asks: "2"}])",
          "holds 21:00 UTC");
  refused(R"([{between: "22:30-06:00", asks: "0.6"}])", "is not of whole hours");
  refused(R"([{between: "22:00-06:00+05:30", asks: "0.6"}])", "is not of whole hours");
  refused(R"([{between: "22:00-06:00+15:00", asks: "0.6"}])", "no place has");
  refused(R"([{between: "22:00-06:00-13:00", asks: "0.6"}])", "no place has");
  refused(R"([{between: "22:00-22:00", asks: "0.6"}])", "ends when it begins");
  refused(R"([{between: "24:00-06:00", asks: "0.6"}])", "is not of a day");
  refused(R"([{between: "22:00-25:00", asks: "0.6"}])", "is not of a day");
  refused(R"([{between: "22-06", asks: "0.6"}])", "is not a span of hours");
  refused(R"([{between: "22:00-06:00 UTC", asks: "0.6"}])", "is not a span of hours");
  refused(R"([{between: "22:00", asks: "0.6"}])", "is not a span of hours");
  refused(R"([{asks: "0.6"}])", "spec.hours[0].between: is missing");
  refused(R"([{between: "22:00-06:00"}])", "spec.hours[0]: says neither asks nor carbon");
  refused(R"([{between: "22:00-06:00", asks: "-1"}])", "spec.hours[0].asks");
  refused(R"([{between: "22:00-06:00", asks: "1000.001"}])", "spec.hours[0].asks");
  refused(R"([{between: "22:00-06:00", carbon: much}])", "spec.hours[0].carbon");
  std::string many = "[";
  for (int i = 0; i < 25; ++i) many += R"({between: "00:00-01:00", asks: "2"}, )";
  refused(many + "]", "more entries than a day has hours");
}

}  // namespace
}  // namespace weir::resource
