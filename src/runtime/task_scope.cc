#include "runtime/task_scope.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <utility>

namespace abo::runtime {
namespace asio = boost::asio;

struct TaskScope::State {
  State(const asio::any_io_executor& on, OnBug report)
      : executor(on), on_bug(std::move(report)), changed(on, std::chrono::steady_clock::time_point::max()) {}

  asio::any_io_executor executor;
  OnBug on_bug;
  asio::steady_timer changed;                    // cancelled when the last task ends
  std::list<asio::cancellation_signal> signals;  // one for each task
  bool cancelled = false;
};

namespace {

Task<void> root(asio::any_io_executor executor, Task<void> task) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await asio::post(executor, asio::use_awaitable);  // never runs inside spawn()
  co_await std::move(task);
}

std::string_view text_of(const std::exception_ptr& problem, std::string& buffer) {
  try {
    std::rethrow_exception(problem);
  } catch (const std::exception& thrown) {
    buffer = thrown.what();
  } catch (...) {
    buffer = "an exception of an unknown type";
  }
  return buffer;
}

// What Asio throws at the next co_await of a cancelled coroutine that was started beneath a task (by || for one).
bool is_cancellation(const std::exception_ptr& problem) {
  try {
    std::rethrow_exception(problem);
  } catch (const boost::system::system_error& thrown) {
    return thrown.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

TaskScope::TaskScope(asio::any_io_executor executor, OnBug on_bug)
    : state_(std::make_shared<State>(executor, std::move(on_bug))) {}

TaskScope::~TaskScope() {
  state_->on_bug = nullptr;
}

void TaskScope::spawn(Task<void> task) {
  const auto signal = state_->signals.emplace(state_->signals.end());
  asio::co_spawn(state_->executor, root(state_->executor, std::move(task)),
                 asio::bind_cancellation_slot(signal->slot(),
                                              [state = state_, signal](const std::exception_ptr& problem) {
                                                ended(state, signal, problem);
                                              }));
  if (state_->cancelled) signal->emit(asio::cancellation_type::terminal);
}

void TaskScope::ended(const std::shared_ptr<State>& state,
                      std::list<asio::cancellation_signal>::iterator signal,
                      const std::exception_ptr& problem) {
  if (problem && !(state->cancelled && is_cancellation(problem))) {
    std::string buffer;
    if (state->on_bug) state->on_bug(text_of(problem, buffer));
  }
  state->signals.erase(signal);
  if (state->signals.empty()) state->changed.cancel();
}

void TaskScope::cancel() {
  state_->cancelled = true;
  // A task may end at once by this; its signal leaves the list, so the next one is taken first.
  for (auto signal = state_->signals.begin(); signal != state_->signals.end();) {
    const auto next = std::next(signal);
    signal->emit(asio::cancellation_type::terminal);
    signal = next;
  }
}

bool TaskScope::cancelled() const {
  return state_->cancelled;
}
std::size_t TaskScope::running() const {
  return state_->signals.size();
}

Task<void> TaskScope::join() {
  return wait(state_);
}

Task<void> TaskScope::wait(std::shared_ptr<State> state) {
  while (!state->signals.empty()) {
    const auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
    if (cancelled != asio::cancellation_type::none) co_await asio::this_coro::reset_cancellation_state();
    co_await state->changed.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

}  // namespace abo::runtime
