#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/time.h"
#include "render/names.h"
#include "render/object_names.h"
#include "render/render.h"
#include "tests/golden/golden.h"

namespace abo::render {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::vector<std::string> groups = {"day"};

Source a_source() {
  return {.watcher_name = "datasets",
          .watcher_namespace = "ml",
          .watcher_uid = "0b6f1f5e-0000-4000-8000-000000000001",
          .storage_account = "acct",
          .container_name = "data",
          .container_url = "https://acct.blob.core.windows.net/data"};
}

Blob blob_named(std::string name) {
  Blob blob;
  blob.item.name = std::move(name);
  blob.item.etag = "0x8DC0FFEE";
  blob.item.size = 42;
  blob.item.last_modified = *parse_rfc3339("2026-11-22T05:30:00Z");
  blob.key = TriggerKey::of(a_source().watcher_uid, a_source().container_url, blob.item.name, blob.item.etag);
  blob.groups = {{"day", "22"}};
  return blob;
}

Template parsed(std::string_view text, std::string_view kind = "Job") {
  auto result = Template::parse(text, kind, "ml", groups);
  EXPECT_TRUE(result) << result.error().message;
  return std::move(*result);
}

Error refused(std::string_view text, std::string_view kind = "Job") {
  auto result = Template::parse(text, kind, "ml", groups);
  EXPECT_FALSE(result) << text;
  if (result) return {};
  EXPECT_EQ(result.error().kind, ErrorKind::Invalid);
  return result.error();
}

Rendered rendered(const Template& made, std::string name = "raw/mydata.csv") {
  auto result = made.render(a_source(), blob_named(std::move(name)));
  EXPECT_TRUE(result) << result.error().message;
  return result ? std::move(*result) : Rendered{};
}

Error not_rendered(const Template& made, std::string name) {
  auto result = made.render(a_source(), blob_named(std::move(name)));
  EXPECT_FALSE(result);
  return result ? Error{} : result.error();
}

std::string name_of(const Rendered& one) {
  return std::string(find_string(one.object, {"metadata", "name"}));
}

// A ConfigMap-like object around one line of `data`.
std::string with_data(std::string_view line, std::string_view head = "apiVersion: v1\nkind: ConfigMap\n") {
  return fmt::format("{}metadata:\n  name: x-${{BLOB_HASH}}\ndata:\n  {}\n", head, line);
}
const std::string argo_head = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n";
const std::string tekton_head = "apiVersion: tekton.dev/v1\nkind: PipelineRun\n";

std::string job_named(std::string_view name) {
  return fmt::format("apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {}\n", name);
}

// Indented, so that a golden file can be read.
void pretty(std::string& out, const json::value& value, const std::string& indent) {
  const auto* object = value.if_object();
  const auto* array = value.if_array();
  if ((!object || object->empty()) && (!array || array->empty())) {
    out += json::serialize(value);
    return;
  }
  const std::string inner = indent + "  ";
  std::string separator = "\n";
  out += object ? "{" : "[";
  auto next = [&] { out += std::exchange(separator, ",\n") + inner; };
  if (object) {
    for (const auto& [key, member] : *object) {
      next();
      out += json::serialize(key) + ": ";
      pretty(out, member, inner);
    }
  } else {
    for (const json::value& item : *array) {
      next();
      pretty(out, item, inner);
    }
  }
  out += "\n" + indent + (object ? "}" : "]");
}

std::string pretty(const json::object& object) {
  std::string out;
  pretty(out, object, "");
  return out + "\n";
}

TEST(Template, of_the_plainest_watcher_gives_its_golden_job) {
  std::string object = pretty(rendered(parsed(testing::golden("job.yaml"))).object);
  EXPECT_EQ(object, testing::golden_for("job.json", object));
}

TEST(Template, of_a_pipeline_gives_its_golden_workflow) {
  std::string object = pretty(rendered(parsed(testing::golden("workflow.yaml"), "Workflow")).object);
  EXPECT_EQ(object, testing::golden_for("workflow.json", object));
}

TEST(Template, makes_the_documented_names) {
  EXPECT_EQ(name_of(rendered(parsed(job_named("process-${BLOB_NAME}")))), "process-raw-mydata.csv");
  EXPECT_EQ(name_of(rendered(parsed(job_named("ml-pipeline-${BLOB_NAME}")))), "ml-pipeline-raw-mydata.csv");
  EXPECT_EQ(name_of(rendered(parsed(job_named("x-${BLOB_NAME}")), "raw/My Data!.csv")), "x-raw-my-data.csv");
  std::string hash = blob_named("!!!").key.short_hex();
  EXPECT_EQ(name_of(rendered(parsed(job_named("x-${BLOB_NAME}")), "!!!")), "x-" + hash);
}

TEST(Template, cuts_a_long_name_and_ends_it_in_the_hash) {
  std::string blob = std::string(100, 'a') + ".csv";
  Rendered one = rendered(parsed(job_named("process-${BLOB_NAME}")), blob);
  EXPECT_THAT(name_of(one), SizeIs(63));
  EXPECT_TRUE(name_of(one).ends_with("aaa-" + blob_named(blob).key.short_hex()));
  EXPECT_NE(one.fallback_name, name_of(one));
  EXPECT_LE(one.fallback_name.size(), 63u);
}

TEST(Template, cuts_a_long_name_that_holds_no_variable) {
  Rendered one = rendered(parsed(job_named(std::string(100, 'a'))));
  EXPECT_EQ(name_of(one), std::string(54, 'a') + "-" + blob_named("raw/mydata.csv").key.short_hex());
  EXPECT_NE(one.fallback_name, name_of(one));
  EXPECT_LE(one.fallback_name.size(), 63u);
}

TEST(Template, without_a_variable_in_its_name_falls_back_to_the_hash) {
  Rendered one = rendered(parsed(job_named("fixed")));
  EXPECT_EQ(name_of(one), "fixed");
  EXPECT_EQ(one.fallback_name, "fixed-" + blob_named("raw/mydata.csv").key.short_hex());
}

TEST(Template, turns_generate_name_into_a_name_that_never_changes) {
  Template made = parsed("apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: process-\n");
  Rendered one = rendered(made);
  EXPECT_EQ(name_of(one), "process-" + blob_named("raw/mydata.csv").key.short_hex());
  EXPECT_EQ(find(one.object, {"metadata", "generateName"}), nullptr);
  EXPECT_EQ(one.object, rendered(made).object);
}

TEST(Template, keeps_texts_texts_whatever_the_value) {
  Rendered one = rendered(
      parsed(with_data("a: ${BLOB_SIZE}\n  b: ${BLOB_NAME}\n  c: 7\n  d: yes"), "ConfigMap"), "true");
  EXPECT_EQ(*find(one.object, {"data"}), json::parse(R"({"a":"42","b":"true","c":7,"d":true})"));
}

TEST(Template, reads_a_name_that_looks_like_yaml_as_text) {
  Rendered one = rendered(parsed(with_data("a: \"${BLOB_NAME}\""), "ConfigMap"), "a\": {x: y}\n- z");
  EXPECT_EQ(*find(one.object, {"data"}), (json::value{{"a", "a\": {x: y}\n- z"}}));
}

TEST(Template, fills_keys_too_and_complains_when_two_become_one) {
  Template made = parsed(with_data("${BLOB_STEM}: 1\n  fixed: 2"), "ConfigMap");
  EXPECT_EQ(*find(rendered(made).object, {"data"}), json::parse(R"({"mydata":1,"fixed":2})"));
  Error error = not_rendered(made, "fixed.csv");
  EXPECT_EQ(error.reason, Reason::TemplateError);
  EXPECT_THAT(error.message, HasSubstr("data.fixed"));
}

TEST(Template, makes_label_values_legal_wherever_labels_stand) {
  Template made = parsed(R"(
apiVersion: apps/v1
kind: Deployment
metadata:
  name: x
  labels: {file: "${BLOB_NAME}"}
  annotations: {file: "${BLOB_NAME}"}
spec:
  selector: {matchLabels: {file: "F-${BLOB_NAME}"}}
  template: {metadata: {name: "p-${BLOB_NAME}", labels: {file: "F-${BLOB_NAME}"}}}
)",
                         "Deployment");
  Rendered one = rendered(made, "raw/My Data!.csv");
  EXPECT_EQ(find_string(one.object, {"metadata", "labels", "file"}), "raw-my-data.csv");
  EXPECT_EQ(find_string(one.object, {"metadata", "annotations", "file"}), "raw/My Data!.csv");
  EXPECT_EQ(find_string(one.object, {"spec", "selector", "matchLabels", "file"}), "F-raw-my-data.csv");
  EXPECT_EQ(find_string(one.object, {"spec", "template", "metadata", "labels", "file"}), "F-raw-my-data.csv");
  EXPECT_EQ(find_string(one.object, {"spec", "template", "metadata", "name"}), "p-raw-my-data.csv");
  std::string longest(
      find_string(rendered(made, std::string(300, 'b')).object, {"metadata", "labels", "file"}));
  EXPECT_THAT(longest, SizeIs(63));
}

