#include "kube/reflector.h"

#include <fmt/format.h>

#include <utility>

#include "kube/kube_error.h"
#include "kube/list.h"
#include "kube/resource.h"
#include "kube/watch_decoder.h"

namespace abo::kube {
namespace {

constexpr std::chrono::seconds kSlack{30};  // after which a watch past its timeoutSeconds is taken for dead

Error stopped() {
  return {ErrorKind::Canceled, Reason::Canceled, "not followed any more"};
}

}  // namespace

Reflector::Reflector(Client& client, ReflectorHandler& handler, ReflectorOptions options, const Clock& clock,
                     Sleeper& sleeper, std::function<double()> random)
    : client_(client),
      handler_(handler),
      options_(std::move(options)),
      clock_(clock),
      sleeper_(sleeper),
      random_(std::move(random)) {}

Task<void> Reflector::run() {
  while (!stopped_) {
    std::chrono::milliseconds wait{};
    if (plan_.step() == WatchPlan::Step::List) {
      wait = co_await list_once();
    } else {
      wait = co_await watch_once();
    }
    if (!stopped_ && wait.count() > 0) co_await sleeper_.sleep(wait);
  }
}

Task<std::chrono::milliseconds> Reflector::list_once() {
  handler_.on_list_begin();
  ListOptions options{options_.label_selector, options_.field_selector, options_.metadata_only};
  OnItem on_item = [this](json::object&& object) -> Result<void> {
    if (stopped_) return std::unexpected(stopped());
    handler_.on_object(std::move(object), Change::Added);
    return {};
  };
  Result<std::string> version = co_await list(client_, options_.path, std::move(options), std::move(on_item));
  if (stopped_ || (!version && version.error().kind == ErrorKind::Canceled)) {
    stopped_ = true;
  } else if (version) {
    handler_.on_list_end();
  } else {
    handler_.on_error(version.error());
  }
  co_return plan_.list_ended(version, random_());
}

Result<void> Reflector::take(WatchEvent&& event) {
  if (stopped_) return std::unexpected(stopped());
  std::string version{find_string(event.object, {"metadata", "resourceVersion"})};
  switch (event.type) {
    case WatchEventType::Added:
      handler_.on_object(std::move(event.object), Change::Added);
      break;
    case WatchEventType::Modified:
      handler_.on_object(std::move(event.object), Change::Modified);
      break;
    case WatchEventType::Deleted:
      handler_.on_object(std::move(event.object), Change::Deleted);
      break;
    case WatchEventType::Bookmark:
      break;
    case WatchEventType::Error: {
      auto code = find_int(event.object, {"code"});
      return std::unexpected(error_of_status(static_cast<int>(code.value_or(500)), event.object));
    }
  }
  plan_.advance(version);
  return {};
}

Task<std::chrono::milliseconds> Reflector::watch_once() {
  if (std::exchange(watched_, true) && options_.on_restart) options_.on_restart();
  std::chrono::seconds timeout =
      options_.min_watch + std::chrono::seconds{static_cast<std::int64_t>(
                               static_cast<double>(options_.min_watch.count()) * random_())};
  std::string path = with_query(options_.path, {{"watch", "1"},
                                                {"allowWatchBookmarks", "true"},
                                                {"resourceVersion", plan_.resource_version()},
                                                {"timeoutSeconds", fmt::to_string(timeout.count())},
                                                {"labelSelector", options_.label_selector},
                                                {"fieldSelector", options_.field_selector}});
  WatchDecoder decoder([this](WatchEvent&& event) { return take(std::move(event)); });
  net::BodySink sink = [&decoder](std::string_view chunk) { return decoder.push(chunk); };
  StreamOptions stream{"watch", options_.metadata_only, timeout + kSlack, timeout + kSlack};
  plan_.watch_begins();
  MonoTime began = clock_.mono();
  Result<void> how = co_await client_.stream(std::move(path), std::move(sink), std::move(stream));
  if (stopped_ || (!how && how.error().kind == ErrorKind::Canceled)) {
    stopped_ = true;
  } else if (!how &&
             how.error().kind != ErrorKind::Gone) {  // an expired version is routine: it means list again
    handler_.on_error(how.error());
  }
  co_return plan_.watch_ended(how, clock_.mono() - began, random_());
}

}  // namespace abo::kube
