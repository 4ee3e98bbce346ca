#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "city-cameras/messages.h"
#include "city-cameras/schedule.h"
#include "city-cameras/summary.h"

namespace city_cameras {
namespace {

FrameRecord frame(std::int64_t stream, std::int64_t seq, std::int64_t sent_at_us,
                  std::optional<std::int64_t> latency_us) {
  FrameRecord record;
  record.stream = stream;
  record.seq = seq;
  record.sent_at_us = sent_at_us;
  record.latency_us = latency_us;
  record.outcome = !latency_us ? Outcome::kLost : *latency_us <= 500'000 ? Outcome::kOk : Outcome::kMiss;
  record.bytes = 1000;
  record.ingress = "street-a";
  if (latency_us) {
    record.boxes = 2;
    record.cpu_us = 40'000;
    record.instance = "cameras-1";
    record.site = "hub";
  } else {
    record.reason = "no answer in time";
  }
  return record;
}

// ---- schedule

TEST(Schedule, SpreadsPhasesEvenlyAndKeepsThePeriod) {
  const Schedule schedule{1'000'000, 500'000, 12};
  EXPECT_EQ(phase_stride(12), 7);
  EXPECT_EQ(schedule.due_us(0, 0), 1'000'000);
  EXPECT_EQ(schedule.due_us(1, 0), 1'000'000 + 500'000 * 7 / 12);
  EXPECT_EQ(schedule.due_us(2, 0), 1'000'000 + 500'000 * 2 / 12);
  EXPECT_EQ(schedule.due_us(12, 0), schedule.due_us(0, 0));
  EXPECT_EQ(schedule.due_us(5, 7) - schedule.due_us(5, 6), 500'000);
}

TEST(Schedule, NeighboursThatShareADetectorDoNotComeInABurst) {
  // Four of twelve streams: evenly they would be 125 ms apart; no two are closer than two thirds of that.
  for (std::int64_t first = 0; first < 12; ++first) {
    std::vector<std::int64_t> due;
    for (std::int64_t i = 0; i < 4; ++i) due.push_back(Schedule{0, 500'000, 12}.due_us((first + i) % 12, 0));
    std::sort(due.begin(), due.end());
    due.push_back(due.front() + 500'000);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_GE(due[i + 1] - due[i], 83'333) << first;
  }
}

TEST(Schedule, CamerasStartedApartShareTheirPhases) {
  EXPECT_EQ(next_epoch_us(999'999, 500'000), 1'000'000);
  EXPECT_EQ(next_epoch_us(1'000'000, 500'000), 1'500'000);
  EXPECT_EQ(next_epoch_us(1'000'001, 500'000), 1'500'000);
}

RC_GTEST_PROP(Schedule, FramesOfOnePeriodNeverCollide, ()) {
  const auto phases = *rc::gen::inRange<std::int64_t>(1, 200);
  const Schedule schedule{0, 500'000, phases};
  std::set<std::int64_t> due;
  for (std::int64_t stream = 0; stream < phases; ++stream) due.insert(schedule.due_us(stream, 3));
  RC_ASSERT(static_cast<std::int64_t>(due.size()) == phases);
  RC_ASSERT(*due.begin() >= 1'500'000 && *due.rbegin() < 2'000'000);
}

RC_GTEST_PROP(Schedule, ShowsThePicturesInOrderForEver, ()) {
  const auto pictures = *rc::gen::inRange<std::int64_t>(1, 300);
  const auto stream = *rc::gen::inRange<std::int64_t>(0, 64);
  const auto at = *rc::gen::inRange<std::int64_t>(0, 1'000'000);
  const std::int64_t now = picture_of(stream, at, 12, pictures);
  RC_ASSERT(now >= 0 && now < pictures);
  RC_ASSERT(picture_of(stream, at + 1, 12, pictures) == (now + 1) % pictures);
}

// ---- lines

TEST(Messages, ALineHoldsWhatTheCameraSaw) {
  EXPECT_EQ(
      to_json_line(frame(3, 7, 1'700'000'000'000'000, 46'000)),
      R"({"kind":"frame","stream":3,"seq":7,"sent_at":1700000000000000,"latency_us":46000,"result":"ok",)"
      R"("boxes":2,"work_us":0,"queue_us":0,"cpu_us":40000,"bytes":1000,"ingress":"street-a",)"
      R"("instance":"cameras-1","site":"hub"})");
}

rc::Gen<std::string> any_text() {
  return rc::gen::map(rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127)),
                      [](std::string text) { return text.substr(0, 256); });
}

RC_GTEST_PROP(Messages, LinesComeBackAsTheyWere, ()) {
  const auto amount = [] { return *rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 60); };
  FrameRecord record = frame(*rc::gen::inRange<std::int64_t>(0, 1'000'001), amount(), amount(),
                             *rc::gen::arbitrary<bool>() ? std::optional(amount()) : std::nullopt);
  record.work_us = amount();
  record.queue_us = amount();
  record.bytes = amount();
  record.ingress = *any_text();
  record.site = *any_text();
  record.instance = *any_text();
  record.reason = *any_text();
  const std::string line = to_json_line(record);
  RC_ASSERT(line.find('\n') == std::string::npos);
  const auto back = parse_json_line(line);
  RC_ASSERT(line.size() > kLineBytesMax || (back.has_value() && back->has_value()));
  if (back) RC_ASSERT(**back == record);
}

RC_GTEST_PROP(Messages, AnswersComeBackAsTheyWere, ()) {
  Answer answer;
  const auto count = *rc::gen::inRange(0, 20);
  const auto edge = [] { return *rc::gen::inRange(0, 1'000'001); };
  for (int i = 0; i < count; ++i) answer.boxes.push_back({-edge(), edge(), edge(), edge(), edge() - 500'000});
  answer.work_us = edge();
  answer.queue_us = edge();
  answer.cpu_us = edge();
  answer.instance = *any_text();
  answer.site = *any_text();
  const auto back = parse_answer(to_json(answer));
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == answer);
}

TEST(Messages, StringsAreCutAtTheirBound) {
  FrameRecord record = frame(0, 0, 0, std::nullopt);
  record.reason = std::string(256, 'x');
  EXPECT_EQ((*parse_json_line(to_json_line(record)))->reason.size(), 256u);
  record.reason = std::string(257, 'x');
  EXPECT_EQ((*parse_json_line(to_json_line(record)))->reason.size(), 256u);
}

std::string refusal_of(std::string line) { return parse_json_line(line).error(); }

std::string changed(const std::string& from, const std::string& to) {
  std::string line = to_json_line(frame(3, 7, 1000, 46'000));
  const std::size_t at = line.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return line.replace(at, from.size(), to);
}

TEST(Messages, RefusesWithTheFieldAndItsRange) {
  EXPECT_NE(refusal_of("").find("not JSON"), std::string::npos);
  EXPECT_NE(refusal_of("[1]").find("a JSON object is expected"), std::string::npos);
  EXPECT_NE(refusal_of("{}").find("\"kind\" must be a string"), std::string::npos);
  EXPECT_NE(refusal_of(changed("\"stream\":3", "\"stream\":-1")).find("\"stream\" must be an integer from 0"),
            std::string::npos);
  EXPECT_NE(refusal_of(changed("\"stream\":3", "\"stream\":1000001")).find("\"stream\""), std::string::npos);
  EXPECT_TRUE(parse_json_line(changed("\"stream\":3", "\"stream\":1000000")).has_value());
  EXPECT_NE(refusal_of(changed("\"seq\":7", "\"seq\":7.5")).find("\"seq\""), std::string::npos);
  EXPECT_NE(refusal_of(changed("\"ok\"", "\"fine\"")).find("\"ok\", \"miss\" or \"lost\""),
            std::string::npos);
  EXPECT_NE(refusal_of(changed("46000", "null")).find("\"latency_us\""), std::string::npos);
  EXPECT_NE(refusal_of(changed("\"ok\"", "\"lost\"")).find("null for a lost frame"), std::string::npos);
  EXPECT_NE(refusal_of(std::string(9, '[')).find("not JSON"), std::string::npos);
}

TEST(Messages, LineLengthIsBounded) {
  const std::string line = to_json_line(frame(0, 0, 0, 1));
  EXPECT_TRUE(parse_json_line(line + std::string(kLineBytesMax - line.size(), ' ')).has_value());
  EXPECT_NE(refusal_of(line + std::string(kLineBytesMax - line.size() + 1, ' ')).find("at most 4096"),
            std::string::npos);
}

TEST(Messages, OtherKindsOfLineAreNoFrames) {
  const auto other = parse_json_line(R"({"kind":"summary","frames":3})");
  ASSERT_TRUE(other.has_value());
  EXPECT_FALSE(other->has_value());
}

TEST(Messages, ErrorsAreReadBack) {
  EXPECT_EQ(parse_error(error_json("the \"queue\" is full")), "the \"queue\" is full");
  EXPECT_EQ(parse_error("<html>bad gateway</html>"), "<html>bad gateway</html>");
}

// ---- percentiles

TEST(Percentiles, NearestRank) {
  EXPECT_EQ(nearest_rank(1, 500), 0u);
  EXPECT_EQ(nearest_rank(2, 500), 0u);
  EXPECT_EQ(nearest_rank(3, 500), 1u);
  EXPECT_EQ(nearest_rank(99, 990), 98u);
  EXPECT_EQ(nearest_rank(100, 990), 98u);
  EXPECT_EQ(nearest_rank(101, 990), 99u);
  EXPECT_EQ(nearest_rank(1000, 999), 998u);
  EXPECT_EQ(nearest_rank(1001, 999), 999u);
  EXPECT_EQ(nearest_rank(7, 1000), 6u);
}

RC_GTEST_PROP(Percentiles, AreTheSmallestValueThatCoversTheShare, ()) {
  auto values = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 50)));
  const auto per_mille = *rc::gen::inRange<std::size_t>(1, 1001);
  std::sort(values.begin(), values.end());
  const int value = values[nearest_rank(values.size(), per_mille)];
  const auto not_above = [&](int limit) {
    return static_cast<std::size_t>(
        std::count_if(values.begin(), values.end(), [&](int v) { return v <= limit; }));
  };
  RC_ASSERT(not_above(value) * 1000 >= values.size() * per_mille);
  RC_ASSERT(not_above(value - 1) * 1000 < values.size() * per_mille);
}

// ---- summary

TEST(Tally, CountsAndPoolsStreams) {
  Tally tally;
  for (std::int64_t i = 0; i < 99; ++i)
    ASSERT_TRUE(tally.add(frame(0, i, i * 500'000, 10'000 + i)).has_value());
  ASSERT_TRUE(tally.add(frame(1, 0, 0, 600'000)).has_value());
  const Summary summary = tally.summary();
  ASSERT_EQ(summary.streams.size(), 2u);
  EXPECT_EQ(summary.total.frames, 100);
  EXPECT_EQ(summary.total.misses(), 1);
  EXPECT_EQ(summary.total.late, 1);
  EXPECT_EQ(summary.total.boxes, 200);
  EXPECT_EQ(summary.total.latency.samples, 100u);
  EXPECT_EQ(summary.total.latency.p50_us, 10'049);
  EXPECT_EQ(summary.total.latency.p99_us, 10'098);
  EXPECT_EQ(summary.total.latency.p999_us, 600'000);
  EXPECT_EQ(summary.cpu_us_mean, 40'000);
  EXPECT_FALSE(summary.first_loss_at_us.has_value());
}

TEST(Tally, ALostFrameIsSlowerThanEveryAnswer) {
  Tally tally;
  for (std::int64_t i = 0; i < 98; ++i) ASSERT_TRUE(tally.add(frame(0, i, i, 900'000)).has_value());
  ASSERT_TRUE(tally.add(frame(0, 98, 98, std::nullopt)).has_value());
  EXPECT_EQ(tally.summary().total.latency.p99_us, std::nullopt);  // rank 99 of 99
  ASSERT_TRUE(tally.add(frame(0, 99, 99, 1'000)).has_value());
  EXPECT_EQ(tally.summary().total.latency.p99_us, 900'000);  // rank 99 of 100
  EXPECT_EQ(tally.summary().total.latency.p999_us, std::nullopt);
}

TEST(Tally, MeasuresOutagesAsTheClientSeesThem) {
  Tally tally;
  ASSERT_TRUE(tally.add(frame(0, 0, 1'000'000, 50'000)).has_value());
  ASSERT_TRUE(tally.add(frame(0, 1, 1'500'000, std::nullopt)).has_value());
  ASSERT_TRUE(tally.add(frame(0, 2, 2'000'000, std::nullopt)).has_value());
  ASSERT_TRUE(tally.add(frame(0, 3, 2'500'000, 70'000)).has_value());
  ASSERT_TRUE(tally.add(frame(1, 0, 1'250'000, std::nullopt)).has_value());
  const Summary summary = tally.summary();
  EXPECT_EQ(summary.first_loss_at_us, 1'250'000);
  EXPECT_EQ(summary.last_loss_at_us, 2'000'000);
  ASSERT_EQ(summary.outages.size(), 2u);
  EXPECT_EQ(summary.outages[0].stream, 1);
  EXPECT_FALSE(summary.outages[0].repaired_at_us.has_value());
  EXPECT_EQ(summary.outages[1].lost, 2);
  EXPECT_EQ(summary.outages[1].began_at_us, 1'500'000);
  EXPECT_EQ(summary.outages[1].repaired_at_us, 2'570'000);
}

TEST(Tally, MemoryIsBounded) {
  Tally tally(4);
  for (std::int64_t i = 0; i < 10; ++i) ASSERT_TRUE(tally.add(frame(0, i, i, i * 1000)).has_value());
  const Summary summary = tally.summary();
  EXPECT_EQ(summary.total.frames, 10);
  EXPECT_EQ(summary.total.latency.samples, 4u);
  EXPECT_EQ(summary.total.latency.p50_us, 7'000);  // of 6, 7, 8, 9
  Tally streams;
  for (std::int64_t i = 0; i < 1024; ++i) ASSERT_TRUE(streams.add(frame(i, 0, 0, 1)).has_value());
  EXPECT_NE(streams.add(frame(1024, 0, 0, 1)).error().find("more than 1024 streams"), std::string::npos);
}

TEST(Summarise, MergesReportsOfSeveralIngressPoints) {
  FrameRecord other = frame(6, 0, 2'000, 80'000);
  other.ingress = "street-b";
  other.site = "metro";
  FrameRecord moved = frame(0, 1, 501'000, 60'000);
  moved.site = "metro";
  std::istringstream a(to_json_line(frame(0, 0, 1'000, 50'000)) + "\n" + to_json_line(moved) +
                       "\n{\"kind\":\"summary\"}\n");
  std::istringstream b(to_json_line(other) + "\n{\"kind\":\"fra");  // killed while it wrote
  const auto summary = summarise({&a, &b}, {"a.jsonl", "b.jsonl"});
  ASSERT_TRUE(summary.has_value()) << summary.error();
  ASSERT_EQ(summary->streams.size(), 2u);
  EXPECT_EQ(summary->streams[0].sites, (std::vector<std::string>{"hub", "metro"}));
  EXPECT_EQ(summary->streams[1].ingress, "street-b");
  EXPECT_EQ(summary->total.frames, 3);
  EXPECT_EQ(summary->total.latency.p50_us, 60'000);

  const std::string table = table_of(*summary, 500'000);
  EXPECT_NE(table.find("hub>metro"), std::string::npos);
  EXPECT_NE(table.find("0/2"), std::string::npos);
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
  const std::string json = json_of(*summary, 500'000);
  EXPECT_NE(json.find(R"("frames":3,"misses":0)"), std::string::npos);
  const auto parsed = parse_json_line(json);
  ASSERT_TRUE(parsed.has_value()) << parsed.error();
  EXPECT_FALSE(parsed->has_value());
}

TEST(Table, FitsEightyColumnsInTheWorstCase) {
  Summary summary;
  StreamSummary stream;
  stream.stream = 100'000;
  stream.ingress = "a-very-long-name-of-a-street";
  stream.sites = {"hub-guizhou-with-a-long-name", "hub-sichuan"};
  stream.frames = stream.late = 999'999;
  stream.boxes = 99'999'999;
  stream.latency = {9'999'999, 59'999'999, 59'999'999, 59'999'999};
  summary.streams = {stream};
  summary.total = stream;
  summary.total.bytes = 125'000 * stream.frames;
  summary.outages.assign(100, {1023, 99'999, 1'795'174'382'625'000, 1'795'174'999'625'000});
  const std::string table = table_of(summary, 30'000'000);
  std::istringstream lines(table);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_LE(line.size(), 80u) << line;
  EXPECT_EQ(count, 1u + 1 + 3 + 24 + 1);
  EXPECT_NE(table.find("~long-name>hub-sichuan"), std::string::npos) << table;
}

TEST(Summarise, KeepsToTheWindow) {
  std::string text;
  for (std::int64_t i = 0; i < 10; ++i) text += to_json_line(frame(0, i, i * 100, 1)) + "\n";
  std::istringstream report(text);
  EXPECT_EQ(summarise({&report}, {"a"}, {300, 500})->total.frames, 2);
}

TEST(Summarise, SaysWhichLineIsWrong) {
  std::istringstream bad(to_json_line(frame(0, 0, 0, 1)) + "\nnonsense\n");
  const auto summary = summarise({&bad}, {"cameras-a.jsonl"});
  ASSERT_FALSE(summary.has_value());
  EXPECT_EQ(summary.error().rfind("cameras-a.jsonl:2: not JSON", 0), 0u) << summary.error();
}

TEST(Summarise, TwoCamerasMustNotShareAStream) {
  FrameRecord other = frame(0, 0, 0, 1);
  other.ingress = "street-b";
  std::istringstream a(to_json_line(frame(0, 0, 0, 1)) + "\n");
  std::istringstream b(to_json_line(other) + "\n");
  const auto summary = summarise({&a, &b}, {"a", "b"});
  ASSERT_FALSE(summary.has_value());
  EXPECT_NE(summary.error().find("--first-stream"), std::string::npos);
}

TEST(Summarise, NoFramesHaveNoPercentiles) {
  std::istringstream empty;
  const auto summary = summarise({&empty}, {"a"});
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(summary->total.latency.samples, 0u);
  EXPECT_EQ(summary->total.latency.p50_us, std::nullopt);
}

}  // namespace
}  // namespace city_cameras
