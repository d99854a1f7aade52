#include "base/yaml_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/json_text.h"

namespace abo {
namespace {

constexpr std::size_t line_width = 110;
constexpr std::size_t long_prose = 80;  // leaves room for its key and indentation

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_ascii_printable(char c) {
  return c >= ' ' && c <= '~';
}

// Words that some YAML reader takes for a boolean or for nothing.
bool is_reserved(std::string_view text) {
  constexpr std::array<std::string_view, 9> words = {"y",   "n",    "yes",   "no",  "on",
                                                     "off", "true", "false", "null"};
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return std::ranges::find(words, lower) != words.end();
}

// Narrower than YAML allows, so that nobody can take it for a number, a date or the start of something else.
bool is_plain(std::string_view text) {
  if (text.empty() || text.size() > line_width || is_reserved(text)) return false;
  bool path_like = text[0] == '.' && text.size() > 4 && is_letter(text[1]);  // longer than .inf and .nan
  if (!path_like && !is_letter(text[0]) && text[0] != '/' && text[0] != '$' && text[0] != '_') return false;
  if (text.back() == ' ' || text.back() == ':') return false;
  return std::ranges::all_of(text, is_ascii_printable) && text.find(": ") == text.npos &&
         text.find(" #") == text.npos;
}

// Characters YAML calls unprintable, or that some readers take for line breaks, need an escape: the C1 block
// with NEL, U+2028, U+2029 and the byte-order mark. In UTF-8, all of them begin with one of three bytes.
std::size_t awkward_length(std::string_view at) {
  auto byte = [at](std::size_t i) { return i < at.size() ? static_cast<unsigned char>(at[i]) : 0U; };
  if (byte(0) == 0xC2 && byte(1) >= 0x80 && byte(1) <= 0x9F) return 2;
  if (byte(0) == 0xE2 && byte(1) == 0x80 && (byte(2) == 0xA8 || byte(2) == 0xA9)) return 3;
  if (byte(0) == 0xEF && byte(1) == 0xBB && byte(2) == 0xBF) return 3;
  if (byte(0) == 0xEF && byte(1) == 0xBF && (byte(2) == 0xBE || byte(2) == 0xBF)) return 3;
  return 0;
}

unsigned code_point(std::string_view sequence) {
  unsigned value = static_cast<unsigned char>(sequence[0]) & (sequence.size() == 2 ? 0x1FU : 0x0FU);
  for (char c : sequence.substr(1)) value = (value << 6U) | (static_cast<unsigned char>(c) & 0x3FU);
  return value;
}

std::string escape(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
  }
}

std::string double_quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    char c = text[i];
    if (std::size_t length = awkward_length(text.substr(i)); length > 0) {
      out += fmt::format("\\u{:04X}", code_point(text.substr(i, length)));
      i += length;
      continue;
    }
    bool ascii = static_cast<unsigned char>(c) < 0x80;
    if (c == '"' || c == '\\' || (ascii && !is_ascii_printable(c))) {
      out += escape(c);
    } else {
      out += c;
    }
    ++i;
  }
  return out + '"';
}

// Patterns and JSON are easier to read without doubled backslashes.
std::string quoted(std::string_view text) {
  bool simple = std::ranges::all_of(text, is_ascii_printable);
  bool escapes = text.find_first_of("\"\\") != text.npos;
  if (!simple || !escapes || text.find('\'') != text.npos) return double_quoted(text);
  return fmt::format("'{}'", text);
}

std::string scalar(std::string_view text) {
  return is_plain(text) ? std::string(text) : quoted(text);
}

// Text that needs no escape anywhere and therefore may stand in a block.
bool is_printable(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool ascii = static_cast<unsigned char>(text[i]) < 0x80;
    if (ascii && !is_ascii_printable(text[i]) && text[i] != '\n') return false;
    if (awkward_length(text.substr(i)) > 0) return false;
  }
  return true;
}

