#include "render/yaml_reader.h"

#include <fmt/format.h>
#include <yaml.h>

#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/text.h"
#include "render/yaml_scalar.h"

namespace abo::render {
namespace {

struct Node {
  json::value value;
  std::optional<YamlScalar> scalar{};  // as a key needs it: before it became JSON
};

struct Anchor {
  Node node;
  bool open = true;  // its own content is still being read
};

struct Measure {
  std::size_t bytes = 0;
  std::size_t depth = 0;
};

// Roughly what a copy costs. As deep as the reader let the value become, so the recursion is bounded.
Measure measure(const json::value& value) {
  Measure sum{sizeof(json::value), 0};
  auto add = [&sum](const json::value& child) {
    Measure inner = measure(child);
    sum.bytes += inner.bytes;
    sum.depth = std::max(sum.depth, inner.depth);
  };
  if (const auto* text = value.if_string()) sum.bytes += text->size();
  if (const auto* array = value.if_array()) {
    for (const json::value& child : *array) add(child);
    ++sum.depth;
  }
  if (const auto* object = value.if_object()) {
    for (const auto& [key, child] : *object) {
      sum.bytes += 2 * sizeof(json::value) + key.size();
      add(child);
    }
    ++sum.depth;
  }
  return sum;
}

std::string_view view(const yaml_char_t* text) {
  return text ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view{};
}

// Turns libyaml's events into values. One object reads one text.
class Reader {
 public:
  Reader(std::string_view text, const YamlOptions& options) : text_(text), options_(options) {
    ready_ = yaml_parser_initialize(&parser_) == 1;
    if (ready_) {
      yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                   text.size());
    }
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() {
    yaml_event_delete(&event_);
    if (ready_) yaml_parser_delete(&parser_);
  }

  Result<std::vector<YamlDocument>> documents() {
    std::vector<YamlDocument> documents;
    if (!ready_) return error("out of memory");
    if (auto ok = advance(); !ok) return pass(ok);  // the stream's start
    while (true) {
      if (auto ok = advance(); !ok) return pass(ok);
      if (event_.type != YAML_DOCUMENT_START_EVENT) return documents;
      auto document = one_document();
      if (!document) return pass(document);
      if (!document->value.is_null()) documents.push_back(std::move(*document));
    }
  }

 private:
  Result<YamlDocument> one_document() {
    anchors_.clear();
    lines_.clear();
    pointer_.clear();
    if (auto ok = advance(); !ok) return pass(ok);
    std::size_t line = event_.start_mark.line + 1;
    auto root = node(0);
    if (!root) return pass(root);
    if (auto ok = advance(); !ok) return pass(ok);  // the document's end
    return YamlDocument{std::move(root->value), line, std::move(lines_)};
  }

  // Reads the node whose first event is the current one, up to its last event.
  Result<Node> node(std::size_t depth) {
    note_line(event_.start_mark);
    switch (event_.type) {
      case YAML_SCALAR_EVENT:
        return scalar();
      case YAML_ALIAS_EVENT:
        return alias(depth);
      case YAML_SEQUENCE_START_EVENT:
        return anchored(event_.data.sequence_start.anchor, depth, &Reader::sequence);
      case YAML_MAPPING_START_EVENT:
        return anchored(event_.data.mapping_start.anchor, depth, &Reader::mapping);
      case YAML_NO_EVENT:
      case YAML_STREAM_START_EVENT:
      case YAML_STREAM_END_EVENT:
      case YAML_DOCUMENT_START_EVENT:
      case YAML_DOCUMENT_END_EVENT:
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        break;
    }
    return error("a value was expected here");
  }

  Result<Node> scalar() {
    const auto& data = event_.data.scalar;
    std::string_view text(reinterpret_cast<const char*>(data.value), data.length);
    auto resolved = resolve_scalar(view(data.tag), text, data.plain_implicit != 0);
    if (!resolved) return error(std::move(resolved.error()));
    Node node{nullptr, *resolved};
    // Infinity has a form as a key, though none as a value; so this is asked again where a value is needed.
    if (auto value = to_json(std::move(*resolved))) node.value = std::move(*value);
    if (data.anchor) anchors_.insert_or_assign(std::string(view(data.anchor)), Anchor{node, false});
    return node;
  }

  Result<Node> alias(std::size_t depth) {
    auto found = anchors_.find(std::string(view(event_.data.alias.anchor)));
    if (found == anchors_.end()) {
      return error(fmt::format("the alias *{} names no anchor before it", view(event_.data.alias.anchor)));
    }
    if (found->second.open) return error(fmt::format("the anchor &{} contains itself", found->first));
    Measure size = measure(found->second.node.value);
    if (depth + size.depth > options_.max_depth) return too_deep();
    alias_bytes_ += size.bytes;
    if (alias_bytes_ > options_.max_alias_bytes) return error("the aliases of this text expand to too much");
    return found->second.node;
  }

