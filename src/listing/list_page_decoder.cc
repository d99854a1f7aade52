#include "listing/list_page_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/percent_encoding.h"
#include "listing/text_decode.h"
#include "listing/xml_scanner.h"

namespace abo::listing {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";  // Azure writes it, Azurite does not
constexpr std::string_view declaration = "<?xml ";
constexpr std::string_view root_name = "EnumerationResults";

bool is_beginning_of(std::string_view text, std::string_view whole) {
  return text.size() < whole.size() && whole.starts_with(text);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// Another name is not quoted: whatever the server sent, it might be what it was sent.
std::string wrong_root(std::string_view name) {
  if (name == "Error") return "it is an <Error> document";
  if (lower(name) == "html")
    return "it is an HTML page; is there a proxy or a login page before the service?";
  return fmt::format("it is another document than an <{}>", root_name);
}

std::string_view without_quotes(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"'))
    etag = etag.substr(1, etag.size() - 2);
  return etag;
}

std::optional<std::int64_t> parse_size(std::string_view text) {
  std::int64_t size = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc{} || end != text.data() + text.size() || size < 0) return std::nullopt;
  return size;
}

}  // namespace

ListPageDecoder::ListPageDecoder(BlobSink blobs, PrefixSink prefixes)
    : blob_sink_(std::move(blobs)), prefix_sink_(std::move(prefixes)) {}

Result<void> ListPageDecoder::feed(std::string_view chunk) {
  feed_carry(chunk);
  if (state_ != State::Failed && carry_.empty()) {
    chunk.remove_prefix(consume(chunk));
    carry_.assign(chunk);
    try_at_ = 0;
  }
  if (state_ == State::Failed) return std::unexpected(error_);
  return {};
}

Result<ListPage> ListPageDecoder::finish() {
  if (state_ != State::Failed) carry_.erase(0, consume(carry_));
  if (state_ != State::Failed && (state_ != State::Epilog || !carry_.empty())) {
    reject(offset_ + carry_.size() == 0 ? "it is empty" : "it ends in the middle");
  }
  if (state_ == State::Failed) return std::unexpected(error_);
  return std::move(page_);
}

// Completes the carried element with as little copying as possible: the carry grows by a few kilobytes at a
// time, and what lies behind the element is read where it is. Tiny pieces do not make it quadratic, since the
// carry is looked at again only after it has grown by an eighth.
void ListPageDecoder::feed_carry(std::string_view& chunk) {
  static constexpr std::size_t portion = 4096;
  while (state_ != State::Failed && !carry_.empty() && !chunk.empty()) {
    std::size_t taken = std::min(chunk.size(), std::max(portion, carry_.size()));
    carry_.append(chunk.substr(0, taken));
    if (carry_.size() < try_at_) {
      chunk.remove_prefix(taken);
      continue;
    }
    std::size_t used = consume(carry_);
    std::size_t left = carry_.size() - used;
    if (used > 0 && left <= taken) {
      chunk.remove_prefix(taken - left);
      carry_.clear();
      return;
    }
    chunk.remove_prefix(taken);
    carry_.erase(0, used);
    try_at_ = carry_.size() + carry_.size() / 8;
  }
}

std::size_t ListPageDecoder::consume(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size()) {
    std::size_t step_size = step(bytes.substr(used));
    if (step_size == 0 || state_ == State::Failed) break;
    used += step_size;
    offset_ += step_size;
  }
  return used;
}

std::size_t ListPageDecoder::step(std::string_view bytes) {
  switch (state_) {
    case State::Prolog:
      return read_prolog(bytes);
    case State::Root:
      return bytes.front() == '<' ? read_root_child(bytes) : space(bytes);
    case State::Blobs:
      return bytes.front() == '<' ? read_blobs_child(bytes) : space(bytes);
    case State::Epilog:
      return space(bytes);
    case State::Failed:
      return 0;
  }
  return 0;
}

std::size_t ListPageDecoder::read_prolog(std::string_view bytes) {
  if (offset_ == 0) {
    if (bytes.starts_with(byte_order_mark)) return byte_order_mark.size();
    if (is_beginning_of(bytes, byte_order_mark)) return 0;
  }
  if (is_space(bytes.front())) {
    declaration_possible_ = false;
    return space(bytes);
  }
  if (declaration_possible_) {
    if (bytes.starts_with(declaration)) return read_declaration(bytes);
    if (is_beginning_of(bytes, declaration)) return 0;
  }
  return bytes.front() == '<' ? read_root_tag(bytes) : reject("it is no XML");
}

