#pragma once

#include <csignal>
#include <memory>
#include <optional>

#include "app/top_screen.h"
#include "core/result/result.h"
#include "infrastructure/posix/unique_fd.h"

namespace weir::app::top {

// SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGWINCH are kept from ending this thread, and those that it starts meanwhile, while it lives.
class HeldSignals {
 public:
  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  int file() const { return file_.get(); }  // from which they are read

 private:
  sigset_t before_{};
  posix::UniqueFd file_;
};

// The terminal of standard input and output, taken for a screen and given back as it was, by whatever way this ends but SIGKILL.
// Standard error is kept silent while it shows there.
class Terminal {
 public:
  // kInvalid: this is no terminal that can be drawn on, and why.
  static Result<std::unique_ptr<Terminal>> open(const HeldSignals& signals);
  virtual ~Terminal() = default;

  virtual size_t width() const = 0;
  virtual size_t height() const = 0;
  virtual void draw(const Frame& frame) = 0;

  struct Happened {
    std::vector<Press> presses;
    int signal = 0;        // that asks to end
    bool closed = false;   // nobody is there any more
    bool redraw = false;   // another size, or it was asked for
  };
  // Waits for keys, a signal or wake(), at most so long.
  virtual Happened wait(int milliseconds) = 0;
  // From any thread.
  virtual void wake() = 0;
};

}  // namespace weir::app::top
