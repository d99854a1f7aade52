#include "filter/filter.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <limits>

#include "base/text.h"

namespace abo::filter {
namespace {

// What one compiled pattern and its state machine may take. RE2 counts both directions' programs and the
// caches of its automata against it; when a cache is full RE2 goes on with a slower, still linear, automaton.
constexpr std::int64_t max_pattern_memory = 8 << 20;
constexpr std::size_t max_shown = 200;

RE2::Options options() {
  RE2::Options result(RE2::Quiet);
  result.set_max_mem(max_pattern_memory);
  return result;
}

// Go (since 1.22) also writes named groups as (?<name>...), which this RE2 does not know yet.
std::string with_p_names(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    out += pattern[i];
    if (out.ends_with("(?") && pattern.substr(i + 1, 1) == "<") out += 'P';
  }
  return out;
}

// An empty pattern is no pattern: nullptr.
Result<std::unique_ptr<RE2>> compile_pattern(std::string_view field, const std::string& pattern) {
  if (pattern.empty()) return nullptr;
  auto compiled = std::make_unique<RE2>(pattern, options());
  if (!compiled->ok() && compiled->error_arg().starts_with("(?<")) {
    auto second = std::make_unique<RE2>(with_p_names(pattern), options());
    if (second->ok()) compiled = std::move(second);
  }
  if (compiled->ok()) return compiled;
  std::string complaint = bounded_text(compiled->error(), max_shown);  // it repeats parts of the pattern
  if (compiled->error_code() == RE2::ErrorPatternTooLarge) complaint += " (counted repetitions multiply)";
  return fail(ErrorKind::Invalid, Reason::InvalidPattern,
              fmt::format("{} \"{}\" is not a regular expression in RE2 syntax: {}", field,
                          bounded_text(pattern, max_shown), complaint));
}

std::vector<std::string> names_of_groups(const RE2& pattern) {
  std::vector<std::string> names(static_cast<std::size_t>(pattern.NumberOfCapturingGroups()));
  for (const auto& [index, name] : pattern.CapturingGroupNames())
    names[static_cast<std::size_t>(index) - 1] = name;
  return names;
}

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

bool found(const RE2& pattern, std::string_view name) {
  return pattern.Match(piece(name), 0, name.size(), RE2::UNANCHORED, nullptr, 0);
}

}  // namespace

struct Filter::Patterns {
  std::unique_ptr<RE2> include;  // nullptr: every name
  std::unique_ptr<RE2> exclude;  // nullptr: none
  std::vector<std::string> group_names;
  std::int64_t min_size = 0;
  std::int64_t max_size = std::numeric_limits<std::int64_t>::max();
};

Filter::Filter() : patterns_(std::make_unique<Patterns>()) {}
Filter::Filter(Filter&&) noexcept = default;
Filter& Filter::operator=(Filter&&) noexcept = default;
Filter::~Filter() = default;

Result<Filter> Filter::compile(const api::Spec& spec) {
  auto include = compile_pattern("blobPattern", spec.blob_pattern);
  if (!include) return pass(include);
  auto exclude = compile_pattern("blobExcludePattern", spec.blob_exclude_pattern);
  if (!exclude) return pass(exclude);
  Filter filter;
  Patterns& patterns = *filter.patterns_;
  patterns.include = std::move(*include);
  patterns.exclude = std::move(*exclude);
  if (patterns.include) patterns.group_names = names_of_groups(*patterns.include);
  if (spec.min_size_bytes) patterns.min_size = *spec.min_size_bytes;
  if (spec.max_size_bytes) patterns.max_size = *spec.max_size_bytes;
  return filter;
}

Verdict Filter::judge(const listing::BlobView& blob) const {
  // Sizes first: they cost nothing.
  if (blob.size < patterns_->min_size) return Verdict::TooSmall;
  if (blob.size > patterns_->max_size) return Verdict::TooLarge;
  if (patterns_->include && !found(*patterns_->include, blob.name)) return Verdict::PatternDoesNotMatch;
  if (patterns_->exclude && found(*patterns_->exclude, blob.name)) return Verdict::Excluded;
  return Verdict::Matches;
}

const std::vector<std::string>& Filter::group_names() const {
  return patterns_->group_names;
}

std::vector<std::string> Filter::groups(std::string_view name) const {
  std::size_t count = patterns_->group_names.size();
  std::vector<std::string> values(count);
  if (count == 0) return values;
  std::vector<re2::StringPiece> caught(count + 1);
  if (!patterns_->include->Match(piece(name), 0, name.size(), RE2::UNANCHORED, caught.data(),
                                 static_cast<int>(caught.size()))) {
    return values;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (caught[i + 1].data()) values[i].assign(caught[i + 1].data(), caught[i + 1].size());
  }
  return values;
}

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::Matches:
      return "Matches";
    case Verdict::PatternDoesNotMatch:
      return "PatternDoesNotMatch";
    case Verdict::Excluded:
      return "Excluded";
    case Verdict::TooSmall:
      return "TooSmall";
    case Verdict::TooLarge:
      return "TooLarge";
  }
  return "Matches";
}

}  // namespace abo::filter
