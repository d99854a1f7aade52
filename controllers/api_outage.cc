#include "controllers/api_outage.h"

#include <algorithm>

#include "kube/resource.h"

namespace abo::controllers {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds between_questions{1000};
// A server that hangs is asked anew, so that the answer comes within ten seconds of its return.
constexpr milliseconds longest_answer{5000};
constexpr milliseconds longest_wish = std::chrono::minutes{5};

}  // namespace

bool api_is_away(const Error& error) {
  return error.reason == Reason::ApiServerUnavailable &&
         (error.kind == ErrorKind::Unavailable || error.kind == ErrorKind::UnknownOutcome);
}

ApiOutage::ApiOutage(Services& services, kube::Sleeper& sleeper, runtime::TaskScope& scope,
                     std::function<void()> on_end)
    : services_(services), sleeper_(sleeper), scope_(scope), on_end_(std::move(on_end)) {}

void ApiOutage::suspect() {
  if (asking_ || services_.stopping()) return;
  asking_ = true;
  scope_.spawn(ask_until_it_answers());
}

Task<void> ApiOutage::ask_until_it_answers() {
  bool told = false;
  for (;;) {
    auto answer = co_await ask();
    if (answer || services_.stopping()) break;
    bool away = api_is_away(answer.error());
    bool told_to_wait = answer.error().kind == ErrorKind::Throttled && answer.error().retry_after;
    if (!away && !told_to_wait) break;  // a refusal is an answer too
    if (!std::exchange(told, true)) services_.telemetry.api_away(answer.error());
    milliseconds wish = std::min(answer.error().retry_after.value_or(between_questions), longest_wish);
    co_await kube::until(services_.stop_signal, sleeper_.sleep(std::max(between_questions, wish)));
    if (services_.stopping()) break;
  }
  asking_ = false;
  if (told && !services_.stopping()) services_.telemetry.api_back();
  on_end_();
}

Task<Result<void>> ApiOutage::ask() {
  const auto& namespaces = services_.settings.namespaces;
  std::string path = kube::resources::watchers().path(namespaces.empty() ? "" : namespaces.front());
  net::BodySink ignore = [](std::string_view) { return Result<void>{}; };
  kube::StreamOptions options{
      .metadata_only = true, .total_timeout = longest_answer, .idle_timeout = longest_answer};
  co_return co_await services_.kube.stream(kube::with_query(path, {{"limit", "1"}}), ignore, options);
}

}  // namespace abo::controllers
