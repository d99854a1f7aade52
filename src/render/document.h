// A template made ready for many renderings: the manifest as a tree in which every text that holds variables is in
// pieces, and everything else is a finished JSON value. The tree's shape is the rendered object's shape, whatever the
// blob is called: values only ever fill texts.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "render/names.h"
#include "render/variables.h"
#include "render/yaml_reader.h"

namespace abo::render {

// Where a text stands decides how values enter it.
enum class Place : std::uint8_t {
  Raw,
  Name,        // metadata.name of the object: made legal, cut to the kind's limit
  InnerName,   // metadata.name of something inside, a Pod template for one: made legal, 253 bytes
  LabelValue,  // made legal, 63 bytes
  PodText,  // a container's command, args or env value, where the kubelet reads $(VAR) and $$: values are escaped
};

// The variables that a container has, as far as its manifest tells.
struct PodVariables {
  std::set<std::string, std::less<>> names;  // of its `env`
  bool others = false;                       // it has an `envFrom`, or a name in its `env` holds a variable
};

struct Scalar {
  Text text;
  Place place = Place::Raw;
  std::shared_ptr<const PodVariables> pod_variables{};  // of a PodText
};

struct Node;
struct Member {
  Text key;
  std::vector<Node> value;  // exactly one; a vector since Node is not complete here
};
using Items = std::vector<Node>;
using Members = std::vector<Member>;

struct Node {
  std::variant<json::value, Scalar, Items, Members> content;
};

// The marks between which another engine evaluates what it finds: "{{" and "}}" in argoproj.io, "$(" and ")" in
// tekton.dev; empty for every other group.
struct ExpressionMarks {
  std::string_view open, close;
};
[[nodiscard]] ExpressionMarks expression_marks(std::string_view api_version);

// A complaint about one place of the manifest.
struct Complaint {
  Reason reason = Reason::TemplateError;
  std::string text;
  std::string pointer;  // JSON pointer into the template
};
template <class T>
using Checked = std::expected<T, Complaint>;

// Takes every text of the manifest apart. Complaints: unknown variables (InvalidTemplate), the first hundred.
[[nodiscard]] std::expected<Node, std::vector<Complaint>> compile(
    const json::object& manifest, const std::vector<std::string>& group_names);

// What all texts of one object may come to. What is larger no API server stores: etcd takes 1.5 MiB at a time.
inline constexpr std::size_t max_filled_bytes = 3 << 19;

struct Filling {
  Values& values;
  NameRule name_rule;
  ExpressionMarks marks;
};

// Complaints: UnsafeName (a value would be evaluated by the kind's engine), TemplateError (two keys become one; more than
// max_filled_bytes). Takes time in proportion to what comes out.
[[nodiscard]] Checked<json::value> fill(const Node& node, Filling& filling);

}  // namespace abo::render
