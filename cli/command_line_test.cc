// Help, manual page, completion and docs/flags.md all tell of the same flags: those that the parser knows.
#include "cli/command_line.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "cli/completion.h"
#include "cli/help_page.h"
#include "cli/man_page.h"

namespace abo::cli {
namespace {

using testing::HasSubstr;

const ProgramDoc program = describe_program();

std::string file(const std::string& name) {
  std::ifstream in(ABO_SOURCE_DIR "/" + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The part of docs/flags.md that is about a command.
std::string section(const std::string& command) {
  std::string text = file("docs/flags.md");
  std::size_t at = text.find("## `azure-blob-operator " + command);
  if (at == text.npos) return {};
  return text.substr(at, text.find("\n## ", at) - at);
}

// A call of the program, up to where it would need a cluster: its exit code and what it said.
struct Answer {
  int code = 0;
  std::string out, err;
};

Answer call(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "azure-blob-operator");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Answer answer;
  answer.code = command_line(static_cast<int>(argv.size()), argv.data());
  answer.out = testing::internal::GetCapturedStdout();
  answer.err = testing::internal::GetCapturedStderr();
  return answer;
}

const std::string no_file = "/nonexistent/watcher.yaml";
// Comes to the point where `run` looks for its cluster, and no further.
Answer call_run(std::vector<std::string> flags) {
  flags.insert(flags.begin(), {"run", "--kubeconfig", "/nonexistent/kubeconfig"});
  return call(std::move(flags));
}

class WithVariable {
 public:
  WithVariable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  WithVariable(const WithVariable&) = delete;
  ~WithVariable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

TEST(FlagsPage, has_every_flag_of_every_command_and_no_other) {
  for (const CommandDoc& command : program.commands) {
    std::string page = section(command.name);
    ASSERT_FALSE(page.empty()) << "docs/flags.md has no section for " << command.name;
    std::set<std::string> flags, documented;
    for (const FlagDoc& flag : command.flags) {
      if (flag.name != "help") flags.insert("--" + flag.name);
    }
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("| `") && !line.starts_with("| | `")) continue;
      re2::StringPiece cell(line.data(), line.find(" |", 2));
      for (std::string flag; RE2::FindAndConsume(&cell, R"((--[a-z0-9-]+))", &flag);) documented.insert(flag);
    }
    EXPECT_EQ(documented, flags) << "docs/flags.md, section " << command.name;
  }
}

TEST(FlagsPage, has_every_default) {
  for (const CommandDoc& command : program.commands) {
    std::string page = section(command.name);
    for (const FlagDoc& flag : command.flags) {
      if (!flag.initial.empty())
        EXPECT_THAT(page, HasSubstr(flag.initial)) << "--" << flag.name << " of " << command.name;
    }
  }
}

TEST(CommandLine, every_flag_has_an_environment_variable_of_its_own) {
  std::set<std::string> variables;
  for (const CommandDoc& command : program.commands) {
    for (const FlagDoc& flag : command.flags) {
      if (flag.name == "help") continue;
      EXPECT_NE(flag.variable, "") << "--" << flag.name << " of " << command.name;
      EXPECT_TRUE(variables.insert(flag.variable).second) << flag.variable;
    }
  }
}

TEST(CommandLine, a_file_behind_a_repeatable_flag_is_no_value_of_it) {
  const std::string flag = "--allowed-endpoint", origin = "http://127.0.0.1:10000";
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"preview", flag, origin, no_file},
        {"preview", flag, origin, flag, "https://x.example", no_file},
        {"preview", flag, origin, no_file, "-o", "json"},
        {"preview", flag, origin, no_file, "--only=all", "--limit", "3"},
        {"preview", no_file, flag, origin},
        {"preview", flag + "=" + origin, no_file},
        {"preview", flag, origin + ",https://x.example", no_file},
        {"preview", flag, origin, "--limit", "3", no_file, "-o", "json"}}) {
    EXPECT_THAT(call(arguments).err, HasSubstr(no_file + ": cannot be read"))
        << testing::PrintToString(arguments);
  }
}

TEST(CommandLine, run_takes_no_argument_behind_a_repeatable_flag) {
  for (const char* flag : {"--namespace", "--allowed-endpoint", "--allowed-kind"}) {
    Answer answer = call_run({flag, "http://x", "stray"});
    EXPECT_EQ(answer.code, 2);
    EXPECT_THAT(answer.err, HasSubstr("stray")) << flag;
    EXPECT_THAT(answer.err, testing::Not(HasSubstr("cannot start"))) << flag;
  }
}

TEST(CommandLine, durations_are_taken_in_gos_form_and_as_plain_seconds) {
  for (const char* duration : {"2s", "5m", "1h", "1m30s", "2", "2000ms"}) {
    EXPECT_THAT(call_run({"--settle-margin", duration, "--idle-status-interval", duration}).err,
                HasSubstr("cannot start"))
        << duration;
  }
  EXPECT_THAT(call_run({"--settle-margin", "soon"}).err, HasSubstr("write 30s, 5m, 1h or 1m30s"));
  EXPECT_THAT(call_run({"--settle-margin", "500ms"}).err, HasSubstr("must be between 1s and 1h, got 500ms"));
  EXPECT_THAT(call_run({"--settle-margin", "1500ms"}).err, HasSubstr("whole number of seconds"));
  EXPECT_THAT(call_run({"--idle-status-interval", "25h"}).err, HasSubstr("must be between 1s and 24h"));
}