  Result<Node> anchored(const yaml_char_t* anchor, std::size_t depth,
                        Result<json::value> (Reader::*read)(std::size_t)) {
    std::string name(view(anchor));
    if (depth >= options_.max_depth) return too_deep();
    if (!name.empty()) anchors_.insert_or_assign(name, Anchor{});
    auto value = (this->*read)(depth + 1);
    if (!value) return pass(value);
    Node node{std::move(*value)};
    if (!name.empty()) anchors_.insert_or_assign(name, Anchor{node, false});
    return node;
  }

  Result<json::value> sequence(std::size_t depth) {
    json::array items;
    while (true) {
      if (auto ok = advance(); !ok) return pass(ok);
      if (event_.type == YAML_SEQUENCE_END_EVENT) return json::value(std::move(items));
      auto item = value_at(depth, std::to_string(items.size()));
      if (!item) return pass(item);
      items.push_back(std::move(*item));
    }
  }

  Result<json::value> mapping(std::size_t depth) {
    json::object members;
    std::unordered_set<std::string> merged;  // keys that came by << and may be set once more
    while (true) {
      if (auto ok = advance(); !ok) return pass(ok);
      if (event_.type == YAML_MAPPING_END_EVENT) return json::value(std::move(members));
      auto ok = at_merge_key() ? merge(depth, members, merged) : member(depth, members, merged);
      if (!ok) return pass(ok);
    }
  }

  Result<void> member(std::size_t depth, json::object& members, std::unordered_set<std::string>& merged) {
    yaml_mark_t mark = event_.start_mark;
    auto name = key(depth);
    if (!name) return pass(name);
    if (members.contains(*name) && merged.erase(*name) == 0) {
      return error(fmt::format("the key \"{}\" stands twice in this mapping", bounded_text(*name, 80)), mark);
    }
    if (auto ok = advance(); !ok) return pass(ok);
    auto value = value_at(depth, *name, mark);
    if (!value) return pass(value);
    members.insert_or_assign(*name, std::move(*value));
    return {};
  }

  Result<std::string> key(std::size_t depth) {
    yaml_mark_t mark = event_.start_mark;
    bool record = std::exchange(recording_, false);
    auto node_read = node(depth);
    recording_ = record;
    if (!node_read) return pass(node_read);
    if (!node_read->scalar)
      return error("a list or mapping cannot be a key (quote a text that begins with [ or {)", mark);
    auto text = to_key(*node_read->scalar);
    if (!text) return error(std::move(text.error()), mark);
    return std::move(*text);
  }

  // key_mark: the line of a member is that of its key.
  Result<json::value> value_at(std::size_t depth, std::string_view step,
                               std::optional<yaml_mark_t> key_mark = {}) {
    std::size_t before = pointer_.size();
    if (options_.record_lines) pointer_ += '/' + pointer_step(step);
    if (key_mark) note_line(*key_mark);
    yaml_mark_t mark = event_.start_mark;
    auto read = node(depth);
    pointer_.resize(before);
    if (!read) return pass(read);
    if (read->scalar && read->value.is_null() && !std::holds_alternative<std::nullptr_t>(*read->scalar)) {
      return error(std::move(to_json(*read->scalar).error()), mark);
    }
    return std::move(read->value);
  }

  [[nodiscard]] bool at_merge_key() const {
    if (event_.type != YAML_SCALAR_EVENT) return false;
    const auto& data = event_.data.scalar;
    return std::string_view(reinterpret_cast<const char*>(data.value), data.length) == "<<" &&
           (data.plain_implicit != 0 || view(data.tag) == "tag:yaml.org,2002:merge");
  }

  // As go-yaml v2 does: in the order of the text, so a merge behind a key replaces what the key said.
  Result<void> merge(std::size_t depth, json::object& members, std::unordered_set<std::string>& merged) {
    yaml_mark_t mark = event_.start_mark;
    if (auto ok = advance(); !ok) return pass(ok);
    bool by_alias = event_.type == YAML_ALIAS_EVENT;
    bool record = std::exchange(recording_, false);
    auto source = node(depth);
    recording_ = record;
    if (!source) return pass(source);
    json::array sources;
    if (source->value.is_array() && !by_alias) {
      sources = std::move(source->value.get_array());
    } else {
      sources.push_back(std::move(source->value));
    }
    // Backwards, since the first of them has the last word.
    for (auto one = sources.rbegin(); one != sources.rend(); ++one) {
      if (!one->is_object()) return error("<< takes a mapping or a list of mappings", mark);
      for (auto& [name, value] : one->get_object()) {
        if (!members.contains(name)) merged.emplace(name);
        members.insert_or_assign(name, std::move(value));
      }
    }
    return {};
  }