TEST(Template, writes_our_labels_annotations_finalizer_and_owner) {
  Source source = a_source();
  Blob blob = blob_named("raw/my data.csv");
  auto one = parsed(job_named("x")).render(source, blob);
  ASSERT_TRUE(one);
  const json::object& metadata = *find_object(one->object, {"metadata"});
  EXPECT_EQ(metadata.at("namespace"), "ml");
  EXPECT_EQ(metadata.at("labels"), json::parse(R"({"app.kubernetes.io/managed-by":"azure-blob-operator",
                                                   "mlops.example.com/watcher":"datasets"})"));
  EXPECT_EQ(metadata.at("finalizers"), json::parse(R"(["mlops.example.com/recording"])"));
  EXPECT_EQ(metadata.at("annotations"),
            (json::value{
                {"mlops.example.com/blob-name", "raw/my data.csv"},
                {"mlops.example.com/blob-url", "https://acct.blob.core.windows.net/data/raw/my%20data.csv"},
                {"mlops.example.com/blob-etag", "0x8DC0FFEE"},
                {"mlops.example.com/blob-last-modified", "2026-11-22T05:30:00Z"},
                {"mlops.example.com/trigger-key", blob.key.hex()},
                {"mlops.example.com/watcher-uid", source.watcher_uid}}));
  EXPECT_EQ(metadata.at("ownerReferences"), (json::value{{{"apiVersion", "mlops.example.com/v1alpha1"},
                                                          {"kind", "AzureBlobWatcher"},
                                                          {"name", "datasets"},
                                                          {"uid", source.watcher_uid},
                                                          {"controller", true},
                                                          {"blockOwnerDeletion", false}}}));
  source.owned = false;
  EXPECT_FALSE(parsed(job_named("x"))
                   .render(source, blob)
                   ->object.at("metadata")
                   .get_object()
                   .contains("ownerReferences"));
}

