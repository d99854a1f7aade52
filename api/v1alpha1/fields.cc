#include "api/v1alpha1/fields.h"

#include <algorithm>
#include <limits>

namespace abo::api {
namespace {

constexpr std::string_view object_name = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
constexpr std::string_view object_name_means = "a Kubernetes name: lower-case letters, digits, '-' and '.'";
constexpr std::string_view uuid = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";

constexpr std::int64_t name_length = 253;        // of a Kubernetes object
constexpr std::int64_t blob_name_length = 1024;  // Azure's limit
constexpr std::int64_t year = 365 * 24 * 3600;   // in seconds
constexpr std::int64_t many = 1'000'000;         // a bound where only nonsense lies beyond
constexpr std::int64_t any_size = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t exact = (std::int64_t{1} << 53) - 1;  // what every reader of JSON keeps exactly

// Of the status, which the operator cuts to fit (fit.h): a bound that was met by chance would keep it from being written.
constexpr std::int64_t listed_name_length = 8192;  // the longest blob name a listing may hold, in bytes
constexpr std::int64_t message_length = 1024;
constexpr std::int64_t word_length = 256;

using enum FieldType;

constexpr Field table[] = {
    {.path = "spec",
     .type = Object,
     .required = true,
     .description = "What to watch and what to create for each new or updated blob."},

    {.path = "spec.storageAccount",
     .max = 24,
     .pattern = "^[a-z0-9]{3,24}$",
     .pattern_means = "3 to 24 lower-case letters and digits",
     .example = "mystorageaccount",
     .description =
         "Name of the Azure storage account. Needed unless endpoint, or a connection string in the "
         "credentialsSecret, names the account."},
    {.path = "spec.containerName",
     .required = true,
     .min = 3,
     .max = 63,
     .pattern = "^(\\$root|\\$web|\\$logs|\\$blobchangefeed|[a-z0-9]+(-[a-z0-9]+)*)$",
     .pattern_means =
         "lower-case letters, digits and single '-' between them, or $root, $web, $logs, $blobchangefeed",
     .example = "datasets",
     .description = "The blob container to watch."},
    {.path = "spec.endpoint",
     .min = 1,
     .max = 2048,
     .pattern = "^https?://[^/?#@\\s]+(/[^?#@\\s]*)?$",
     .pattern_means = "an http or https URL without user, query or fragment (a SAS token belongs into the "
                      "credentialsSecret)",
     .example = "https://mystorageaccount.blob.core.usgovcloudapi.net",
     .description =
         "The account's blob endpoint when it is not https://{storageAccount}.blob.core.windows.net: a "
         "sovereign cloud, a private link, a custom domain, or Azurite "
         "(http://127.0.0.1:10000/devstoreaccount1). Hosts outside of Azure's own suffixes, and any http, "
         "work only when the operator was started with a matching --allowed-endpoint."},
    {.path = "spec.credentialsSecret",
     .min = 1,
     .max = name_length,
     .pattern = object_name,
     .pattern_means = object_name_means,
     .example = "azure-storage-credentials",
     .description =
         "Name of a Secret in this namespace with one of: accountKey; sasToken (with or without the "
         "leading '?'); connectionString; tenantId, clientId and clientSecret. A changed Secret is picked "
         "up without a restart. Without credentialsSecret and identity the container is read anonymously."},

    {.path = "spec.identity",
     .type = Object,
     .description = "Signs in to Azure without a stored secret, instead of credentialsSecret."},
    {.path = "spec.identity.type",
     .required = true,
     .enumeration = {"WorkloadIdentity", "ManagedIdentity"},
     .example = "WorkloadIdentity",
     .description = "WorkloadIdentity exchanges a ServiceAccount's projected token at Microsoft Entra ID; "
                    "ManagedIdentity asks the node's metadata service."},
    {.path = "spec.identity.clientId",
     .max = 36,
     .pattern = uuid,
     .pattern_means = "a UUID, as in 11111111-2222-3333-4444-555555555555",
     .example = "11111111-2222-3333-4444-555555555555",
     .description =
         "Client ID of the application or of the user-assigned identity. Without it the annotation "
         "azure.workload.identity/client-id of the ServiceAccount, the operator's own (WorkloadIdentity "
         "without serviceAccountName) or the node's system-assigned one (ManagedIdentity) is used."},
    {.path = "spec.identity.tenantId",
     .min = 1,
     .max = name_length,
     .pattern = "^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
                "(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+)$",
     .pattern_means = "a tenant's UUID or domain name, such as contoso.onmicrosoft.com",
     .example = "99999999-8888-7777-6666-555555555555",
     .description =
         "Microsoft Entra tenant; without it the annotation azure.workload.identity/tenant-id of the "
         "ServiceAccount, else the operator's own."},
    {.path = "spec.identity.serviceAccountName",
     .min = 1,
     .max = name_length,
     .pattern = object_name,
     .pattern_means = object_name_means,
     .example = "dataset-reader",
     .description =
         "ServiceAccount of this namespace whose token is exchanged (WorkloadIdentity), so that each "
         "tenant uses its own identity. Without it, and with ManagedIdentity, it is the operator's own, "
         "which needs --allow-operator-identity."},

    {.path = "spec.blobPrefix",
     .max = blob_name_length,
     .example = "raw/",
     .description = "Only blobs whose name begins with this. Azure applies it, so it makes listing cheap."},
    {.path = "spec.blobPattern",
     .max = blob_name_length,
     .example = "'.*\\.csv$'",
     .description =
         "Only blobs whose full name this regular expression finds (RE2, the syntax of Go; unanchored). "
         "Its groups are ${MATCH_1} and so on in the template."},
    {.path = "spec.blobExcludePattern",
     .max = blob_name_length,
     .example = "'(^|/)_temporary/'",
     .description = "Leaves out blobs whose full name this regular expression finds (RE2, unanchored)."},
    {.path = "spec.minSizeBytes",
     .type = Integer,
     .min = 0,
     .max = any_size,
     .example = "1",
     .description = "Leaves out smaller blobs, in bytes."},
    {.path = "spec.maxSizeBytes",
     .type = Integer,
     .min = 0,
     .max = any_size,
     .example = "1073741824",
     .description = "Leaves out larger blobs, in bytes."},
    {.path = "spec.minAgeSeconds",
     .type = Integer,
     .min = 0,
     .max = year,
     .default_json = "0",
     .example = "60",
     .description =
         "Takes a blob only when it has not changed for this many seconds: for append blobs and slow "
         "writers."},

    {.path = "spec.pollingIntervalSeconds",
     .type = Integer,
     .min = 1,
     .max = 86400,
     .default_json = "60",
     .example = "60",
     .description = "Seconds from the start of one poll to the start of the next, with a little jitter."},
    {.path = "spec.existingBlobs",
     .enumeration = {"Trigger", "Ignore"},
     .example = "Ignore",
     .description =
         "What happens to the blobs that the watcher's first poll finds; one that is created suspended polls "
         "first when that is taken off. Unset, they trigger when at most 1,000 match; otherwise the watcher "
         "holds (Stalled, TooManyExistingBlobs) until one is chosen, since a wrong prefix must not start a "
         "million Jobs."},
    {.path = "spec.suspend",
     .type = Boolean,
     .default_json = "false",
     .example = "true",
     .description = "Stops polling and creating. What has been created goes on."},
    {.path = "spec.maxActive",
     .type = Integer,
     .min = 0,
     .max = many,
     .default_json = "50",
     .example = "10",
     .description =
         "How many of this watcher's resources may be unfinished at once; the other blobs wait, oldest "
         "first, and none is lost. 0 means no limit."},
    {.path = "spec.maxTriggersPerPoll",
     .type = Integer,
     .min = 0,
     .max = many,
     .default_json = "0",
     .example = "100",
     .description =
         "How many resources one poll may create; the other blobs wait for the next. 0 means no limit."},

    {.path = "spec.deletionPolicy",
     .default_json = "\"Delete\"",
     .enumeration = {"Delete", "Orphan"},
     .example = "Orphan",
     .description = "Delete: created resources are owned by the watcher and go with it. Orphan: they stay."},
    {.path = "spec.successfulHistoryLimit",
     .type = Integer,
     .min = 0,
     .max = many,
     .example = "10",
     .description =
         "How many succeeded resources are kept, as for a CronJob. Unset keeps all: use the template's "
         "ttlSecondsAfterFinished."},
    {.path = "spec.failedHistoryLimit",
     .type = Integer,
     .min = 0,
     .max = many,
     .example = "10",
     .description = "How many failed resources are kept, as for a CronJob. Unset keeps all."},
    {.path = "spec.statusHistoryLimit",
     .type = Integer,
     .min = 0,
     .max = 100,
     .default_json = "20",
     .example = "5",
     .description = "Length of status.triggeredJobs."},
    {.path = "spec.serviceAccountName",
     .min = 1,
     .max = name_length,
     .pattern = object_name,
     .pattern_means = object_name_means,
     .example = "pipeline-runner",
     .description =
         "ServiceAccount of this namespace that the operator impersonates when it creates and deletes "
         "resources, so that a watcher can do no more than its owner may."},

    {.path = "spec.jobTemplate",
     .type = Object,
     .required = true,
     .description = "What to create for each blob."},
    {.path = "spec.jobTemplate.kind",
     .required = true,
     .min = 1,
     .max = 63,
     .example = "Job",
     .description =
         "The kind of the manifest in template: Job, Workflow, or any other namespaced kind that the "
         "operator allows (--allowed-kind)."},
    {.path = "spec.jobTemplate.template",
     .required = true,
     .min = 1,
     .max = 256 * 1024,
     .description =
         "One manifest as YAML text. Variables such as ${BLOB_NAME}, ${BLOB_URL} and ${BLOB_SAFE_NAME} are "
         "replaced inside its scalars, after parsing, so no blob name can change its structure."},

    {.path = "status", .type = Object, .description = "What the operator last saw and did."},
    {.path = "status.observedGeneration",
     .type = Integer,
     .min = 0,
     .max = exact,
     .description = "The metadata.generation this status speaks of."},
    {.path = "status.conditions",
     .type = List,
     .max = 8,
     .description = "Ready, Reconciling and Stalled, with the meaning kstatus gives them."},
    {.path = "status.conditions[].type",
     .required = true,
     .max = word_length,
     .description = "Ready, Reconciling or Stalled."},
    {.path = "status.conditions[].status",
     .required = true,
     .enumeration = {"True", "False", "Unknown"},
     .description = "True, False or Unknown."},
    {.path = "status.conditions[].observedGeneration",
     .type = Integer,
     .min = 0,
     .max = exact,
     .description = "The metadata.generation this condition speaks of."},
    {.path = "status.conditions[].lastTransitionTime",
     .type = Time,
     .description = "When the condition's status last changed."},
    {.path = "status.conditions[].reason",
     .max = word_length,
     .description = "One CamelCase word for programs, such as PollSucceeded or SecretNotFound."},
    {.path = "status.conditions[].message",
     .max = message_length,
     .description = "What is wrong and what to do, for people."},

    {.path = "status.lastPollTime", .type = Time, .description = "When the last poll began."},
    {.path = "status.nextPollTime", .type = Time, .description = "When the next poll is due."},
    {.path = "status.lastTriggerTime", .type = Time, .description = "When the last resource was created."},
    {.path = "status.lastPoll", .type = Object, .description = "What the last poll saw."},
    {.path = "status.lastPoll.listed",
     .type = Integer,
     .min = 0,
     .max = exact,
     .description = "Blobs that the service listed."},
    {.path = "status.lastPoll.matched",
     .type = Integer,
     .min = 0,
     .max = exact,
     .description = "Blobs among them that the filters passed."},
    {.path = "status.lastPoll.triggered",
     .type = Integer,
     .min = 0,
     .max = exact,
     .description = "Resources that the poll created."},
    {.path = "status.lastPoll.durationMilliseconds",
     .type = Integer,
     .min = 0,
     .max = exact,
     .description = "How long it took."},

    {.path = "status.active",
     .type = Integer,
     .min = 0,
     .max = exact,
     .description = "Created resources that are not finished."},
    {.path = "status.pending",
     .type = Integer,
     .min = 0,
     .max = exact,
     .description = "Blobs that wait to be triggered."},
    {.path = "status.triggered",
     .type = Integer,
     .min = 0,
     .max = exact,
     .description = "Resources created for this watcher since it exists."},
    {.path = "status.succeeded",
     .type = Integer,
     .min = 0,
     .max = exact,
     .description = "Resources that exist and finished well."},
    {.path = "status.failed",
     .type = Integer,
     .min = 0,
     .max = exact,
     .description = "Resources that exist and failed."},
    {.path = "status.setAside",
     .type = Integer,
     .min = 0,
     .max = exact,
     .description = "Blobs that can never be triggered."},

    {.path = "status.triggeredJobs",
     .type = List,
     .max = 100,
     .description = "The newest created resources, newest first; their number is spec.statusHistoryLimit."},
    {.path = "status.triggeredJobs[].apiVersion",
     .max = 2 * word_length,
     .description = "API version of the resource, such as batch/v1."},
    {.path = "status.triggeredJobs[].kind",
     .max = word_length,
     .description = "Kind of the resource, such as Job."},
    {.path = "status.triggeredJobs[].name", .max = word_length, .description = "Name of the resource."},
    {.path = "status.triggeredJobs[].blobName",
     .max = listed_name_length,
     .description = "Name of the blob that triggered it."},
    {.path = "status.triggeredJobs[].etag",
     .max = message_length,
     .description = "The blob's version, as Azure names it."},
    {.path = "status.triggeredJobs[].blobLastModified",
     .type = Time,
     .description = "When the blob was written, by Azure's clock."},
    {.path = "status.triggeredJobs[].triggeredAt",
     .type = Time,
     .description = "When the resource was created."},
    {.path = "status.triggeredJobs[].phase",
     .max = word_length,
     .description = "What became of it, such as Pending, Running, Succeeded or Failed."},
    {.path = "status.triggeredJobs[].finishedAt", .type = Time, .description = "When it finished."},
    {.path = "status.triggeredJobs[].message",
     .max = message_length,
     .description = "Why it failed, in its own words: a condition's, or those of the step that failed."},

    {.path = "status.setAsideBlobs",
     .type = List,
     .max = 20,
     .description = "The newest blobs that can never be triggered, at most 20."},
    {.path = "status.setAsideBlobs[].name", .max = listed_name_length, .description = "Name of the blob."},
    {.path = "status.setAsideBlobs[].etag",
     .max = message_length,
     .description = "The blob's version, as Azure names it."},
    {.path = "status.setAsideBlobs[].reason",
     .max = word_length,
     .description = "One CamelCase word, such as UnsafeName."},
    {.path = "status.setAsideBlobs[].message",
     .max = message_length,
     .description = "What is wrong with it, for people."},

    {.path = "status.checkpoint",
     .type = Opaque,
     .description =
         "How far the container has been worked off. Private to the operator: do not edit, do not rely "
         "on its form."},
};

constexpr PrinterColumn columns[] = {
    {"Container", "string", ".spec.containerName", "The watched container"},
    {"Prefix", "string", ".spec.blobPrefix", "Only blobs whose name begins with this"},
    {"Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status", "Whether polling works"},
    {"Active", "integer", ".status.active", "Created resources that are not finished"},
    {"Pending", "integer", ".status.pending", "Blobs that wait to be triggered"},
    {"Triggered", "integer", ".status.triggered", "Resources created so far"},
    {"Last Poll", "date", ".status.lastPollTime", "Time since the last poll began"},
    {"Age", "date", ".metadata.creationTimestamp", "Time since the watcher was created"},
    {"Pattern", "string", ".spec.blobPattern", "Only blobs whose name this finds", true},
    {"Interval", "integer", ".spec.pollingIntervalSeconds", "Seconds between polls", true},
    {"Reason", "string", ".status.conditions[?(@.type==\"Ready\")].reason", "Why it is ready or not", true},
};

}  // namespace

// CEL counts what a rule may cost at worst by the longest strings there may be, so what they compare has bounds above.
const SpecRule one_credential = {
    .field = "spec.identity",
    .text = "credentialsSecret and identity exclude each other: remove one of them",
    .cel = "!has(self.credentialsSecret) || !has(self.identity)"};
const SpecRule sizes_in_order = {
    .field = "spec.maxSizeBytes",
    .text = "must not be less than minSizeBytes",
    .cel = "!has(self.minSizeBytes) || !has(self.maxSizeBytes) || self.minSizeBytes <= self.maxSizeBytes"};
const SpecRule account_known = {
    .field = "spec.storageAccount",
    .text = "is required unless endpoint, or a connection string in the credentialsSecret, names it",
    .cel = "has(self.storageAccount) || has(self.endpoint) || has(self.credentialsSecret)"};
const SpecRule node_identity_is_the_nodes = {
    .field = "spec.identity.serviceAccountName",
    .text = "is for type WorkloadIdentity only: a managed identity belongs to the node",
    .cel =
        "!has(self.identity) || self.identity.type != 'ManagedIdentity' || "
        "!has(self.identity.serviceAccountName)"};
const SpecRule same_account = {
    .field = "spec.storageAccount",
    .text = "cannot be changed: what is done is remembered for one account; make another watcher",
    .cel =
        "!has(oldSelf.storageAccount) || "
        "(has(self.storageAccount) && self.storageAccount == oldSelf.storageAccount)"};
const SpecRule same_container = {
    .field = "spec.containerName",
    .text = "cannot be changed: what is done is remembered for one container; make another watcher",
    .cel = "self.containerName == oldSelf.containerName"};

std::span<const SpecRule* const> spec_rules() {
  static constexpr const SpecRule* all[] = {
      &account_known, &same_account, &same_container, &one_credential, &node_identity_is_the_nodes,
      &sizes_in_order};
  return all;
}

std::string_view Field::name() const {
  return path.substr(path.rfind('.') + 1);
}

std::string_view Field::parent() const {
  auto dot = path.rfind('.');
  return dot == path.npos ? std::string_view{} : path.substr(0, dot);
}

std::vector<std::string_view> Field::words() const {
  std::vector<std::string_view> used;
  std::ranges::copy_if(enumeration, std::back_inserter(used), [](auto word) { return !word.empty(); });
  return used;
}

std::span<const Field> fields() {
  return table;
}

const Field* find_field(std::string_view path) {
  const Field* found = std::ranges::find(table, path, &Field::path);
  return found == std::end(table) ? nullptr : found;
}

std::vector<const Field*> children(std::string_view parent) {
  std::vector<const Field*> found;
  for (const Field& field : table) {
    if (field.parent() == parent) found.push_back(&field);
  }
  return found;
}

std::span<const PrinterColumn> printer_columns() {
  return columns;
}

}  // namespace abo::api