bool is_literal(std::string_view text) {
  return text.find('\n') != text.npos && text[0] != '\n' && text[0] != ' ' && is_printable(text) &&
         text.find_first_not_of('\n') != text.npos;
}

bool is_prose(std::string_view text) {
  return text.size() > long_prose && text.find('\n') == text.npos && text.find(' ') != text.npos &&
         text.find("  ") == text.npos && text.front() != ' ' && text.back() != ' ' && is_printable(text);
}

class Writer {
 public:
  std::string take() { return std::move(out_); }

  void document(const json::value& value) {
    if (const json::object* object = value.if_object(); object && !object->empty())
      return members(*object, 0);
    if (const json::array* array = value.if_array(); array && !array->empty()) return items(*array, 0);
    inline_value(value, 0);
  }

 private:
  void members(const json::object& object, std::size_t indent) {
    bool first = true;
    for (const auto& member : object) {
      // The first member of a list's item stands behind its dash.
      if (!first || !behind_dash_) out_.append(indent, ' ');
      first = behind_dash_ = false;
      out_ += scalar(member.key());
      out_ += ':';
      value_of_member(member.value(), indent);
    }
  }

  void value_of_member(const json::value& value, std::size_t indent) {
    if (const json::object* object = value.if_object(); object && !object->empty()) {
      out_ += '\n';
      return members(*object, indent + 2);
    }
    if (const json::array* array = value.if_array(); array && !array->empty()) {
      out_ += '\n';
      return items(*array, indent + 2);
    }
    out_ += ' ';
    inline_value(value, indent + 2);
  }

  void items(const json::array& array, std::size_t indent) {
    for (const json::value& item : array) {
      if (!behind_dash_) out_.append(indent, ' ');
      behind_dash_ = false;
      out_ += "- ";
      const json::object* object = item.if_object();
      const json::array* inner = item.if_array();
      behind_dash_ = (object && !object->empty()) || (inner && !inner->empty());
      if (object && !object->empty()) {
        members(*object, indent + 2);
      } else if (inner && !inner->empty()) {
        items(*inner, indent + 2);
      } else {
        inline_value(item, indent + 2);
      }
    }
  }

  // A scalar or an empty container, with the newline behind it. Blocks are indented by `indent`.
  void inline_value(const json::value& value, std::size_t indent) {
    const json::string* text = value.if_string();
    if (text && is_literal(*text)) return literal(*text, std::max<std::size_t>(indent, 2));
    if (text && is_prose(*text)) return folded(*text, std::max<std::size_t>(indent, 2));
    out_ += text ? scalar(*text) : to_json_text(value);
    out_ += '\n';
  }

  void literal(std::string_view text, std::size_t indent) {
    bool ends_line = text.ends_with('\n');
    out_ += !ends_line ? "|-\n" : text.ends_with("\n\n") ? "|+\n" : "|\n";
    if (ends_line) text.remove_suffix(1);
    for (std::size_t begin = 0; begin <= text.size();) {
      std::size_t end = std::min(text.find('\n', begin), text.size());
      if (end > begin) out_.append(indent, ' ');
      out_.append(text.substr(begin, end - begin)).append("\n");
      begin = end + 1;
    }
  }

  void folded(std::string_view text, std::size_t indent) {
    out_ += ">-\n";
    std::size_t width = line_width > indent + 40 ? line_width - indent : 40;
    while (!text.empty()) {
      std::size_t end = text.size();
      if (end > width) {
        end = text.rfind(' ', width);
        if (end == text.npos) end = std::min(text.find(' ', width), text.size());
      }
      out_.append(indent, ' ').append(text.substr(0, end)).append("\n");
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  std::string out_;
  bool behind_dash_ = false;
};

}  // namespace

std::string to_yaml(const json::value& value) {
  Writer writer;
  writer.document(value);
  return writer.take();
}

}  // namespace abo
