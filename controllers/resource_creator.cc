#include "controllers/resource_creator.h"

#include <fmt/format.h>

#include "render/object_names.h"

namespace abo::controllers {
namespace {

bool is_ours(const json::object& holder, const CreateOrder& order) {
  auto annotation = [&](std::string_view name) {
    return find_string(holder, {"metadata", "annotations", name});
  };
  return annotation(render::trigger_key_annotation) == order.trigger_key &&
         annotation(render::watcher_uid_annotation) == order.watcher_uid;
}

json::object named(const CreateOrder& order, bool fallback) {
  json::object object = order.rendered.object;
  if (fallback) object["metadata"].as_object()["name"] = order.rendered.fallback_name;
  return object;
}

kube::WriteOptions write_options(const CreateOrder& order) {
  return {.impersonate = order.impersonate, .may_send = order.may_send};
}

// What one name's holder means. Nothing: somebody else's, try the other name.
Task<std::optional<Creation>> read_holder(kube::Client& client, const CreateOrder& order, std::string name) {
  auto holder = co_await client.get(order.resource.path(order.ns, name));
  if (!holder && holder.error().kind == ErrorKind::NotFound) {
    // Freed between our request and our look. It may have been this version, recorded by a predecessor and deleted:
    // only the checkpoint can tell, so nothing is created now.
    co_return Creation{.kind = Creation::Kind::BeginAgain};
  }
  if (!holder) co_return Creation{.kind = Creation::Kind::Failed, .error = std::move(holder.error())};
  if (is_ours(*holder, order))
    co_return Creation{.kind = Creation::Kind::Existed, .object = std::move(*holder)};
  co_return std::nullopt;
}

// One name, to its end. Nothing: it is held by somebody else.
Task<std::optional<Creation>> try_name(kube::Client& client, const CreateOrder& order, bool fallback) {
  json::object object = named(order, fallback);
  std::string name(find_string(object, {"metadata", "name"}));
  // write site: resource-create
  auto created =
      co_await client.create(order.resource.path(order.ns), std::move(object), write_options(order));
  if (created) co_return Creation{.kind = Creation::Kind::Created, .object = std::move(*created)};
  if (created.error().kind != ErrorKind::AlreadyExists) {
    co_return Creation{.kind = Creation::Kind::Failed, .error = std::move(created.error())};
  }
  co_return co_await read_holder(client, order, std::move(name));
}

Creation not_yet(const CreateOrder& order) {
  return {.kind = Creation::Kind::Failed,
          .error = {ErrorKind::Throttled, Reason::NameConflict,
                    fmt::format(
                        "the name of the {} belongs to something else, and an earlier request for it, whose "
                        "answer was lost, may still be carried out; the name with the hash is used when it "
                        "cannot any more",
                        order.resource.kind)}};
}

}  // namespace

Task<Creation> create_resource(kube::Client& client, CreateOrder order) {
  std::string primary(find_string(order.rendered.object, {"metadata", "name"}));
  bool one_name = primary == order.rendered.fallback_name;
  for (bool second : {false, true}) {
    bool fallback = second != order.fallback_first;
    if (second && one_name) break;
    if (second && order.one_name_only) co_return not_yet(order);
    if (auto creation = co_await try_name(client, order, fallback)) {
      creation->used_fallback = fallback;
      co_return std::move(*creation);
    }
  }
  co_return Creation{
      .kind = Creation::Kind::Failed,
      .error = {
          ErrorKind::Invalid, Reason::NameConflict,
          fmt::format(
              "{} {} and {} both belong to something else; give the template's metadata.name a part that "
              "differs by blob, such as ${{BLOB_NAME}} or ${{BLOB_HASH}}",
              order.resource.kind, primary, order.rendered.fallback_name)}};
}

}  // namespace abo::controllers