std::size_t ListPageDecoder::read_declaration(std::string_view bytes) {
  std::size_t end = bytes.find("?>");
  if (end == bytes.npos) return undecided(bytes);
  declaration_possible_ = false;
  auto encoding = find_attribute(bytes.substr(0, end).substr(declaration.size()), "encoding");
  if (encoding && lower(*encoding) != "utf-8") return reject("it is not written in UTF-8");
  return end + 2;
}

std::size_t ListPageDecoder::read_root_tag(std::string_view bytes) {
  static constexpr std::string_view doctype = "<!doctype";
  std::string head = lower(bytes.substr(0, doctype.size()));
  if (head == doctype)
    return reject("it has a DOCTYPE, as HTML pages do; is there a proxy before the service?");
  if (head.size() > 1 && is_beginning_of(head, doctype)) return 0;
  Token token = scan_token(bytes.data(), bytes.data() + bytes.size());
  if (token.kind == TokenKind::More) return undecided(bytes);
  if (token.kind != TokenKind::Start && token.kind != TokenKind::Empty) return reject("it is no XML");
  if (token.name != root_name) return reject(wrong_root(token.name));
  if (token.kind == TokenKind::Empty) return reject("it has no <Blobs>");
  state_ = State::Root;
  return static_cast<std::size_t>(token.end - token.begin);
}

std::size_t ListPageDecoder::read_root_child(std::string_view bytes) {
  Token token = scan_token(bytes.data(), bytes.data() + bytes.size());
  if (token.kind == TokenKind::More) return undecided(bytes);
  if (token.kind == TokenKind::Bad) return reject("a tag that is not well-formed");
  if (token.kind == TokenKind::End) {
    if (token.name != root_name) return reject("an end tag that fits no start tag");
    if (!blobs_seen_) return reject("it has no <Blobs>");
    state_ = State::Epilog;
    return static_cast<std::size_t>(token.end - token.begin);
  }
  if (token.name == "Blobs") {
    if (std::exchange(blobs_seen_, true)) return reject("a second <Blobs>");
    if (token.kind == TokenKind::Start) state_ = State::Blobs;
    return static_cast<std::size_t>(token.end - token.begin);
  }
  return read_small(token.name == "NextMarker" ? ElementKind::Leaf : ElementKind::Other, bytes);
}

std::size_t ListPageDecoder::read_blobs_child(std::string_view bytes) {
  if (bytes.starts_with("<Blob>")) return read_blob(bytes);
  Token token = scan_token(bytes.data(), bytes.data() + bytes.size());
  if (token.kind == TokenKind::More) return undecided(bytes);
  if (token.kind == TokenKind::Bad) return reject("a tag that is not well-formed");
  if (token.kind == TokenKind::End) {
    if (token.name != "Blobs") return reject("an end tag that fits no start tag");
    state_ = State::Root;
    return static_cast<std::size_t>(token.end - token.begin);
  }
  if (token.name == "Blob") return read_blob(bytes);
  return read_small(token.name == "BlobPrefix" ? ElementKind::BlobPrefix : ElementKind::Other, bytes);
}

std::size_t ListPageDecoder::read_blob(std::string_view bytes) {
  ReadResult result = shapes_.read(bytes.data(), bytes.data() + bytes.size(), row_);
  if (result.outcome == ReadOutcome::More) return undecided(bytes);
  if (result.outcome == ReadOutcome::Bad) return reject(result.complaint);
  auto size = static_cast<std::size_t>(result.end - bytes.data());
  if (size > max_element) return reject("an element that is too long");
  deliver_blob();
  return size;
}

// Everything but a Blob; the row is only looked at where its kind has a meaning.
std::size_t ListPageDecoder::read_small(ElementKind kind, std::string_view bytes) {
  ReadResult result = read_element(bytes.data(), bytes.data() + bytes.size(), kind, row_, nullptr);
  if (result.outcome == ReadOutcome::More) return undecided(bytes);
  if (result.outcome == ReadOutcome::Bad) return reject(result.complaint);
  auto size = static_cast<std::size_t>(result.end - bytes.data());
  if (size > max_element) return reject("an element that is too long");
  if (kind == ElementKind::BlobPrefix) deliver_prefix();
  if (kind == ElementKind::Leaf) keep_marker();
  return size;
}

std::size_t ListPageDecoder::space(std::string_view bytes) {
  auto end = std::ranges::find_if_not(bytes, is_space);
  auto size = static_cast<std::size_t>(end - bytes.begin());
  // What may stand behind it before the root tag, read_prolog() knows better.
  if (end == bytes.end() || state_ == State::Prolog || (*end == '<' && state_ != State::Epilog)) return size;
  offset_ += size;  // the error is about the text itself, wherever the bytes before it were cut
  return reject("text between elements");
}

