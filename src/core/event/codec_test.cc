#include "core/event/codec.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>
#include <functional>
#include <random>
#include <sstream>

#include "core/event/event_fields.h"
#include "weir/v1/event.pb.h"

namespace weir {
namespace {

using stored::Fields;
using Buffer = std::vector<std::byte>;

// Fills every field within its bounds, from a seeded generator.
class Filler {
 public:
  // `lean`: fewer and smaller things, as in ordinary use.
  Filler(uint64_t seed, bool lean) : random_(seed), lean_(lean) {}

  template <uint32_t N, class T, class L, class H>
  void number(const char*, T& v, L low, H high) {
    v = pick(static_cast<T>(low), static_cast<T>(high));
  }
  template <uint32_t N, class L, class H>
  void zigzag(const char*, int32_t& v, L low, H high) {
    v = pick<int32_t>(low, high);
  }
  template <uint32_t N, class I>
  void id(const char* name, I& v) {
    v = I(pick<uint32_t>(0, limits::kIdMax));
    if (std::string_view(name) == "link") v.value &= ~1u;
  }
  template <uint32_t N, class I>
  void id_or_none(const char* name, I& v) {
    if (random_() % 2)
      id<N>(name, v);
    else
      v = I();
  }
  template <uint32_t N>
  void flag(const char*, bool& v) {
    v = random_() % 2;
  }
  template <uint32_t N, class E>
  void choice(const char*, E& v, E last) {
    v = static_cast<E>(random_() % (static_cast<unsigned>(last) + 1));
  }
  template <uint32_t N>
  void text(const char*, std::string& v, size_t bytes_max) {
    static const char* const kPieces[] = {"a", "z", "-", "é", "算", "\U0001F30A"};
    const size_t wanted = random_() % (lean_ ? std::min<size_t>(bytes_max, 20) + 1 : bytes_max + 1);
    v.clear();
    for (;;) {
      const std::string piece = random_() % 50 ? kPieces[random_() % 6] : std::string(1, '\0');
      if (v.size() + piece.size() > wanted) break;
      v += piece;
    }
  }
  template <uint32_t N>
  void texts(const char* name, std::vector<std::string>& v, size_t count_max, size_t bytes_max) {
    v.resize(random_() % (std::min<size_t>(count_max, 5) + 1));
    for (auto& one : v) text<N>(name, one, bytes_max);
  }
  template <uint32_t N, class I>
  void ids(const char* name, std::vector<I>& v, size_t count_max) {
    v.resize(random_() % (std::min<size_t>(count_max, lean_ ? 6 : 64) + 1));
    for (auto& one : v) id<N>(name, one);
  }
  template <uint32_t N, class T>
  void message(const char*, T& v) {
    Fields<T>::each(*this, v);
  }
  template <uint32_t N, class T>
  void messages(const char*, std::vector<T>& v, size_t count_max) {
    v.resize(random_() % (std::min<size_t>(count_max, lean_ ? 3 : 20) + 1));
    for (auto& one : v) Fields<T>::each(*this, one);
  }
  void require(bool, const char*, const char*) {}

  template <class T>
  T pick(T low, T high) {
    switch (random_() % 8) {
      case 0:
        return low;
      case 1:
        return high;
      case 2:
        return low <= T{0} ? T{0} : low;
      default:
        break;
    }
    const uint64_t span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
    const uint64_t bits = random_() >> (random_() % 64);
    return static_cast<T>(static_cast<uint64_t>(low) + (span == ~uint64_t{0} ? bits : bits % (span + 1)));
  }

