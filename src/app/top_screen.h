#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/top_view.h"
#include "core/result/result.h"

// What `weir top` shows and how keys change it, as lines of text with places. Knows nothing of terminals and of brains.
namespace weir::app::top {

struct Span {
  size_t column = 0;
  std::string text;  // printable
  Tone tone = Tone::kPlain;
  bool strong = false;
};
struct Line {
  std::vector<Span> spans;  // from left to right, without overlap
  bool reverse = false;     // all of the line
};
using Frame = std::vector<Line>;
// Without tones.
std::string plain_text(const Frame& frame);

enum class Key { kText, kUp, kDown, kPageUp, kPageDown, kHome, kEnd, kEnter, kEscape, kBackspace, kNext, kPrevious };
struct Press {
  Key key = Key::kText;
  std::string text;  // of kText: one character
};

inline constexpr size_t kFilterBytesMax = 128;
inline constexpr size_t kEventsKept = 1000;  // the newest

class Screen {
 public:
  Screen(std::string endpoint, Tongue tongue) : endpoint_(std::move(endpoint)), tongue_(tongue) {}

  // What a read has brought, or that it could not be had.
  void take(Kind kind, std::shared_ptr<const Resources> resources);
  void take(Kind kind, Error error);
  void take(std::vector<v1::EventView> events);
  // Nothing: the brain answers. Otherwise what is wrong, and since when (microseconds since the Unix epoch).
  void lose(std::optional<Error> why, int64_t since_us = 0);

  // Names a column as its title does, in either language, in any case; another order than its own with "-" before it. kInvalid: there is no such one.
  Status sort_by(std::string_view title);
  void filter_by(std::string_view text);
  void show(Kind kind);

  // False: it was asked to end.
  bool press(const Press& press);

  Kind shown() const { return kind_; }
  bool paused() const { return paused_; }
  // Resources of what is shown, filtered and sorted.
  std::vector<const v1::Resource*> listed();
  // Which fills so much room. With `height` 0 all of the list and nothing else: for paper.
  Frame frame(size_t width, size_t height, int64_t now_us);

 private:
  enum class Mode { kList, kFilter, kHelp, kOne };
  struct View {
    std::shared_ptr<const Resources> resources = std::make_shared<Resources>();
    std::vector<Piece> summary;
    std::optional<Error> error;
    bool read = false;
    size_t sort = 0;  // column
    bool reverse = false;
    std::string filter;
    std::vector<size_t> order;  // of `resources`: those that pass the filter
    std::vector<std::string> names;  // of `order`
    bool stale = true;          // `order` is of older resources, or another filter or order
    size_t selected = 0;        // in `order`
    std::string selected_name;  // stays selected wherever it goes; empty: the first, whatever it is
    size_t top = 0;             // first row shown
  };

  View& view() { return views_[static_cast<size_t>(kind_)]; }
  void arrange(View& view);
  void move(int64_t by);
  void press_text(const std::string& text);
  void add_head(Frame& frame, size_t width, size_t height, int64_t now_us);
  void add_list(Frame& frame, size_t width, size_t rows, bool marked);
  void add_text(Frame& frame, const std::vector<std::string>& lines, size_t width, size_t rows);
  Line foot(size_t width, int64_t now_us);
  std::vector<std::string> help(size_t width) const;
  std::vector<std::string> one(size_t width);
  std::string_view in(std::string_view english, std::string_view chinese) const { return tongue_.in(english, chinese); }

  const std::string endpoint_;
  const Tongue tongue_;
  std::array<View, kKinds> views_;
  Kind kind_ = Kind::kSites;
  Mode mode_ = Mode::kList;
  size_t scrolled_ = 0;  // lines of the help, or of one resource
  size_t rows_ = 1;      // that the list had room for
  bool paused_ = false;
  std::optional<Error> lost_;
  int64_t lost_since_us_ = 0;
};

}  // namespace weir::app::top
