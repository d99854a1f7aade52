// Text that came from elsewhere (a server's answer, a user's template), made fit to be shown in our own messages.
#pragma once

#include <string>
#include <string_view>

namespace abo {

// Whether a character (its UTF-8 bytes) would not be shown but obeyed by whatever shows it: C0 and C1 controls (a terminal
// takes U+009B for the begin of an escape sequence), line separators, and marks that turn the direction of writing.
[[nodiscard]] bool is_control(std::string_view character);

// At most `limit` bytes, cut between characters, with control characters as spaces and what looks like a credential taken
// out (redact.h): safe for a condition, an Event or a log line.
[[nodiscard]] std::string bounded_text(std::string_view text, std::size_t limit = 512);

}  // namespace abo
