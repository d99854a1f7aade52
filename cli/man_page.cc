#include "cli/man_page.h"

#include <fmt/format.h>

namespace abo::cli {
namespace {

// Text that roff leaves alone: no escapes, no requests, real minus signs (so that a flag can be copied).
std::string plain(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    line_begins = c == '\n';
  }
  return out;
}

// Blank lines are for requests to make.
std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t end = std::min(text.find("\n\n"), text.size());
    out += (out.empty() ? "" : ".PP\n") + plain(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(text.size(), end + 2));
  }
  return out;
}

std::string as_typed(std::string_view text) {
  return text.empty() ? "" : fmt::format(".PP\n.nf\n.RS 4\n{}\n.RE\n.fi\n", plain(text));
}

std::string flag(const FlagDoc& flag) {
  std::string out = fmt::format(".TP\n.B {}\n{}", plain(spelled(flag)), plain(flag.text));
  if (!flag.initial.empty()) out += fmt::format(" (default: {})", plain(flag.initial));
  if (flag.required) out += " (required)";
  out += ".\n";
  if (!flag.variable.empty()) out += fmt::format("Environment: {}.\n", plain(flag.variable));
  return out;
}

std::string command(const CommandDoc& doc, std::string_view program) {
  std::string out = fmt::format(".SS {}\n.B {} {}\n.PP\n{}.\n", plain(doc.name), plain(program),
                                plain(usage(doc)), plain(doc.summary));
  if (!doc.details.empty()) out += ".PP\n" + paragraphs(doc.details);
  for (const ArgumentDoc& argument : doc.arguments)
    out += fmt::format(".TP\n.I {}\n{}.\n", plain(argument.name), plain(argument.text));
  for (const FlagDoc& each : doc.flags) {
    if (each.name != "help") out += flag(each);
  }
  return out + as_typed(doc.examples);
}

}  // namespace

std::string man_page(const ProgramDoc& program, std::string_view version) {
  const CommandDoc& whole = program.whole;
  std::string out =
      fmt::format(".TH AZURE\\-BLOB\\-OPERATOR 1 \"\" \"{} {}\" \"User Commands\"\n.nh\n.ad l\n",
                  plain(whole.name), plain(version));
  out +=
      fmt::format(".SH NAME\n{} \\- work in Kubernetes for blobs in Azure Blob Storage\n", plain(whole.name));
  out += fmt::format(".SH SYNOPSIS\n.B {}\n.I COMMAND\n[flags]\n", plain(whole.name));
  out += fmt::format(".SH DESCRIPTION\n{}.\n", plain(whole.summary));
  if (!whole.details.empty()) out += ".PP\n" + paragraphs(whole.details);
  for (const FlagDoc& each : whole.flags) out += flag(each);
  out += ".SH COMMANDS\n";
  for (const CommandDoc& each : program.commands) out += command(each, whole.name);
  out +=
      ".SH EXIT STATUS\n0 when all is well, 1 when what was looked at is wrong or the work cannot go on, 2 "
      "for a wrong "
      "call; the commands say more.\n";
  out += ".SH EXAMPLES\n" + as_typed(whole.examples);
  return out;
}

}  // namespace abo::cli