TEST(Template, never_lets_a_blob_take_one_of_our_keys) {
  Template made = parsed(
      "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  annotations:\n    "
      "mlops.example.com/${BLOB_NAME}: a\n",
      "ConfigMap");
  EXPECT_EQ(not_rendered(made, "trigger-key").reason, Reason::TemplateError);
  EXPECT_EQ(name_of(rendered(made, "other")), "x");
}

TEST(Template, refuses_what_is_not_one_manifest) {
  EXPECT_THAT(refused("a: [").message, HasSubstr("jobTemplate.template, line"));
  EXPECT_THAT(refused("").message, HasSubstr("empty"));
  EXPECT_THAT(refused("just text").message, HasSubstr("one manifest is expected"));
  EXPECT_THAT(refused("- a\n").message, HasSubstr("one manifest is expected"));
  EXPECT_THAT(refused(job_named("x") + "---\n" + job_named("y")).message, HasSubstr("2 YAML documents"));
  EXPECT_THAT(refused("kind: Job\nmetadata: {name: x}\n").message, HasSubstr("no apiVersion"));
  EXPECT_THAT(refused("apiVersion: batch/v1\nmetadata: {name: x}\n").message, HasSubstr("no kind"));
  EXPECT_THAT(refused("apiVersion: batch/v1\nkind: Job\n").message, HasSubstr("no metadata.name"));
  EXPECT_THAT(refused("apiVersion: batch/v1\nkind: Job\nmetadata:\n").message, HasSubstr("no metadata.name"));
  EXPECT_THAT(refused("apiVersion: batch/v1\nkind: Job\nmetadata: {labels: {}}\n").message,
              HasSubstr("no metadata.name"));
  EXPECT_THAT(refused("apiVersion: v1\nkind: List\nitems: []\n", "List").message,
              HasSubstr("several resources"));
  for (const char* text : {"a: [", "", "x", "kind: Job\n"})
    EXPECT_EQ(refused(text).reason, Reason::InvalidTemplate);
}

TEST(Template, refuses_another_kind_than_the_spec_names) {
  EXPECT_THAT(refused(job_named("x"), "Workflow").message,
              AllOf(HasSubstr("line 2"), HasSubstr("\"Job\""), HasSubstr("\"Workflow\"")));
  EXPECT_THAT(refused("apiVersion: batch/v1\nkind: ${BLOB_NAME}\nmetadata: {name: x}\n").message,
              HasSubstr("cannot hold variables"));
}

TEST(Template, refuses_kinds_that_are_never_created) {
  EXPECT_EQ(
      refused("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: x}\n", "Role").reason,
      Reason::KindNotAllowed);
  EXPECT_EQ(refused("apiVersion: mlops.example.com/v1alpha1\nkind: AzureBlobWatcher\nmetadata: {name: x}\n",
                    "AzureBlobWatcher")
                .reason,
            Reason::KindNotAllowed);
}

