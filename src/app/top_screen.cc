#include "app/top_screen.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <sstream>

#include "app/render.h"
#include "app/table.h"
#include "security/identity/clock_text.h"
#include "service/resource/resource.h"

namespace weir::app::top {
namespace {

constexpr size_t kWidthLeast = 20, kHeightLeast = 4;
constexpr size_t kFlexibleMost = 32;  // of a column that is not the last

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Puts texts one behind the other into a line, as far as there is room.
class Writer {
 public:
  Writer(Line& line, size_t width) : line_(line), width_(width) {}
  void add(std::string text, Tone tone = Tone::kPlain, bool strong = false) {
    if (at_ >= width_ || text.empty()) return;
    std::string fits = cut(printable(text), width_ - at_);
    const size_t wide = columns(fits);
    line_.spans.push_back({at_, std::move(fits), tone, strong});
    at_ += wide;
  }
  void add(const std::vector<Piece>& pieces) {
    for (const Piece& piece : pieces) add(piece.text, piece.tone);
  }
  size_t at() const { return at_; }
  void go(size_t column) { at_ = column; }

 private:
  Line& line_;
  const size_t width_;
  size_t at_ = 0;
};

struct Placed {
  const Column* column;
  size_t at, width;
};

// The columns that there is room for, and where. `width` 0: all.
std::vector<Placed> places(Kind kind, size_t width) {
  std::vector<Placed> out;
  size_t end = 0;
  for (const Column& column : columns_of(kind)) {
    if (width > 0 && !out.empty() && end + 1 + column.width > width) break;
    out.push_back({&column, 0, column.width});
    end += (out.size() > 1 ? 1 : 0) + column.width;
  }
  // The last takes all that is left, if it may; else the first that may, within reason.
  size_t left = width > end ? width - end : 0;
  if (out.back().column->flexible && out.size() > 1) {
    out.back().width += left;
  } else {
    for (Placed& placed : out) {
      if (!placed.column->flexible) continue;
      placed.width += std::min(left, kFlexibleMost - std::min(kFlexibleMost, placed.width));
      break;
    }
  }
  size_t at = 0;
  for (Placed& placed : out) {
    placed.at = at;
    at += placed.width + 1;
  }
  return out;
}

bool contains(const v1::Resource& resource, Kind kind, const std::string& wanted) {
  if (lower(name_of(resource)).find(wanted) != std::string::npos) return true;
  const auto all = columns_of(kind);
  return std::any_of(all.begin(), all.end(), [&](const Column& column) { return lower(column.cell(resource).text).find(wanted) != std::string::npos; });
}

}  // namespace

std::string plain_text(const Frame& frame) {
  std::string out;
  for (const Line& line : frame) {
    std::string text;
    for (const Span& span : line.spans) {
      const size_t at = columns(text);
      if (span.column > at) text.append(span.column - at, ' ');
      text += span.text;
    }
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

void Screen::take(Kind kind, std::shared_ptr<const Resources> resources) {
  View& view = views_[static_cast<size_t>(kind)];
  view.summary = summary_of(kind, *resources, tongue_);
  view.resources = std::move(resources);
  view.error.reset();
  view.read = view.stale = true;
}

void Screen::take(Kind kind, Error error) {
  View& view = views_[static_cast<size_t>(kind)];
  view.error = std::move(error);
  view.read = true;
}

void Screen::take(std::vector<v1::EventView> events) {
  View& view = views_[static_cast<size_t>(Kind::kEvents)];
  auto all = std::make_shared<Resources>();
  const size_t old = static_cast<size_t>(view.resources->size());
  const size_t fresh = std::min(events.size(), kEventsKept), kept = std::min(old, kEventsKept - fresh);
  for (size_t i = old - kept; i < old; ++i) *all->Add() = view.resources->Get(static_cast<int>(i));
  for (size_t i = events.size() - fresh; i < events.size(); ++i) all->Add()->mutable_event()->Swap(&events[i]);
  take(Kind::kEvents, std::move(all));
}

void Screen::lose(std::optional<Error> why, int64_t since_us) {
  lost_ = std::move(why);
  lost_since_us_ = since_us;
}

Status Screen::sort_by(std::string_view title) {
  const bool reverse = title.starts_with('-');
  const std::string wanted = lower(title.substr(reverse ? 1 : 0));
  const auto all = columns_of(kind_);
  std::string known;
  for (size_t i = 0; i < all.size(); ++i) {
    if (lower(all[i].title) == wanted || all[i].chinese == wanted) {
      view().sort = i;
      view().reverse = reverse;
      view().stale = true;
      return {};
    }
    known += (i == 0 ? "" : ", ") + std::string(all[i].title);
  }
  return fail(ErrorCode::kInvalid, "there is no column \"" + std::string(title) + "\"", "--sort", std::string("of ") + kKindNames[static_cast<size_t>(kind_)] + ": " + known);
}

void Screen::filter_by(std::string_view text) {
  view().filter = text;
  view().stale = true;
  view().selected_name.clear();
  view().selected = view().top = 0;
}

void Screen::show(Kind kind) {
  kind_ = kind;
  mode_ = Mode::kList;
  scrolled_ = 0;
}

void Screen::arrange(View& view) {
  if (!view.stale) return;
  view.stale = false;
  view.order.clear();
  const std::string wanted = lower(view.filter);
  const Column& by = columns_of(kind_)[view.sort];
  struct Sorted {
    size_t index;
    Cell cell;
    std::string name;
  };
  std::vector<Sorted> sorted;
  for (int i = 0; i < view.resources->size(); ++i) {
    const v1::Resource& resource = view.resources->Get(i);
    if (!wanted.empty() && !contains(resource, kind_, wanted)) continue;
    sorted.push_back({static_cast<size_t>(i), by.cell(resource), name_of(resource)});
  }
  const bool falling = by.figure != view.reverse;
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Sorted& a, const Sorted& b) {
    const Sorted &first = falling ? b : a, &second = falling ? a : b;
    if (first.cell.order != second.cell.order) return first.cell.order < second.cell.order;
    // Of figures the order says all: "9" and "10" are no texts.
    if (!by.figure && first.cell.text != second.cell.text) return first.cell.text < second.cell.text;
    return a.name < b.name;
  });
  view.names.clear();
  for (Sorted& each : sorted) {
    view.order.push_back(each.index);
    view.names.push_back(std::move(each.name));
  }
  if (const auto found = std::find(view.names.begin(), view.names.end(), view.selected_name); !view.selected_name.empty() && found != view.names.end()) {
    view.selected = static_cast<size_t>(found - view.names.begin());
  }
  view.selected = std::min(view.selected, view.order.empty() ? 0 : view.order.size() - 1);
}

void Screen::move(int64_t by) {
  if (mode_ != Mode::kList) {
    scrolled_ = by < 0 ? scrolled_ - std::min(scrolled_, static_cast<size_t>(-by)) : scrolled_ + static_cast<size_t>(by);
    return;
  }
  View& view = this->view();
  arrange(view);
  if (view.order.empty()) return;
  view.selected = by < 0 ? view.selected - std::min(view.selected, static_cast<size_t>(-by)) : std::min(view.selected + static_cast<size_t>(by), view.order.size() - 1);
  view.selected_name = view.selected == 0 ? "" : view.names[view.selected];
}

bool Screen::press(const Press& press) {
  constexpr int64_t kAll = int64_t{1} << 40;
  const auto page = static_cast<int64_t>(std::max<size_t>(1, rows_ - 1));
  View& view = this->view();
  if (mode_ == Mode::kFilter) {
    if (press.key == Key::kText) {
      if (view.filter.size() + press.text.size() <= kFilterBytesMax) filter_by(view.filter + press.text);
      return true;
    }
    if (press.key == Key::kBackspace) {
      std::string shorter = view.filter;
      while (!shorter.empty() && (static_cast<unsigned char>(shorter.back()) & 0xc0) == 0x80) shorter.pop_back();
      if (!shorter.empty()) shorter.pop_back();
      filter_by(shorter);
      return true;
    }
    if (press.key == Key::kEscape) filter_by("");
    if (press.key == Key::kEscape || press.key == Key::kEnter) {
      mode_ = Mode::kList;
      return true;
    }
  }
  switch (press.key) {
    case Key::kUp: move(-1); break;
    case Key::kDown: move(1); break;
    case Key::kPageUp: move(-page); break;
    case Key::kPageDown: move(page); break;
    case Key::kHome: move(-kAll); break;
    case Key::kEnd: move(kAll); break;
    case Key::kNext: show(static_cast<Kind>((static_cast<size_t>(kind_) + 1) % kKinds)); break;
    case Key::kPrevious: show(static_cast<Kind>((static_cast<size_t>(kind_) + kKinds - 1) % kKinds)); break;
    case Key::kEnter:
      arrange(view);
      if (mode_ == Mode::kList && !view.order.empty()) {
        mode_ = Mode::kOne;
        scrolled_ = 0;
        view.selected_name = view.names[view.selected];
      }
      break;
    case Key::kEscape:
      if (mode_ == Mode::kList) filter_by("");
      mode_ = Mode::kList;
      break;
    case Key::kText:
      if (press.text == "q") {
        if (mode_ == Mode::kList) return false;
        mode_ = Mode::kList;
      } else {
        press_text(press.text);
      }
      break;
    case Key::kBackspace: break;
  }
  return true;
}

void Screen::press_text(const std::string& text) {
  if (text.size() == 1 && text[0] >= '1' && text[0] < static_cast<char>('1' + kKinds)) return show(static_cast<Kind>(text[0] - '1'));
  if (text == "j") return move(1);
  if (text == "k") return move(-1);
  if (text == "?" || text == "h") {
    mode_ = mode_ == Mode::kHelp ? Mode::kList : Mode::kHelp;
    scrolled_ = 0;
    return;
  }
  if (text == "p" || text == " ") {
    paused_ = !paused_;
    return;
  }
  if (mode_ != Mode::kList) return;
  View& view = this->view();
  const size_t count = columns_of(kind_).size();
  if (text == "/") mode_ = Mode::kFilter;
  if (text == "r") view.reverse = !view.reverse;
  if (text == ">" || text == "s") view.sort = (view.sort + 1) % count, view.reverse = false;
  if (text == "<") view.sort = (view.sort + count - 1) % count, view.reverse = false;
  view.stale = true;
}

std::vector<const v1::Resource*> Screen::listed() {
  arrange(view());
  std::vector<const v1::Resource*> out;
  for (const size_t index : view().order) out.push_back(&view().resources->Get(static_cast<int>(index)));
  return out;
}

void Screen::add_head(Frame& frame, size_t width, size_t height, int64_t now_us) {
  // The titles of the views always stand; what they come to, where there is room.
  if (height == 0 || height >= 7) {
    Line& first = frame.emplace_back();
    Writer line(first, width);
    line.add("weir top", Tone::kPlain, true);
    line.add("  ");
    if (lost_) {
      line.add(std::string(in("NOT REACHED", "无法连接")), Tone::kBad, true);
    } else if (paused_) {
      line.add(std::string(in("PAUSED", "已暂停")), Tone::kWarning, true);
    } else {
      line.add(std::string(in("live", "实时")), Tone::kGood);
    }
    line.add("  " + time_text(now_us).substr(11, 8) + "Z  " + endpoint_);
  }
  if (height == 0 || height >= 16) {
    size_t title = 0;
    for (size_t i = 0; i + 1 < kKinds; ++i) title = std::max(title, columns(title_of(static_cast<Kind>(i), tongue_)));
    for (size_t i = 0; i + 1 < kKinds; ++i) {
      const View& each = views_[i];
      Line& one = frame.emplace_back();
      Writer line(one, width);
      line.add(title_of(static_cast<Kind>(i), tongue_), Tone::kDim);
      line.go(title + 1);
      const auto count = static_cast<size_t>(each.resources->size());
      if (each.error) {
        line.add(each.error->text(), Tone::kBad);
      } else if (!each.read) {
        line.add("...", Tone::kDim);
      } else {
        line.add(std::to_string(count));
        if (count > 0) line.add(": ");
        if (count > 0) line.add(each.summary);
      }
    }
  }
  if (height == 0) return;
  Line& tabs = frame.emplace_back();
  Writer line(tabs, width);
  for (size_t i = 0; i < kKinds; ++i) {
    const bool here = static_cast<Kind>(i) == kind_;
    line.add((here ? "[" : " ") + std::to_string(i + 1) + " " + title_of(static_cast<Kind>(i), tongue_) + (here ? "]" : " "), here ? Tone::kPlain : Tone::kDim, here);
  }
  if (!view().filter.empty()) line.add("  " + std::string(in("filter", "筛选")) + ": " + view().filter, Tone::kWarning);
}

void Screen::add_list(Frame& frame, size_t width, size_t rows, bool marked) {
  View& view = this->view();
  arrange(view);
  const std::vector<Placed> placed = places(kind_, width);
  const size_t all = placed.back().at + placed.back().width;
  const size_t room = width == 0 ? all : width;
  const auto put = [&](Line& line, const Placed& at, const std::string& shown, Tone tone, bool strong) {
    std::string fits = cut(printable(shown), std::min(at.width, room - at.at));
    const size_t wide = columns(fits);
    line.spans.push_back({at.column->figure ? at.at + at.width - wide : at.at, std::move(fits), tone, strong});
  };
  Line& header = frame.emplace_back();
  header.reverse = marked;
  for (const Placed& each : placed) {
    const bool sorted = static_cast<size_t>(each.column - columns_of(kind_).data()) == view.sort;
    const std::string arrow = !sorted ? "" : each.column->figure != view.reverse ? "v" : "^";
    std::string title = std::string(in(each.column->title, each.column->chinese));
    if (columns(title) + arrow.size() > each.width) title = cut(title, each.width - arrow.size());
    put(header, each, title + arrow, Tone::kPlain, sorted);
  }
  rows_ = std::max<size_t>(1, rows);
  if (view.order.empty() || !view.read) {
    Line& line = frame.emplace_back();
    Writer(line, room).add(view.error  ? view.error->text()
                           : !view.read ? std::string(in("being read", "正在读取"))
                           : !view.filter.empty() && !view.resources->empty()
                               ? std::string(in("none passes the filter", "没有符合筛选的"))
                               : std::string(kind_ == Kind::kEvents ? in("nothing has happened since this began", "开始以来没有事件") : in("there are none", "没有")),
                           Tone::kDim);
    return;
  }
  view.top = std::min(view.top, view.selected);
  if (view.selected >= view.top + rows_) view.top = view.selected - rows_ + 1;
  view.top = std::min(view.top, view.order.size() - std::min(view.order.size(), rows_));
  for (size_t i = view.top; i < view.order.size() && i < view.top + rows_; ++i) {
    const v1::Resource& resource = view.resources->Get(static_cast<int>(view.order[i]));
    Line& line = frame.emplace_back();
    line.reverse = marked && i == view.selected;
    for (const Placed& each : placed) {
      const Cell cell = each.column->cell(resource);
      put(line, each, cell.text, cell.tone, false);
    }
  }
}

void Screen::add_text(Frame& frame, const std::vector<std::string>& lines, size_t width, size_t rows) {
  rows_ = std::max<size_t>(1, rows);
  scrolled_ = std::min(scrolled_, lines.size() - std::min(lines.size(), rows_));
  for (size_t i = scrolled_; i < lines.size() && i < scrolled_ + rows; ++i) {
    Line& line = frame.emplace_back();
    Writer(line, width).add(lines[i]);
  }
}

std::vector<std::string> Screen::help(size_t width) const {
  static constexpr const char* kHelp[][3] = {
      {"1 to 6, Tab", "another view", "切换视图"},
      {"Up, Down, j, k", "move; so do PgUp, PgDn, Home and End", "移动；也可用 PgUp、PgDn、Home、End"},
      {"Enter", "everything about the one that is marked", "查看选中项的全部内容"},
      {"/", "filter: only rows that hold a text; Esc ends it", "筛选：只显示包含该文字的行；Esc 取消"},
      {"s, <, >", "sort by the next column, or the one before", "按下一列或上一列排序"},
      {"r", "turn the order round", "反转排序"},
      {"p, Space", "stay as it is, and go on", "暂停与继续"},
      {"Ctrl-L", "draw anew", "重新绘制"},
      {"?", "this help", "本帮助"},
      {"q", "back, or end", "返回或退出"}};
  std::vector<std::string> out{std::string(in("Keys", "按键")), ""};
  for (const auto& row : kHelp) out.push_back("  " + std::string(row[0]) + std::string(16 - std::string_view(row[0]).size(), ' ') + row[tongue_.chinese ? 2 : 1]);
  out.push_back("");
  std::istringstream note(wrapped(in("USED is what is reserved. MEASURED is at the promised percentile, PREDICTED what the plan expects. A state is a word, whatever its colour; NO_COLOR takes colours away.",
                                     "“已用”指已预留。“实测”取承诺的百分位，“预计”是方案的预期。 状态总以文字给出，不只靠颜色；设 NO_COLOR 可去掉颜色。"),
                                  width));
  for (std::string line; std::getline(note, line);) out.push_back(line);
  return out;
}

std::vector<std::string> Screen::one(size_t width) {
  View& view = this->view();
  arrange(view);
  const auto found = std::find(view.names.begin(), view.names.end(), view.selected_name);
  if (view.selected_name.empty() || found == view.names.end()) return {view.selected_name + ": " + std::string(in("is gone", "已不存在"))};
  const v1::Resource& resource = view.resources->Get(static_cast<int>(view.order[static_cast<size_t>(found - view.names.begin())]));
  std::vector<std::string> out;
  std::istringstream text(wrapped(resource::to_yaml(inside(resource)), width));
  for (std::string line; std::getline(text, line);) out.push_back(line);
  return out;
}

Line Screen::foot(size_t width, int64_t now_us) {
  Line out;
  Writer line(out, width);
  if (mode_ == Mode::kFilter) {
    line.add(std::string(in("filter: ", "筛选：")) + view().filter + "_", Tone::kWarning);
  } else if (lost_) {
    line.add(std::string(in("since ", "始于 ")) + time_text(lost_since_us_).substr(11, 8) + "Z (" + identity::span_text((now_us - lost_since_us_) / 1'000'000) + "), " +
                 std::string(in("tried again", "正在重试")) + ": " + lost_->text(),
             Tone::kBad);
  } else if (view().error && !view().order.empty()) {
    line.add(view().error->text(), Tone::kBad);
  } else {
    const size_t count = view().order.size();
    line.add(std::string(in("? help  q quit  / filter  s sort  Enter more", "? 帮助  q 退出  / 筛选  s 排序  Enter 详情")), Tone::kDim);
    const std::string at = count == 0 ? "0/0" : std::to_string(view().selected + 1) + "/" + std::to_string(count);
    if (line.at() + 2 + at.size() <= width) {
      line.go(width - at.size());
      line.add(at, Tone::kDim);
    }
  }
  return out;
}

Frame Screen::frame(size_t width, size_t height, int64_t now_us) {
  Frame out;
  if (height == 0) {
    add_head(out, width == 0 ? 200 : width, 0, now_us);
    out.emplace_back();
    arrange(view());
    add_list(out, width, view().order.size(), false);
    return out;
  }
  if (width < kWidthLeast || height < kHeightLeast) {
    Line& line = out.emplace_back();
    Writer(line, width).add(std::string(in("too small", "窗口太小")));
    return out;
  }
  add_head(out, width, height, now_us);
  const size_t rows = height - out.size() - 1;
  if (mode_ == Mode::kHelp) {
    add_text(out, help(width), width, rows);
  } else if (mode_ == Mode::kOne) {
    add_text(out, one(width), width, rows);
  } else {
    add_list(out, width, rows - 1, true);
  }
  out.resize(height - 1);
  out.push_back(foot(width, now_us));
  return out;
}

}  // namespace weir::app::top
