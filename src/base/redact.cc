#include "base/redact.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/base64.h"
#include "base/percent_encoding.h"

namespace abo {
namespace {

constexpr std::size_t piece = 12;
constexpr int max_encodings = 3;
constexpr std::size_t longest_compared = 16U << 10;
constexpr std::string_view marks[] = {
    "sig=",          "sig%3d",         "sig%253d",   "signature=", "accountkey=",       "accountkey%3d",
    "clientsecret=", "client_secret=", "sharedkey ", "bearer ",    "client_assertion=", "access_token="};
constexpr std::string_view separators = " \t\r\n\"'<>&;,)}]\\`";
// "bearer token" is no credential.
constexpr std::size_t shortest = 8;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// The marks of a text from left to right. A mark is looked for anew only behind the place where it was found last, so the
// text is read once for each.
class Marks {
 public:
  explicit Marks(std::string_view folded) : folded_(folded) {
    std::ranges::transform(marks, places_.begin(), [&](std::string_view mark) { return folded.find(mark); });
  }
  // Where the value of the next mark at `from` or behind it begins, or npos. `from` never goes back.
  std::size_t next_value(std::size_t from) {
    std::size_t first = folded_.npos, value = folded_.npos;
    for (std::size_t i = 0; i < std::size(marks); ++i) {
      if (places_[i] < from) places_[i] = folded_.find(marks[i], from);
      if (places_[i] < first) first = places_[i], value = first + marks[i].size();
    }
    return value;
  }

 private:
  std::string_view folded_;
  std::array<std::size_t, std::size(marks)> places_{};
};

// A '%' that begins no code stays.
std::string decoded_once(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    auto byte = text[i] == '%' ? percent_decode(text.substr(i, 3)) : std::nullopt;
    out += byte ? *byte : std::string(1, text[i]);
    i += byte && byte->size() == 1 ? 3 : 1;
  }
  return out;
}

// The pieces of a text, sorted: whether one of a secret's is among them takes a look each, however much they are alike.
class Pieces {
 public:
  explicit Pieces(std::string_view text) : text_(text) {
    for (std::size_t at = 0; at + piece <= text.size(); ++at) sorted_.push_back(text.substr(at, piece));
    std::ranges::sort(sorted_);
  }
  [[nodiscard]] bool share_one_of(std::string_view secret) const {
    if (secret.size() < piece) return !secret.empty() && text_.contains(secret);
    for (std::size_t at = 0; at + piece <= secret.size(); ++at) {
      if (std::ranges::binary_search(sorted_, secret.substr(at, piece))) return true;
    }
    return false;
  }

 private:
  std::string_view text_;
  std::vector<std::string_view> sorted_;
};

// The secret, and what of it stands in base64: three bytes are four letters there, so what stands within something has one of
// three forms; its ends depend on what stands around it.
std::vector<std::string> forms_of(std::string_view secret) {
  std::vector<std::string> forms{std::string(secret)};
  for (std::size_t shift = 0; shift < 3; ++shift) {
    std::string encoded = base64_encode(std::string(shift, ' ') + std::string(secret));
    if (encoded.size() >= piece + 8) forms.push_back(encoded.substr(4, encoded.size() - 8));
  }
  return forms;
}

}  // namespace

std::string redacted(std::string_view text) {
  std::string folded = lower(text), out;
  Marks found(folded);
  std::size_t from = 0;
  for (std::size_t at = found.next_value(0); at != folded.npos; at = found.next_value(at)) {
    std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    if (end - at < shortest) continue;
    out += text.substr(from, at - from);
    out += "(redacted)";
    from = at = end;
  }
  out += text.substr(from);
  return out;
}

bool reveals(std::string_view text, std::string_view secret) {
  if (text.size() < std::min(piece, secret.size())) return false;
  if (text.size() > longest_compared || secret.size() > longest_compared) return true;
  const std::vector<std::string> forms = forms_of(secret);
  std::string shown(text);
  for (int i = 0; i <= max_encodings; ++i) {
    const Pieces pieces(shown);
    if (std::ranges::any_of(forms, [&](const std::string& form) { return pieces.share_one_of(form); }))
      return true;
    std::string decoded = decoded_once(shown);
    if (decoded == shown) return false;
    shown = std::move(decoded);
  }
  return false;
}

}  // namespace abo
