// The whole controller on fake services and a scripted clock: hours in milliseconds. The fixture of the tests that say which
// poll runs when, what a watcher's changes do to it, and what becomes of the finalizers.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controllers/fake_world.h"
#include "render/object_names.h"

namespace abo::controllers {

inline std::vector<std::chrono::milliseconds> gaps(const std::vector<MonoTime>& times) {
  std::vector<std::chrono::milliseconds> out;
  for (std::size_t i = 1; i < times.size(); ++i)
    out.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(times[i] - times[i - 1]));
  return out;
}

// 1 s, 2 s, 4 s … 5 min, of which up to a half may be taken off.
inline void expect_backoff(const std::vector<std::chrono::milliseconds>& waits) {
  using namespace std::chrono_literals;
  ASSERT_GE(waits.size(), 12u);
  for (std::size_t i = 0; i < waits.size(); ++i) {
    auto whole = std::min<std::chrono::milliseconds>(1s * (1 << std::min<std::size_t>(i, 20)), 5min);
    EXPECT_GE(waits[i], whole / 2) << i;
    EXPECT_LE(waits[i], whole + 10ms) << i;
  }
}

struct ScheduledWorld : testing::Test {
  FakeWorld world;

  std::size_t polls(const std::string& account) const { return world.blobs.times_of(account).size(); }
  std::size_t jobs() const { return world.cluster.below(FakeWorld::jobs()).size(); }
  std::size_t held() const {
    std::size_t n = 0;
    for (const std::string& path : world.cluster.below("/apis/")) {
      if (recording_finalizer_index(*world.cluster.find_object(path))) ++n;
    }
    return n;
  }
  // A Job as this watcher's predecessor left it.
  void put_job(const std::string& name, const std::string& watcher_uid, bool with_finalizer,
               json::object status = {}) {
    json::object object{{"metadata",
                         {{"namespace", "ml"},
                          {"name", name},
                          {"uid", "job-" + name},
                          {"annotations",
                           {{render::watcher_uid_annotation, watcher_uid},
                            {render::trigger_key_annotation, "00"},
                            {render::blob_name_annotation, name}}}}},
                        {"status", std::move(status)}};
    if (with_finalizer)
      object["metadata"].as_object()["finalizers"] = json::array{render::recording_finalizer};
    world.cluster.put(FakeWorld::jobs() + "/" + name, std::move(object));
  }
  static json::object complete() {
    return {{"conditions", json::array{json::object{{"type", "Complete"}, {"status", "True"}}}}};
  }
};

}  // namespace abo::controllers
