// From tree to object: one blob's values put into the texts.
#include <fmt/format.h>

#include <utility>

#include "render/document.h"

namespace abo::render {
namespace {

// Values may stand inside another engine's expression only while they consist of these.
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

// The kubelet reads $(VAR) as a variable and $$ as $: a value's own dollars are doubled where it would see either, so
// that the container gets the value itself. `next` is the byte behind the value, for its last dollar.
void append_escaped(std::string& out, std::string_view value, char next) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    char behind = i + 1 < value.size() ? value[i + 1] : next;
    out += value[i];
    if (value[i] == '$' && (behind == '$' || behind == '(')) out += '$';
  }
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
        return raw(scalar.text, false);
      case Place::PodText:
        return raw(scalar.text, true);
      case Place::Name:
        return legal(scalar.text, filling_.name_rule);
      case Place::InnerName:
        return legal(scalar.text, {});
      case Place::LabelValue:
        return legal(scalar.text, {NameForm::LabelValue, label_value_limit});
    }
    return raw(scalar.text, false);
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
      auto key = raw_text(member.key, false);
      if (!key) return std::unexpected(std::move(key.error()));
      auto value = node(member.value.front());
      if (!value) return below(*key, std::move(value.error()));
      if (!object.emplace(*key, std::move(*value)).second) {
        return below(*key, {Reason::TemplateError, "two keys become the same for this blob", ""});
      }
    }
    return json::value(std::move(object));
  }

  Checked<json::value> raw(const Text& text, bool pod_text) {
    auto filled = raw_text(text, pod_text);
    if (!filled) return std::unexpected(std::move(filled.error()));
    return json::value(*filled);
  }

  Checked<std::string> raw_text(const Text& text, bool pod_text) {
    const ExpressionMarks& marks = filling_.marks;
    bool guarded = !marks.open.empty() && !text.constant();
    std::string out;
    std::size_t own_marks = 0;  // those that the template itself wrote
    const auto& pieces = text.pieces();
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      std::string_view value = filling_.values.get(pieces[i]);
      if (!pieces[i].variable) {
        if (guarded) own_marks += count(value, marks.open);
        out += value;
        continue;
      }
      if (guarded && value.find_first_not_of(harmless) != value.npos && inside_expression(out, marks)) {
        return unsafe(marks);
      }
      if (pod_text) {
        append_escaped(out, value, next_byte(pieces, i + 1));
      } else {
        out += value;
      }
    }
    if (guarded && count(out, marks.open) != own_marks) return unsafe(marks);
    return out;
  }

  char next_byte(const std::vector<Piece>& pieces, std::size_t from) {
    for (; from < pieces.size(); ++from) {
      std::string_view value = filling_.values.get(pieces[from]);
      if (!value.empty()) return value.front();
    }
    return '\0';
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
