// Hostile blobs in honest templates. The first byte picks a template, the rest is fields with a NUL between them: the
// blob's name, content type, MD5, ETag, and two groups of the pattern. Whatever they hold, the rendered object has the
// shape that an ordinary blob's has, legal names and labels, nothing that another engine would evaluate, and the texts
// that a container gets to see are the values themselves.
#include <fmt/format.h>

#include <array>
#include <vector>

#include "listing/text_decode.h"
#include "render/render.h"
#include "tests/fuzz/fuzz.h"

namespace abo::fuzz {
namespace {

struct Case {
  const char* kind;
  const char* text;
  std::size_t name_limit;
  bool dots;              // in its name
  std::string_view mark;  // with which another engine's expressions begin
  bool keys_vary;
};

const std::array cases = {
    Case{"Job", R"yaml(
apiVersion: batch/v1
kind: Job
metadata:
  name: process-${BLOB_NAME}
  labels: {file: "${BLOB_NAME}", group: "G-${MATCH_1}", type: "${BLOB_CONTENT_TYPE}"}
  annotations: {note: "${BLOB_NAME}"}
spec:
  selector: {matchLabels: {file: "F-${BLOB_STEM}"}}
  template:
    metadata: {name: "p-${BLOB_BASENAME}", labels: {directory: "${BLOB_DIRECTORY}"}}
    spec:
      containers:
      - name: one
        image: busybox
        command: [run, "${BLOB_NAME}"]
        args: ["x ${BLOB_NAME} y", "${MATCH_1}${MATCH_day}(A)", "${BLOB_NAME}"]
        env: [{name: A, value: "${BLOB_NAME}(B)"}, {name: B, value: "${BLOB_SIZE}"}]
)yaml",
         63, true, "", false},
    Case{"Job", R"yaml(
apiVersion: batch/v1
kind: Job
metadata: {name: "i-${MATCH_day}-${BLOB_NAME}"}
spec: {completionMode: Indexed, completions: 100}
)yaml",
         60, false, "", false},
    Case{"ConfigMap", R"yaml(
apiVersion: v1
kind: ConfigMap
metadata: {generateName: "${BLOB_STEM}-"}
data: {"${BLOB_NAME}": one, "x.${MATCH_1}": "${BLOB_CONTENT_MD5}", fixed: "a ${BLOB_NAME} b", list: ["${BLOB_ETAG}", 7, null]}
)yaml",
         253, true, "", true},
    Case{"Service", R"yaml(
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: "s${BLOB_NAME}"}
spec: {template: {metadata: {labels: {a: "${MATCH_1}.${MATCH_day}"}}}}
)yaml",
         63, false, "", false},
    Case{"Workflow", R"yaml(
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: ml-pipeline-, labels: {file: "${BLOB_NAME}"}}
spec:
  podMetadata: {labels: {file: "${BLOB_NAME}"}}
  arguments:
    parameters:
    - {name: raw, value: "${BLOB_NAME}"}
    - {name: joined, value: "{${MATCH_1}${MATCH_day}"}
    - {name: inside, value: "{{=${MATCH_1}}} {{workflow.name}} ${BLOB_CONTENT_TYPE}"}
    - {"${BLOB_STEM}": key}
)yaml",
         63, true, "{{", true},
    Case{"CronWorkflow", R"yaml(
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: "c-${BLOB_NAME}-${BLOB_EXTENSION}"}
spec: {arguments: {parameters: [{name: url, value: "{{workflow.name}} ${BLOB_URL}"}, {name: e, value: "${BLOB_NAME_ENCODED}"},
  {name: s, value: "${BLOB_SAFE_NAME}"}]}}
)yaml",
         52, true, "{{", false},
    Case{"PipelineRun", R"yaml(
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: "t-${BLOB_NAME}"}
spec: {params: [{name: a, value: "$(context.pipelineRun.name) ${BLOB_NAME}"}, {name: b, value: "$(x.${MATCH_1}) ${MATCH_day}"}]}
)yaml",
         253, true, "$(", false},
};

const render::Source source{.watcher_name = "datasets",
                            .watcher_namespace = "ml",
                            .watcher_uid = "0b6f1f5e-0000-4000-8000-000000000001",
                            .storage_account = "acct",
                            .container_name = "data",
                            .container_url = "https://acct.blob.core.windows.net/data"};

