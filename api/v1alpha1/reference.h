// The reference page of AzureBlobWatcher in Markdown, made from the table of fields.
#pragma once

#include <string>

namespace abo::api {

[[nodiscard]] std::string reference_page();

}  // namespace abo::api
