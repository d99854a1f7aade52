// Creates one rendered resource so that, however often it is asked, the cluster holds it once. The name is a pure
// function of template, blob and key, so asking again is harmless; this file decides what an occupied name means.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "kube/client.h"
#include "kube/resource.h"
#include "render/render.h"

namespace abo::controllers {

struct CreateOrder {
  kube::Resource resource;
  std::string ns;
  render::Rendered rendered;
  std::string trigger_key;  // hex
  std::string watcher_uid;
  bool fallback_first =
      false;  // an earlier try under the fallback name ended unknown: that name again, first
  // One whose answer was lost may still be on its way: the other name would make a second resource of it.
  bool one_name_only = false;
  std::optional<kube::ServiceAccount> impersonate{};
  std::function<bool()> may_send{};  // the lease check, asked again as the request leaves
};

struct Creation {
  enum class Kind : std::uint8_t {
    Created,     // answered 201
    Existed,     // the name is held by this very version: done earlier, by us or a predecessor
    BeginAgain,  // the holder of the name vanished while we looked: the pass must start over from the checkpoint
    Failed,      // see error
  };
  Kind kind = Kind::Failed;
  json::object object{};       // with Created and Existed: as the API server holds it
  Error error{};               // with Failed; kind UnknownOutcome when it may have been created
  bool used_fallback = false;  // the name the last request bore
};

// Never throws; never adopts an object that is not of this version and watcher. Errors of Failed: the client's;
// Invalid NameConflict when both names are held by others, Throttled NameConflict when the other one may not be used yet.
[[nodiscard]] Task<Creation> create_resource(kube::Client& client, CreateOrder order);

}  // namespace abo::controllers