std::size_t ListPageDecoder::undecided(std::string_view bytes) {
  return bytes.size() > max_element ? reject("an element that is too long") : 0;
}

std::size_t ListPageDecoder::reject(std::string_view what) {
  if (state_ != State::Failed) {
    state_ = State::Failed;
    error_ = Error{ErrorKind::Invalid, Reason::InvalidResponse,
                   fmt::format("the answer to List Blobs cannot be used: {} (at byte {})", what, offset_)};
  }
  return 0;
}

// --- what the rows mean ---

// Snapshots, versions and soft-deleted blobs share the name of the blob they belong to; directories of a
// hierarchical namespace show as empty blobs. The mark hdi_isfolder is metadata, which anybody may write: a blob that holds
// something is none.
bool ListPageDecoder::is_left_out() {
  if (!row_.at(Field::Snapshot).empty() || text(Field::Deleted) == "true" ||
      text(Field::HasVersionsOnly) == "true") {
    return true;
  }
  if (!row_.at(Field::VersionId).empty() && text(Field::IsCurrentVersion) != "true") return true;
  if (text(Field::ResourceType) == "directory") return true;
  if (row_.at(Field::HdiIsFolder).empty() || lower(text(Field::HdiIsFolder)) != "true") return false;
  std::string_view size = text(Field::ContentLength);
  return size.empty() || size == "0";
}

void ListPageDecoder::deliver_blob() {
  if (!row_.at(Field::ResourceType).empty()) page_.hierarchical = true;
  if (is_left_out()) {
    ++page_.left_out;
    return;
  }
  BlobView blob;
  blob.name = name();
  auto modified = modified_.read(required(Field::LastModified));
  if (!modified) reject("a <Last-Modified> that is no time");
  blob.last_modified = modified.value_or(ServiceTime{});
  blob.etag = utf8(Field::Etag, without_quotes(required(Field::Etag)));
  if (blob.etag.empty()) reject("a <Blob> whose <Etag> is empty");
  auto size = parse_size(required(Field::ContentLength));
  if (!size) reject("a <Content-Length> that is no size");
  blob.size = size.value_or(0);
  blob.content_type = utf8(Field::ContentType, text(Field::ContentType));
  blob.content_md5 = utf8(Field::ContentMd5, text(Field::ContentMd5));
  blob.copy_pending = text(Field::CopyStatus) == "pending";
  if (state_ == State::Failed) return;
  ++page_.blobs;
  blob_sink_(blob);
}

void ListPageDecoder::deliver_prefix() {
  std::string_view prefix = name();
  if (state_ == State::Failed) return;
  ++page_.prefixes;
  if (prefix_sink_) prefix_sink_(prefix);
}

void ListPageDecoder::keep_marker() {
  if (std::exchange(marker_seen_, true)) reject("a second <NextMarker>");
  page_.next_marker = utf8(Field::Name, text(Field::Name));
}

// The field's text with its entities undone; lives until the next row.
std::string_view ListPageDecoder::text(Field field) {
  std::string_view raw = row_.at(field);
  if (!row_.has_entities(field)) return raw;
  std::string& decoded = decoded_[static_cast<std::size_t>(field)];
  if (!decode_entities(raw, decoded)) reject("an '&' that begins no entity");
  return decoded;
}

std::string_view ListPageDecoder::required(Field field) {
  std::string_view value = text(field);
  if (value.empty()) reject(fmt::format("a row without <{}>", to_string(field)));
  return value;
}

// Names that XML cannot carry come percent-encoded with Encoded="true"; only then is '%' special.
std::string_view ListPageDecoder::name() {
  std::string_view value = required(Field::Name);
  if (row_.name_encoded) {
    auto decoded = percent_decode(value);
    if (!decoded) reject("a <Name> with a broken percent-encoding");
    std::string& kept = decoded_[static_cast<std::size_t>(Field::Name)];
    kept = decoded ? std::move(*decoded) : std::string{};
    value = kept;
  }
  if (value.size() > max_name) reject("a <Name> that is too long");
  return utf8(Field::Name, value);
}

// The rest of the program writes these into JSON, which holds UTF-8 alone; the service never sends anything
// else.
std::string_view ListPageDecoder::utf8(Field field, std::string_view bytes) {
  if (!is_text(bytes)) reject(fmt::format("a <{}> that is not UTF-8", to_string(field)));
  return bytes;
}

}  // namespace abo::listing
