// A string that must not be shown: account keys, SAS tokens, bearer tokens. It cannot be formatted, streamed
// or compared by accident; whoever needs the text says reveal() at the very place where it is sent.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace abo {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  [[nodiscard]] std::string_view reveal() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string text_;
};

}  // namespace abo
