#include "render/variables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <span>

#include "base/nearest.h"
#include "base/percent_encoding.h"
#include "base/text.h"
#include "base/time.h"
#include "render/names.h"

namespace abo::render {
namespace {

constexpr std::array<std::string_view, variable_count - 1> names = {
    "BLOB_NAME",          "BLOB_NAME_ENCODED", "BLOB_URL",         "BLOB_SAFE_NAME", "BLOB_BASENAME",
    "BLOB_STEM",          "BLOB_EXTENSION",    "BLOB_DIRECTORY",   "BLOB_ETAG",      "BLOB_SIZE",
    "BLOB_LAST_MODIFIED", "BLOB_CONTENT_TYPE", "BLOB_CONTENT_MD5", "BLOB_HASH",      "CONTAINER_NAME",
    "STORAGE_ACCOUNT",    "WATCHER_NAME",      "WATCHER_NAMESPACE"};  // in the order of Variable

constexpr std::string_view match_prefix = "MATCH_";
constexpr std::array<std::string_view, 5> our_prefixes = {"BLOB_", match_prefix, "WATCHER_", "CONTAINER_",
                                                          "STORAGE_"};

bool name_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// The NAME of "${NAME}" at the start of the text, or "".
std::string_view reference(std::string_view text) {
  if (!text.starts_with("${")) return {};
  std::size_t end = 2;
  while (end < text.size() && name_char(text[end])) ++end;
  return end < text.size() && text[end] == '}' ? text.substr(2, end - 2) : std::string_view{};
}

std::optional<std::size_t> group_number(std::string_view name, const std::vector<std::string>& group_names) {
  std::size_t number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc{} && end == name.data() + name.size() && name.front() != '0') {
    if (number >= 1 && number <= group_names.size()) return number - 1;
    return std::nullopt;
  }
  auto found = std::ranges::find(group_names, name);
  if (name.empty() || found == group_names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - group_names.begin());
}

std::optional<Piece> known(std::string_view name, const std::vector<std::string>& group_names) {
  if (auto found = std::ranges::find(names, name); found != names.end()) {
    return Piece{"", static_cast<Variable>(found - names.begin())};
  }
  if (!name.starts_with(match_prefix)) return std::nullopt;
  auto group = group_number(name.substr(match_prefix.size()), group_names);
  if (!group) return std::nullopt;
  return Piece{"", Variable::Match, *group};
}

// Of those with the same prefix, as long as there are any.
std::string_view nearest_variable(std::string_view name, std::span<const std::string_view> all) {
  std::string_view prefix = name.substr(0, name.find('_') + 1);
  std::vector<std::string_view> alike;
  std::ranges::copy_if(all, std::back_inserter(alike), [&](auto each) { return each.starts_with(prefix); });
  return nearest_of_all(name, alike.empty() ? all : std::span<const std::string_view>(alike));
}

std::string unknown(std::string_view name, const std::vector<std::string>& group_names) {
  std::vector<std::string> all(names.begin(), names.end());
  for (std::size_t i = 0; i < group_names.size(); ++i) {
    all.push_back(fmt::format("{}{}", match_prefix, i + 1));
    if (!group_names[i].empty()) all.push_back(fmt::format("{}{}", match_prefix, group_names[i]));
  }
  std::vector<std::string_view> views(all.begin(), all.end());
  std::string hint = fmt::format("; did you mean ${{{}}}?", nearest_variable(name, views));
  if (name.starts_with(match_prefix)) {
    hint = fmt::format("; blobPattern has {} group{}{}", group_names.size(),
                       group_names.size() == 1 ? "" : "s", hint);
  }
  std::string shown = bounded_text(name, 80);
  return fmt::format("unknown variable ${{{}}}{} (for the text itself write $${{{}}})", shown, hint, shown);
}

std::string_view basename(std::string_view name) {
  std::size_t slash = name.rfind('/');
  return slash == name.npos ? name : name.substr(slash + 1);
}

// Where the extension's dot stands in a basename, or npos: a leading or a trailing dot begins none.
std::size_t extension_dot(std::string_view base) {
  std::size_t dot = base.rfind('.');
  return dot == 0 || dot + 1 == base.size() ? base.npos : dot;
}

std::string_view extension(std::string_view base) {
  std::size_t dot = extension_dot(base);
  return dot == base.npos ? std::string_view{} : base.substr(dot + 1);
}

}  // namespace

bool is_free_text(Variable variable) {
  switch (variable) {
    case Variable::BlobName:
    case Variable::BlobBasename:
    case Variable::BlobStem:
    case Variable::BlobExtension:
    case Variable::BlobDirectory:
    case Variable::BlobContentType:
    case Variable::Match:
      return true;
    case Variable::BlobNameEncoded:
    case Variable::BlobUrl:
    case Variable::BlobSafeName:
    case Variable::BlobEtag:
    case Variable::BlobSize:
    case Variable::BlobLastModified:
    case Variable::BlobContentMd5:
    case Variable::BlobHash:
    case Variable::ContainerName:
    case Variable::StorageAccount:
    case Variable::WatcherName:
    case Variable::WatcherNamespace:
      return false;
  }
  return true;
}