TEST(Template, refuses_another_namespace_and_accepts_its_own) {
  EXPECT_THAT(refused(job_named("x\n  namespace: kube-system")).message,
              AllOf(HasSubstr("line 5"), HasSubstr("metadata.namespace"), HasSubstr("\"ml\"")));
  refused(job_named("x\n  namespace: x-${WATCHER_NAMESPACE}"));
  refused(job_named("x\n  namespace: 7"));
  for (const char* own : {"ml", "${WATCHER_NAMESPACE}", "''", "null", ""}) {
    Rendered one = rendered(parsed(job_named(fmt::format("x\n  namespace: {}", own))));
    EXPECT_EQ(find_string(one.object, {"metadata", "namespace"}), "ml") << own;
    EXPECT_TRUE(Template::parse(job_named(fmt::format("x\n  namespace: {}", own)), "Job", "", {})) << own;
  }
  EXPECT_FALSE(Template::parse(job_named("x\n  namespace: ${BLOB_NAME}"), "Job", "", {}));
  EXPECT_TRUE(Template::parse(job_named("x\n  namespace: any"), "Job", "", {}));
}

TEST(Template, refuses_fields_that_are_not_the_users_to_set) {
  for (const char* field :
       {"ownerReferences: []", "finalizers: []", "uid: x", "resourceVersion: '1'", "managedFields: []",
        "creationTimestamp: 2026-11-22T05:30:00Z", "generation: 1"}) {
    EXPECT_THAT(refused(job_named(fmt::format("x\n  {}", field))).message,
                HasSubstr("not allowed in a template"))
        << field;
  }
  EXPECT_THAT(refused(job_named("x") + "status: {}\n").message, HasSubstr("status"));
  EXPECT_EQ(name_of(rendered(parsed(job_named("x\n  creationTimestamp: null")))), "x");
}

TEST(Template, refuses_labels_and_annotations_of_ours_and_those_that_are_no_texts) {
  EXPECT_THAT(refused(job_named("x\n  labels: {mlops.example.com/watcher: me}")).message,
              HasSubstr("remove it"));
  EXPECT_THAT(refused(job_named("x\n  annotations: {mlops.example.com/trigger-key: me}")).message,
              HasSubstr("remove it"));
  EXPECT_THAT(refused(job_named("x\n  labels: {a: yes}")).message, HasSubstr("quotes"));
  EXPECT_THAT(refused(job_named("x\n  labels: [a]")).message, HasSubstr("mapping"));
  EXPECT_EQ(name_of(rendered(parsed(job_named("x\n  labels:\n  annotations:")))), "x");
}

TEST(Template, overwrites_who_manages_the_object) {
  Rendered one = rendered(parsed(job_named("x\n  labels: {app.kubernetes.io/managed-by: Helm, a: b}")));
  const json::object& labels = *find_object(one.object, {"metadata", "labels"});
  EXPECT_EQ(labels.at("app.kubernetes.io/managed-by"), "azure-blob-operator");
  EXPECT_EQ(labels.at("a"), "b");
}

TEST(Template, refuses_keys_with_variables_where_a_name_could_become_a_field) {
  EXPECT_THAT(refused(job_named("x\n  ${BLOB_NAME}: []")).message, HasSubstr("cannot hold variables"));
  EXPECT_THAT(refused(job_named("x") + "${BLOB_NAME}: {}\n").message, HasSubstr("cannot hold variables"));
}

TEST(Template, refuses_names_that_are_no_names) {
  EXPECT_THAT(refused(job_named("Process-${BLOB_NAME}")).message,
              AllOf(HasSubstr("line 4"), HasSubstr("Process-${BLOB_NAME}"), HasSubstr("lower-case")));
  for (const char* name :
       {"a_${BLOB_NAME}", "-${BLOB_NAME}", "${BLOB_NAME}-", "a.-${BLOB_NAME}", "${HOME}"}) {
    EXPECT_EQ(refused(job_named(name)).reason, Reason::InvalidTemplate) << name;
  }
  EXPECT_THAT(refused(job_named("12")).message, HasSubstr("quote"));
  EXPECT_THAT(refused(job_named("''")).message, HasSubstr("not empty"));
  EXPECT_THAT(refused(job_named("x\n  generateName: y-")).message, HasSubstr("not both"));
  EXPECT_THAT(
      refused("apiVersion: v1\nkind: Service\nmetadata: {name: \"${BLOB_STEM}\"}\n", "Service").message,
      HasSubstr("begin with a letter"));
}

TEST(Template, refuses_unknown_variables_with_line_and_path) {
  EXPECT_THAT(refused(with_data("a: x\n  b: ${BLOB_NAM}"), "ConfigMap").message,
              AllOf(HasSubstr("line 7"), HasSubstr("data.b"), HasSubstr("did you mean ${BLOB_NAME}?")));
  EXPECT_THAT(refused(with_data("${BLOB_NAM}: x"), "ConfigMap").message, HasSubstr("${BLOB_NAME}"));
  EXPECT_THAT(refused(job_named("x-${BLOB_NAM}")).message, HasSubstr("line 4"));
  EXPECT_THAT(refused(with_data("a: ${MATCH_2}"), "ConfigMap").message, HasSubstr("blobPattern has 1 group"));
}