TEST(CommandLine, durations_in_the_environment_are_no_different) {
  WithVariable margin("AZURE_BLOB_OPERATOR_SETTLE_MARGIN", "1m30s");
  EXPECT_THAT(call_run({}).err, HasSubstr("cannot start"));
  WithVariable wrong("AZURE_BLOB_OPERATOR_SETTLE_MARGIN", "1d");
  EXPECT_THAT(call_run({}).err, HasSubstr("\"1d\" is no duration"));
}

TEST(CommandLine, a_value_may_stand_behind_an_equals_sign_however_the_flag_is_spelled) {
  for (const char* flag : {"-o=json", "-ojson", "--output=json"}) {
    EXPECT_THAT(call({"version", flag}).out, testing::StartsWith("{\"version\":")) << flag;
  }
  EXPECT_THAT(call({"preview", "-n=ml", no_file}).err, HasSubstr(no_file + ": cannot be read"));
}

TEST(CommandLine, an_empty_value_is_an_empty_value) {
  EXPECT_THAT(call_run({"--ca-file=", "--log-level", "debug"}).err, HasSubstr("cannot start"));
  EXPECT_THAT(call({"preview", "--context=", no_file}).err, HasSubstr(no_file + ": cannot be read"));
  EXPECT_THAT(call({"version", "--output="}).err, HasSubstr("is none of table|json|yaml"));
  EXPECT_EQ(call({"render", no_file, "--blob", "a="}).code, 2);
}

TEST(CommandLine, of_a_flag_given_twice_the_last_counts) {
  EXPECT_THAT(call({"version", "-o", "table", "-o", "json"}).out, HasSubstr("{\"version\":"));
  EXPECT_THAT(
      call_run({"--log-format", "text", "--log-format", "json", "--leader-elect", "--leader-elect"}).err,
      HasSubstr("\"cannot start\""));
}

TEST(CommandLine, a_variable_of_another_command_breaks_none) {
  WithVariable wrong("AZURE_BLOB_OPERATOR_MAX_CONCURRENT_POLLS", "many");
  WithVariable format("AZURE_BLOB_OPERATOR_VALIDATE_OUTPUT", "xml");
  EXPECT_EQ(call({"version"}).code, 0);
  EXPECT_THAT(call({"man"}).out, HasSubstr("AZURE_BLOB_OPERATOR_VALIDATE_OUTPUT"));
  EXPECT_THAT(call({"validate", no_file}).err, HasSubstr("xml is none of"));
  EXPECT_THAT(call_run({}).err, HasSubstr("many"));
}

TEST(HelpPage, fits_a_terminal_and_shows_how_to_call_each_command) {
  for (const CommandDoc& command : program.commands) {
    std::string page = help_page(program, command);
    EXPECT_THAT(page, HasSubstr("\nUsage:\n  azure-blob-operator " + command.name));
    if (command.name != "version") EXPECT_THAT(page, HasSubstr("\nExamples:\n")) << command.name;
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 110u) << line;
    for (const FlagDoc& flag : command.flags) EXPECT_THAT(page, HasSubstr(spelled(flag)));
  }
}

TEST(HelpPage, begins_with_a_line_for_each_command) {
  std::string page = help_page(program);
  for (const CommandDoc& command : program.commands) {
    EXPECT_LE(command.summary.size(), 90u);
    EXPECT_THAT(page, HasSubstr(command.summary));
  }
}

TEST(HelpPage, wraps_between_words_and_keeps_the_lines_there_are) {
  EXPECT_EQ(wrapped("one two three", 7, 2), "one two\n  three");
  EXPECT_EQ(wrapped("one\n\ntwo", 7), "one\n\ntwo");
  EXPECT_EQ(wrapped("unbreakable x", 4), "unbreakable\nx");
}

TEST(ManPage, tells_of_every_flag_and_its_variable) {
  std::string page = man_page(program, "1.2.3");
  for (const CommandDoc& command : program.commands) {
    for (const FlagDoc& flag : command.flags) {
      if (flag.name == "help") continue;
      std::string name = flag.name;
      RE2::GlobalReplace(&name, "-", R"(\\-)");
      EXPECT_THAT(page, HasSubstr("\\-\\-" + name)) << command.name;
      EXPECT_THAT(page, HasSubstr("Environment: " + flag.variable));
    }
  }
}

TEST(ManPage, text_cannot_become_a_request) {
  ProgramDoc doc{.whole = {.name = "x"},
                 .commands = {{.name = "y", .summary = ".so /etc/passwd", .details = "a\\b\n'c"}}};
  EXPECT_THAT(man_page(doc, "1"), HasSubstr("\n\\&.so /etc/passwd"));
  EXPECT_THAT(man_page(doc, "1"), HasSubstr("a\\eb\n\\&'c"));
}

TEST(Completion, offers_every_flag_in_every_shell) {
  for (Shell shell : {Shell::Bash, Shell::Zsh, Shell::Fish}) {
    std::string script = completion(program, shell);
    for (const CommandDoc& command : program.commands) {
      for (const FlagDoc& flag : command.flags)
        EXPECT_THAT(script, HasSubstr(shell == Shell::Fish ? "-l " + flag.name : "--" + flag.name));
    }
  }
}

TEST(CommandDoc, a_values_name_says_what_may_stand_there) {
  EXPECT_THAT(choices("table|json|yaml"), testing::ElementsAre("table", "json", "yaml"));
  EXPECT_THAT(choices("FILE|NAME"), testing::IsEmpty());
  EXPECT_THAT(choices("FILE"), testing::IsEmpty());
  EXPECT_TRUE(takes_file("FILE|NAME"));
  EXPECT_FALSE(takes_file("NAME"));
}

}  // namespace
}  // namespace abo::cli
