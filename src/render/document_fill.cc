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

// Follows a text that grows, and looks at each of its bytes once.
class OpenExpression {
 public:
  explicit OpenExpression(const ExpressionMarks& marks) : open_(marks.open), close_(marks.close) {}

  // Whether `text`, which begins with what it was before, ends inside an expression.
  bool holds_end_of(std::string_view text) {
    open_.look_in(text, seen_);
    close_.look_in(text, seen_);
    seen_ = text.size();
    return open_.last != text.npos && (close_.last == text.npos || close_.last < open_.last);
  }

 private:
  struct Mark {
    explicit Mark(std::string_view m) : mark(m) {}
    void look_in(std::string_view text, std::size_t seen) {
      std::size_t from = seen - std::min(seen, mark.size() - 1);  // it may have been seen in part
      std::size_t at = text.substr(from).rfind(mark);
      if (at != text.npos) last = from + at;
    }
    std::string_view mark;
    std::size_t last = std::string_view::npos;
  };
  Mark open_, close_;
  std::size_t seen_ = 0;
};

std::unexpected<Complaint> too_large() {
  return std::unexpected(
      Complaint{Reason::TemplateError,
                fmt::format("the resource would be larger for this blob than the {} bytes that a cluster "
                            "stores; use fewer or shorter variables",
                            max_filled_bytes),
                ""});
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
  if (name.find_first_not_of(capitals) == name.npos && name.contains('_')) return true;
  if (variables.others && name.find_first_not_of(name_bytes) == name.npos) return true;
  return variables.names.contains(name);
}

// The kubelet reads $$ as $, and $(VAR) as a variable if the container has one, else as it stands. Goes through the text as
// it does and doubles a value's own dollar where it would see either, so that the container gets the value itself.
// `of_values` has a mark for each byte of `text` that a value brought.
std::string escaped(std::string_view text, const std::vector<bool>& of_values,
                    const PodVariables& variables) {
  std::string out;
  std::size_t close = 0;  // the first ')' at or behind i, as soon as it is needed
  for (std::size_t i = 0; i < text.size();) {
    std::string_view rest = text.substr(i);
    std::size_t length = 1;  // what the kubelet takes in one step
    bool doubled = false;
    if (rest.starts_with("$$")) {
      doubled = of_values[i];
      length = doubled ? 1 : 2;
    } else if (rest.starts_with("$(")) {
      if (close <= i) close = text.find(')', i);
      if (close != text.npos) {
        doubled = of_values[i] && may_be_defined(text.substr(i + 2, close - i - 2), variables);
        length = doubled ? 1 : close - i + 1;
      }
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
    OpenExpression expression(marks);
    std::string out;
    std::size_t own_marks = 0;  // those that the template itself wrote
    std::vector<bool> of_values;
    for (const Piece& piece : text.pieces()) {
      std::string_view value = filling_.values.get(piece);
      if (guarded && !piece.variable) own_marks += count(value, marks.open);
      bool free = piece.variable && !is_plain(*piece.variable);
      if (guarded && free && value.find_first_not_of(harmless) != value.npos &&
          expression.holds_end_of(out)) {
        return unsafe(marks);
      }
      if (!has_room_for(value)) return too_large();
      out += value;
      of_values.resize(out.size(), piece.variable.has_value());
    }
    if (guarded && count(out, marks.open) != own_marks) return unsafe(marks);
    return pod_variables ? escaped(out, of_values, *pod_variables) : out;
  }

  Checked<json::value> legal(const Text& text, const NameRule& rule) {
    std::string hash(filling_.values.get(Variable::BlobHash));
    std::string out;
    for (const Piece& piece : text.pieces()) {
      std::string_view value = filling_.values.get(piece);
      if (!has_room_for(value)) return too_large();
      if (!piece.variable) {
        out += value;
        continue;
      }
      std::string made = legalised(value, rule.form);
      out += made.empty() ? hash : made;
    }
    return json::value(cut(out, rule.limit, hash));
  }

  // Takes it, if there is.
  bool has_room_for(std::string_view value) {
    if (value.size() > room_) return false;
    room_ -= value.size();
    return true;
  }

  Filling& filling_;
  std::size_t room_ = max_filled_bytes;
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
