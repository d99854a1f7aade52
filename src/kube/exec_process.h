// Runs a short-lived program and reads what it prints, without stopping the event loop: for exec credential plugins.
// The program gets no input, no descriptor of ours but its three, and its own process group, which is killed when the
// time is over, when it prints too much, or when the coroutine is cancelled.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "net/task.h"

namespace abo::kube {

struct Command {
  std::string program;  // looked up in PATH unless it has a '/'
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;  // added to, or instead of, our own
  std::chrono::milliseconds timeout{60'000};
  std::size_t max_output = 1U << 20;
};

// How the plugin is run: a seam for tests.
class CommandRunner {
 public:
  virtual ~CommandRunner() = default;
  // Its standard output once it exited with 0. Errors: Unauthenticated ApiServerUnavailable: cannot be started, another
  // exit status (with the beginning of its standard error), too slow, too much output.
  [[nodiscard]] virtual Task<Result<std::string>> run(Command command) = 0;
};

class ProcessRunner final : public CommandRunner {
 public:
  [[nodiscard]] Task<Result<std::string>> run(Command command) override;
};

}  // namespace abo::kube
