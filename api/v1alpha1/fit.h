// Makes a status fit the bounds of its schema. What stands in a status comes from elsewhere in parts (a service's ETags, the
// API server's messages), and one text that is too long must not keep the checkpoint from being written.
#pragma once

#include "base/json.h"

namespace abo::api {

// Cuts texts between characters, keeps the first entries of a list, and moves numbers to the nearest bound. What the
// table does not know stays as it is, and so does the checkpoint.
void fit_status(json::object& status);

}  // namespace abo::api
