#include "azure/listing_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "azure/azure_error.h"
#include "base/percent_encoding.h"
#include "net/concurrently.h"

namespace abo::azure {
namespace {

using std::chrono::milliseconds;

// Has everything this program reads, and every Azurite since 2023 takes it.
constexpr std::string_view service_version = "2021-12-02";
constexpr std::string_view operation = "ListBlobs";
constexpr milliseconds try_timeout{60'000};
constexpr std::chrono::seconds service_timeout{30};  // the service gives a request up by itself then
constexpr milliseconds idle_timeout{35'000};         // and if it does not even say so, nobody is there
constexpr milliseconds connect_timeout{10'000};
constexpr std::size_t max_error_body = 256U << 10;
constexpr int max_pages = 100'000;  // 500 million blobs; an endless listing ends here
// Of the folders that one opened folder may hold; more (a folder for each blob, say) are no parts worth having.
constexpr std::size_t max_found_bytes = 512U << 10;
constexpr std::size_t max_surveyed = 16;  // folders that are looked into before a first listing is split
// Fewer trips through the loop for a listing that is alone; eight at once must not need eight such buffers.
constexpr std::size_t receive_buffer = 128U << 10, shared_receive_buffer = 32U << 10;

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

BlobClient::Run::Run(BlobClient& client, Access access, std::string prefix, listing::BlobSink sink,
                     ContainerShape* shape)
    : client_(client),
      access_(std::move(access)),
      prefix_(std::move(prefix)),
      sink_(std::move(sink)),
      shape_(shape) {
  milliseconds limit = client.options_.deadline;
  if (limit.count() > 0) deadline_ = client.clock_.mono() + limit;
  if (!shape_) return;
  shape_->begin(access_.container.text() + "?" + prefix_);
  sink_ = [shape, taker = std::move(sink_)](const listing::BlobView& blob) {
    shape->saw(blob.name);
    taker(blob);
  };
}

BlobClient::Run::~Run() {
  give_lanes_back();
}

Task<Result<Listing>> BlobClient::Run::whole() {
  std::optional<SplitPlan> plan;
  if (shape_ && shape_->may_split()) {
    plan.emplace(prefix_, shape_->marks(), shape_->pages(), shape_->page_size());
    if (!plan->pays()) plan.reset();
  }
  auto done = plan ? co_await in_parts(std::move(*plan)) : co_await in_one(prefix_);
  if (shape_) shape_->end(done.has_value() && !listing_.begin_again);
  if (!surveyed_.empty()) shape_->found(std::move(surveyed_));
  if (split_in_vain_) shape_->refuse();
  if (!done) co_return pass(done);
  co_return listing_;
}

Task<Result<void>> BlobClient::Run::in_one(std::string prefix) {
  Order order{.part = {.prefix = std::move(prefix)}, .may_survey = shape_ && shape_->is_new()};
  co_return co_await pages(order);
}

void BlobClient::Run::take_lanes() {
  std::size_t free =
      client_.options_.extra_lists - std::min(client_.extra_lists_, client_.options_.extra_lists);
  lanes_ = 1 + std::min(lists_in_flight - 1, free);
  client_.extra_lists_ += lanes_ - 1;
}

void BlobClient::Run::give_lanes_back() {
  client_.extra_lists_ -= lanes_ - 1;
  lanes_ = 1;
}

// Looks for folders by which a container can be split that has turned out large, of which nothing else is known: level by
// level, until there is one for each lane. Where the container is flat that is one request.
Task<void> BlobClient::Run::survey() {
  take_lanes();
  std::vector<std::string> leaves, level{prefix_};
  for (std::size_t asked = 1; !level.empty() && asked <= max_surveyed; asked += level.size()) {
    if (leaves.size() + level.size() >= lists_in_flight) break;
    std::vector<OpenedFolder> folders;
    for (std::string& prefix : level) folders.push_back({.prefix = std::move(prefix)});
    level.clear();
    co_await net::concurrently(folders.size(), lanes_, [&](std::size_t i) { return look_into(folders[i]); });
    if (failed_) break;
    for (OpenedFolder& folder : folders) {
      if (folder.folders.empty()) leaves.push_back(std::move(folder.prefix));
      std::ranges::move(folder.folders, std::back_inserter(level));
    }
  }
  give_lanes_back();
  std::ranges::move(leaves, std::back_inserter(level));
  if (!failed_ && level.size() > 1) surveyed_ = std::move(level);
}

Task<void> BlobClient::Run::look_into(OpenedFolder& folder) {
  Order order{.part = {.prefix = folder.prefix}, .folder = &folder, .survey = true};
  auto page = co_await get_page(order, {});
  if (!page) {
    if (!failed_) failed_ = std::move(page.error());
    co_return;
  }
  ++listing_.pages;
  std::ranges::sort(folder.folders);
  auto repeated = std::ranges::unique(folder.folders);
  folder.folders.erase(repeated.begin(), repeated.end());
  // Mostly blobs, and no end of them: its few folders are no way to split it.
  auto found = static_cast<std::int64_t>(folder.folders.size());
  if (!page->content.next_marker.empty() && page->content.blobs > found) folder.folders.clear();
}

// Opens folders, all of one depth side by side, as the plan says, then lists the parts, the heaviest first. Only if all
// of that was read to its end the whole was. Its Date is that of the root's first page, which is asked before all else.
Task<Result<void>> BlobClient::Run::in_parts(SplitPlan plan) {
  take_lanes();
  std::vector<std::string> open{prefix_};
  std::vector<Part> parts;
  while (!open.empty()) {
    std::vector<OpenedFolder> folders;
    for (std::string& prefix : open) folders.push_back({.prefix = std::move(prefix)});
    open.clear();
    co_await net::concurrently(folders.size(), lanes_,
                               [&](std::size_t i) { return open_folder(folders[i]); });
    if (failed_) co_return std::unexpected(*failed_);
    for (OpenedFolder& folder : folders) {
      SplitPlan::Next next = plan.after(std::move(folder));
      refused_ = refused_ || !next.pays;
      std::ranges::move(next.open, std::back_inserter(open));
      std::ranges::move(next.parts, std::back_inserter(parts));
    }
    if (refused_) {
      listing_.begin_again = split_in_vain_ = true;
      co_return Result<void>{};
    }
  }
  std::ranges::sort(parts, std::ranges::greater{}, &Part::weight);
  split_in_vain_ = parts.empty() || parts.front().weight * 8 > shape_->marks().size() * 7;
  co_await net::concurrently(parts.size(), lanes_, [&](std::size_t i) { return list_part(parts[i]); });
  if (failed_) co_return std::unexpected(*failed_);
  co_return Result<void>{};
}

Task<void> BlobClient::Run::open_folder(OpenedFolder& folder) {
  Order order{.part = {.prefix = folder.prefix}, .folder = &folder};
  if (auto done = co_await pages(order); !done && !failed_) failed_ = std::move(done.error());
}

Task<void> BlobClient::Run::list_part(Part part) {
  Order order{.part = std::move(part)};
  if (auto done = co_await pages(order); !done && !failed_) failed_ = std::move(done.error());
}

Task<Result<void>> BlobClient::Run::pages(Order& order) {
  std::unordered_set<std::size_t> markers;
  std::string marker;
  do {
    if (failed_ || refused_) co_return Result<void>{};
    auto page = co_await get_page(order, marker);
    if (!page) co_return pass(page);
    if (auto taken = take(*page); !taken) co_return taken;
    if (order.folder) order.folder->blobs += page->content.blobs;
    marker = std::move(page->content.next_marker);
    if (order.may_survey && !marker.empty() && shape_->turns_out_large()) {
      order.may_survey = false;
      co_await survey();
      listing_.begin_again = !surveyed_.empty();
      if (failed_) co_return std::unexpected(*failed_);
      if (listing_.begin_again) co_return Result<void>{};
    }
    if (!marker.empty() && !markers.insert(std::hash<std::string>{}(marker)).second) {
      co_return invalid_response("the listing runs in a circle: the service gave the same NextMarker twice");
    }
  } while (!marker.empty());
  co_return Result<void>{};
}

Result<void> BlobClient::Run::take(const Page& page) {
  if (listing_.pages++ == 0) {
    auto date = parse_rfc1123(page.date);
    if (!date)
      return invalid_response("the answer to List Blobs has no Date; is there a proxy before the service?");
    listing_.service_date = *date;
  }
  listing_.listed += page.content.blobs - page.shown;
  listing_.left_out += page.content.left_out;
  listing_.hierarchical |= page.content.hierarchical;
  if (shape_) shape_->saw_page(page.content.blobs);
  if (client_.options_.on_page) client_.options_.on_page(listing_);
  if (listing_.pages == max_pages) return invalid_response("the listing has too many pages");
  return {};
}

// One page, tried until it succeeds, fails for good, or has been tried often enough.
Task<Result<BlobClient::Run::Page>> BlobClient::Run::get_page(Order& order, std::string marker) {
  std::string request_id = make_request_id();
  bool renewed = false;
  for (int tried = 1;; ++tried) {
    TokenStore::Token token;
    if (std::holds_alternative<Bearer>(access_.credential)) {
      auto got = co_await get_token();
      if (!got) co_return pass(got);
      token = std::move(*got);
    }
    net::Request request = make_request(order, marker, request_id, token);
    if (request.total_timeout.count() <= 0) co_return deadline_passed();
    ++listing_.requests;
    MonoTime began = client_.clock_.mono();
    Attempt attempt = co_await try_page(order, std::move(request));
    bool silent = client_.clock_.mono() - began >= service_timeout;
    if (attempt.refused && token && !std::exchange(renewed, true) && may_renew(token)) continue;
    if (attempt.page || !attempt.passing || tried >= tries_for(attempt.page.error(), silent))
      co_return std::move(attempt.page);
    auto pause = pause_before_retry(attempt.page.error(), tried);
    if (!pause) co_return pass(pause);
    co_await client_.options_.sleep(*pause);
    if (failed_) co_return std::unexpected(*failed_);
  }
}

// A host that cannot be reached at all is mostly a typo, one that stays silent a firewall: who wrote it should learn of it
// soon. The next poll tries again anyway; only pages that were read are worth more patience.
int BlobClient::Run::tries_for(const Error& error, bool silent) const {
  int tries = client_.options_.retry.tries;
  if (listing_.pages > 0) return tries;
  if (silent) return 1;
  return error.kind == ErrorKind::Unavailable ? std::min(tries, 2) : tries;
}

Task<BlobClient::Run::Attempt> BlobClient::Run::try_page(Order& order, net::Request request) {
  std::int64_t shown = 0;
  listing::BlobSink part_of = [&](const listing::BlobView& blob) {
    if (order.part.holds(blob.name)) return sink_(blob);
    ++shown;
  };
  bool filtered = order.part.folder_size != Part::all;
  if (order.survey) part_of = [](const listing::BlobView&) {};
  bool as_it_is = !filtered && !order.survey;
  listing::ListPageDecoder decoder(as_it_is ? sink_ : std::move(part_of), [&](std::string_view folder) {
    if (!order.folder) return;
    order.found_bytes += sizeof(std::string) + folder.size();
    bool too_many = order.found_bytes > max_found_bytes;
    refused_ = refused_ || (too_many && !order.survey);
    if (!refused_ && !too_many) order.folder->folders.emplace_back(folder);
  });
  std::size_t received = 0;
  bool refused = false;  // by us, an answer that is a success by its status
  auto take = [&](std::string_view chunk) -> Result<void> {
    received += chunk.size();
    refused = received > client_.options_.max_page_bytes;
    if (refused)
      return fail(ErrorKind::TooLarge, Reason::InvalidResponse, "a page of the listing is far too long");
    auto fed = decoder.feed(chunk);
    refused = !fed;
    return fed;
  };
  const std::vector<Secret> sent = sent_with(request, access_);
  auto response = co_await client_.transport_.send(std::move(request), take);
  if (!response) {
    observe(refused ? "200" : "error", false);
    Error error = std::move(response.error());
    if (error.reason == Reason::EndpointNotAllowed) advise(error);
    bool passing = is_passing(error.kind);
    co_return Attempt{std::unexpected(std::move(error)), passing};
  }
  if (response->status != 200) {
    Error error = error_of(*response, client_.clock_.wall(), kind_of(access_), sent);
    observe(fmt::to_string(response->status), error.kind == ErrorKind::Throttled);
    co_return Attempt{std::unexpected(std::move(error)), azure::is_passing(response->status),
                      refuses_credential(*response)};
  }
  observe("200", false);
  auto content = decoder.finish();
  if (!content) co_return Attempt{pass(content), false};
  co_return Attempt{Page{std::move(*content), std::string(response->header("date")), shown}, false};
}

// For each request: a listing may outlast a token.
Task<Result<TokenStore::Token>> BlobClient::Run::get_token() const {
  if (!client_.options_.tokens)
    co_return fail(ErrorKind::Internal, Reason::Internal, "bearer tokens are not to be had here");
  co_return co_await client_.options_.tokens->token(std::get<Bearer>(access_.credential).grant);
}

bool BlobClient::Run::may_renew(const TokenStore::Token& token) const {
  return client_.options_.tokens->refused(*std::get<Bearer>(access_.credential).grant, token);
}

net::Request BlobClient::Run::make_request(const Order& order, const std::string& marker,
                                           const std::string& request_id,
                                           const TokenStore::Token& token) const {
  Parameters parameters = {{"restype", "container"},
                           {"comp", "list"},
                           {"include", "copy,metadata"},
                           {"maxresults", fmt::to_string(client_.options_.page_size)},
                           {"timeout", fmt::to_string(service_timeout.count())}};
  if (!order.part.prefix.empty()) parameters.emplace_back("prefix", order.part.prefix);
  if (order.folder) parameters.emplace_back("delimiter", std::string(1, folder_delimiter));
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
  authorize(request, std::move(parameters), token);
  request.connect_timeout = connect_timeout;
  request.total_timeout = try_timeout;
  request.idle_timeout = idle_timeout;
  if (deadline_ != MonoTime::max()) {
    request.total_timeout =
        std::min(try_timeout, std::chrono::floor<milliseconds>(deadline_ - client_.clock_.mono()));
  }
  request.max_body = max_error_body;
  if (!access_.any_address) request.may_reach = may_reach;
  request.receive_buffer = lanes_ > 1 ? shared_receive_buffer : receive_buffer;
  return request;
}

void BlobClient::Run::authorize(net::Request& request, Parameters parameters,
                                const TokenStore::Token& token) const {
  if (const auto* key = std::get_if<SharedKey>(&access_.credential)) {
    std::string path = access_.container.path();
    SignedParts parts{request.method, path, std::move(parameters), request.headers};
    request.headers.emplace_back("Authorization", authorization(*key, parts));
  } else if (const auto* sas = std::get_if<SasToken>(&access_.credential)) {
    request.url += fmt::format("&{}", sas->text.reveal());
  } else if (token) {
    request.headers.emplace_back("Authorization", fmt::format("Bearer {}", token->reveal()));
  }
}

// The service's own wish, or a random part of a wait that doubles; an error when it is longer than may be waited.
Result<milliseconds> BlobClient::Run::pause_before_retry(const Error& error, int tried) {
  const RetryPolicy& policy = client_.options_.retry;
  if (error.retry_after) {
    milliseconds wish = *error.retry_after;
    milliseconds longest = listing_.pages > 0 ? policy.longest_wish : policy.longest_first_wish;
    if (wish <= longest && !reaches_deadline(wish)) return wish;
    return std::unexpected(Error{ErrorKind::Throttled, Reason::Throttled, error.message, wish});
  }
  milliseconds longest = std::min(policy.cap, policy.base * (1 << std::min(tried - 1, 16)));
  milliseconds pause{std::uniform_int_distribution<std::int64_t>(0, longest.count())(client_.random_)};
  if (reaches_deadline(pause)) return std::unexpected(error);
  return pause;
}

void BlobClient::Run::advise(Error& error) const {
  error.message += fmt::format(
      " (an address of this machine, its own link or a metadata service); look at its DNS entry, or, if it "
      "is meant, "
      "allow it with --allowed-endpoint {}",
      access_.container.endpoint.origin());
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
