#include "controllers/finalizer.h"

#include <fmt/format.h>

#include "render/object_names.h"

namespace abo::controllers {
namespace {

json::array patch(std::string_view uid, std::size_t index) {
  std::string path = fmt::format("/metadata/finalizers/{}", index);
  return {json::object{{"op", "test"}, {"path", "/metadata/uid"}, {"value", uid}},
          json::object{{"op", "test"}, {"path", path}, {"value", render::recording_finalizer}},
          json::object{{"op", "remove"}, {"path", path}}};
}

}  // namespace

Task<Result<void>> remove_recording_finalizer(kube::Client& client, kube::Resource resource, HeldRun run,
                                              std::size_t finalizer_index, std::function<bool()> may_send) {
  std::string path = resource.path(run.ns, run.name);
  // write site: finalizer-remove
  auto patched = co_await client.json_patch(path, patch(run.uid, finalizer_index), {.may_send = may_send});
  if (patched) co_return Result<void>{};
  if (patched.error().kind == ErrorKind::NotFound) co_return Result<void>{};
  bool refused = patched.error().kind == ErrorKind::Conflict || patched.error().kind == ErrorKind::Invalid;
  if (!refused) co_return pass(patched);

  // A test failed: another object bears the name, or somebody moved the entry.
  auto now = co_await client.get(path);
  if (!now && now.error().kind == ErrorKind::NotFound) co_return Result<void>{};
  if (!now) co_return pass(now);
  auto index = recording_finalizer_index(*now);
  if (find_string(*now, {"metadata", "uid"}) != run.uid || !index) co_return Result<void>{};
  // write site: finalizer-remove-moved
  patched = co_await client.json_patch(path, patch(run.uid, *index), {.may_send = may_send});
  if (!patched && patched.error().kind != ErrorKind::NotFound) co_return pass(patched);
  co_return Result<void>{};
}

}  // namespace abo::controllers
