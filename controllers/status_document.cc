#include "controllers/status_document.h"

#include <fmt/format.h>

#include "kube/resource.h"

namespace abo::controllers {
namespace {

// Somebody may edit the watcher again and again; after this many times the next poll tries anew.
constexpr int max_writes = 5;

}  // namespace

StatusDocument::StatusDocument(kube::Client& client, std::string ns, std::string name, std::string uid)
    : client_(client), ns_(std::move(ns)), name_(std::move(name)), uid_(std::move(uid)) {}

Result<void> StatusDocument::take(json::object object) {
  if (find_string(object, {"metadata", "uid"}) != uid_ || find(object, {"metadata", "deletionTimestamp"})) {
    return gone();
  }
  object_ = std::move(object);
  const json::value* status = object_.if_contains("status");
  stored_ = report::status_from_json(status ? *status : json::value{});
  return {};
}

std::unexpected<Error> StatusDocument::gone() const {
  return fail(ErrorKind::Canceled, Reason::Canceled, fmt::format("watcher {}/{} is gone", ns_, name_));
}

Task<Result<void>> StatusDocument::load() {
  auto object = co_await client_.get(kube::resources::watchers().path(ns_, name_));
  if (object) co_return take(std::move(*object));
  if (object.error().kind == ErrorKind::NotFound) {
    co_return gone();
  }
  co_return pass(object);
}

Task<Result<void>> StatusDocument::write(report::Status next) {
  const json::value base = stored_.checkpoint;
  std::string path = kube::resources::watchers().status_path(ns_, name_);
  Error last;
  for (int attempt = 0; attempt < max_writes; ++attempt) {
    json::object object = object_;
    object["status"] = report::to_json(next);
    // write site: status-replace
    auto written = co_await client_.replace(path, std::move(object));
    if (written) co_return take(std::move(*written));
    last = std::move(written.error());
    if (last.kind == ErrorKind::NotFound) co_return gone();
    bool answer_lost = last.kind == ErrorKind::UnknownOutcome;
    if (last.kind != ErrorKind::Conflict && !answer_lost) co_return std::unexpected(last);
    auto read = co_await reread(base, next.checkpoint, answer_lost);
    if (!read) co_return pass(read);
    if (answer_lost && stored_.checkpoint == next.checkpoint && next.checkpoint != base)
      co_return Result<void>{};
    if (last.retry_after)
      co_return std::unexpected(last);  // who asks for patience is not asked again at once
  }
  co_return std::unexpected(last);
}

Task<Result<void>> StatusDocument::reread(json::value base, const json::value& ours, bool answer_lost) {
  auto read = co_await load();
  if (!read) co_return pass(read);
  bool untouched = stored_.checkpoint == base;
  bool arrived = answer_lost && stored_.checkpoint == ours;
  if (untouched || arrived) co_return Result<void>{};
  co_return fail(ErrorKind::Conflict, Reason::ApiServerUnavailable,
                 fmt::format("the checkpoint of watcher {}/{} was changed by somebody else", ns_, name_));
}

}  // namespace abo::controllers