 private:
  std::mt19937_64 random_;
  bool lean_;
};

template <size_t I = 0>
void fill_body(Filler& filler, EventBody& body, size_t index) {
  if constexpr (I < std::variant_size_v<EventKinds>) {
    if (index == I) {
      auto& value = body.emplace<I>();
      Fields<std::decay_t<decltype(value)>>::each(filler, value);
    } else {
      fill_body<I + 1>(filler, body, index);
    }
  }
}

Event make_event(size_t index, uint64_t seed, bool lean) {
  Filler filler(seed, lean);
  Event event;
  event.at = filler.pick<int64_t>(0, stored::kI64);
  filler.text<2>("actor", event.actor, limits::kActorBytesMax);
  fill_body(filler, event.body, index);
  return event;
}

Buffer encoded(const Event& event) {
  Buffer out;
  encode(event, out);
  return out;
}

std::string as_string(const Buffer& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Buffer as_bytes(std::string_view text) {
  const auto* p = reinterpret_cast<const std::byte*>(text.data());
  return {p, p + text.size()};
}

bool knows_all(const google::protobuf::Message& message) {
  const auto* reflection = message.GetReflection();
  if (!reflection->GetUnknownFields(message).empty()) return false;
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (field->is_repeated()) {
      for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
        if (!knows_all(reflection->GetRepeatedMessage(message, field, i))) return false;
      }
    } else if (!knows_all(reflection->GetMessage(message, field))) {
      return false;
    }
  }
  return true;
}

RC_GTEST_PROP(Codec, DecodesWhatItEncoded, ()) {
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  const auto lean = *rc::gen::arbitrary<bool>();
  for (size_t index = 0; index < kEventNames.size(); ++index) {
    const Event event = make_event(index, seed, lean);
    RC_ASSERT(validate(event).has_value());
    const Buffer bytes = encoded(event);
    const auto back = decode(bytes);
    RC_ASSERT(back.has_value());
    RC_ASSERT((*back == event));
    RC_ASSERT(encoded(*back) == bytes);
  }
}

// Our bytes are protobuf's own, to the bit: other programs may read the ledger by the schema.
RC_GTEST_PROP(Codec, AgreesWithProtobuf, ()) {
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  const auto lean = *rc::gen::arbitrary<bool>();
  for (size_t index = 0; index < kEventNames.size(); ++index) {
    const Event event = make_event(index, seed, lean);
    const std::string bytes = as_string(encoded(event));
    v1::Event message;
    RC_ASSERT(message.ParseFromString(bytes));
    RC_ASSERT(knows_all(message));
    RC_ASSERT(message.SerializeAsString() == bytes);
    RC_ASSERT(message.at() == event.at);
    RC_ASSERT(message.body_case() == static_cast<int>(10 + index));
  }
}

// Compares the description with the schema: numbers, names, kinds and completeness.
class Describer {
 public:
  explicit Describer(const google::protobuf::Descriptor* of) : of_(of) {}
  using Field = google::protobuf::FieldDescriptor;

  template <uint32_t N, class T, class L, class H>
  void number(const char* name, const T&, L, H) {
    const Field* field = expect(N, name, false);
    if (!field) return;
    const bool wide = sizeof(T) == 8;
    const auto type = std::is_signed_v<T> ? (wide ? Field::TYPE_INT64 : Field::TYPE_INT32)
                                          : (wide ? Field::TYPE_UINT64 : Field::TYPE_UINT32);
    EXPECT_EQ(field->type(), type) << field->full_name();
    EXPECT_FALSE(field->has_presence()) << field->full_name();
  }
  template <uint32_t N, class L, class H>
  void zigzag(const char* name, const int32_t&, L, H) {
    if (const Field* field = expect(N, name, false)) {
      EXPECT_EQ(field->type(), Field::TYPE_SINT32);
    }
  }
  template <uint32_t N, class I>
  void id(const char* name, const I&) {
    const Field* field = expect(N, name, false);
    if (!field) return;
    EXPECT_EQ(field->type(), Field::TYPE_UINT32) << field->full_name();
    EXPECT_TRUE(field->has_presence()) << field->full_name();
  }
  template <uint32_t N, class I>
  void id_or_none(const char* name, const I& v) {
    id<N>(name, v);
  }
  template <uint32_t N>
  void flag(const char* name, const bool&) {
    if (const Field* field = expect(N, name, false)) {
      EXPECT_EQ(field->type(), Field::TYPE_BOOL);
    }
  }
  template <uint32_t N, class E>
  void choice(const char* name, const E&, E last) {
    const Field* field = expect(N, name, false);
    if (!field) return;
    ASSERT_EQ(field->type(), Field::TYPE_ENUM) << field->full_name();
    EXPECT_EQ(field->enum_type()->value_count(), static_cast<int>(last) + 2) << field->full_name();
    EXPECT_NE(field->enum_type()->FindValueByNumber(static_cast<int>(last) + 1), nullptr);
  }
  template <uint32_t N>
  void text(const char* name, const std::string&, size_t) {
    if (const Field* field = expect(N, name, false)) {
      EXPECT_EQ(field->type(), Field::TYPE_STRING);
    }
  }
  template <uint32_t N>
  void texts(const char* name, const std::vector<std::string>&, size_t, size_t) {
    if (const Field* field = expect(N, name, true)) {
      EXPECT_EQ(field->type(), Field::TYPE_STRING);
    }
  }
  template <uint32_t N, class I>
  void ids(const char* name, const std::vector<I>&, size_t) {
    const Field* field = expect(N, name, true);
    if (!field) return;
    EXPECT_EQ(field->type(), Field::TYPE_UINT32);
    EXPECT_TRUE(field->is_packed());
  }
  template <uint32_t N, class T>
  void message(const char* name, const T&) {
    if (const Field* field = expect(N, name, false)) inner<T>(field);
  }
  template <uint32_t N, class T>
  void messages(const char* name, const std::vector<T>&, size_t) {
    if (const Field* field = expect(N, name, true)) inner<T>(field);
  }
  void require(bool, const char*, const char*) {}
  int seen() const { return seen_; }

