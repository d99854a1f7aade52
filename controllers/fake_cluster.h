// For this folder's tests: an API server in a map. It keeps objects with their versions, lists, watches, creates, deletes,
// takes statuses and the JSON patch of our finalizer; and it fails as the test asks for: it can be away, hold requests back,
// or answer some of them by a rule. It records every request with its time.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "controllers/fake_time.h"
#include "kube/signal.h"
#include "net/http.h"

namespace abo::controllers {

class FakeCluster final : public net::Transport {
 public:
  struct Served {
    std::string base;  // "/apis/batch/v1"
    std::string plural;
    std::string kind;
  };
  struct Seen {
    MonoTime at;
    std::string what;  // "GET /apis/batch/v1/jobs"; watches are "WATCH …"
  };
  using Answer = Result<net::Response>;

  explicit FakeCluster(ScriptedTime& time) : clock_(time) {}

  std::vector<Served> served{{"/apis/mlops.example.com/v1alpha1", "azureblobwatchers", "AzureBlobWatcher"},
                             {"/apis/batch/v1", "jobs", "Job"}};
  std::vector<Seen> requests;
  std::vector<json::object> created;                                   // by POST, in all
  std::function<std::optional<Answer>(const std::string& what)> rule;  // instead of the store's answer
  std::function<bool(const std::string& what)> hold;                   // true: waits for let_go()
  std::chrono::milliseconds latency{0};                                // of what is no watch
  std::function<bool(const std::string& what)> lose;                   // carried out, but the answer is lost
  std::function<bool(const std::string& path)> silent;                 // no watch tells of a change there

