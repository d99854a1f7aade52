// From manifest to tree: takes texts apart and finds out for each what kind of place it stands in.
#include <algorithm>
#include <iterator>
#include <utility>

#include "render/document.h"

namespace abo::render {
namespace {

constexpr std::string_view container_lists[] = {"containers", "initContainers", "ephemeralContainers"};

// What the things around a value say about it.
struct Context {
  std::string_view key;       // the key it stands under; "" in a list
  std::string_view list_key;  // the key of the list it stands in
  std::size_t depth = 0;      // 0: the manifest itself
  Place place = Place::Raw;   // of the value, when it is a text, or of the texts in it, when it is a list
  Place member_place = Place::Raw;                      // of the texts directly in it, when it is a mapping
  bool env = false;                                     // the list `env` of a container, or one entry of it
  std::shared_ptr<const PodVariables> pod_variables{};  // of the container around it
};

// Argo has podMetadata and workflowMetadata as well.
bool is_metadata(std::string_view key) {
  return key == "metadata" || key.ends_with("Metadata");
}

bool is_container(const json::object& object, const Context& context) {
  return object.contains("image") ||
         std::ranges::find(container_lists, context.list_key) != std::end(container_lists);
}

std::shared_ptr<const PodVariables> pod_variables(const json::object& container) {
  PodVariables variables;
  variables.others = container.contains("envFrom");
  const json::array* env = find_array(container, {"env"});
  for (std::size_t i = 0; env && i < env->size(); ++i) {
    const json::object* entry = (*env)[i].if_object();
    std::string_view name = entry ? find_string(*entry, {"name"}) : std::string_view{};
    variables.names.emplace(name);
    variables.others |= name.contains("${");
  }
  return std::make_shared<const PodVariables>(std::move(variables));
}

Context context_of(std::string_view key, const json::object& parent, const Context& around) {
  Context context{.key = key,
                  .depth = around.depth + 1,
                  .place = around.member_place,
                  .pod_variables = around.pod_variables};
  if (is_metadata(around.key)) {
    if (key == "labels") context.member_place = Place::LabelValue;
    if (key == "name" || key == "generateName")
      context.place = around.depth == 1 ? Place::Name : Place::InnerName;
  }
  if (key == "matchLabels") context.member_place = Place::LabelValue;  // or selectors would miss their Pods
  if (is_container(parent, around)) {
    if (key == "command" || key == "args") context.place = Place::PodText;
    context.env = key == "env";
  }
  if (around.env && key == "value") context.place = Place::PodText;
  return context;
}

class Compiler {
 public:
  explicit Compiler(const std::vector<std::string>& group_names) : group_names_(group_names) {}

  Node value(const json::value& source, const Context& context) {
    if (const auto* string = source.if_string()) return scalar(*string, context);
    if (const auto* list = source.if_array()) return items(*list, context);
    if (const auto* object = source.if_object()) return members(*object, context);
    return Node{source};
  }

  Node members(const json::object& source, Context around) {
    if (is_container(source, around)) around.pod_variables = pod_variables(source);
    Members members;
    for (const auto& [name, child] : source) {
      std::size_t before = complaints_.size();
      members.push_back({text(name), {}});
      members.back().value.push_back(value(child, context_of(name, source, around)));
      complain_below(name, before);
    }
    return folded(std::move(members));
  }

  std::vector<Complaint> take_complaints() { return std::move(complaints_); }

 private:
  Node items(const json::array& source, const Context& around) {
    Context context{.list_key = around.key,
                    .depth = around.depth + 1,
                    .place = around.place,
                    .env = around.env,
                    .pod_variables = around.pod_variables};
    Items items;
    for (std::size_t i = 0; i < source.size(); ++i) {
      std::size_t before = complaints_.size();
      items.push_back(value(source[i], context));
      complain_below(std::to_string(i), before);
    }
    return folded(std::move(items));
  }

  Node scalar(std::string_view source, const Context& context) {
    Text parsed = text(source);
    // The object's name may be too long even without a variable; then the hash in it is the blob's.
    if (parsed.constant() && context.place != Place::Name) return Node{json::value(parsed.constant_text())};
    return Node{Scalar{std::move(parsed), context.place, context.pod_variables}};
  }

  // After a complaint, an empty text: the tree is not used then.
  Text text(std::string_view source) {
    constexpr std::size_t most_complaints = 100;
    if (complaints_.size() >= most_complaints) return {};
    auto parsed = Text::parse(source, group_names_);
    if (parsed) return std::move(*parsed);
    for (std::string& error : parsed.error())
      complaints_.push_back({Reason::InvalidTemplate, std::move(error), ""});
    return {};
  }

  // What holds no variable becomes one finished value, cheap to copy.
  static Node folded(Items items) {
    json::array values;
    for (const Node& item : items) {
      const auto* value = std::get_if<json::value>(&item.content);
      if (!value) return Node{std::move(items)};
      values.push_back(*value);
    }
    return Node{json::value(std::move(values))};
  }

  static Node folded(Members members) {
    json::object values;
    for (const Member& member : members) {
      const auto* value = std::get_if<json::value>(&member.value.front().content);
      if (!value || !member.key.constant()) return Node{std::move(members)};
      if (!values.emplace(member.key.constant_text(), *value).second) return Node{std::move(members)};
    }
    return Node{json::value(std::move(values))};
  }

  // Those from `first` on are about something below this step.
  void complain_below(std::string_view step, std::size_t first) {
    for (std::size_t i = first; i < complaints_.size(); ++i)
      complaints_[i].pointer.insert(0, "/" + pointer_step(step));
  }

  const std::vector<std::string>& group_names_;
  std::vector<Complaint> complaints_;
};

}  // namespace

std::expected<Node, std::vector<Complaint>> compile(const json::object& manifest,
                                                    const std::vector<std::string>& group_names) {
  Compiler compiler(group_names);
  Node tree = compiler.members(manifest, {});
  auto complaints = compiler.take_complaints();
  if (!complaints.empty()) return std::unexpected(std::move(complaints));
  return tree;
}

}  // namespace abo::render
