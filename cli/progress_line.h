// One line on standard error that tells a waiting person how far a command is. Only on a terminal; wiped before the
// result is printed.
#pragma once

#include <string_view>

namespace abo::cli {

class ProgressLine {
 public:
  ProgressLine();  // shows something if standard error is a terminal that can wipe a line
  ~ProgressLine() { wipe(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  [[nodiscard]] bool shown() const { return shown_; }
  void show(std::string_view text);  // in place of what was there; cut to 79 bytes
  void wipe();

 private:
  bool shown_;
  bool dirty_ = false;
};

}  // namespace abo::cli