TEST(Template, tells_everything_that_is_wrong_at_once_when_asked) {
  auto errors = Template::parse_with_all_errors(
                    "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: X-${BLOB_NAME}\nspec:\n"
                    "  a: ${BLOB_NAM}\n  ${STORAGE_KEY}: [x, '${MATCH_9} ${BLOB_NAM}']\n",
                    "Job", "ml", groups)
                    .error();
  std::vector<std::string> told;
  for (const Error& error : errors) told.push_back(error.message);
  EXPECT_THAT(told, ElementsAre(AllOf(HasSubstr("line 4"), HasSubstr("cannot be a name")),
                                AllOf(HasSubstr("line 6: spec.a"), HasSubstr("${BLOB_NAM};")),
                                AllOf(HasSubstr("line 7: spec"), HasSubstr("${STORAGE_KEY};")),
                                AllOf(HasSubstr("line 7: spec"), HasSubstr("${MATCH_9};")),
                                AllOf(HasSubstr("line 7: spec"), HasSubstr("${BLOB_NAM};"))));
}

TEST(Template, complains_of_a_generated_name_where_it_stands) {
  EXPECT_THAT(
      refused("apiVersion: batch/v1\nkind: Job\nmetadata:\n  labels: {}\n  generateName: ${BLOB_NAM}-\n")
          .message,
      AllOf(HasSubstr("line 5: metadata.generateName"), HasSubstr("did you mean ${BLOB_NAME}?")));
}

TEST(Template, never_hands_argo_an_expression_that_a_name_made) {
  Template made = parsed(with_data("a: \"${BLOB_NAME}\"", argo_head), "Workflow");
  Error error = not_rendered(made, "{{=1+1}}");
  EXPECT_EQ(error.kind, ErrorKind::Invalid);
  EXPECT_EQ(error.reason, Reason::UnsafeName);
  EXPECT_THAT(error.message, AllOf(HasSubstr("data.a"), HasSubstr("BLOB_URL")));
  EXPECT_EQ(name_of(rendered(made, "{single}")).substr(0, 2), "x-");
}

TEST(Template, sees_expressions_that_texts_and_values_make_together) {
  EXPECT_EQ(not_rendered(parsed(with_data("a: \"{${BLOB_NAME}\"", argo_head), "Workflow"), "{x}}").reason,
            Reason::UnsafeName);
  EXPECT_EQ(
      not_rendered(parsed(with_data("a: \"${BLOB_STEM}${BLOB_EXTENSION}\"", argo_head), "Workflow"), "a{.{b")
          .reason,
      Reason::UnsafeName);
  EXPECT_EQ(not_rendered(parsed(with_data("a: \"{{inputs.x}}${BLOB_NAME}\"", argo_head), "Workflow"), "{{y}}")
                .reason,
            Reason::UnsafeName);
  EXPECT_EQ(not_rendered(parsed(with_data("\"${BLOB_NAME}\": a", argo_head), "Workflow"), "{{y}}").reason,
            Reason::UnsafeName);
}

TEST(Template, lets_nothing_but_harmless_names_into_an_expression) {
  Template made = parsed(with_data("a: \"{{=f('${BLOB_NAME}')}} ${BLOB_NAME}\"", argo_head), "Workflow");
  EXPECT_EQ(find_string(rendered(made).object, {"data", "a"}), "{{=f('raw/mydata.csv')}} raw/mydata.csv");
  EXPECT_EQ(not_rendered(made, "') + env('X").reason, Reason::UnsafeName);
}

TEST(Template, lets_encoded_forms_into_an_expression_whatever_the_name) {
  Template made = parsed(with_data("a: \"{{=f('${BLOB_URL}', '${BLOB_NAME_ENCODED}', '${BLOB_SAFE_NAME}', "
                                   "'${BLOB_LAST_MODIFIED}')}}\"",
                                   argo_head),
                         "Workflow");
  const std::string name = "a~b/') + env('X:{{%\"\\`\n";
  std::string filled(find_string(rendered(made, name).object, {"data", "a"}));
  EXPECT_EQ(filled.find_first_of("\"\\`\n"), filled.npos);
  EXPECT_EQ(std::ranges::count(filled, '\''), 8);
  EXPECT_THAT(filled, ::testing::StartsWith("{{=f('https://acct.blob.core.windows.net/data/a~b/%27%29%20"));
  EXPECT_THAT(filled, ::testing::EndsWith(", '2026-11-22T05:30:00Z')}}"));
}

