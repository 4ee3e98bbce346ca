#include "app/top_terminal.h"

#include <curses.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <cwchar>

namespace weir::app::top {
namespace {

constexpr std::array<int, 5> kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};

// A locale that names no characters is taken for UTF-8: names are, and so is nearly every terminal.
void choose_characters() {
  const char* chosen = std::setlocale(LC_CTYPE, "");
  if (chosen == nullptr || std::strcmp(chosen, "C") == 0 || std::strcmp(chosen, "POSIX") == 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

std::wstring wide(const std::string& text) {
  std::wstring out;
  std::mbstate_t state{};
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    wchar_t character = L'?';
    size_t took = std::mbrtowc(&character, at, static_cast<size_t>(end - at), &state);
    if (took == 0 || took > static_cast<size_t>(end - at)) {
      took = 1;
      state = {};
      character = L'?';
    }
    out += wcwidth(character) < 0 ? L'?' : character;
    at += took;
  }
  return out;
}

std::string narrow(wint_t character) {
  std::array<char, 16> out{};
  std::mbstate_t state{};
  const size_t size = std::wcrtomb(out.data(), static_cast<wchar_t>(character), &state);
  return size == static_cast<size_t>(-1) ? "" : std::string(out.data(), size);
}

class CursesTerminal final : public Terminal {
 public:
  CursesTerminal(SCREEN* screen, int signals) : screen_(screen), signals_(signals) {
    // What libraries say there would stand across the screen.
    if (::isatty(STDERR_FILENO) != 0) {
      error_ = posix::UniqueFd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
      const posix::UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
      ::dup2(nowhere.get(), STDERR_FILENO);
    }
    woken_ = posix::UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    set_term(screen_);
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(50);
    curs_set(0);
    const char* plain = std::getenv("NO_COLOR");
    if ((plain == nullptr || *plain == '\0') && has_colors()) {
      start_color();
      use_default_colors();
      colours_ = true;
      init_pair(static_cast<short>(Tone::kGood), COLOR_GREEN, -1);
      init_pair(static_cast<short>(Tone::kWarning), COLOR_YELLOW, -1);
      init_pair(static_cast<short>(Tone::kBad), COLOR_RED, -1);
    }
  }
  ~CursesTerminal() override {
    endwin();
    delscreen(screen_);
    if (error_.get() >= 0) ::dup2(error_.get(), STDERR_FILENO);
  }

  size_t width() const override { return static_cast<size_t>(std::max(getmaxx(stdscr), 0)); }
  size_t height() const override { return static_cast<size_t>(std::max(getmaxy(stdscr), 0)); }

  void draw(const Frame& frame) override {
    werase(stdscr);
    for (size_t row = 0; row < frame.size() && row < height(); ++row) {
      const Line& line = frame[row];
      const int y = static_cast<int>(row);
      if (line.reverse) mvchgat(y, 0, -1, A_REVERSE, 0, nullptr);
      for (const Span& span : line.spans) {
        attrset(attributes(span, line.reverse));
        const std::wstring text = wide(span.text);
        mvaddnwstr(y, static_cast<int>(span.column), text.data(), static_cast<int>(text.size()));
      }
      attrset(A_NORMAL);
    }
    refresh();
  }

  Happened wait(int milliseconds) override {
    Happened out;
    std::array<pollfd, 3> watched = {pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{signals_, POLLIN, 0}, pollfd{woken_.get(), POLLIN, 0}};
    if (::poll(watched.data(), watched.size(), milliseconds) < 0) {
      out.redraw = true;  // it was stopped and goes on
      return out;
    }
    uint64_t woken = 0;
    (void)!::read(woken_.get(), &woken, sizeof woken);
    signalfd_siginfo signal{};
    while (::read(signals_, &signal, sizeof signal) == sizeof signal) {
      if (signal.ssi_signo == SIGWINCH) {
        out.redraw = true;
        winsize size{};
        if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) resizeterm(size.ws_row, size.ws_col);
        clearok(curscr, TRUE);
      } else {
        out.signal = static_cast<int>(signal.ssi_signo);
      }
    }
    if (watched[0].revents == 0) return out;
    bool any = false;
    wint_t character = 0;
    for (int kind = get_wch(&character); kind != ERR; kind = get_wch(&character)) {
      any = true;
      take(kind, character, out);
    }
    out.closed = !any && (watched[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
    return out;
  }

  void wake() override {
    const uint64_t one = 1;
    (void)!::write(woken_.get(), &one, sizeof one);
  }

 private:
  attr_t attributes(const Span& span, bool reverse) const {
    attr_t out = A_NORMAL;
    if (reverse) out |= A_REVERSE;
    if (span.strong) out |= A_BOLD;
    if (span.tone == Tone::kDim) return colours_ && !reverse ? out | A_DIM : out;
    if (span.tone == Tone::kBad) out |= A_BOLD;
    return colours_ && span.tone != Tone::kPlain ? out | COLOR_PAIR(static_cast<int>(span.tone)) : out;
  }

  static void take(int kind, wint_t character, Happened& out) {
    const auto add = [&out](Key key) { out.presses.push_back({key, {}}); };
    if (kind == KEY_CODE_YES) {
      switch (character) {
        case KEY_UP: return add(Key::kUp);
        case KEY_DOWN: return add(Key::kDown);
        case KEY_PPAGE: return add(Key::kPageUp);
        case KEY_NPAGE: return add(Key::kPageDown);
        case KEY_HOME: return add(Key::kHome);
        case KEY_END: return add(Key::kEnd);
        case KEY_RIGHT: return add(Key::kNext);
        case KEY_LEFT:
        case KEY_BTAB: return add(Key::kPrevious);
        case KEY_ENTER: return add(Key::kEnter);
        case KEY_BACKSPACE:
        case KEY_DC: return add(Key::kBackspace);
        default: return;
      }
    }
    switch (character) {
      case L'\t': return add(Key::kNext);
      case L'\r':
      case L'\n': return add(Key::kEnter);
      case 27: return add(Key::kEscape);
      case 8:
      case 127: return add(Key::kBackspace);
      case 12:
        clearok(curscr, TRUE);
        out.redraw = true;
        return;
      default:
        if (character >= 32) out.presses.push_back({Key::kText, narrow(character)});
    }
  }

  SCREEN* screen_;
  const int signals_;
  posix::UniqueFd woken_, error_;
  bool colours_ = false;
};

}  // namespace

HeldSignals::HeldSignals() {
  sigset_t ours;
  sigemptyset(&ours);
  for (const int signal : kSignals) sigaddset(&ours, signal);
  pthread_sigmask(SIG_BLOCK, &ours, &before_);
  file_ = posix::UniqueFd(signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
}

HeldSignals::~HeldSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

Result<std::unique_ptr<Terminal>> Terminal::open(const HeldSignals& signals) {
  constexpr const char* kRemedy = "'weir top --once' prints what it is now, 'weir get sites --watch' each change";
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0) {
    return fail(ErrorCode::kInvalid, "standard input and output are no terminal", "weir top", kRemedy);
  }
  choose_characters();
  const char* name = std::getenv("TERM");
  SCREEN* screen = newterm(nullptr, stdout, stdin);
  if (screen == nullptr) {
    return fail(ErrorCode::kInvalid, "no terminal \"" + std::string(name == nullptr ? "" : name) + "\" is known", "TERM", std::string("set TERM, as to xterm; or ") + kRemedy);
  }
  if (tigetstr("cup") == nullptr || tigetstr("cup") == reinterpret_cast<char*>(-1)) {
    endwin();
    delscreen(screen);
    return fail(ErrorCode::kInvalid, "the terminal cannot place its cursor", "TERM", std::string("set TERM, as to xterm; or ") + kRemedy);
  }
  return std::make_unique<CursesTerminal>(screen, signals.file());
}

}  // namespace weir::app::top
