// Text that came from elsewhere (a server's answer, a user's template), made fit to be shown in our own messages.
#pragma once

#include <string>
#include <string_view>

namespace abo {

// At most `limit` bytes, cut between characters, with control characters as spaces: safe for a condition, an Event or a
// log line.
[[nodiscard]] std::string bounded_text(std::string_view text, std::size_t limit = 512);

}  // namespace abo
