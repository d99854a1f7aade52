// A watcher's stored object during one pass: read with a quorum, its status changed as a value, written back under the
// resourceVersion it was read at. It carries the checkpoint, so the rule of who may overwrite what lives here:
//   on a conflict the object is read again; if the checkpoint in it is still the one we started from, somebody only
//   edited something else, and we write again; if it is another one, the pass is dropped and nothing is concluded;
//   a write whose answer was lost counts as done exactly if our checkpoint is found stored.
#pragma once

#include <string>

#include "base/error.h"
#include "base/json.h"
#include "kube/client.h"
#include "report/status.h"

namespace abo::controllers {

class StatusDocument {
 public:
  // client outlives the document.
  StatusDocument(kube::Client& client, std::string ns, std::string name, std::string uid);

  // Errors: Canceled when the watcher is gone, is being deleted, or is another one of that name; the client's.
  [[nodiscard]] Task<Result<void>> load();
  [[nodiscard]] bool loaded() const { return !object_.empty(); }

  // As stored when last read or written.
  [[nodiscard]] const json::object& object() const { return object_; }
  [[nodiscard]] const report::Status& stored() const { return stored_; }

  // Errors: Conflict when another checkpoint is stored; Canceled as for load(); the client's.
  [[nodiscard]] Task<Result<void>> write(report::Status next);

 private:
  [[nodiscard]] Result<void> take(json::object object);
  [[nodiscard]] std::unexpected<Error> gone() const;
  [[nodiscard]] Task<Result<void>> reread(json::value base, const json::value& ours, bool answer_lost);

  kube::Client& client_;
  std::string ns_;
  std::string name_;
  std::string uid_;
  json::object object_;
  report::Status stored_;
};

}  // namespace abo::controllers
