// Whose container `preview` looks at: a watcher from a file, or one that the cluster has.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "cli/preview.h"
#include "controllers/pass_plan.h"

namespace abo::cli {

struct Subject {
  controllers::WatcherName watcher;
  std::int64_t generation = 0;
  bool stored = false;                               // in the cluster
  std::optional<checkpoint::Checkpoint> checkpoint;  // the stored one's, if it has one yet
  std::string replay_wish = {};                      // its annotation replay-since
  controllers::PassPlan plan;
};

// True for "-", for a file that is there, and for what can only be a file's name.
[[nodiscard]] bool is_file(const std::string& subject);

// Findings and what else is wrong go to `err`, the exit code into `exit_code`. home: the namespace where neither the file
// nor --namespace says one.
[[nodiscard]] std::optional<Subject> subject_from_file(const PreviewOptions& options, const std::string& home,
                                                       std::ostream& err, int& exit_code);

// NAME or NAMESPACE/NAME.
struct NamedWatcher {
  std::string ns;
  std::string name;
};
// Errors: Invalid, InvalidSpec: a name that cannot be one, or two different namespaces.
[[nodiscard]] Result<NamedWatcher> parse_watcher_name(const PreviewOptions& options, const std::string& home);

// `object`: as the API server holds it. Errors: PassPlan::make's, InvalidCheckpoint.
[[nodiscard]] Result<Subject> subject_from_object(const json::object& object);

}  // namespace abo::cli
