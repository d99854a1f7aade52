// The YAML reader and the template parser. The input is a template; it is parsed for the kind it says it has. One that
// parses renders, for an ordinary blob, to an object or an error, twice the same; and whatever happens is said in text
// that an API server takes.
#include <fmt/format.h>

#include "listing/text_decode.h"
#include "render/names.h"
#include "render/object_names.h"
#include "render/render.h"
#include "render/yaml_reader.h"
#include "tests/fuzz/fuzz.h"

namespace abo::fuzz {
namespace {

const render::Source source{.watcher_name = "datasets",
                            .watcher_namespace = "ml",
                            .watcher_uid = "0b6f1f5e-0000-4000-8000-000000000001",
                            .storage_account = "acct",
                            .container_name = "data",
                            .container_url = "https://acct.blob.core.windows.net/data"};

render::Blob an_ordinary_blob() {
  render::Blob blob;
  blob.item = {.name = "raw/2026/My Data!.csv",
               .etag = "0x8DC0FFEE",
               .last_modified = *parse_rfc3339("2026-11-22T05:30:00Z"),
               .size = 42,
               .content_type = "text/csv"};
  blob.key = TriggerKey::of(source.watcher_uid, source.container_url, blob.item.name, blob.item.etag);
  blob.groups = {{"day", "22"}, {"", "x"}};
  return blob;
}

void check_text(const Error& error) {
  require(listing::is_text(error.message), "an error is UTF-8 text");
  require(!error.message.empty(), "an error says something");
}

// What jobTemplate.kind would have to say, and that reading is a function of the text.
std::string kind_of(std::string_view text) {
  auto value = render::read_yaml(text), again = render::read_yaml(text);
  require(value.has_value() == again.has_value(), "read twice, the same outcome");
  if (!value) {
    check_text(value.error());
    require(value.error().message == again.error().message, "read twice, the same complaint");
    return "Job";
  }
  require(*value == *again, "read twice, the same value");
  const json::object* manifest = value->if_object();
  return manifest ? std::string(find_string(*manifest, {"kind"})) : "Job";
}

void check_object(const render::Rendered& rendered) {
  const json::object& object = rendered.object;
  require(parse_json(json::serialize(object)).has_value(), "an object is JSON that a server reads");
  require(find_string(object, {"metadata", "namespace"}) == source.watcher_namespace, "our namespace");
  require(find_string(object, {"metadata", "labels", render::watcher_label}) == source.watcher_name,
          "our label");
  require(find_string(object, {"metadata", "annotations", render::blob_etag_annotation}) == "0x8DC0FFEE",
          "our annotation");
  require(!object.contains("status"), "no status");
  render::NameRule rule = render::name_rule(object);
  std::string_view name = find_string(object, {"metadata", "name"});
  require(render::is_legal(name, rule), fmt::format("\"{}\" is a legal name", name));
  require(render::is_legal(rendered.fallback_name, rule),
          fmt::format("\"{}\" is a legal name", rendered.fallback_name));
  require(rendered.fallback_name != name, "the fallback is another name");
}

}  // namespace
}  // namespace abo::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace abo;
  using namespace abo::fuzz;
  std::string_view text = text_of(data, size);
  auto parsed = render::Template::parse(text, kind_of(text), source.watcher_namespace, {"day", ""});
  if (!parsed) {
    check_text(parsed.error());
    return 0;
  }
  for (const std::string& warning : parsed->warnings())
    require(listing::is_text(warning), "a warning is UTF-8 text");
  render::Blob blob = an_ordinary_blob();
  auto rendered = parsed->render(source, blob), again = parsed->render(source, blob);
  require(rendered.has_value() == again.has_value(), "rendered twice, the same outcome");
  if (rendered) {
    require(rendered->object == again->object && rendered->fallback_name == again->fallback_name,
            "rendered twice, the same object");
    check_object(*rendered);
  } else {
    check_text(rendered.error());
    require(rendered.error().message == again.error().message, "rendered twice, the same complaint");
  }
  return 0;
}
