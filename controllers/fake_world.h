// For this folder's tests: the controller and all it needs, on fake services and a scripted clock. run_for() plays time
// from one due moment to the next, so hours pass in milliseconds and nothing is left to chance.
#pragma once

#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "controllers/azureblobwatcher_controller.h"
#include "controllers/fake_blobs.h"
#include "controllers/fake_cluster.h"
#include "controllers/fake_time.h"

namespace abo::controllers {

struct FakeWorld {
  boost::asio::io_context loop{1};
  ScriptedTime time;
  FakeCluster cluster{time};
  FakeBlobs blobs{time};
  double random = 0.5;
  bool stopping = false;
  kube::Signal stop_signal;
  std::vector<std::string> bugs;
  Settings settings;

  std::unique_ptr<std::FILE, int (*)(std::FILE*)> log_file{std::tmpfile(), std::fclose};
  runtime::Logger logger{time, runtime::LogLevel::Info, runtime::LogFormat::Text, fileno(log_file.get())};
  runtime::Registry registry;
  OperatorMetrics metrics{registry};
  WatcherGauges gauges{registry, time, true};
  runtime::TaskScope watch_scope{loop.get_executor(),
                                 [this](std::string_view what) { bugs.emplace_back(what); }};
  runtime::TaskScope poll_scope{loop.get_executor(),
                                [this](std::string_view what) { bugs.emplace_back(what); }};
  kube::Client client{cluster, "https://api", time};
  kube::Discovery discovery{client, time};
  kube::EventRecorder events{
      client, time, "00000000", {.dropped = [this] { metrics.events_dropped.with().add(); }}};
  Telemetry telemetry{logger, metrics, gauges, events, time};
  azure::BlobClient blob_client{
      blobs, time, {.sleep = [this](std::chrono::milliseconds pause) { return time.sleep(pause); }}};
  RunTracker runs{
      client, discovery,   time,
      time,   watch_scope, {.random = [this] { return random; }, .stopping = [this] { return stopping; }}};
  Services services{.clock = time,
                    .sleeper = time,
                    .kube = client,
                    .blobs = blob_client,
                    .runs = runs,
                    .telemetry = telemetry,
                    .settings = settings,
                    .random = [this] { return random; },
                    .may_act = [] { return true; },
                    .stopping = [this] { return stopping; },
                    .stop_signal = stop_signal};
  WatcherController controller{services, time, watch_scope, poll_scope};

  ~FakeWorld() {
    stopping = true;
    stop_signal.notify_all();
    controller.wake();
    drain();
    watch_scope.cancel();
    poll_scope.cancel();
    drain();
    EXPECT_EQ(watch_scope.running() + poll_scope.running(), 0u);
  }

  // As the process does it.
  void start() {
    controller.watch();
    poll_scope.spawn(act(*this));
    drain();
  }
  void run_for(std::chrono::milliseconds duration) {
    MonoTime end = time.mono() + duration;
    drain();
    for (auto due = time.next_due(); due && *due <= end; due = time.next_due()) {
      time.move_to(std::max(*due, time.mono()));
      drain();
    }
    time.move_to(end);
    drain();
  }
  void drain() {
    loop.restart();
    loop.poll();
  }

  // ---- watchers ----

  static std::string path(const std::string& name, const std::string& ns = "ml") {
    return "/apis/mlops.example.com/v1alpha1/namespaces/" + ns + "/azureblobwatchers/" + name;
  }
  static std::string jobs(const std::string& ns = "ml") {
    return "/apis/batch/v1/namespaces/" + ns + "/jobs";
  }
  // A watcher of the account of its own name, which makes a Job for every blob.
  static json::object watcher(const std::string& name, json::object more = {},
                              const std::string& kind = "Job") {
    std::string api = kind == "Job" ? "batch/v1" : "example.com/v1";
    json::object spec{{"storageAccount", name},
                      {"containerName", "data"},
                      {"jobTemplate",
                       {{"kind", kind},
                        {"template", "apiVersion: " + api + "\nkind: " + kind +
                                         "\nmetadata:\n  name: " + name + "-${BLOB_NAME}\nspec: {}\n"}}}};
    for (auto& [key, value] : more) spec[key] = value;
    return {{"metadata", {{"namespace", "ml"}, {"name", name}, {"uid", "w-" + name}, {"generation", 1}}},
            {"spec", std::move(spec)}};
  }
  void add(const std::string& name, json::object more = {}) {
    cluster.put(path(name), watcher(name, std::move(more)));
  }
  // The stored watcher with another spec.
  void edit(const std::string& name, json::object more) {
    json::object object = *cluster.find_object(path(name));
    json::object& meta = object["metadata"].as_object();
    meta["generation"] = meta["generation"].as_int64() + 1;
    for (auto& [key, value] : more) object["spec"].as_object()[key] = value;
    cluster.put(path(name), std::move(object));
  }
  // The stored watcher with this annotation, or without it.
  void annotate(const std::string& name, std::string_view annotation, std::optional<std::string> value) {
    json::object object = *cluster.find_object(path(name));
    json::value& annotations = object["metadata"].as_object()["annotations"];
    if (!annotations.is_object()) annotations = json::object{};
    annotations.as_object().erase(annotation);
    if (value) annotations.as_object()[annotation] = *value;
    cluster.put(path(name), std::move(object));
  }
  [[nodiscard]] std::string message(const std::string& name) const { return of_ready(name, "message"); }
  [[nodiscard]] std::string reason(const std::string& name) const { return of_ready(name, "reason"); }
  [[nodiscard]] std::string status_text(const std::string& name, std::string_view field) const {
    const json::object* object = cluster.find_object(path(name));
    return object ? std::string(find_string(*object, {"status", field})) : "";
  }
  [[nodiscard]] std::string of_ready(const std::string& name, std::string_view field) const {
    const json::object* object = cluster.find_object(path(name));
    const json::array* conditions = object ? find_array(*object, {"status", "conditions"}) : nullptr;
    if (!conditions) return "";
    for (const json::value& one : *conditions) {
      if (find_string(one.as_object(), {"type"}) == "Ready")
        return std::string(find_string(one.as_object(), {field}));
    }
    return "";
  }
  [[nodiscard]] std::vector<std::string> log_lines_with(std::string_view text) const {
    std::vector<std::string> out;
    std::rewind(log_file.get());
    char line[4096];
    while (std::fgets(line, sizeof line, log_file.get())) {
      if (std::string_view(line).find(text) != std::string_view::npos) out.emplace_back(line);
    }
    return out;
  }

 private:
  static Task<void> act(FakeWorld& world) {
    co_await world.runs.start(world.settings.kinds);
    co_await world.controller.run();
  }
};

}  // namespace abo::controllers