TEST(Template, takes_any_name_into_argo_in_encoded_forms) {
  Template made = parsed(
      with_data("a: \"${BLOB_URL} ${BLOB_NAME_ENCODED} ${BLOB_SAFE_NAME} {{workflow.name}}\"", argo_head),
      "Workflow");
  EXPECT_THAT(std::string(find_string(rendered(made, "{{=1+1}}").object, {"data", "a"})),
              HasSubstr("%7B%7B%3D1%2B1%7D%7D 1-1 {{workflow.name}}"));
}

TEST(Template, guards_tekton_as_it_guards_argo_and_no_other_kind) {
  Template tekton = parsed(with_data("a: \"${BLOB_NAME}\"", tekton_head), "PipelineRun");
  EXPECT_EQ(not_rendered(tekton, "$(params.x)").reason, Reason::UnsafeName);
  EXPECT_EQ(find_string(rendered(tekton, "{{x}}").object, {"data", "a"}), "{{x}}");
  Template plain = parsed(with_data("a: \"${BLOB_NAME}\""), "ConfigMap");
  EXPECT_EQ(find_string(rendered(plain, "{{x}}$(y)").object, {"data", "a"}), "{{x}}$(y)");
}

std::string pod_with(std::string_view container) {
  return fmt::format(
      "apiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\nspec:\n  containers:\n  - name: c\n    {}\n",
      container);
}
const json::value& container_of(const Rendered& one) {
  return find_array(one.object, {"spec", "containers"})->at(0);
}

