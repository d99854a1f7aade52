// What a created resource costs in memory while it is followed: Jobs as the API server writes them go through RunStore,
// and the allocator says what stays. Prints a JSON line; bench/rows.py has names and goals.
#include <fmt/format.h>
#include <malloc.h>

#include <cstdlib>
#include <memory>

#include "base/json.h"
#include "controllers/run_store.h"

namespace abo {
namespace {

constexpr int resources = 100'000;
constexpr int watchers = 10;

json::object job(int index, bool held) {
  std::string blob = fmt::format("raw/2026/ingest-eu-west-1/part-{:06}.csv", index);
  json::object metadata{
      {"name", fmt::format("process-raw-2026-ingest-eu-west-1-part-{:06}.csv", index)},
      {"namespace", "ml-pipelines"},
      {"uid", fmt::format("2f1c6a3e-0000-4000-8000-{:012}", index)},
      {"annotations", json::object{{"mlops.example.com/watcher-uid",
                                    fmt::format("7d9f0b52-0000-4000-8000-{:012}", index % watchers)},
                                   {"mlops.example.com/trigger-key", fmt::format("{:032x}", index)},
                                   {"mlops.example.com/blob-name", blob},
                                   {"mlops.example.com/blob-etag", fmt::format("0x8DE{:012X}", index)},
                                   {"mlops.example.com/blob-last-modified", "2026-01-02T03:04:05Z"}}}};
  if (held) metadata["finalizers"] = json::array{"mlops.example.com/recording"};
  json::object status{{"active", 1}};
  return {{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"metadata", metadata}, {"status", status}};
}

std::size_t allocated() {
  auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Each is first held by our finalizer and then recorded, as every resource is.
void bench_followed() {
  std::size_t before = allocated();
  auto store = std::make_unique<controllers::RunStore>();
  for (int i = 0; i < resources; ++i) {
    store->upsert(0, job(i, true), MonoTime{});
    store->upsert(0, job(i, false), MonoTime{});
  }
  if (store->size() != resources || !store->owners_with_held().empty()) std::abort();
  double bytes = static_cast<double>(allocated() - before) / resources;
  fmt::print("{{\"row\": \"followed_memory\", \"value\": {:.1f}}}\n", bytes);
}

}  // namespace
}  // namespace abo

int main() {
  abo::bench_followed();
}
