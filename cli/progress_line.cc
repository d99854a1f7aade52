#include "cli/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace abo::cli {
namespace {

// Longer lines would wrap, and only the last part of one can be wiped.
constexpr std::size_t width = 79;

bool can_wipe() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && terminal && std::string_view(terminal) != "dumb";
}

}  // namespace

ProgressLine::ProgressLine() : shown_(can_wipe()) {}

void ProgressLine::show(std::string_view text) {
  if (!shown_) return;
  fmt::print(stderr, "\r\x1b[K{}", text.substr(0, width));
  std::fflush(stderr);
  dirty_ = true;
}

void ProgressLine::wipe() {
  if (!dirty_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  dirty_ = false;
}

}  // namespace abo::cli
