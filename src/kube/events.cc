#include "kube/events.h"

#include <algorithm>
#include <utility>

#include "kube/resource.h"

namespace abo::kube {

EventRecorder::EventRecorder(Client& client, const Clock& clock, std::string name_suffix, Observer observer)
    : client_(client), clock_(clock), observer_(std::move(observer)), ledger_(std::move(name_suffix)) {}

void EventRecorder::record(Event event) {
  bool noted = ledger_.note(std::move(event), clock_.wall(), clock_.mono());
  if (!noted && observer_.dropped) observer_.dropped();
  noted_.notify_all();
}

void EventRecorder::close() {
  closed_ = true;
  noted_.notify_all();
}

Task<void> EventRecorder::run() {
  for (;;) {
    if (auto due = ledger_.next(clock_.mono())) {
      co_await write(std::move(*due));
      continue;
    }
    if (closed_) co_return;
    std::chrono::milliseconds limit = std::chrono::hours{1};
    if (auto due = ledger_.next_due()) {
      limit = std::min(limit, std::chrono::ceil<std::chrono::milliseconds>(*due - clock_.mono()));
    }
    co_await noted_.wait(limit);
  }
}

Task<void> EventRecorder::write(EventWrite write) {
  Resource events = resources::events();
  Result<json::object> answer;
  if (write.create) {
    // write site: event-create
    answer = co_await client_.create(events.path(write.ns), std::move(write.body));
  } else {
    // write site: event-count
    answer = co_await client_.merge_patch(events.path(write.ns, write.name), std::move(write.body));
  }
  bool gone = !answer && !write.create && answer.error().kind == ErrorKind::NotFound;
  ledger_.written(write.key, gone, clock_.mono());
  if (answer || gone || answer.error().kind == ErrorKind::Canceled) co_return;
  if (answer.error().reason == Reason::NamespaceTerminating) co_return;
  if (observer_.failed) observer_.failed(answer.error());
}

}  // namespace abo::kube
