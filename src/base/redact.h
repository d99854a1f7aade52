// Takes out of a text what looks like a credential: the last wall, for texts that quote what somebody wrote into the wrong
// field or what a server sent back. Whoever knows the credential itself uses reveals() besides.
#pragma once

#include <string>
#include <string_view>

namespace abo {

// What stands behind "sig=", "AccountKey=", "SharedKey account:", "Bearer " and their like, percent-encoded ones too, up to
// the next separator, becomes "(redacted)".
[[nodiscard]] std::string redacted(std::string_view text);

// Whether twelve bytes in a row of `secret` stand in `text`: as they are, percent-encoded however often, or within
// something in base64. Secrets of fewer bytes count as a whole. Of more than 16 KiB, of either, it is taken for granted: the work
// is bounded, by their sizes and not by what they are.
[[nodiscard]] bool reveals(std::string_view text, std::string_view secret);

}  // namespace abo