  template <class T>
  static void compare(const google::protobuf::Descriptor* of) {
    Describer describer(of);
    const T value{};
    Fields<T>::each(describer, value);
    EXPECT_EQ(describer.seen(), of->field_count())
        << of->full_name() << " has fields that the codec does not know";
  }

 private:
  const Field* expect(uint32_t number, const char* name, bool repeated) {
    ++seen_;
    EXPECT_GT(static_cast<int>(number), last_) << of_->full_name() << "." << name << " is out of order";
    last_ = static_cast<int>(number);
    const Field* field = of_->FindFieldByNumber(last_);
    EXPECT_NE(field, nullptr) << of_->full_name() << " has no field " << number;
    if (!field) return nullptr;
    EXPECT_EQ(field->name(), name);
    EXPECT_EQ(field->is_repeated(), repeated) << field->full_name();
    return field;
  }
  template <class T>
  static void inner(const Field* field) {
    ASSERT_EQ(field->type(), Field::TYPE_MESSAGE) << field->full_name();
    EXPECT_EQ(field->message_type()->name(), Fields<T>::kName) << field->full_name();
    compare<T>(field->message_type());
  }

  const google::protobuf::Descriptor* of_;
  int seen_ = 0;
  int last_ = 0;
};

template <size_t... I>
void compare_bodies(std::index_sequence<I...>) {
  const auto* event = v1::Event::descriptor();
  EXPECT_EQ(event->oneof_decl(0)->field_count(), static_cast<int>(sizeof...(I)));
  auto one = [&]<size_t J>() {
    using T = std::variant_alternative_t<J, EventKinds>;
    const auto* field = event->FindFieldByNumber(static_cast<int>(Fields<T>::kNumber));
    ASSERT_NE(field, nullptr) << kEventNames[J];
    EXPECT_EQ(field->message_type()->name(), kEventNames[J]);
    Describer::compare<T>(field->message_type());
  };
  (one.template operator()<I>(), ...);
}

TEST(Codec, DescribesTheSchema) {
  compare_bodies(std::make_index_sequence<std::variant_size_v<EventKinds>>());
}

// Number of members of an aggregate.
struct Anything {
  template <class T>
  operator T() const;
};
template <class T, class... A>
constexpr size_t members() {
  if constexpr (requires { T{A{}..., Anything{}}; }) {
    return members<T, A..., Anything>();
  } else {
    return sizeof...(A);
  }
}

template <size_t... I>
void compare_members(std::index_sequence<I...>) {
  const auto one = [](size_t index, size_t count) {
    const auto* field = v1::Event::descriptor()->FindFieldByNumber(static_cast<int>(10 + index));
    EXPECT_EQ(count, static_cast<size_t>(field->message_type()->field_count())) << kEventNames[index];
  };
  (one(I, members<std::variant_alternative_t<I, EventKinds>>()), ...);
}
template <class T>
void compare_value() {
  const auto* file = v1::Plan::descriptor()->file();
  const auto* message = file->FindMessageTypeByName(Fields<T>::kName);
  ASSERT_NE(message, nullptr) << Fields<T>::kName;
  EXPECT_EQ(members<T>(), static_cast<size_t>(message->field_count())) << Fields<T>::kName;
}

// A member added to a struct and forgotten in the schema would be lost at the next restart.
TEST(Codec, StoresEveryMember) {
  compare_members(std::make_index_sequence<std::variant_size_v<EventKinds>>());
  compare_value<Asks>();
  compare_value<Power>();
  compare_value<SiteSpec>();
  compare_value<LinkSpec>();
  compare_value<NodeSpec>();
  compare_value<Ingress>();
  compare_value<Workload>();
  compare_value<Traffic>();
  compare_value<Promise>();
  compare_value<Where>();
  compare_value<Schedule>();
  compare_value<Quota>();
  compare_value<PolicySetting>();
  compare_value<ReservationSpec>();
  compare_value<QueueSpec>();
  compare_value<Prefer>();
  compare_value<IntentSpec>();
  compare_value<DatasetSpec>();
  compare_value<Placement>();
  compare_value<Flow>();
  compare_value<Reason>();
  compare_value<Alternative>();
  compare_value<Plan>();
  compare_value<Refusal>();
  compare_value<Stage>();
  compare_value<WorkflowEdge>();
  compare_value<WorkflowInput>();
  compare_value<Workflow>();
  compare_value<PlannedStage>();
  compare_value<PlannedTransfer>();
  compare_value<WishSketch>();
  compare_value<DialogueOffer>();
  compare_value<RunId>();
}

// ---- golden bytes --------------------------------------------------------------------------------------

std::string hex(std::string_view bytes) {
  static const char* const kDigits = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
    if (i % 40 == 39 || i + 1 == bytes.size()) out += '\n';
  }
  return out;
}

