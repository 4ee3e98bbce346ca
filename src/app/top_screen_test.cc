// The live view without a terminal: what stands where, and what keys do.
#include "app/top_screen.h"

#include <gtest/gtest.h>

#include "app/table.h"

namespace weir::app::top {
namespace {

constexpr int64_t kNow = 1'800'000'000'000'000;

std::shared_ptr<const Resources> sites(const std::vector<std::string>& names) {
  auto out = std::make_shared<Resources>();
  for (size_t i = 0; i < names.size(); ++i) {
    v1::Site& site = *out->Add()->mutable_site();
    site.mutable_metadata()->set_name(names[i]);
    site.mutable_status()->set_state(i == 1 ? "down" : "up");
    site.mutable_status()->set_cpu_milli_total(10'000);
    site.mutable_status()->set_cpu_milli_free(10'000 - static_cast<int64_t>(1000 * i));
    site.mutable_status()->set_memory_mib_total(1024);
  }
  return out;
}

class TopScreen : public ::testing::Test {
 protected:
  TopScreen() { screen.take(Kind::kSites, sites({"metro", "hub", "street"})); }
  std::string text(size_t width = 80, size_t height = 24) { return plain_text(screen.frame(width, height, kNow)); }
  void keys(std::string_view text) {
    for (const char c : text) EXPECT_TRUE(screen.press({Key::kText, std::string(1, c)}));
  }
  // Line of the text that holds it; npos: none.
  static size_t line_of(const std::string& text, std::string_view what) {
    const size_t at = text.find(what);
    return at == std::string::npos ? at : static_cast<size_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
  }
  void expect_fits(size_t width, size_t height) { expect_fits(screen, width, height); }
  static void expect_fits(Screen& shown, size_t width, size_t height) {
    const Frame frame = shown.frame(width, height, kNow);
    EXPECT_LE(frame.size(), height) << width << "x" << height;
    for (const Line& line : frame) {
      size_t end = 0;
      for (const Span& span : line.spans) {
        EXPECT_GE(span.column, end) << "spans overlap at " << width << "x" << height;
        end = span.column + columns(span.text);
        EXPECT_EQ(span.text, printable(span.text));
      }
      EXPECT_LE(end, width) << width << "x" << height;
    }
  }
  Screen screen{"brain:7443", {}};
};

TEST_F(TopScreen, ShowsTheDomainAtAGlance) {
  const std::string shown = text();
  EXPECT_NE(shown.find("weir top  live  08:00:00Z  brain:7443"), std::string::npos) << shown;
  EXPECT_NE(shown.find("Sites   3: 1 down, 2 up  cores 3/30 10%"), std::string::npos) << shown;
  EXPECT_NE(shown.find("[1 Sites]"), std::string::npos);
  EXPECT_NE(shown.find("1/3"), std::string::npos);
  EXPECT_NE(shown.find("Intents ..."), std::string::npos) << "not read yet";
}

TEST_F(TopScreen, SortsFiltersAndKeepsWhatIsMarked) {
  EXPECT_LT(line_of(text(), "\nhub"), line_of(text(), "\nmetro"));
  keys("r");
  EXPECT_GT(line_of(text(), "\nhub"), line_of(text(), "\nmetro"));
  ASSERT_TRUE(screen.sort_by("used"));
  EXPECT_LT(line_of(text(), "\nstreet"), line_of(text(), "\nhub")) << "figures from the largest";
  ASSERT_TRUE(screen.sort_by("-核"));
  EXPECT_GT(line_of(text(), "\nstreet"), line_of(text(), "\nhub"));
  EXPECT_FALSE(screen.sort_by("colour"));
  // street is the last; it stays marked when another order makes it the first.
  screen.press({Key::kEnd, {}});
  EXPECT_NE(text().find("3/3"), std::string::npos);
  ASSERT_TRUE(screen.sort_by("CORES"));
  EXPECT_NE(text().find("1/3"), std::string::npos);
  screen.take(Kind::kSites, sites({"metro", "hub", "street", "yard"}));
  EXPECT_NE(text().find("2/4"), std::string::npos) << text();

  keys("/HU");
  EXPECT_NE(text().find("filter: HU_"), std::string::npos);
  EXPECT_EQ(screen.listed().size(), 1u);
  screen.press({Key::kBackspace, {}});
  screen.press({Key::kBackspace, {}});
  EXPECT_EQ(screen.listed().size(), 4u);
  keys("q?zzz");
  EXPECT_EQ(screen.listed().size(), 0u) << "keys are text there";
  EXPECT_NE(text().find("none passes the filter"), std::string::npos);
  screen.press({Key::kEscape, {}});
  EXPECT_EQ(screen.listed().size(), 4u);
  keys("/down");
  screen.press({Key::kEnter, {}});
  EXPECT_EQ(screen.listed().size(), 1u) << "states are found as well";
  EXPECT_FALSE(screen.press({Key::kText, "q"}));
}

TEST_F(TopScreen, AFilterEndsAtItsBound) {
  keys("/" + std::string(kFilterBytesMax - 1, 'x'));
  screen.press({Key::kText, "é"});  // two bytes, where one is left
  EXPECT_NE(text(200).find(std::string(kFilterBytesMax - 1, 'x') + "_"), std::string::npos);
  keys("yy");
  EXPECT_NE(text(200).find("xy_"), std::string::npos);
}

TEST_F(TopScreen, FitsEverySize) {
  auto odd = sites({"\x1b[2Jevil\x07", "很长的站点名字很长的站点名字很长的站点名字很长", "left\xe2\x80\xaeright", "\xff\xfe", ""});
  screen.take(Kind::kSites, odd);
  screen.take(Kind::kLinks, Error{ErrorCode::kDenied, "may not\x1b]0;x\x07", "links", ""});
  for (const Tongue tongue : {Tongue{}, Tongue{.chinese = true}}) {
    Screen other("b", tongue);
    other.take(Kind::kSites, odd);
    other.take(Kind::kLinks, Error{ErrorCode::kDenied, "may not\x1b]0;x\x07", "links", ""});
    for (size_t width = 1; width <= 130; ++width) {
      for (const size_t height : {1, 3, 4, 6, 7, 15, 16, 24}) expect_fits(other, width, height);
    }
  }
  for (const char* key : {"2", "3", "4", "5", "6", "?"}) {
    keys(key);
    for (const size_t width : {19, 20, 40, 80, 300}) expect_fits(width, 24);
  }
  EXPECT_EQ(text(19, 24), "too small\n");
  EXPECT_EQ(text(80, 3), "too small\n");
  EXPECT_NE(text(20, 4), "too small\n");
  keys("q1");
  EXPECT_EQ(text().find('\x1b'), std::string::npos);
  EXPECT_EQ(text().find('\x07'), std::string::npos);
  EXPECT_EQ(text().find("\xe2\x80\xae"), std::string::npos) << "no name turns the direction of writing";
}

TEST_F(TopScreen, ScrollsAndShowsOne) {
  std::vector<std::string> names;
  for (int i = 0; i < 10'000; ++i) names.push_back("site-" + std::to_string(10'000 + i));
  screen.take(Kind::kSites, sites(names));
  EXPECT_NE(text().find("site-10000"), std::string::npos);
  screen.press({Key::kEnd, {}});
  std::string shown = text();
  EXPECT_NE(shown.find("site-19999"), std::string::npos) << shown;
  EXPECT_NE(shown.find("10000/10000"), std::string::npos);
  screen.press({Key::kPageUp, {}});
  EXPECT_NE(text().find("site-19999"), std::string::npos) << "what is marked moves, not the page";
  screen.press({Key::kHome, {}});
  EXPECT_NE(text().find("1/10000"), std::string::npos);
  screen.press({Key::kDown, {}});
  screen.press({Key::kEnter, {}});
  shown = text();
  EXPECT_NE(shown.find("name: site-10001"), std::string::npos) << shown;
  screen.take(Kind::kSites, sites({"metro"}));
  EXPECT_NE(text().find("is gone"), std::string::npos);
  keys("q");
  EXPECT_NE(text().find("1/1"), std::string::npos);
}

TEST_F(TopScreen, SaysThatTheBrainIsAway) {
  screen.lose(Error{ErrorCode::kUnavailable, "does not answer", "brain:7443", ""}, kNow - 5'000'000);
  EXPECT_NE(text().find("NOT REACHED"), std::string::npos);
  EXPECT_NE(text().find("since 07:59:55Z (5 s), tried again: brain:7443: does not answer"), std::string::npos) << text();
  EXPECT_NE(text().find("metro"), std::string::npos) << "what was known stays";
  screen.lose(std::nullopt);
  EXPECT_NE(text().find("live"), std::string::npos);
  keys("p");
  EXPECT_NE(text().find("PAUSED"), std::string::npos);
}

TEST_F(TopScreen, KeepsTheNewestEvents) {
  const auto some = [](uint64_t from, size_t count) {
    std::vector<v1::EventView> out(count);
    for (size_t i = 0; i < count; ++i) out[i].set_position(from + i), out[i].set_name("SiteJoined"), out[i].set_text("joined");
    return out;
  };
  keys("6");
  EXPECT_NE(text().find("being read"), std::string::npos);
  screen.take(some(1, kEventsKept - 1));
  screen.take(some(kEventsKept, 1));
  EXPECT_EQ(screen.listed().size(), kEventsKept);
  screen.take(some(kEventsKept + 1, 1));
  EXPECT_EQ(screen.listed().size(), kEventsKept);
  EXPECT_EQ(screen.listed().front()->event().position(), kEventsKept + 1) << "the newest on top";
  EXPECT_EQ(screen.listed().back()->event().position(), 2u);
  screen.take(some(5'000, kEventsKept + 1));
  EXPECT_EQ(screen.listed().back()->event().position(), 5'001u);
}

TEST(TopScreenInChinese, HasItsTitles) {
  Screen screen("b", {.chinese = true});
  screen.take(Kind::kSites, sites({"城东"}));
  const std::string shown = plain_text(screen.frame(80, 24, kNow));
  EXPECT_NE(shown.find("[1 站点]"), std::string::npos) << shown;
  EXPECT_NE(shown.find("站点^"), std::string::npos);
  EXPECT_NE(shown.find("城东"), std::string::npos);
}

TEST(TopView, ToneIsNeverAlone) {
  // Every tone but the plain one belongs to a word or a figure that says the same.
  v1::Resource intent;
  intent.mutable_intent()->mutable_status()->set_state("refused");
  for (const Column& column : columns_of(Kind::kIntents)) EXPECT_FALSE(column.cell(intent).text.empty()) << column.title;
  EXPECT_EQ(tone_of("refused"), Tone::kBad);
  EXPECT_EQ(tone_of("running"), Tone::kGood);
  EXPECT_EQ(tone_of("waiting"), Tone::kWarning);
  EXPECT_EQ(tone_of("anything"), Tone::kPlain);
}

}  // namespace
}  // namespace weir::app::top
