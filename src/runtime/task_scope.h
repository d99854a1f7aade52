// Owns concurrent tasks, so that none is ever left running: whoever spawns here can cancel all of them and wait for
// their end. join() before the scope goes, or what the tasks use may die before them.
//
// Inside a scope cancellation is a value, not an exception: what waits returns early (sleep_for gives false, send()
// gives Canceled), and the task ends itself. An exception that reaches a task's root is a bug: it is reported, and
// the other tasks go on.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string_view>

#include "net/task.h"

namespace abo::runtime {

class TaskScope {
 public:
  using OnBug = std::function<void(std::string_view what)>;

  TaskScope(boost::asio::any_io_executor executor, OnBug on_bug);
  ~TaskScope();
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

  // Starts a task on the next turn of the loop. After cancel() it starts cancelled, so it must end by itself.
  void spawn(Task<void> task);

  // Cancels what runs now and what is spawned later.
  void cancel();
  [[nodiscard]] bool cancelled() const;

  // Waits until no task is left, those spawned meanwhile included. Not from inside one of them.
  [[nodiscard]] Task<void> join();

  [[nodiscard]] std::size_t running() const;

 private:
  struct State;
  static void ended(const std::shared_ptr<State>& state,
                    std::list<boost::asio::cancellation_signal>::iterator signal,
                    const std::exception_ptr& problem);
  static Task<void> wait(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace abo::runtime