render::Template parsed(const Case& one) {
  auto made = render::Template::parse(one.text, one.kind, source.watcher_namespace, {"", "day"});
  require(made.has_value(), made ? "" : made.error().message);
  return *made;
}

render::Blob blob_of(listing::BlobItem item, std::string first, std::string day) {
  render::Blob blob;
  blob.item = std::move(item);
  blob.item.last_modified = *parse_rfc3339("2026-11-22T05:30:00Z");
  blob.item.size = 42;
  blob.key = TriggerKey::of(source.watcher_uid, source.container_url, blob.item.name, blob.item.etag);
  blob.groups = {{"", std::move(first)}, {"day", std::move(day)}};
  return blob;
}

struct Prepared {
  render::Template made;
  json::object ordinary;  // what an ordinary blob gives
};

Prepared prepared(const Case& one) {
  render::Template made = parsed(one);
  auto rendered =
      made.render(source, blob_of({"raw/mydata.csv", "0x8D", {}, 0, "text/csv", "q/9="}, "one", "22"));
  require(rendered.has_value(), rendered ? "" : rendered.error().message);
  return {std::move(made), std::move(rendered->object)};
}

// --- names and labels, by the words of the Kubernetes documentation ---

bool alphanumeric(char c, bool upper) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (upper && c >= 'A' && c <= 'Z');
}

bool is_dns_label(std::string_view text) {
  auto legal = [](char c) { return alphanumeric(c, false) || c == '-'; };
  return !text.empty() && alphanumeric(text.front(), false) && alphanumeric(text.back(), false) &&
         std::ranges::all_of(text, legal);
}

bool is_dns_name(std::string_view text, bool dots, std::size_t limit) {
  if (text.size() > limit) return false;
  if (!dots) return is_dns_label(text);
  for (std::size_t dot = text.find('.'); dot != text.npos; dot = text.find('.')) {
    if (!is_dns_label(take(text, dot))) return false;
    text.remove_prefix(1);
  }
  return is_dns_label(text);
}

bool is_label_value(std::string_view text) {
  auto legal = [](char c) { return alphanumeric(c, true) || c == '-' || c == '_' || c == '.'; };
  return text.empty() || (text.size() <= 63 && alphanumeric(text.front(), true) &&
                          alphanumeric(text.back(), true) && std::ranges::all_of(text, legal));
}

void check_labels(const json::value& value) {
  if (const json::array* list = value.if_array()) {
    for (const json::value& item : *list) check_labels(item);
  }
  const json::object* object = value.if_object();
  if (!object) return;
  for (const auto& [key, child] : *object) {
    check_labels(child);
    const json::object* labels = key == "labels" || key == "matchLabels" ? child.if_object() : nullptr;
    if (!labels) continue;
    for (const auto& [name, label] : *labels) {
      require(label.is_string() && is_label_value(label.get_string()),
              "a legal label: " + json::serialize(label));
    }
  }
}

// --- the shape, and what other engines would evaluate ---

std::size_t count(std::string_view text, std::string_view mark) {
  std::size_t found = 0;
  for (std::size_t at = text.find(mark); at != text.npos; at = text.find(mark, at + 1)) ++found;
  return found;
}

void check_same_shape(const json::value& hostile, const json::value& ordinary, const Case& one);

void check_same_members(const json::object& hostile, const json::object& ordinary, const Case& one) {
  require(hostile.size() == ordinary.size(), "as many members");
  for (auto at = hostile.begin(), other = ordinary.begin(); at != hostile.end(); ++at, ++other) {
    require(one.keys_vary || at->key() == other->key(), "the same keys");
    if (!one.mark.empty())
      require(count(at->key(), one.mark) == count(other->key(), one.mark), "no expression in a key");
    // Ours name the blob as it is, for people and for the sweep; engines do not look there by themselves.
    if (at->key() != "annotations") check_same_shape(at->value(), other->value(), one);
  }
}

void check_same_shape(const json::value& hostile, const json::value& ordinary, const Case& one) {
  require(hostile.kind() == ordinary.kind(), "a value of the same type");
  if (const json::object* object = hostile.if_object())
    return check_same_members(*object, ordinary.get_object(), one);
  if (const json::array* list = hostile.if_array()) {
    require(list->size() == ordinary.get_array().size(), "as many items");
    for (std::size_t i = 0; i < list->size(); ++i)
      check_same_shape(list->at(i), ordinary.get_array().at(i), one);
    return;
  }
  const json::string* text = hostile.if_string();
  if (!text) require(hostile == ordinary, "the same number, boolean or null");
  if (text && !one.mark.empty()) {
    require(count(*text, one.mark) == count(ordinary.get_string(), one.mark),
            "no new expression in " + json::serialize(hostile));
  }
}