  static Answer status(int code, std::string_view reason, net::Headers headers = {},
                       std::string_view message = "no") {
    json::object body{{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", message}};
    return net::Response{code, std::move(headers), json::serialize(body)};
  }
  static Answer refused() {
    return fail(ErrorKind::Unavailable, Reason::EndpointUnreachable, "connection refused");
  }

  // ---- what the test does ----

  void go_away() {
    away_ = true;
    changed_.notify_all();
  }
  void come_back() { away_ = false; }
  // What another one holds: its operator was killed, and this one's is the next.
  void take_over(const FakeCluster& other) {
    objects_ = other.objects_;
    log_ = other.log_;
    uids_ = other.uids_;
    created = other.created;
  }
  void let_go() {
    hold = {};
    changed_.notify_all();
  }

  // Creates or changes.
  void put(const std::string& path, json::object object) {
    auto known = objects_.find(path);
    json::object& meta = object["metadata"].as_object();
    if (!meta.contains("uid")) meta["uid"] = "uid-" + std::to_string(++uids_);
    meta["resourceVersion"] = std::to_string(log_.size() + 1);
    tell(path, known == objects_.end() ? "ADDED" : "MODIFIED", object);
    objects_[path] = std::move(object);
  }
  // As DELETE does: what carries a finalizer only terminates.
  void remove(const std::string& path) {
    json::object object = objects_.at(path);
    if (has_finalizers(object)) {
      object["metadata"].as_object()["deletionTimestamp"] = "2026-11-22T05:30:00Z";
      return put(path, std::move(object));
    }
    objects_.erase(path);
    tell(path, "DELETED", std::move(object));
  }
  // Somebody takes our label off: the watches, which go by it, tell of a deletion.
  void lose_label(const std::string& path) { tell(path, "DELETED", objects_.at(path)); }
  [[nodiscard]] const json::object* find_object(const std::string& path) const {
    auto at = objects_.find(path);
    return at == objects_.end() ? nullptr : &at->second;
  }
  // Of the request that came last.
  [[nodiscard]] json::object last_body() const { return parse_json(last_body_)->as_object(); }
  // Paths of all objects that begin so.
  [[nodiscard]] std::vector<std::string> below(std::string_view prefix) const {
    std::vector<std::string> out;
    for (const auto& [path, object] : objects_) {
      if (path.starts_with(prefix)) out.push_back(path);
    }
    return out;
  }
  [[nodiscard]] std::vector<MonoTime> times_of(std::string_view what) const {
    std::vector<MonoTime> out;
    for (const Seen& seen : requests) {
      if (seen.what.starts_with(what)) out.push_back(seen.at);
    }
    return out;
  }

  // ---- the transport ----

  Task<Answer> send(net::Request request, net::BodySink sink) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (co_await is_cancelled()) co_return canceled();
    if (request.may_send && !request.may_send()) co_return canceled();
    std::string target = request.url.substr(request.url.find('/', request.url.find("//") + 2));
    std::string path = target.substr(0, target.find('?'));
    bool watch = target.find("watch=1") != target.npos;
    std::string what = (watch ? "WATCH" : request.method) + " " + path;
    requests.push_back({clock_.mono(), what});
    last_body_ = request.body;
    MonoTime end =
        request.total_timeout.count() > 0 ? clock_.mono() + request.total_timeout : MonoTime::max();
    if (latency.count() > 0 && !watch) co_await clock_.sleep(latency);
    while (hold && hold(what) && !away_) {
      if (clock_.mono() >= end) co_return timed_out();
      co_await kube::until(changed_,
                           clock_.sleep(std::chrono::ceil<std::chrono::milliseconds>(
                               std::min<MonoClock::duration>(end - clock_.mono(), std::chrono::hours{24}))));
      if (co_await is_cancelled()) co_return canceled();
    }
    if (away_) co_return refused();
    if (rule) {
      if (auto ruled = rule(what)) co_return *ruled;
    }
    if (watch) co_return co_await follow(split(path), version_in(target), std::move(sink));
    Answer answer = answer_to(request, path);
    if (lose && lose(what))
      co_return fail(ErrorKind::UnknownOutcome, Reason::EndpointUnreachable, "connection lost");
    if (answer && sink && answer->status == 200) {
      if (auto taken = sink(std::exchange(answer->body, {})); !taken) co_return pass(taken);
    }
    co_return answer;
  }

 private:
  struct Place {
    std::string base, ns, plural, name, sub;
  };
  struct Told {
    std::string path;
    std::string line;
  };

  static Task<bool> is_cancelled() {
    co_return (co_await boost::asio::this_coro::cancellation_state).cancelled() !=
        boost::asio::cancellation_type::none;
  }
  static Answer canceled() { return fail(ErrorKind::Canceled, Reason::Canceled, "canceled"); }
  static Answer timed_out() {
    return fail(ErrorKind::UnknownOutcome, Reason::EndpointUnreachable, "no answer in time");
  }
  static Answer ok(const json::object& body, int code = 200) {
    return net::Response{code, {}, json::serialize(body)};
  }

  static Place split(const std::string& path) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < path.size();) {
      std::size_t end = std::min(path.find('/', at + 1), path.size());
      parts.push_back(path.substr(at + 1, end - at - 1));
      at = end;
    }
    Place place;
    std::size_t i = parts[0] == "api" ? 2 : 3;
    for (std::size_t n = 0; n < i && n < parts.size(); ++n) place.base += "/" + parts[n];
    if (i + 1 < parts.size() && parts[i] == "namespaces") {
      place.ns = parts[i + 1];
      i += 2;
    }
    if (i < parts.size()) place.plural = parts[i];
    if (i + 1 < parts.size()) place.name = parts[i + 1];
    if (i + 2 < parts.size()) place.sub = parts[i + 2];
    return place;
  }
  static bool is_in(const Place& collection, const std::string& path) {
    Place place = split(path);
    return place.base == collection.base && place.plural == collection.plural &&
           (collection.ns.empty() || place.ns == collection.ns);
  }
  static std::size_t version_in(const std::string& target) {
    auto at = target.find("resourceVersion=");
    return at == target.npos ? 0 : std::stoul(target.substr(at + 16));
  }
  static bool has_finalizers(const json::object& object) {
    const json::array* finalizers = find_array(object, {"metadata", "finalizers"});
    return finalizers && !finalizers->empty();
  }

  void tell(const std::string& path, std::string_view type, json::object object) {
    object["metadata"].as_object()["resourceVersion"] = std::to_string(log_.size() + 1);
    log_.push_back(
        {path, json::serialize(json::object{{"type", type}, {"object", std::move(object)}}) + "\n"});
    changed_.notify_all();
  }

  Task<Answer> follow(Place collection, std::size_t from, net::BodySink sink) {
    if (!is_served(collection)) co_return status(404, "NotFound");
    for (;;) {
      for (; from < log_.size(); ++from) {
        if (!is_in(collection, log_[from].path) || (silent && silent(log_[from].path))) continue;
        if (auto taken = sink(log_[from].line); !taken) co_return pass(taken);
      }
      if (away_) co_return fail(ErrorKind::UnknownOutcome, Reason::EndpointUnreachable, "connection lost");
      if (!is_served(collection)) co_return status(404, "NotFound");
      co_await changed_.wait();
      if (co_await is_cancelled()) co_return canceled();
    }
  }

  [[nodiscard]] bool is_served(const Place& place) const {
    return std::ranges::any_of(
        served, [&](const Served& one) { return one.base == place.base && one.plural == place.plural; });
  }

