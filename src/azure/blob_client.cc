#include "azure/blob_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include "azure/azure_error.h"
#include "base/percent_encoding.h"

namespace abo::azure {
namespace {

using std::chrono::milliseconds;
using Parameters = std::vector<std::pair<std::string, std::string>>;

// Has everything this program reads, and every Azurite since 2023 takes it.
constexpr std::string_view service_version = "2021-12-02";
constexpr std::string_view operation = "ListBlobs";
constexpr milliseconds try_timeout{60'000};
constexpr milliseconds connect_timeout{10'000};
constexpr std::size_t max_error_body = 256U << 10;
constexpr int max_pages = 100'000;  // 500 million blobs; an endless listing ends here

std::unexpected<Error> invalid_response(std::string message) {
  return fail(ErrorKind::Invalid, Reason::InvalidResponse, std::move(message));
}

std::unexpected<Error> deadline_passed() {
  return fail(ErrorKind::UnknownOutcome, Reason::ServiceUnavailable,
              "the listing did not end within the time a poll may take; narrow it with blobPrefix, or look "
              "at the network");
}

// No answer came, and the same request may fare better.
bool is_passing(ErrorKind kind) {
  return kind == ErrorKind::Unavailable || kind == ErrorKind::UnknownOutcome;
}

}  // namespace

// One listing: lives in list()'s frame, which outlives every coroutine below.
class BlobClient::Run {
 public:
  Run(BlobClient& client, Access access, std::string prefix, listing::BlobSink sink)
      : client_(client), access_(std::move(access)), prefix_(std::move(prefix)), sink_(std::move(sink)) {
    milliseconds limit = client.options_.deadline;
    if (limit.count() > 0) deadline_ = client.clock_.mono() + limit;
  }

  Task<Result<Listing>> pages();

 private:
  struct Page {
    listing::ListPage content;
    std::string date;
  };
  struct Attempt {
    Result<Page> page;
    bool passing = false;  // the same request may succeed in a moment
  };

  Task<Result<Page>> get_page(std::string marker);
  Task<Attempt> try_page(net::Request request);
  [[nodiscard]] net::Request make_request(const std::string& marker, const std::string& request_id) const;
  void authorize(net::Request& request, Parameters parameters) const;
  Result<milliseconds> pause_before_retry(const Error& error, int tried);
  [[nodiscard]] int tries_for(const Error& error) const;
  [[nodiscard]] bool reaches_deadline(milliseconds pause) const;
  std::string make_request_id();
  void observe(std::string_view code, bool throttled) const;

  BlobClient& client_;
  Access access_;
  std::string prefix_;
  listing::BlobSink sink_;
  MonoTime deadline_ = MonoTime::max();
  Listing listing_;
};

BlobClient::BlobClient(net::Transport& transport, const Clock& clock, BlobClientOptions options)
    : transport_(transport), clock_(clock), options_(std::move(options)), random_(options_.seed) {}

Task<Result<Listing>> BlobClient::list(Access access, std::string prefix, listing::BlobSink sink) {
  Run run(*this, std::move(access), std::move(prefix), std::move(sink));
  co_return co_await run.pages();
}

Task<Result<Listing>> BlobClient::Run::pages() {
  std::unordered_set<std::size_t> markers;
  std::string marker;
  do {
    auto page = co_await get_page(marker);
    if (!page) co_return pass(page);
    if (listing_.pages++ == 0) {
      auto date = parse_rfc1123(page->date);
      if (!date)
        co_return invalid_response(
            "the answer to List Blobs has no Date; is there a proxy before the service?");
      listing_.service_date = *date;
    }
    listing_.listed += page->content.blobs;
    listing_.left_out += page->content.left_out;
    marker = std::move(page->content.next_marker);
    if (!marker.empty() && !markers.insert(std::hash<std::string>{}(marker)).second) {
      co_return invalid_response("the listing runs in a circle: the service gave the same NextMarker twice");
    }
    if (listing_.pages == max_pages) co_return invalid_response("the listing has too many pages");
  } while (!marker.empty());
  co_return listing_;
}

// One page, tried until it succeeds, fails for good, or has been tried often enough.
Task<Result<BlobClient::Run::Page>> BlobClient::Run::get_page(std::string marker) {
  std::string request_id = make_request_id();
  for (int tried = 1;; ++tried) {
    net::Request request = make_request(marker, request_id);
    if (request.total_timeout.count() <= 0) co_return deadline_passed();
    ++listing_.requests;
    Attempt attempt = co_await try_page(std::move(request));
    if (attempt.page || !attempt.passing || tried >= tries_for(attempt.page.error()))
      co_return std::move(attempt.page);
    auto pause = pause_before_retry(attempt.page.error(), tried);
    if (!pause) co_return pass(pause);
    co_await client_.options_.sleep(*pause);
  }
}

// A host that cannot be reached at all is mostly a typo: who wrote it should learn of it soon. The next poll tries again
// anyway; only pages that were read are worth more patience.
int BlobClient::Run::tries_for(const Error& error) const {
  int tries = client_.options_.retry.tries;
  bool nobody_there = error.kind == ErrorKind::Unavailable && listing_.pages == 0;
  return nobody_there ? std::min(tries, 2) : tries;
}

Task<BlobClient::Run::Attempt> BlobClient::Run::try_page(net::Request request) {
  listing::ListPageDecoder decoder(sink_);
  std::size_t received = 0;
  auto take = [&](std::string_view chunk) -> Result<void> {
    received += chunk.size();
    if (received > client_.options_.max_page_bytes) {
      return fail(ErrorKind::TooLarge, Reason::InvalidResponse, "a page of the listing is far too long");
    }
    return decoder.feed(chunk);
  };
  auto response = co_await client_.transport_.send(std::move(request), take);
  if (!response) {
    observe("error", false);
    co_return Attempt{pass(response), is_passing(response.error().kind)};
  }
  if (response->status != 200) {
    Error error = error_of(*response, client_.clock_.wall(), kind_of(access_));
    observe(fmt::to_string(response->status), error.kind == ErrorKind::Throttled);
    co_return Attempt{std::unexpected(std::move(error)), azure::is_passing(response->status)};
  }
  observe("200", false);
  auto content = decoder.finish();
  if (!content) co_return Attempt{pass(content), false};
  co_return Attempt{Page{std::move(*content), std::string(response->header("date"))}, false};
}

net::Request BlobClient::Run::make_request(const std::string& marker, const std::string& request_id) const {
  Parameters parameters = {{"restype", "container"},
                           {"comp", "list"},
                           {"include", "copy,metadata"},
                           {"maxresults", fmt::to_string(client_.options_.page_size)},
                           {"timeout", "30"}};
  if (!prefix_.empty()) parameters.emplace_back("prefix", prefix_);
  if (!marker.empty()) parameters.emplace_back("marker", marker);
  net::Request request;
  request.url = access_.container.text();
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    request.url += fmt::format("{}{}={}", std::exchange(separator, '&'), name, percent_encode(value));
  }
  request.headers = {
      {"x-ms-client-request-id", request_id},
      {"x-ms-date", format_rfc1123(std::chrono::floor<std::chrono::seconds>(client_.clock_.wall()))},
      {"x-ms-version", std::string(service_version)}};
  authorize(request, std::move(parameters));
  request.connect_timeout = connect_timeout;
  request.total_timeout = try_timeout;
  if (deadline_ != MonoTime::max()) {
    request.total_timeout =
        std::min(try_timeout, std::chrono::floor<milliseconds>(deadline_ - client_.clock_.mono()));
  }
  request.max_body = max_error_body;
  return request;
}

void BlobClient::Run::authorize(net::Request& request, Parameters parameters) const {
  if (const auto* key = std::get_if<SharedKey>(&access_.credential)) {
    std::string path = access_.container.path();
    SignedParts parts{request.method, path, std::move(parameters), request.headers};
    request.headers.emplace_back("Authorization", authorization(*key, parts));
  } else if (const auto* sas = std::get_if<SasToken>(&access_.credential)) {
    request.url += fmt::format("&{}", sas->text.reveal());
  }
}

// The service's own wish, or a random part of a wait that doubles; an error when it is longer than may be waited.
Result<milliseconds> BlobClient::Run::pause_before_retry(const Error& error, int tried) {
  const RetryPolicy& policy = client_.options_.retry;
  if (error.retry_after) {
    milliseconds wish = *error.retry_after;
    if (wish <= policy.longest_wish && !reaches_deadline(wish)) return wish;
    return std::unexpected(Error{ErrorKind::Throttled, Reason::Throttled, error.message, wish});
  }
  milliseconds longest = std::min(policy.cap, policy.base * (1 << std::min(tried - 1, 16)));
  milliseconds pause{std::uniform_int_distribution<std::int64_t>(0, longest.count())(client_.random_)};
  if (reaches_deadline(pause)) return std::unexpected(error);
  return pause;
}

bool BlobClient::Run::reaches_deadline(milliseconds pause) const {
  return deadline_ != MonoTime::max() && client_.clock_.mono() + pause >= deadline_;
}

// A random UUID; the service echoes it and logs it.
std::string BlobClient::Run::make_request_id() {
  std::uint64_t high = client_.random_(), low = client_.random_();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xFFFF, high & 0xFFF,
                     (low >> 48 & 0x3FFF) | 0x8000, low & 0xFFFFFFFFFFFF);
}

void BlobClient::Run::observe(std::string_view code, bool throttled) const {
  if (client_.options_.observer) client_.options_.observer(operation, code, throttled);
}

}  // namespace abo::azure
