// From tree to object: one blob's values put into the texts.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "render/document.h"

namespace abo::render {
namespace {

// Values that are not plain by themselves may stand inside another engine's expression only while they consist of these.
constexpr std::string_view harmless = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-";

std::unexpected<Complaint> below(std::string_view step, Complaint complaint) {
  complaint.pointer.insert(0, "/" + pointer_step(step));
  return std::unexpected(std::move(complaint));
}

// Overlapping ones too: "{{{" holds two "{{".
std::size_t count(std::string_view text, std::string_view mark) {
  std::size_t found = 0;
  for (std::size_t at = text.find(mark); at != text.npos; at = text.find(mark, at + 1)) ++found;
  return found;
}

bool inside_expression(std::string_view before, const ExpressionMarks& marks) {
  std::size_t open = before.rfind(marks.open), close = before.rfind(marks.close);
  return open != before.npos && (close == before.npos || close < open);
}

std::unexpected<Complaint> unsafe(const ExpressionMarks& marks) {
  return std::unexpected(
      Complaint{Reason::UnsafeName,
                fmt::format("a value would be evaluated as an expression (\"{}\") there; use ${{BLOB_URL}}, "
                            "${{BLOB_NAME_ENCODED}} or ${{BLOB_SAFE_NAME}} to take such blobs",
                            marks.open),
                ""});
}

constexpr std::string_view capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
constexpr std::string_view name_bytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

// May a container have a variable of this name? Service links (DB_SERVICE_HOST, DB_PORT_80_TCP) and what controllers and
// webhooks add to Pods (ARGO_TEMPLATE, AZURE_CLIENT_ID) stand in no manifest, but are in capitals with an underscore.
bool may_be_defined(std::string_view name, const PodVariables& variables) {
  if (name.contains('_') && name.find_first_not_of(capitals) == name.npos) return true;
  if (variables.others && name.find_first_not_of(name_bytes) == name.npos) return true;
  return std::ranges::find(variables.names, name) != variables.names.end();
}

// The kubelet reads $$ as $, and $(VAR) as a variable if the container has one, else as it stands. Goes through the text as
// it does and doubles a value's own dollar where it would see either, so that the container gets the value itself.
// `of_values` has a mark for each byte of `text` that a value brought.
std::string escaped(std::string_view text, const std::vector<bool>& of_values,
                    const PodVariables& variables) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::string_view rest = text.substr(i);
    std::size_t length = 1;  // what the kubelet takes in one step
    bool doubled = false;
    if (rest.starts_with("$$")) {
      doubled = of_values[i];
      length = doubled ? 1 : 2;
    } else if (std::size_t close = rest.find(')'); rest.starts_with("$(") && close != rest.npos) {
      doubled = of_values[i] && may_be_defined(rest.substr(2, close - 2), variables);
      length = doubled ? 1 : close + 1;
    }
    if (doubled) out += '$';
    out += rest.substr(0, length);
    i += length;
  }
  return out;
}

class Filler {
 public:
  explicit Filler(Filling& filling) : filling_(filling) {}

  Checked<json::value> node(const Node& node) {
    return std::visit([this](const auto& content) { return one(content); }, node.content);
  }

 private:
  Checked<json::value> one(const json::value& value) { return value; }

  Checked<json::value> one(const Scalar& scalar) {
    switch (scalar.place) {
      case Place::Raw:
        return raw(scalar.text, nullptr);
      case Place::PodText:
        return raw(scalar.text, scalar.pod_variables.get());
      case Place::Name:
        return legal(scalar.text, filling_.name_rule);
      case Place::InnerName:
        return legal(scalar.text, {});
      case Place::LabelValue:
        return legal(scalar.text, {NameForm::LabelValue, label_value_limit});
    }
    return raw(scalar.text, nullptr);
  }

  Checked<json::value> one(const Items& items) {
    json::array list;
    list.reserve(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      auto value = node(items[i]);
      if (!value) return below(std::to_string(i), std::move(value.error()));
      list.push_back(std::move(*value));
    }
    return json::value(std::move(list));
  }

  Checked<json::value> one(const Members& members) {
    json::object object;
    object.reserve(members.size());
    for (const Member& member : members) {
      auto key = raw_text(member.key, nullptr);
      if (!key) return std::unexpected(std::move(key.error()));
      auto value = node(member.value.front());
      if (!value) return below(*key, std::move(value.error()));
      if (!object.emplace(*key, std::move(*value)).second) {
        return below(*key, {Reason::TemplateError, "two keys become the same for this blob", ""});
      }
    }
    return json::value(std::move(object));
  }

  Checked<json::value> raw(const Text& text, const PodVariables* pod_variables) {
    auto filled = raw_text(text, pod_variables);
    if (!filled) return std::unexpected(std::move(filled.error()));
    return json::value(*filled);
  }

  // With `pod_variables` as the kubelet has to find it.
  Checked<std::string> raw_text(const Text& text, const PodVariables* pod_variables) {
    const ExpressionMarks& marks = filling_.marks;
    bool guarded = !marks.open.empty() && !text.constant();
    std::string out;
    std::size_t own_marks = 0;  // those that the template itself wrote
    std::vector<bool> of_values;
    for (const Piece& piece : text.pieces()) {
      std::string_view value = filling_.values.get(piece);
      if (guarded && !piece.variable) own_marks += count(value, marks.open);
      bool free = piece.variable && !is_plain(*piece.variable);
      if (guarded && free && value.find_first_not_of(harmless) != value.npos &&
          inside_expression(out, marks)) {
        return unsafe(marks);
      }
      out += value;
      of_values.resize(out.size(), piece.variable.has_value());
    }
    if (guarded && count(out, marks.open) != own_marks) return unsafe(marks);
    return pod_variables ? escaped(out, of_values, *pod_variables) : out;
  }

  json::value legal(const Text& text, const NameRule& rule) {
    std::string hash(filling_.values.get(Variable::BlobHash));
    std::string out;
    for (const Piece& piece : text.pieces()) {
      std::string_view value = filling_.values.get(piece);
      if (!piece.variable) {
        out += value;
        continue;
      }
      std::string made = legalised(value, rule.form);
      out += made.empty() ? hash : made;
    }
    return json::value(cut(out, rule.limit, hash));
  }

  Filling& filling_;
};

}  // namespace

ExpressionMarks expression_marks(std::string_view api_version) {
  std::string_view group = api_version.substr(0, api_version.find('/'));
  if (group == "argoproj.io") return {"{{", "}}"};
  if (group == "tekton.dev" || group.ends_with(".tekton.dev")) return {"$(", ")"};
  return {};
}

Checked<json::value> fill(const Node& node, Filling& filling) {
  return Filler(filling).node(node);
}

}  // namespace abo::render