  Result<void> advance() {
    yaml_event_delete(&event_);
    if (yaml_parser_parse(&parser_, &event_) == 1) return {};
    event_ = {};
    return parser_error();
  }

  std::unexpected<Error> parser_error() {
    std::string problem = parser_.problem ? parser_.problem : "not readable";
    if (parser_.error == YAML_READER_ERROR) {
      return fail(ErrorKind::Invalid, options_.reason,
                  fmt::format("byte {}: {}", parser_.problem_offset, problem));
    }
    yaml_mark_t mark = parser_.problem_mark;
    std::string_view line = line_of_text(mark.line);
    if (parser_.context) {
      problem += fmt::format(" {} that begins at line {}", parser_.context, parser_.context_mark.line + 1);
    }
    if (line.substr(0, line.find_first_not_of(" \t")).find('\t') != line.npos) {
      problem += " (tabs cannot indent YAML: use spaces)";
    } else if (line.find("${") != line.npos && parser_.error == YAML_PARSER_ERROR) {
      problem += " (inside [ ] and { } a text with ${...} needs quotes)";
    }
    return error(std::move(problem), mark);
  }

  [[nodiscard]] std::string_view line_of_text(std::size_t number) const {
    std::string_view rest = text_;
    for (; number > 0; --number) {
      std::size_t end = rest.find('\n');
      if (end == std::string_view::npos) return {};
      rest.remove_prefix(end + 1);
    }
    return rest.substr(0, rest.find('\n'));
  }

  std::unexpected<Error> too_deep() {
    return error(fmt::format("nested deeper than {} levels", options_.max_depth));
  }
  std::unexpected<Error> error(std::string text) { return error(std::move(text), event_.start_mark); }
  std::unexpected<Error> error(std::string text, yaml_mark_t mark) {
    return fail(ErrorKind::Invalid, options_.reason,
                fmt::format("line {}, column {}: {}", mark.line + 1, mark.column + 1, text));
  }

  void note_line(yaml_mark_t mark) {
    if (options_.record_lines && recording_) lines_.try_emplace(pointer_, mark.line + 1);
  }

  std::string_view text_;
  const YamlOptions& options_;
  bool ready_ = false;
  bool recording_ = true;  // off inside keys and merged mappings, which have no pointer of their own
  yaml_parser_t parser_{};
  yaml_event_t event_{};
  std::unordered_map<std::string, Anchor> anchors_;
  std::size_t alias_bytes_ = 0;
  std::string pointer_;
  std::map<std::string, std::size_t, std::less<>> lines_;
};

}  // namespace

Result<std::vector<YamlDocument>> read_yaml_documents(std::string_view text, const YamlOptions& options) {
  if (text.size() > options.max_bytes) {
    return fail(ErrorKind::Invalid, options.reason,
                fmt::format("the text has {} bytes; at most {} are read", text.size(), options.max_bytes));
  }
  return Reader(text, options).documents();
}

Result<YamlDocument> read_yaml_document(std::string_view text, const YamlOptions& options) {
  auto documents = read_yaml_documents(text, options);
  if (!documents) return pass(documents);
  if (documents->empty()) return fail(ErrorKind::Invalid, options.reason, "the YAML text is empty");
  if (documents->size() > 1) {
    return fail(
        ErrorKind::Invalid, options.reason,
        fmt::format("line {}: {} YAML documents where one is expected (a line \"---\" begins another)",
                    (*documents)[1].line, documents->size()));
  }
  return std::move(documents->front());
}

Result<json::value> read_yaml(std::string_view text, const YamlOptions& options) {
  auto document = read_yaml_document(text, options);
  if (!document) return pass(document);
  return std::move(document->value);
}

std::size_t YamlDocument::line_of(std::string_view pointer) const {
  while (true) {
    if (auto found = lines.find(pointer); found != lines.end()) return found->second;
    std::size_t slash = pointer.rfind('/');
    if (slash == std::string_view::npos) return line;
    pointer = pointer.substr(0, slash);
  }
}

std::string pointer_step(std::string_view key) {
  std::string out;
  for (char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string readable_path(std::string_view pointer) {
  std::string out;
  while (pointer.starts_with('/')) {
    std::size_t end = std::min(pointer.find('/', 1), pointer.size());
    std::string step;
    for (std::size_t i = 1; i < end; ++i) {
      bool escaped = pointer[i] == '~' && i + 1 < end;
      step += escaped ? (pointer[++i] == '1' ? '/' : '~') : pointer[i];
    }
    pointer.remove_prefix(end);
    if (!step.empty() && step.find_first_not_of("0123456789") == std::string::npos) {
      out += fmt::format("[{}]", step);
    } else if (step.find_first_of(".[/") != std::string::npos) {
      out += fmt::format("[\"{}\"]", step);
    } else {
      out += out.empty() ? step : "." + step;
    }
  }
  return bounded_text(out, 200);
}

}  // namespace abo::render
