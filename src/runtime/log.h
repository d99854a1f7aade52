// The log: one line for each event, as JSON or as text, written to standard error by one write(2). Values are typed;
// whatever bytes they hold, a line stays one line and JSON stays valid. A Secret is no value (it does not compile).
// There is no global logger: whoever logs is given one.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "base/time.h"

namespace abo::runtime {

enum class LogLevel : std::uint8_t { Debug, Info, Warn, Error };
enum class LogFormat : std::uint8_t { Json, Text };

[[nodiscard]] std::optional<LogLevel> parse_log_level(std::string_view text);    // debug, info, warn, error
[[nodiscard]] std::optional<LogFormat> parse_log_format(std::string_view text);  // json, text

// A name and its value; refers to both only while the line is written.
class LogField {
 public:
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  template <class Text>
    requires std::convertible_to<const Text&, std::string_view>
  LogField(std::string_view name, const Text& text) : name_(name), value_(std::string_view(text)) {}
  template <std::signed_integral Number>
  LogField(std::string_view name, Number number) : name_(name), value_(static_cast<std::int64_t>(number)) {}
  template <std::unsigned_integral Number>
    requires(!std::same_as<Number, bool>)
  LogField(std::string_view name, Number number) : name_(name), value_(static_cast<std::uint64_t>(number)) {}
  template <std::floating_point Number>
  LogField(std::string_view name, Number number) : name_(name), value_(static_cast<double>(number)) {}
  template <std::same_as<bool> Truth>
  LogField(std::string_view name, Truth truth) : name_(name), value_(truth) {}

  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] const Value& value() const { return value_; }

 private:
  std::string_view name_;
  Value value_;
};

class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  // The clock must outlive the logger; the descriptor stays the caller's.
  Logger(const Clock& clock, LogLevel least, LogFormat format, int descriptor = 2);

  void debug(std::string_view message, Fields fields = {}) { write(LogLevel::Debug, message, fields); }
  void info(std::string_view message, Fields fields = {}) { write(LogLevel::Info, message, fields); }
  void warn(std::string_view message, Fields fields = {}) { write(LogLevel::Warn, message, fields); }
  void error(std::string_view message, Fields fields = {}) { write(LogLevel::Error, message, fields); }

  // For fields that are costly to make.
  [[nodiscard]] bool enabled(LogLevel level) const { return level >= least_; }

  // Lines that could not be written (a closed or full standard error).
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  void write(LogLevel level, std::string_view message, Fields fields);

  const Clock& clock_;
  LogLevel least_;
  LogFormat format_;
  int descriptor_;
  std::uint64_t lost_ = 0;
  std::string line_;  // kept, so that logging does not allocate
};

// Appends text as the inside of a JSON string: escapes, and U+FFFD for what is not UTF-8.
void append_json_text(std::string& out, std::string_view text);

}  // namespace abo::runtime