// What the kubelet makes of a text when the one variable "a" is defined: $(a) goes, any other $(X) stays, $$ becomes $.
std::string as_kubelet_reads(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t close = text.find(')'), taken = 1;
    if (text.starts_with("$(a)")) {
      out += "<expanded>";
      taken = 4;
    } else if (text.starts_with("$(") && close != text.npos) {
      taken = close + 1;
      out += text.substr(0, taken);
    } else {
      out += text.front();
      if (text.starts_with("$$")) taken = 2;
    }
    text.remove_prefix(taken);
  }
  return out;
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// A tenant writes the template and names the blobs: neither may take the memory of all, nor the one thread's time.
TEST(Template, makes_nothing_that_no_cluster_would_store) {
  Template made = parsed(with_data("a: \"" + repeated("${BLOB_NAME}", 2'000) + "\""), "ConfigMap");
  EXPECT_THAT(find_string(rendered(made, std::string(500, 'x')).object, {"data", "a"}), SizeIs(1'000'000));
  Error error = not_rendered(made, std::string(1'000, 'x'));
  EXPECT_EQ(error.reason, Reason::TemplateError);
  EXPECT_THAT(error.message, AllOf(HasSubstr("data.a"), HasSubstr("larger"), HasSubstr("1572864 bytes")));
}

TEST(Template, counts_all_texts_of_an_object_together) {
  std::string half = repeated("${BLOB_NAME}", 1'000);
  Template made = parsed(with_data("a: \"" + half + "\"\n  b: \"" + half + "\""), "ConfigMap");
  EXPECT_THAT(not_rendered(made, std::string(1'000, 'x')).message, HasSubstr("data.b"));
  made = parsed(job_named(repeated("${BLOB_NAME}", 2'000)));  // before it is cut
  EXPECT_THAT(not_rendered(made, std::string(1'000, 'x')).message, HasSubstr("metadata.name"));
}

// Half a million "$(" without any ')'. It has no clock: that the time stays in proportion is for the reader of escaped().
TEST(Template, leaves_a_megabyte_of_marks_that_nothing_closes_as_it_is) {
  Template pod = parsed(pod_with("args: ['" + repeated("${BLOB_NAME}", 1'000) + "']"), "Pod");
  std::string blob = repeated("$(", 500);
  EXPECT_EQ(container_of(rendered(pod, blob)).at("args").at(0).as_string(), repeated(blob, 1'000));
}

// The mark begins in one piece of the template, and ends or is closed in a later one.
TEST(Template, knows_an_expression_across_many_pieces) {
  std::string pieces = repeated("${BLOB_NAME}", 100);
  Template closed = parsed(with_data("a: '{{x}} " + pieces + "'", argo_head), "Workflow");
  EXPECT_THAT(find_string(rendered(closed, "~").object, {"data", "a"}), SizeIs(106));
  Template open = parsed(with_data("a: '" + pieces + " {{" + pieces + "}}'", argo_head), "Workflow");
  EXPECT_EQ(not_rendered(open, "~").reason, Reason::UnsafeName);
  rendered(open, "harmless.csv");
}

TEST(Template, escapes_names_where_the_kubelet_would_expand_them) {
  Template made =
      parsed(pod_with("args: ['${BLOB_NAME}']\n    env: [{name: own, value: '${BLOB_NAME}'}]"), "Pod");
  Rendered one = rendered(made, "$(own)$$x");
  EXPECT_EQ(container_of(one).at("args").at(0), "$$(own)$$$x");
  EXPECT_EQ(container_of(one).at("env").at(0).at("value"), "$$(own)$$$x");
  EXPECT_EQ(container_of(rendered(made, "${BLOB_ETAG}")).at("args").at(0), "${BLOB_ETAG}");
}

TEST(Template, leaves_names_raw_that_are_no_variable_of_the_container) {
  Template made = parsed(pod_with("args: ['${BLOB_NAME}']\n    env: [{name: OWN, value: x}]"), "Pod");
  for (const char* name :
       {"$(HOME)", "$(reboot)", "$(rm -rf /)", "$(own)", "$()", "$(OWN", "$OWN", "a$", "$(x$(OWN)"}) {
    EXPECT_EQ(container_of(rendered(made, name)).at("args").at(0), name);
  }
  for (const char* name : {"$(OWN)", "$(KUBERNETES_PORT)", "$(DB_SERVICE_HOST)", "$(ARGO_TEMPLATE)"}) {
    EXPECT_EQ(container_of(rendered(made, name)).at("args").at(0), json::string("$" + std::string(name)));
  }
}

TEST(Template, takes_any_name_for_a_variable_where_the_manifest_does_not_tell_them_all) {
  for (const char* env : {"envFrom: [{secretRef: {name: s}}]", "env: [{name: 'A${BLOB_STEM}', value: x}]"}) {
    Template made = parsed(pod_with(fmt::format("args: ['${{BLOB_NAME}}']\n    {}", env)), "Pod");
    EXPECT_EQ(container_of(rendered(made, "$(password)")).at("args").at(0), "$$(password)") << env;
    EXPECT_EQ(container_of(rendered(made, "$(rm -rf /)")).at("args").at(0), "$(rm -rf /)") << env;
  }
}

RC_GTEST_PROP(Template, hands_containers_every_name_as_it_is, ()) {
  auto name = *rc::gen::container<std::string>(rc::gen::element('$', '(', ')', '{', '}', 'a', '.', '/'));
  Template made =
      parsed(pod_with("args: ['${BLOB_NAME}${BLOB_STEM}(a)']\n    env: [{name: a, value: b}]"), "Pod");
  Rendered one = rendered(made, "x/" + name);
  std::string seen = as_kubelet_reads(container_of(one).at("args").at(0).as_string());
  Template raw = parsed(with_data("a: '${BLOB_NAME}${BLOB_STEM}(a)'"), "ConfigMap");
  RC_ASSERT(seen == std::string(find_string(rendered(raw, "x/" + name).object, {"data", "a"})));
}

TEST(Warnings, name_each_place_where_a_shell_evaluates_a_free_text) {
  for (const char* container :
       {"command: [sh, -c, 'cat ${BLOB_NAME}']",
        "command: [/bin/bash, -euo, pipefail, -c]\n    args: ['x ${BLOB_STEM}']",
        "command: [bash]\n    args: [-ec, '${MATCH_1}']", "args: [sh, -c, '${BLOB_DIRECTORY}']",
        "command: [/usr/bin/env, bash, -c, '${BLOB_CONTENT_TYPE}']",
        "command: [/sbin/tini, --, sh, -c, 'cat ${BLOB_NAME}']",
        "command: [timeout, '60', bash, -c, '${BLOB_NAME}']", "command: [env, A=b, sh, -c, '${BLOB_NAME}']",
        "command: [sh, -c, --, 'cat ${BLOB_NAME}']", "command: [bash, -c, -eo, pipefail, '${BLOB_NAME}']",
        "command: [sh, -c, 'exec \"$@\"', --, bash, -c, '${BLOB_NAME}']",
        "command: [busybox, sh, -c, '${BLOB_NAME}']", "command: [fish, -c, '${BLOB_NAME}']",
        "command: [fish, '--command=cat ${BLOB_NAME}']", "command: [/bin/csh, -c, '${BLOB_NAME}']",
        "command: [tcsh, -c, '${BLOB_NAME}']",
        "command: [pwsh, -NoProfile, -Command, Get-Item, '${BLOB_NAME}']"}) {
    Template made = parsed(pod_with(container), "Pod");
    ASSERT_THAT(made.warnings(), SizeIs(1)) << container;
    EXPECT_THAT(made.warnings()[0], AllOf(HasSubstr("spec.containers[0]."), HasSubstr("shell"))) << container;
  }
}

TEST(Warnings, are_silent_where_nothing_evaluates_the_value) {
  for (const char* container :
       {"command: [sh, -c, 'cat \"$1\"', --, '${BLOB_NAME}']", "command: [python, train.py, '${BLOB_NAME}']",
        "command: [sh, -c, 'curl ${BLOB_URL} ${BLOB_SIZE} ${BLOB_HASH} $${BLOB_NAME}']",
        "args: ['${BLOB_NAME}']", "command: [bash, run.sh, '${BLOB_NAME}']",
        "command: [tini, --, sh, -c, -o, pipefail, 'cat \"$1\"', --, '${BLOB_NAME}']",
        "command: [sh, -c, 'echo \"$BLOB_NAME\"']\n    env: [{name: BLOB_NAME, value: '${BLOB_NAME}'}]"}) {
    EXPECT_THAT(parsed(pod_with(container), "Pod").warnings(), IsEmpty()) << container;
  }
}

TEST(Warnings, know_the_scripts_of_argo) {
  Template made = parsed(argo_head +
                             "metadata: {name: x}\nspec:\n  templates:\n  - script:\n      image: python\n"
                             "      command: [python]\n      source: |\n        print('${BLOB_NAME}')\n",
                         "Workflow");
  ASSERT_THAT(made.warnings(), SizeIs(1));
  EXPECT_THAT(made.warnings()[0], HasSubstr("spec.templates[0].script.source: ${BLOB_NAME}"));
}

// The same keys in the same places, and of the same types.
bool same_shape(const json::value& a, const json::value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.is_array()) return std::ranges::equal(a.get_array(), b.get_array(), same_shape);
  if (!a.is_object()) return true;
  return std::ranges::equal(a.get_object(), b.get_object(), [](const auto& x, const auto& y) {
    return x.key() == y.key() && same_shape(x.value(), y.value());
  });
}

RC_GTEST_PROP(Template, gives_every_blob_an_object_of_the_same_shape, (const std::string& name)) {
  static const Template made = parsed(testing::golden("job.yaml"));
  static const Rendered first = rendered(made);
  Rendered one = rendered(made, name);
  RC_ASSERT(same_shape(one.object, first.object));
  RC_ASSERT(one.object == rendered(made, name).object);
}

RC_GTEST_PROP(Template, gives_every_blob_legal_names_and_labels,
              (const std::string& part, std::uint8_t times)) {
  static const Template made = parsed(testing::golden("job.yaml"));
  std::string name;
  for (unsigned i = 0; i <= times % 40u; ++i) name += part + "/.A";
  Rendered one = rendered(made, name);
  const NameRule rule{NameForm::Subdomain, 63}, label{NameForm::LabelValue, 63};
  RC_ASSERT(is_legal(name_of(one), rule));
  RC_ASSERT(is_legal(one.fallback_name, rule));
  RC_ASSERT(one.fallback_name != name_of(one));
  RC_ASSERT(is_legal(find_string(one.object, {"spec", "template", "metadata", "labels", "dataset"}), label));
}

// Both are parts of the paths of requests that the operator makes with rights of its own.
TEST(Template, an_api_version_is_no_path) {
  for (std::string text :
       {"argoproj.io/v1alpha1/namespaces/kube-system/workflows",
        "argoproj.io/../../api/v1/namespaces/kube-system/secrets", "argoproj.io/v1alpha1%2Fnamespaces",
        "argoproj.io/v1alpha1?watch=1", "argoproj.io/v1alpha1#x", "argoproj.io//v1", "/v1", "v1/", "..",
        "../v1", "a..b/v1", "argoproj.io/v1 alpha1", "argoproj.io\\v1", "argoproj.io/V1", "v1\\n",
        "argo\xC3\xBCproj.io/v1"}) {
    std::string quoted = "\"" + text + "\"";
    auto error = refused("apiVersion: " + quoted + "\nkind: Workflow\nmetadata: {name: a}", "Workflow");
    EXPECT_EQ(error.reason, Reason::InvalidTemplate) << text;
    EXPECT_THAT(error.message, HasSubstr("is not of the form group/version")) << text;
  }
}

TEST(Template, a_kind_is_one_word) {
  for (std::string text : {"Job/status", "jobs/../secrets", "Job ", "Job?", "1Job",
                           "J\xC3\xB6"
                           "b",
                           "Job.batch"}) {
    auto error = refused("apiVersion: batch/v1\nkind: \"" + text + "\"\nmetadata: {name: a}", text);
    EXPECT_EQ(error.reason, Reason::InvalidTemplate) << text;
    EXPECT_THAT(error.message, HasSubstr("is not the name of a kind")) << text;
  }
}

}  // namespace
}  // namespace abo::render
