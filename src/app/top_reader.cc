#include "app/top_reader.h"

#include <algorithm>
#include <deque>

#include "app/top_screen.h"

namespace weir::app::top {
namespace {

constexpr auto kAfterEvent = std::chrono::milliseconds(500);
constexpr auto kBetweenTries = std::chrono::seconds(1);
constexpr int kBackground = 5, kCost = 10;

int64_t wall_us() { return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string language_of(Tongue tongue) { return std::string(tongue.in("en", "zh")); }

// `begin` and `end` see the context of each call, so that another thread may end it.
Result<std::shared_ptr<const Resources>> read_pages(Client& client, Kind kind, Tongue tongue, const std::function<bool(grpc::ClientContext*)>& begin, const std::function<void()>& end,
                                                    uint64_t& version) {
  v1::ListRequest request;
  request.set_kind(kKindNames[static_cast<size_t>(kind)]);
  request.set_page_size(1'000);
  request.set_language(language_of(tongue));
  auto all = std::make_shared<Resources>();
  do {
    v1::ListResponse page;
    const auto context = client.context();
    if (!begin(context.get())) return fail(ErrorCode::kUnavailable, "was given up", "weir top");
    const grpc::Status called = client.stub().List(context.get(), request, &page);
    end();
    if (const Status read = client.status(called); !read) return tl::unexpected(read.error());
    all->MergeFrom(page.items());
    version = page.version();
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

}  // namespace

Result<std::shared_ptr<const Resources>> read_all(Client& client, Kind kind, Tongue tongue) {
  uint64_t ignored = 0;
  return read_pages(client, kind, tongue, [](grpc::ClientContext*) { return true; }, [] {}, ignored);
}

// The events from a position on as they come, until it is destroyed or the stream ends.
class Reader::Tail {
 public:
  Tail(Reader& reader, Client& client, uint64_t from) : reader_(reader), context_(client.context(Client::Life::kStream)) {
    v1::EventsRequest request;
    request.set_from(from);
    request.set_follow(true);
    request.set_language(language_of(reader.tongue_));
    stream_ = client.stub().Events(context_.get(), request);
    thread_ = std::thread([this, &client] {
      v1::EventsResponse batch;
      while (stream_->Read(&batch)) {
        const std::lock_guard lock(reader_.mutex_);
        auto& events = reader_.news_.events;
        events.insert(events.end(), batch.events().begin(), batch.events().end());
        if (events.size() > kEventsKept) events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(kEventsKept));
        reader_.next_event_ = batch.next();
        reader_.changed_ = true;
        reader_.woken_.notify_one();
        reader_.wake_();
      }
      const Status status = client.status(stream_->Finish());
      const std::lock_guard lock(reader_.mutex_);
      ended_ = true;
      // Whoever may not follow looks from time to time.
      if (!status && status.error().code != ErrorCode::kUnavailable) {
        reader_.news_.read.emplace_back(Kind::kEvents, tl::unexpected(status.error()));
        denied_ = true;
        reader_.wake_();
      }
      reader_.woken_.notify_one();
    });
  }
  ~Tail() {
    context_->TryCancel();
    thread_.join();
  }
  // Under the reader's mutex: the brain went away.
  bool lost() const { return ended_ && !denied_; }

 private:
  Reader& reader_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::EventsResponse>> stream_;
  bool ended_ = false, denied_ = false;
  std::thread thread_;
};

Reader::Reader(const Target& target, Tongue tongue, std::chrono::milliseconds interval, std::function<void()> wake)
    : target_(target), tongue_(tongue), interval_(interval), wake_(std::move(wake)), thread_([this] { work(); }) {}

Reader::~Reader() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    if (calling_ != nullptr) calling_->TryCancel();
    woken_.notify_one();
  }
  thread_.join();
}

void Reader::look_at(Kind kind) {
  const std::lock_guard lock(mutex_);
  looked_at_ = kind;
  woken_.notify_one();
}

void Reader::pause(bool paused) {
  const std::lock_guard lock(mutex_);
  paused_ = paused;
  woken_.notify_one();
}

Reader::News Reader::take() {
  const std::lock_guard lock(mutex_);
  News out = std::move(news_);
  news_ = {};
  news_.lost = out.lost;
  news_.lost_since_us = out.lost_since_us;
  return out;
}

std::optional<Kind> Reader::due(Clock::time_point now, Clock::time_point& next) const {
  std::optional<Kind> out;
  next = now + std::chrono::hours(1);
  for (size_t i = 0; i < kKinds; ++i) {
    const Kind kind = static_cast<Kind>(i);
    if (kind == Kind::kEvents) continue;  // they come by themselves
    const Due& each = dues_[i];
    Clock::duration pause = interval_;
    if (kind == looked_at_ && changed_) pause = std::min<Clock::duration>(pause, kAfterEvent);
    if (kind != looked_at_) pause *= kBackground;
    const auto at = each.read ? each.begun + std::max(pause, each.took * kCost) : Clock::time_point::min();
    // What is looked at goes first.
    if (at <= now && (!out || kind == looked_at_)) out = kind;
    next = std::min(next, at);
  }
  return out;
}

void Reader::lose(const Error& why) {
  const std::lock_guard lock(mutex_);
  if (!news_.lost) news_.lost_since_us = wall_us();
  news_.lost = why;
  wake_();
}

void Reader::work() {
  std::optional<Client> client;
  std::optional<Tail> tail;
  const auto begin = [this](grpc::ClientContext* context) {
    const std::lock_guard lock(mutex_);
    if (ending_) return false;
    calling_ = context;
    return true;
  };
  const auto end = [this] {
    const std::lock_guard lock(mutex_);
    calling_ = nullptr;
  };
  const auto drop = [&](const Error& why) {
    lose(why);
    tail.reset();
    client.reset();
    std::unique_lock lock(mutex_);
    for (Due& each : dues_) each.read = false;
    woken_.wait_for(lock, kBetweenTries, [this] { return ending_; });
  };
  for (;;) {
    std::optional<Kind> kind;
    {
      std::unique_lock lock(mutex_);
      for (;;) {
        if (ending_) return;
        Clock::time_point next;
        kind = due(Clock::now(), next);
        if ((kind && !paused_) || (tail && tail->lost())) break;
        if (paused_) {
          woken_.wait(lock);
        } else {
          woken_.wait_until(lock, next);
        }
      }
    }
    bool gone = false;
    {
      const std::lock_guard lock(mutex_);
      gone = tail && tail->lost();
    }
    if (gone) {
      drop({ErrorCode::kUnavailable, "the brain has ended the stream of events", client->endpoint()});
      continue;
    }
    if (!client) {
      auto opened = Client::open(target_);
      if (!opened) {
        drop(opened.error());
        continue;
      }
      client.emplace(std::move(*opened));
    }
    const auto begun = Clock::now();
    {
      const std::lock_guard lock(mutex_);
      if (*kind == looked_at_) changed_ = false;  // what comes from now on is not in it for sure
    }
    uint64_t version = 0;
    auto read = read_pages(*client, *kind, tongue_, begin, end, version);
    if (!read && read.error().code == ErrorCode::kUnavailable) {
      drop(read.error());
      continue;
    }
    // From what this has shown on; later from where the last stream ended, so that nothing is missed.
    if (!tail) {
      {
        const std::lock_guard lock(mutex_);
        if (!next_event_ && read) next_event_ = version;
      }
      if (next_event_) tail.emplace(*this, *client, *next_event_);
    }
    const std::lock_guard lock(mutex_);
    dues_[static_cast<size_t>(*kind)] = {begun, Clock::now() - begun, true};
    news_.lost.reset();
    std::erase_if(news_.read, [&](const auto& older) { return older.first == *kind; });
    news_.read.emplace_back(*kind, std::move(read));
    wake_();
  }
}

}  // namespace weir::app::top
