#include <fmt/format.h>

#include "api/v1alpha1/azure_blob_watcher.h"
#include "api/v1alpha1/check.h"
#include "api/v1alpha1/fields.h"

namespace abo::api {
namespace {

// What the table says a field is when it is not written.
json::value default_of(std::string_view name) {
  const Field* field = find_field(fmt::format("spec.{}", name));
  return field && !field->default_json.empty() ? json::parse(field->default_json) : json::value{};
}

// Reads a spec; what has not the right type reads as absent.
class Reader {
 public:
  explicit Reader(const json::object& spec) : spec_(spec) {}

  [[nodiscard]] std::string text(std::initializer_list<std::string_view> path) const {
    return std::string(find_string(spec_, path));
  }
  [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const {
    return find_int(spec_, {name});
  }
  [[nodiscard]] std::int64_t number_or_default(std::string_view name) const {
    auto written = number(name);
    return written ? *written : default_of(name).to_number<std::int64_t>();
  }
  [[nodiscard]] bool flag(std::string_view name) const { return find_bool(spec_, {name}); }
  [[nodiscard]] bool has_object(std::string_view name) const { return find_object(spec_, {name}) != nullptr; }

 private:
  const json::object& spec_;
};

ExistingBlobs existing_blobs(std::string_view word) {
  if (word == "Trigger") return ExistingBlobs::Trigger;
  return word == "Ignore" ? ExistingBlobs::Ignore : ExistingBlobs::Unset;
}

Identity identity(const Reader& read) {
  return {.type = read.text({"identity", "type"}) == "ManagedIdentity" ? IdentityType::ManagedIdentity
                                                                       : IdentityType::WorkloadIdentity,
          .client_id = read.text({"identity", "clientId"}),
          .tenant_id = read.text({"identity", "tenantId"}),
          .service_account_name = read.text({"identity", "serviceAccountName"})};
}

Spec read_spec(const json::object& object) {
  Reader read(object);
  Spec spec;
  spec.storage_account = read.text({"storageAccount"});
  spec.container_name = read.text({"containerName"});
  spec.endpoint = read.text({"endpoint"});
  spec.credentials_secret = read.text({"credentialsSecret"});
  if (read.has_object("identity")) spec.identity = identity(read);
  spec.blob_prefix = read.text({"blobPrefix"});
  spec.blob_pattern = read.text({"blobPattern"});
  spec.blob_exclude_pattern = read.text({"blobExcludePattern"});
  spec.min_size_bytes = read.number("minSizeBytes");
  spec.max_size_bytes = read.number("maxSizeBytes");
  spec.min_age_seconds = read.number_or_default("minAgeSeconds");
  spec.polling_interval_seconds = read.number_or_default("pollingIntervalSeconds");
  spec.existing_blobs = existing_blobs(read.text({"existingBlobs"}));
  spec.suspend = read.flag("suspend");
  spec.max_active = read.number_or_default("maxActive");
  spec.max_triggers_per_poll = read.number_or_default("maxTriggersPerPoll");
  spec.deletion_policy =
      read.text({"deletionPolicy"}) == "Orphan" ? DeletionPolicy::Orphan : DeletionPolicy::Delete;
  spec.successful_history_limit = read.number("successfulHistoryLimit");
  spec.failed_history_limit = read.number("failedHistoryLimit");
  spec.status_history_limit = read.number_or_default("statusHistoryLimit");
  spec.service_account_name = read.text({"serviceAccountName"});
  spec.job_template = {read.text({"jobTemplate", "kind"}), read.text({"jobTemplate", "template"})};
  return spec;
}

}  // namespace

Result<Spec> decode_spec(const json::value& spec) {
  auto problems = check_spec(spec);
  if (!problems.empty()) {
    const Problem& first = problems.front();
    return fail(ErrorKind::Invalid, Reason::InvalidSpec, fmt::format("{}: {}", first.path, first.message));
  }
  return read_spec(spec.get_object());
}

Spec read_unchecked(const json::value& spec) {
  const json::object* object = spec.if_object();
  return object ? read_spec(*object) : Spec{};
}

}  // namespace abo::api