bool is_plain(Variable variable) {
  // Those two come from the service as they are.
  return !is_free_text(variable) && variable != Variable::BlobEtag && variable != Variable::BlobContentMd5;
}

std::expected<Text, std::vector<std::string>> Text::parse(std::string_view scalar,
                                                          const std::vector<std::string>& group_names) {
  constexpr std::size_t most_errors = 20;  // each costs some thousand comparisons; nobody reads more
  Text text;
  std::vector<std::string_view> unknowns;
  std::string literal;
  auto flush = [&] {
    if (!literal.empty()) text.pieces_.push_back({std::exchange(literal, {})});
  };
  while (!scalar.empty()) {
    std::string_view escaped = scalar.starts_with("$$") ? reference(scalar.substr(1)) : std::string_view{};
    if (!escaped.empty()) {
      literal += scalar.substr(1, escaped.size() + 3);
      scalar.remove_prefix(escaped.size() + 4);
      continue;
    }
    std::string_view name = reference(scalar);
    auto piece = name.empty() ? std::nullopt : known(name, group_names);
    if (piece) {
      flush();
      text.pieces_.push_back(std::move(*piece));
      text.variable_ = true;
      scalar.remove_prefix(name.size() + 3);
      continue;
    }
    if (std::ranges::any_of(our_prefixes, [&](auto prefix) { return name.starts_with(prefix); })) {
      bool told = std::ranges::find(unknowns, name) != unknowns.end() || unknowns.size() == most_errors;
      if (!told) unknowns.push_back(name);
    }
    // Plain text up to the next '$'.
    std::size_t end = std::min(scalar.find('$', 1), scalar.size());
    literal += scalar.substr(0, end);
    scalar.remove_prefix(end);
  }
  flush();
  if (unknowns.empty()) return text;
  std::vector<std::string> errors;
  for (std::string_view name : unknowns) errors.push_back(unknown(name, group_names));
  return std::unexpected(std::move(errors));
}

std::string Text::constant_text() const {
  return pieces_.empty() ? std::string{} : pieces_.front().literal;
}

std::string spelled(const Piece& piece) {
  if (!piece.variable) return piece.literal;
  if (*piece.variable == Variable::Match) return fmt::format("${{{}{}}}", match_prefix, piece.group + 1);
  return fmt::format("${{{}}}", names[static_cast<std::size_t>(*piece.variable)]);
}

std::string_view Values::get(const Piece& piece) {
  if (!piece.variable) return piece.literal;
  if (*piece.variable != Variable::Match) return get(*piece.variable);
  return piece.group < blob_.groups.size() ? std::string_view(blob_.groups[piece.group].value)
                                           : std::string_view{};
}

std::string_view Values::get(Variable variable) {
  auto& value = made_[static_cast<std::size_t>(variable)];
  if (!value) value = made(variable);
  return *value;
}

std::string Values::made(Variable variable) const {
  const listing::BlobItem& item = blob_.item;
  std::string_view base = basename(item.name);
  switch (variable) {
    case Variable::BlobName:
      return item.name;
    case Variable::BlobNameEncoded:
      return percent_encode_path(item.name);
    case Variable::BlobUrl:
      return source_.container_url + "/" + percent_encode_path(item.name);
    case Variable::BlobSafeName: {
      std::string safe = legalised(item.name, NameForm::Subdomain);
      return safe.empty() ? blob_.key.short_hex() : safe;
    }
    case Variable::BlobBasename:
      return std::string(base);
    case Variable::BlobStem:
      return std::string(base.substr(0, extension_dot(base)));
    case Variable::BlobExtension:
      return std::string(extension(base));
    case Variable::BlobDirectory:
      return item.name.substr(0, item.name.size() - std::min(base.size() + 1, item.name.size()));
    case Variable::BlobEtag:
      return item.etag;
    case Variable::BlobSize:
      return std::to_string(item.size);
    case Variable::BlobLastModified:
      return format_rfc3339(item.last_modified);
    case Variable::BlobContentType:
      return item.content_type;
    case Variable::BlobContentMd5:
      return item.content_md5;
    case Variable::BlobHash:
      return blob_.key.short_hex();
    case Variable::ContainerName:
      return source_.container_name;
    case Variable::StorageAccount:
      return source_.storage_account;
    case Variable::WatcherName:
      return source_.watcher_name;
    case Variable::WatcherNamespace:
      return source_.watcher_namespace;
    case Variable::Match:
      return {};
  }
  return {};
}

}  // namespace abo::render