std::string unhex(std::string_view text) {
  std::string out;
  int high = -1;
  for (char c : text) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      out += static_cast<char>(high << 4 | digit);
      high = -1;
    }
  }
  return out;
}

std::string text_of(std::string_view bytes) {
  v1::Event message;
  EXPECT_TRUE(message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  return text;
}

// Each file holds the bytes that a release wrote and, after an empty line, what they mean. They are never
// changed; a new kind gets a new file, made by running this test with WEIR_WRITE_GOLDEN set.
TEST(Codec, KeepsTheMeaningOfOldBytes) {
  for (size_t i = 0; i < kEventNames.size(); ++i) {
    const std::string path = std::string(WEIR_GOLDEN_FOLDER) + "/" + std::string(kEventNames[i]) + ".txt";
    if (std::getenv("WEIR_WRITE_GOLDEN") && !std::ifstream(path)) {
      const std::string bytes = as_string(encoded(make_event(i, 42 + i, true)));
      std::ofstream(path) << hex(bytes) << "\n" << text_of(bytes);
    }
    std::ifstream file(path);
    ASSERT_TRUE(file) << path << " is missing";
    std::stringstream content;
    content << file.rdbuf();
    const std::string all = content.str();
    const size_t gap = all.find("\n\n");
    ASSERT_NE(gap, std::string::npos) << path;
    const std::string bytes = unhex(std::string_view(all).substr(0, gap));
    EXPECT_EQ(text_of(bytes), all.substr(gap + 2)) << path;
    const auto event = decode(as_bytes(bytes));
    ASSERT_TRUE(event.has_value()) << path << ": " << event.error().text();
    EXPECT_EQ(event->name(), kEventNames[i]);
    EXPECT_EQ(as_string(encoded(*event)), bytes) << path;
  }
}

// ---- refusals ------------------------------------------------------------------------------------------

Error refusal_of(std::string_view bytes) {
  const auto event = decode(as_bytes(bytes));
  EXPECT_FALSE(event.has_value());
  return event.has_value() ? Error{} : event.error();
}

Error refusal_of(const Event& event) {
  const auto status = validate(event);
  EXPECT_FALSE(status.has_value());
  const auto back = decode(encoded(event));
  EXPECT_FALSE(back.has_value()) << "encoded and decoded although invalid";
  return status.has_value() ? Error{} : status.error();
}

Event with(EventBody body) { return {1, "brain", std::move(body)}; }

TEST(Codec, RefusesTheUnknownAsNewer) {
  v1::Event message;
  message.mutable_intent_withdrawn()->set_intent(3);
  std::string bytes = message.SerializeAsString();
  ASSERT_TRUE(decode(as_bytes(bytes)).has_value());

  // Kind 60, length 0.
  Error error = refusal_of(std::string("\xe2\x03\x00", 3));
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_EQ(
      error.text(),
      "Event: event kind 60 is unknown; it was written by a newer weir: use that version or a later one");
  // Kind 24, withdrawn intent 3 with a field 4.
  error = refusal_of(std::string("\xba\x01\x04\x08\x03\x20\x01", 7));
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_EQ(error.where + ": " + error.what, "IntentWithdrawn: field 4 is unknown");
  // A site state that does not exist yet.
  SiteStateChanged changed{SiteId(1u), static_cast<Liveness>(4), ""};
  error = refusal_of(with(changed));
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_EQ(error.where, "SiteStateChanged.state");
}

TEST(Codec, RefusesMalformedBytes) {
  const Event event = make_event(14, 7, true);
  const Buffer bytes = encoded(event);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode(std::span(bytes).first(size)).has_value()) << size;
  }
  Buffer longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(decode(longer).has_value());
  EXPECT_EQ(refusal_of("").code, ErrorCode::kCorrupt);
  // Withdrawn intent twice, then an overlong and an endless number.
  EXPECT_EQ(refusal_of(std::string("\xba\x01\x04\x08\x03\x08\x03", 7)).what,
            "field 1 is repeated or out of order");
  EXPECT_EQ(refusal_of(std::string("\xba\x01\x03\x08\x83\x00", 6)).code, ErrorCode::kCorrupt);
  // The time, an actor, a text and a message that say nothing.
  EXPECT_EQ(refusal_of(std::string("\x08\x00\xba\x01\x02\x08\x03", 7)).text(),
            "Event.at: spells out its default");
  EXPECT_EQ(refusal_of(std::string("\x12\x00\xba\x01\x02\x08\x03", 7)).what, "spells out its default");
  EXPECT_EQ(refusal_of(std::string("\x92\x02\x02\x0a\x00", 5)).where, "TokenRevoked.token");
  EXPECT_EQ(refusal_of(std::string("\xc2\x01\x02\x0a\x00", 5)).where, "PlanCommitted.plan");
  EXPECT_EQ(refusal_of(std::string("\xba\x01\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 14)).code,
            ErrorCode::kCorrupt);
}

TEST(Codec, NamesTheFieldThatIsOutOfRange) {
  EXPECT_EQ(refusal_of(with(IntentWithdrawn{})).where, "IntentWithdrawn.intent");
  EXPECT_TRUE(validate(with(IntentWithdrawn{IntentId(limits::kIdMax)})).has_value());
  EXPECT_EQ(refusal_of(with(IntentWithdrawn{IntentId(limits::kIdMax + 1)})).where, "IntentWithdrawn.intent");

  LinkDefined link{LinkId(2u), {.name = "l", .a = VertexId(0u), .b = VertexId(1u)}};
  EXPECT_TRUE(validate(with(link)).has_value());
  link.spec.bandwidth_bps = limits::kBandwidthBpsMax;
  EXPECT_TRUE(decode(encoded(with(link))).has_value());
  ++link.spec.bandwidth_bps;
  EXPECT_EQ(refusal_of(with(link)).text(),
            "LinkDefined.spec.bandwidth_bps: 1000000000000001 is above 1000000000000000");
  link.spec.bandwidth_bps = -1;
  EXPECT_EQ(refusal_of(with(link)).text(), "LinkDefined.spec.bandwidth_bps: -1 is below 0");
  link.spec.bandwidth_bps = 0;
  link.link = LinkId(3u);
  EXPECT_EQ(refusal_of(with(link)).where, "LinkDefined.link");
  link.link = LinkId(2u);
  link.spec.name.assign(limits::kNameBytesMax, 'x');
  EXPECT_TRUE(validate(with(link)).has_value());
  link.spec.name += 'x';
  EXPECT_EQ(refusal_of(with(link)).where, "LinkDefined.spec.name");
  link.spec.name = "\xc3";
  EXPECT_EQ(refusal_of(with(link)).what, "is not UTF-8");

  PlanCommitted committed;
  committed.plan.intent = IntentId(0u);
  committed.plan.flows.resize(3);
  for (auto& flow : committed.plan.flows) flow.ingress = SiteId(0u);
  committed.plan.flows[2].path.assign(limits::kPathLinksMax, LinkId(0u));
  EXPECT_TRUE(decode(encoded(with(committed))).has_value());
  committed.plan.flows[2].path.push_back(LinkId(0u));
  EXPECT_EQ(refusal_of(with(committed)).where, "PlanCommitted.plan.flows[2].path");
  committed.plan.flows[2].path.clear();
  committed.plan.alternatives.resize(limits::kAlternativesMax + 1);
  EXPECT_EQ(refusal_of(with(committed)).where, "PlanCommitted.plan.alternatives");

  SiteDefined site{SiteId(0u), VertexId(0u), {.name = "s"}};
  site.spec.latitude_microdegrees = -90'000'000;
  EXPECT_TRUE(decode(encoded(with(site))).has_value());
  site.spec.latitude_microdegrees = -90'000'001;
  EXPECT_EQ(refusal_of(with(site)).where, "SiteDefined.spec.latitude_microdegrees");

  Event early = with(TokenRevoked{"t"});
  early.at = -1;
  EXPECT_EQ(refusal_of(early).where, "Event.at");
  early.at = 0;
  early.actor.assign(limits::kActorBytesMax + 1, 'a');
  EXPECT_EQ(refusal_of(early).where, "Event.actor");
}

// The three agree: what passes the check survives storage, what does not is refused when read.
RC_GTEST_PROP(Codec, ChecksWhatItReads, ()) {
  auto bytes = encoded(
      make_event(*rc::gen::inRange<size_t>(0, kEventNames.size()), *rc::gen::arbitrary<uint64_t>(), true));
  const auto flips = *rc::gen::inRange(1, 4);
  for (int i = 0; i < flips && !bytes.empty(); ++i) {
    bytes[*rc::gen::inRange<size_t>(0, bytes.size())] ^= static_cast<std::byte>(*rc::gen::inRange(1, 256));
  }
  const auto event = decode(bytes);
  if (!event) {
    RC_ASSERT(!event.error().what.empty());
    return;
  }
  RC_ASSERT(validate(*event).has_value());
  RC_ASSERT(encoded(*event) == bytes);
  const auto again = decode(encoded(*event));
  RC_ASSERT(again.has_value());
  RC_ASSERT((*again == *event));
}

TEST(Codec, StoresValuesAlone) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Filler filler(seed, seed % 2);
    auto round = [&]<class T>(T value, Result<T> (*decode_value)(std::span<const std::byte>)) {
      Fields<T>::each(filler, value);
      EXPECT_TRUE(validate(value).has_value());
      Buffer bytes{std::byte{99}};
      encode(value, bytes);
      EXPECT_EQ(bytes[0], std::byte{99}) << "encode appends";
      const auto back = decode_value(std::span(bytes).subspan(1));
      ASSERT_TRUE(back.has_value()) << back.error().text();
      EXPECT_EQ(*back, value);
    };
    round(IntentSpec{}, decode_intent_spec);
    round(Plan{}, decode_plan);
    round(SiteSpec{}, decode_site_spec);
    round(LinkSpec{}, decode_link_spec);
    round(NodeSpec{}, decode_node_spec);
    round(DatasetSpec{}, decode_dataset_spec);
    round(Refusal{}, decode_refusal);
  }
}

TEST(Event, KnowsWhatMends) {
  EXPECT_TRUE(is_repair(with(PlanCommitted{})));
  EXPECT_TRUE(is_repair(with(PlanRetired{})));
  EXPECT_TRUE(is_repair(with(SiteStateChanged{})));
  EXPECT_TRUE(is_repair(with(IntentWithdrawn{})));
  EXPECT_FALSE(is_repair(with(IntentSubmitted{})));
  EXPECT_FALSE(is_repair(with(UsageReported{})));
  EXPECT_FALSE(is_repair(with(PromiseMeasured{})));
  for (const RunState state :
       {RunState::kRunning, RunState::kStopping, RunState::kExited, RunState::kFailed, RunState::kLost}) {
    EXPECT_TRUE(is_repair(with(RunStateChanged{.state = state}))) << static_cast<int>(state);
  }
  EXPECT_FALSE(is_repair(with(RunStateChanged{.state = RunState::kStarting}))) << "said and taken back without end";
}

}  // namespace
}  // namespace weir
