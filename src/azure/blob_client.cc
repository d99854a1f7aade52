#include "azure/blob_client.h"

#include <utility>

#include "azure/listing_run.h"

namespace abo::azure {

BlobClient::BlobClient(net::Transport& transport, const Clock& clock, BlobClientOptions options)
    : transport_(transport), clock_(clock), options_(std::move(options)), random_(options_.seed) {}

Task<Result<Listing>> BlobClient::list(Access access, std::string prefix, listing::BlobSink sink,
                                       ContainerShape* shape) {
  Run run(*this, std::move(access), std::move(prefix), std::move(sink), shape);
  co_return co_await run.whole();
}

}  // namespace abo::azure
