// Keeps a handler's picture of some objects true: lists them, then follows a watch, for as long as it runs. It stores
// no object: the handler gets each one once and keeps what it needs, and learns from the frame of a list which ones it
// no longer holds. watch_plan.h decides, this is the shell around it. Runs on the event loop inside its owner's scope;
// client, handler, clock and sleeper outlive run().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "kube/client.h"
#include "kube/sleeper.h"
#include "kube/watch_decoder.h"
#include "kube/watch_plan.h"
#include "net/task.h"

namespace abo::kube {

enum class Change : std::uint8_t { Added, Modified, Deleted };

// Called on the loop, never in parallel, and must not block. Objects of lists come as Added, often without apiVersion
// and kind. The same state may come twice; states in between may be skipped.
class ReflectorHandler {
 public:
  virtual ~ReflectorHandler() = default;

  // A complete list begins; it may break off, and then another begins.
  virtual void on_list_begin() = 0;
  virtual void on_object(json::object&& object, Change change) = 0;
  // The list is complete: what is known and was not given since on_list_begin() exists no more.
  virtual void on_list_end() = 0;
  // A step failed and will be tried again; NotFound may mean that the kind is not served (yet).
  virtual void on_error(const Error& error) = 0;
};

struct ReflectorOptions {
  std::string path;  // Resource::path(ns)
  std::string label_selector{};
  std::string field_selector{};
  bool metadata_only = false;
  std::chrono::seconds min_watch{300};  // timeoutSeconds of each watch is drawn from [min_watch, 2 min_watch)
  std::function<void()> on_restart{};   // a watch is opened again, for whatever reason: for a counter
};

class Reflector {
 public:
  // random: numbers from [0, 1).
  Reflector(Client& client, ReflectorHandler& handler, ReflectorOptions options, const Clock& clock,
            Sleeper& sleeper, std::function<double()> random);

  // Until the coroutine is cancelled: then it returns, or throws operation_aborted as Asio does.
  [[nodiscard]] Task<void> run();

  // Tells the handler nothing more; run() returns when its step or pause is over.
  void stop() { stopped_ = true; }

 private:
  [[nodiscard]] Task<std::chrono::milliseconds> list_once();
  [[nodiscard]] Task<std::chrono::milliseconds> watch_once();
  [[nodiscard]] Result<void> take(WatchEvent&& event);

  Client& client_;
  ReflectorHandler& handler_;
  ReflectorOptions options_;
  const Clock& clock_;
  Sleeper& sleeper_;
  std::function<double()> random_;
  WatchPlan plan_;
  bool watched_ = false;  // a watch was opened before, so the next one is a restart
  bool stopped_ = false;
};

}  // namespace abo::kube
