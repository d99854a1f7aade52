// From the bytes between two tags to the text they stand for: XML's entities, and whether it is UTF-8. Pure.
// White space is kept as it is, also a raw CR: blob names may hold it.
#pragma once

#include <string>
#include <string_view>

namespace abo::listing {

// Undoes &amp; &lt; &gt; &quot; &apos; &#dd; &#xhh; into `out` (replacing what it held; its memory is
// reused). False for anything else behind an '&', and for references to NUL, surrogates or beyond Unicode.
[[nodiscard]] bool decode_entities(std::string_view raw, std::string& out);

// Shortest forms only, no surrogates, nothing beyond U+10FFFF, and no NUL.
[[nodiscard]] bool is_text(std::string_view bytes);

}  // namespace abo::listing