  Answer answer_to(const net::Request& request, const std::string& path) {
    if (path == "/apis") return ok(groups());
    Place place = split(path);
    if (place.plural.empty()) return discover(place.base);
    if (place.plural == "events") return ok({}, 201);
    if (!is_served(place)) return status(404, "NotFound");
    if (request.method == "POST") {
      bool dry = request.url.find("dryRun=All") != request.url.npos;
      return create(place, path, parse_json(request.body)->as_object(), dry);
    }
    if (place.name.empty()) return list(place);
    std::string whole = place.sub.empty() ? path : path.substr(0, path.rfind('/'));
    auto at = objects_.find(whole);
    if (at == objects_.end()) return status(404, "NotFound");
    if (request.method == "PUT") return replace_status(whole, parse_json(request.body)->as_object());
    if (request.method == "DELETE") return remove_exactly(whole, parse_json(request.body)->as_object());
    if (request.method == "PATCH") return patch(whole, parse_json(request.body)->as_array());
    return ok(at->second);
  }

  Answer discover(const std::string& base) const {
    json::array resources, versions;
    for (const Served& one : served) {
      if (one.base.starts_with(base + "/")) versions.push_back({{"groupVersion", one.base.substr(6)}});
    }
    if (!versions.empty()) return ok({{"preferredVersion", versions[0]}, {"versions", versions}});
    for (const Served& one : served) {
      if (one.base != base) continue;
      resources.push_back({{"name", one.plural}, {"kind", one.kind}, {"namespaced", true}});
      resources.push_back({{"name", one.plural + "/status"}, {"kind", one.kind}, {"namespaced", true}});
    }
    if (!resources.empty()) return ok({{"resources", std::move(resources)}});
    return status(404, "NotFound");
  }
  json::object groups() const {
    json::array out;
    std::string last;
    for (const Served& one : served) {
      if (!one.base.starts_with("/apis/") || one.base == last) continue;
      last = one.base;
      std::string version = last.substr(6);
      out.push_back({{"name", version.substr(0, version.find('/'))},
                     {"preferredVersion", {{"groupVersion", version}}}});
    }
    return {{"groups", std::move(out)}};
  }

  Answer list(const Place& place) const {
    json::array items;
    for (const auto& [path, object] : objects_) {
      if (is_in(place, path)) items.push_back(object);
    }
    return ok(
        {{"metadata", {{"resourceVersion", std::to_string(log_.size())}}}, {"items", std::move(items)}});
  }
  Answer create(const Place& place, const std::string& collection, json::object object, bool dry) {
    std::string path = collection + "/" + std::string(find_string(object, {"metadata", "name"}));
    if (objects_.contains(path)) return status(409, "AlreadyExists");
    object["metadata"].as_object()["namespace"] = place.ns;
    if (dry) return ok(object, 201);
    put(path, std::move(object));
    created.push_back(objects_.at(path));
    return ok(objects_.at(path), 201);
  }
  Answer replace_status(const std::string& path, const json::object& sent) {
    json::object object = objects_.at(path);
    if (find_string(object, {"metadata", "resourceVersion"}) !=
        find_string(sent, {"metadata", "resourceVersion"})) {
      return status(409, "Conflict");
    }
    object["status"] = sent.at("status");
    put(path, std::move(object));
    return ok(objects_.at(path));
  }
  // Under both preconditions: we never delete without.
  Answer remove_exactly(const std::string& path, const json::object& options) {
    json::object object = objects_.at(path);
    for (std::string_view field : {"uid", "resourceVersion"}) {
      if (find_string(object, {"metadata", field}) != options.at("preconditions").at(field).as_string())
        return status(409, "Conflict");
    }
    remove(path);
    return ok(object);
  }
  // test uid, test entry, remove entry: the only patch we send.
  Answer patch(const std::string& path, const json::array& steps) {
    json::object object = objects_.at(path);
    json::array& finalizers = object["metadata"].as_object()["finalizers"].as_array();
    bool same = steps.at(0).at("value").as_string() == find_string(object, {"metadata", "uid"}) &&
                !finalizers.empty() && finalizers.at(0) == steps.at(1).at("value");
    if (!same) return status(422, "Invalid");
    finalizers.erase(finalizers.begin());
    bool ends = find_string(object, {"metadata", "deletionTimestamp"}) != "" && finalizers.empty();
    put(path, object);
    if (ends) remove(path);
    return ok(object);
  }

  ScriptedTime& clock_;
  std::map<std::string, json::object> objects_;  // by path
  std::vector<Told> log_;                        // the n-th has resourceVersion n
  std::size_t uids_ = 0;
  std::string last_body_;
  bool away_ = false;
  kube::Signal changed_;
};

}  // namespace abo::controllers