// --- what arrives ---

// As the kubelet reads command, args and env: with the variables of the container's env, and one of a Service.
std::string expanded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    char c = take(text, 1).front();
    if (c != '$' || text.empty()) {
      out += c;
    } else if (text.front() == '(' && text.contains(')')) {
      std::string_view name = take(text, text.find(')') + 1);
      bool defined = name == "(A)" || name == "(B)" || name == "(DB_SERVICE_HOST)";
      out += defined ? "(what a variable holds)" : fmt::format("${}", name);
    } else {
      if (text.front() != '$') out += c;
      out += take(text, 1).front();
    }
  }
  return out;
}

void arrives(const json::value& value, const std::string& wanted) {
  std::string got = expanded(value.as_string());
  require(got == wanted, fmt::format("the container gets \"{}\", not \"{}\"", got, wanted));
}

void check_job(const json::object& object, const render::Blob& blob) {
  const json::value whole(object);
  const json::value& container = whole.at_pointer("/spec/template/spec/containers/0");
  const std::string &name = blob.item.name, &first = blob.groups[0].value, &day = blob.groups[1].value;
  arrives(container.at_pointer("/command/1"), name);
  arrives(container.at_pointer("/args/0"), "x " + name + " y");
  arrives(container.at_pointer("/args/1"), first + day + "(A)");
  arrives(container.at_pointer("/args/2"), name);
  arrives(container.at_pointer("/env/0/value"), name + "(B)");
}

void check(const Case& one, const Prepared& prepared, const render::Blob& blob,
           const render::Rendered& rendered) {
  const json::object& object = rendered.object;
  std::string_view name = find_string(object, {"metadata", "name"});
  require(is_dns_name(name, one.dots, one.name_limit), fmt::format("\"{}\" is a legal name", name));
  require(is_dns_name(rendered.fallback_name, one.dots, one.name_limit) && rendered.fallback_name != name,
          fmt::format("\"{}\" is another legal name", rendered.fallback_name));
  check_labels(object);
  check_same_shape(object, prepared.ordinary, one);
  auto read = parse_json(json::serialize(object));
  require(read && *read == object, "it is JSON");
  require(find_string(object, {"metadata", "annotations", "mlops.example.com/blob-name"}) == blob.item.name,
          "the annotation names the blob");
  if (&one == &cases[0]) check_job(object, blob);
}

}  // namespace
}  // namespace abo::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace abo;
  using namespace abo::fuzz;
  std::string_view input = text_of(data, size), head = take(input, 1);
  if (head.empty()) return 0;
  const Case& one = cases[static_cast<unsigned char>(head.front()) % cases.size()];
  listing::BlobItem item;
  for (std::string* field : {&item.name, &item.content_type, &item.content_md5, &item.etag})
    *field = take_field(input);
  std::string first(take_field(input)), day(take_field(input));
  // The decoder of listings lets nothing else through, and RE2's groups are pieces of the name.
  if (item.name.empty() ||
      !listing::is_text(item.name + "\n" + item.content_type + "\n" + item.content_md5 + "\n" + item.etag) ||
      !listing::is_text(first) || !listing::is_text(day)) {
    return 0;
  }
  static const std::vector<Prepared> all = [] {
    std::vector<Prepared> made;
    for (const Case& each : cases) made.push_back(prepared(each));
    return made;
  }();
  const Prepared& chosen = all[static_cast<std::size_t>(&one - cases.data())];
  render::Blob blob = blob_of(std::move(item), std::move(first), std::move(day));
  auto rendered = chosen.made.render(source, blob);
  if (rendered) {
    check(one, chosen, blob, *rendered);
    return 0;
  }
  Reason reason = rendered.error().reason;
  require((reason == Reason::UnsafeName && !one.mark.empty()) ||
              (reason == Reason::TemplateError && one.keys_vary),
          "only what may be refused is refused: " + rendered.error().message);
  require(one.kind != std::string_view("CronWorkflow"), "encoded forms are always taken");
  return 0;
}
