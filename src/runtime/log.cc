#include "runtime/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <iterator>

#include "base/redact.h"
#include "base/text.h"

namespace abo::runtime {
namespace {

constexpr std::string_view kJsonBegin = R"({{"time":"{}","level":"{}","message":")";
constexpr std::string_view kTextBegin = "{} {:<5} ";

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return "debug";
    case LogLevel::Info:
      return "info";
    case LogLevel::Warn:
      return "warn";
    case LogLevel::Error:
      return "error";
  }
  return "error";
}

// Bytes of the well-formed UTF-8 sequence at the text's begin; 0 when it is none (RFC 3629: no surrogates, no
// overlong forms, nothing past U+10FFFF).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto tail = [&byte](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool sane = (lead != 0xE0 || byte(1) >= 0xA0) && (lead != 0xED || byte(1) <= 0x9F);
    return sane && tail(1) && tail(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool sane = (lead != 0xF0 || byte(1) >= 0x90) && (lead != 0xF4 || byte(1) <= 0x8F);
    return sane && tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
  }
}

// Of two or three bytes, as all that are escaped have.
void append_code_point(std::string& out, std::string_view character) {
  unsigned code = static_cast<unsigned char>(character[0]) & (character.size() == 2 ? 0x1FU : 0x0FU);
  for (const char c : character.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3FU);
  fmt::format_to(std::back_inserter(out), "\\u{:04x}", code);
}

bool is_plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c == '\x7f')
      return false;  // also every byte past ASCII
  }
  return true;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_json_text(out, text);
  out += '"';
}

struct AppendValue {
  std::string& out;
  bool json;

  void operator()(std::string_view whole) const {
    const std::string text = redacted(whole);
    if (!json && is_plain(text)) {
      out += text;
    } else {
      append_quoted(out, text);
    }
  }
  void operator()(bool truth) const { out += truth ? "true" : "false"; }
  void operator()(double number) const {
    if (std::isfinite(number)) {
      fmt::format_to(std::back_inserter(out), "{}", number);
    } else {
      out += "null";  // JSON knows neither infinity nor NaN
    }
  }
  template <std::integral Number>
  void operator()(Number number) const {
    fmt::format_to(std::back_inserter(out), "{}", number);
  }
};

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else if (length == 1 && (text[0] < ' ' || text[0] == '"' || text[0] == '\\' || text[0] == '\x7f')) {
      append_escaped(out, text[0]);
    } else if (is_control(text.substr(0, length))) {
      append_code_point(out, text.substr(0, length));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
  for (const LogLevel level : {LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error}) {
    if (text == name_of(level)) return level;
  }
  return std::nullopt;
}

std::optional<LogFormat> parse_log_format(std::string_view text) {
  if (text == "json") return LogFormat::Json;
  if (text == "text") return LogFormat::Text;
  return std::nullopt;
}

Logger::Logger(const Clock& clock, LogLevel least, LogFormat format, int descriptor)
    : clock_(clock), least_(least), format_(format), descriptor_(descriptor) {}

void Logger::write(LogLevel level, std::string_view message, Fields fields) {
  if (!enabled(level)) return;
  const bool json = format_ == LogFormat::Json;
  line_.clear();
  const auto to = std::back_inserter(line_);
  fmt::format_to(to, fmt::runtime(json ? kJsonBegin : kTextBegin), format_rfc3339_millis(clock_.wall()),
                 name_of(level));
  append_json_text(line_, redacted(message));
  if (json) line_ += '"';
  for (const LogField& field : fields) {
    line_ += json ? ",\"" : " ";
    append_json_text(line_, field.name());
    line_ += json ? "\":" : "=";
    std::visit(AppendValue{line_, json}, field.value());
  }
  line_ += json ? "}\n" : "\n";

  std::string_view rest = line_;
  while (!rest.empty()) {  // one write, but for an interruption
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      ++lost_;
      return;
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace abo::runtime
