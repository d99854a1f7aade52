#include "runtime/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <array>
#include <limits>

#include "base/json.h"
#include "base/secret.h"

namespace abo::runtime {
namespace {

static_assert(!std::is_constructible_v<LogField, std::string_view, Secret>, "a secret must not reach a log");
static_assert(!std::is_constructible_v<LogField, std::string_view, const void*>, "nor an address");

class FixedClock final : public Clock {
 public:
  [[nodiscard]] WallTime wall() const override {
    return WallTime(std::chrono::milliseconds(1'795'325'400'123));
  }
  [[nodiscard]] MonoTime mono() const override { return {}; }
};

// Runs `work` with a logger into a pipe and gives back what it wrote.
template <class Work>
std::string logged(LogFormat format, LogLevel least, Work work) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const FixedClock clock;
  Logger log(clock, least, format, ends[1]);
  work(log);
  ::close(ends[1]);
  std::string out;
  std::array<char, 4096> piece{};
  for (ssize_t count = 0; (count = ::read(ends[0], piece.data(), piece.size())) > 0;) {
    out.append(piece.data(), static_cast<std::size_t>(count));
  }
  ::close(ends[0]);
  return out;
}

TEST(Log, writes_typed_fields_as_one_json_object_a_line) {
  const std::string out = logged(LogFormat::Json, LogLevel::Info, [](Logger& log) {
    log.info("poll ended", {{"watcher", "ns/name"},
                            {"listed", 12},
                            {"size", 18'446'744'073'709'551'615ULL},
                            {"ok", true},
                            {"seconds", 0.25}});
  });
  EXPECT_EQ(out,
            "{\"time\":\"2026-11-22T05:30:00.123Z\",\"level\":\"info\",\"message\":\"poll "
            "ended\",\"watcher\":\"ns/name\","
            "\"listed\":12,\"size\":18446744073709551615,\"ok\":true,\"seconds\":0.25}\n");
}

TEST(Log, text_is_one_line_whatever_the_values_hold) {
  const std::string out = logged(LogFormat::Text, LogLevel::Info, [](Logger& log) {
    log.warn("two\nlines",
             {{"plain", "raw/a.csv"}, {"spaced", "a b"}, {"evil", "x\ny=\"1\""}, {"empty", ""}});
  });
  EXPECT_EQ(out,
            "2026-11-22T05:30:00.123Z warn  two\\nlines plain=raw/a.csv spaced=\"a b\" "
            "evil=\"x\\ny=\\\"1\\\"\" empty=\"\"\n");
}

TEST(Log, leaves_out_what_is_below_its_level) {
  const std::string out = logged(LogFormat::Text, LogLevel::Warn, [](Logger& log) {
    log.debug("a");
    log.info("b");
    log.error("c");
    EXPECT_FALSE(log.enabled(LogLevel::Info));
  });
  EXPECT_EQ(out, "2026-11-22T05:30:00.123Z error c\n");
}

TEST(Log, numbers_that_json_lacks_become_null) {
  const std::string out = logged(LogFormat::Json, LogLevel::Info, [](Logger& log) {
    log.info("x", {{"a", std::numeric_limits<double>::infinity()},
                   {"b", std::numeric_limits<double>::quiet_NaN()}});
  });
  EXPECT_NE(out.find("\"a\":null,\"b\":null"), std::string::npos) << out;
}

TEST(Log, is_valid_json_in_one_line_for_any_bytes) {
  EXPECT_TRUE(rc::check([](const std::vector<unsigned char>& bytes) {
    const std::string text(bytes.begin(), bytes.end());
    const std::string out =
        logged(LogFormat::Json, LogLevel::Info, [&text](Logger& log) { log.info(text, {{"value", text}}); });
    RC_ASSERT(out.find('\n') == out.size() - 1);
    const auto parsed = parse_json(out);
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(parsed->as_object().at("message") == parsed->as_object().at("value"));
  }));
}

TEST(Log, keeps_every_well_formed_character) {
  for (const std::string_view text :
       {"plain", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xEF\xBF\xBD"}) {
    std::string out;
    append_json_text(out, text);
    EXPECT_EQ(out, text);
  }
}

TEST(Log, shows_nothing_that_looks_like_a_credential) {
  for (const LogFormat format : {LogFormat::Json, LogFormat::Text}) {
    const std::string out = logged(format, LogLevel::Info, [](Logger& log) {
      log.info("GET /?sig=hunter2hunter2", {{"error", "AccountKey=hunter2hunter2;x"}});
    });
    EXPECT_EQ(out.find("hunter2"), std::string::npos) << out;
  }
}

TEST(Log, escapes_what_a_terminal_would_obey) {
  std::string out;
  append_json_text(out,
                   "a\xC2\x9B"
                   "2J\xE2\x80\xAE"
                   "b\xE2\x80\xA8"
                   "\xC3\xA4");
  EXPECT_EQ(out, "a\\u009b2J\\u202eb\\u2028\xC3\xA4");
}

TEST(Log, replaces_each_byte_that_is_not_utf8) {
  const std::string mark = "\xEF\xBF\xBD";
  for (const auto& [bytes, marks] : std::vector<std::pair<std::string, int>>{
           {"\xFF", 1}, {"\xC0\xAF", 2}, {"\xED\xA0\x80", 3}, {"\xF4\x90\x80\x80", 4}, {"\xE2\x82", 2}}) {
    std::string out;
    std::string wanted;
    append_json_text(out, bytes);
    for (int i = 0; i < marks; ++i) wanted += mark;
    EXPECT_EQ(out, wanted);
  }
}

TEST(Log, counts_the_lines_it_could_not_write) {
  const FixedClock clock;
  Logger log(clock, LogLevel::Info, LogFormat::Json, -1);
  log.info("nowhere");
  EXPECT_EQ(log.lost(), 1U);
}

TEST(Log, reads_the_words_of_its_flags) {
  EXPECT_EQ(parse_log_level("debug"), LogLevel::Debug);
  EXPECT_EQ(parse_log_level("INFO"), std::nullopt);
  EXPECT_EQ(parse_log_format("text"), LogFormat::Text);
  EXPECT_EQ(parse_log_format("xml"), std::nullopt);
}

}  // namespace
}  // namespace abo::runtime
