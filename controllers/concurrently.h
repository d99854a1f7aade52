// How many requests to the API server a pass keeps in flight, and the means (net/concurrently.h).
#pragma once

#include <cstddef>

#include "net/concurrently.h"

namespace abo::controllers {

using net::concurrently;

// Requests to the API server that one pass keeps in flight. HTTP/2 carries 100 streams a connection; 4 passes of one
// account and the watches fit beside it; when orphans are released too, four owners at once, some wait for a stream.
inline constexpr std::size_t requests_in_flight = 16;

}  // namespace abo::controllers
