// The variables of templates: ${BLOB_NAME} and its like. A scalar is taken apart once, when the template is parsed;
// for every blob only the pieces are put together, so a value that looks like a variable is never read as one.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "render/render.h"

namespace abo::render {

enum class Variable : std::uint8_t {
  BlobName,         // raw/my data.csv
  BlobNameEncoded,  // raw/my%20data.csv
  BlobUrl,          // the container's URL, '/', the encoded name
  BlobSafeName,     // raw-my-data.csv
  BlobBasename,     // behind the last '/': my data.csv; "" for "dir/"
  BlobStem,         // the basename without the extension and its dot
  BlobExtension,  // behind the basename's last dot: gz for a.tar.gz; "" for .bashrc, "name." and without a dot
  BlobDirectory,  // before the last '/', "" without one
  BlobEtag,
  BlobSize,
  BlobLastModified,  // RFC 3339
  BlobContentType,
  BlobContentMd5,
  BlobHash,  // 8 hex digits of the trigger key
  ContainerName,
  StorageAccount,
  WatcherName,
  WatcherNamespace,
  Match,  // a group of blobPattern, by number or name
};

inline constexpr std::size_t variable_count = 19;

// May the value hold any character its uploader likes?
[[nodiscard]] bool is_free_text(Variable variable);

// Does the value hold no quote, space, brace or operator, whatever its uploader likes? Encoded forms, numbers, times and
// names that Kubernetes or Azure keep legal.
[[nodiscard]] bool is_plain(Variable variable);

struct Piece {
  std::string literal;  // when no variable is set
  std::optional<Variable> variable{};
  std::size_t group = 0;  // of Match, from 0
};

// A scalar in pieces. ${NAME} is a variable when NAME is known; $${NAME} is the text ${NAME}; a name that is not known
// is an error when it begins like one of ours and plain text otherwise (${HOME} is a shell's).
class Text {
 public:
  // The errors are sentences without a place, one for each unknown variable (twenty at most); each names the nearest
  // known one.
  static std::expected<Text, std::vector<std::string>> parse(std::string_view scalar,
                                                             const std::vector<std::string>& group_names);

  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }
  [[nodiscard]] bool constant() const { return !variable_; }
  [[nodiscard]] std::string constant_text() const;  // when constant(); $${X} has become ${X}

 private:
  std::vector<Piece> pieces_;  // literals are never empty and never neighbours
  bool variable_ = false;
};

// "${BLOB_NAME}", "${MATCH_2}": for messages.
[[nodiscard]] std::string spelled(const Piece& piece);

// The values of one blob, each worked out when it is first asked for. Holds references: lives for one rendering.
class Values {
 public:
  Values(const Source& source, const Blob& blob) : source_(source), blob_(blob) {}
  [[nodiscard]] std::string_view get(const Piece& piece);
  [[nodiscard]] std::string_view get(Variable variable);  // but Match

 private:
  [[nodiscard]] std::string made(Variable variable) const;
  const Source& source_;
  const Blob& blob_;
  std::optional<std::string> made_[variable_count];
};

}  // namespace abo::render
