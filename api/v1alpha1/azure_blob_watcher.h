// What users write: the spec of an AzureBlobWatcher, decoded. Plain values; ownership is by value throughout.
// The fields, their types, defaults and bounds stand once, in fields.cc, from which the CRD and the reference
// page are generated and which the decoder checks against.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace abo::api {

inline constexpr std::string_view group = "mlops.example.com";
inline constexpr std::string_view version = "v1alpha1";
inline constexpr std::string_view kind = "AzureBlobWatcher";
inline constexpr std::string_view plural = "azureblobwatchers";

enum class ExistingBlobs : std::uint8_t { Unset, Trigger, Ignore };
enum class DeletionPolicy : std::uint8_t { Delete, Orphan };
enum class IdentityType : std::uint8_t { WorkloadIdentity, ManagedIdentity };

struct Identity {
  IdentityType type = IdentityType::WorkloadIdentity;
  std::string client_id;
  std::string tenant_id;
  std::string service_account_name;
  friend bool operator==(const Identity&, const Identity&) = default;
};

struct JobTemplate {
  std::string kind;
  std::string text;  // the field `template`: one YAML manifest
  friend bool operator==(const JobTemplate&, const JobTemplate&) = default;
};

struct Spec {
  std::string storage_account;
  std::string container_name;
  std::string endpoint;
  std::string credentials_secret;
  std::optional<Identity> identity;
  std::string blob_prefix;
  std::string blob_pattern;
  std::string blob_exclude_pattern;
  std::optional<std::int64_t> min_size_bytes;
  std::optional<std::int64_t> max_size_bytes;
  std::int64_t min_age_seconds = 0;
  std::int64_t polling_interval_seconds = 60;
  ExistingBlobs existing_blobs = ExistingBlobs::Unset;
  bool suspend = false;
  std::int64_t max_active = 50;            // 0: no limit
  std::int64_t max_triggers_per_poll = 0;  // 0: no limit
  DeletionPolicy deletion_policy = DeletionPolicy::Delete;
  std::optional<std::int64_t> successful_history_limit;
  std::optional<std::int64_t> failed_history_limit;
  std::int64_t status_history_limit = 20;
  std::string service_account_name;
  JobTemplate job_template;
  friend bool operator==(const Spec&, const Spec&) = default;
};

// Decodes and checks the `spec` object of a stored watcher or of a file. Everything the API server's schema
// would refuse is refused here too (an older CRD may have let it in), with one error that names the field's
// path, what is wrong and what is legal: kind Invalid, reason InvalidSpec. Unknown fields are errors that
// name the nearest known one. Patterns and the template are not compiled here: filter/ and render/ do that.
[[nodiscard]] Result<Spec> decode_spec(const json::value& spec);

// What can be read of a spec that check_spec has problems with, to look for more: a field of the wrong type reads as
// absent, and no value is checked.
[[nodiscard]] Spec read_unchecked(const json::value& spec);

}  // namespace abo::api
