// One listing in progress: the pages of one prefix after another, or of several at once when the container is large
// (split_plan.h), each signed anew for each try, with retries (RetryPolicy). Lives in BlobClient::list()'s frame, which
// outlives every coroutine below.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "azure/blob_client.h"
#include "azure/split_plan.h"

namespace abo::azure {

class BlobClient::Run {
 public:
  // shape may be null: then nothing is learned and nothing split.
  Run(BlobClient& client, Access access, std::string prefix, listing::BlobSink sink, ContainerShape* shape);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  [[nodiscard]] Task<Result<Listing>> whole();

 private:
  using Parameters = std::vector<std::pair<std::string, std::string>>;
  struct Page {
    listing::ListPage content;
    std::string date;
    std::int64_t shown = 0;  // blobs that were shown before, with a folder, and left out here
  };
  struct Attempt {
    Result<Page> page;
    bool passing = false;  // the same request may succeed in a moment
    bool refused = false;  // the credential was: a newer token may fare better
  };
  // One prefix and what is asked of it.
  struct Order {
    Part part;
    OpenedFolder* folder = nullptr;  // to be opened: list with the delimiter, and put what is found here
    std::size_t found_bytes = 0;
    bool survey = false;      // only to see which folders there are: one page, whose blobs are not shown
    bool may_survey = false;  // where nothing is known, and it turns out large
  };

  [[nodiscard]] Task<Result<void>> in_one(std::string prefix);
  [[nodiscard]] Task<Result<void>> in_parts(SplitPlan plan);
  void take_lanes();
  void give_lanes_back();
  [[nodiscard]] Task<void> survey();
  [[nodiscard]] Task<void> look_into(OpenedFolder& folder);
  [[nodiscard]] Task<void> open_folder(OpenedFolder& folder);
  [[nodiscard]] Task<void> list_part(Part part);
  [[nodiscard]] Task<Result<void>> pages(Order& order);
  [[nodiscard]] Result<void> take(const Page& page);

  [[nodiscard]] Task<Result<Page>> get_page(Order& order, std::string marker);
  [[nodiscard]] Task<Attempt> try_page(Order& order, net::Request request);
  [[nodiscard]] Task<Result<TokenStore::Token>> get_token() const;
  [[nodiscard]] bool may_renew(const TokenStore::Token& token) const;
  [[nodiscard]] net::Request make_request(const Order& order, const std::string& marker,
                                          const std::string& request_id,
                                          const TokenStore::Token& token) const;
  void authorize(net::Request& request, Parameters parameters, const TokenStore::Token& token) const;
  [[nodiscard]] Result<std::chrono::milliseconds> pause_before_retry(const Error& error, int tried);
  [[nodiscard]] int tries_for(const Error& error, bool silent) const;
  void advise(Error& error) const;
  [[nodiscard]] bool reaches_deadline(std::chrono::milliseconds pause) const;
  [[nodiscard]] std::string make_request_id();
  void observe(std::string_view code, bool throttled) const;

  BlobClient& client_;
  Access access_;
  std::string prefix_;
  listing::BlobSink sink_;
  ContainerShape* shape_;
  MonoTime deadline_ = MonoTime::max();
  std::size_t lanes_ = 1;  // lists in flight
  Listing listing_;
  std::optional<Error> failed_;        // of a part: the others end soon
  bool refused_ = false;               // a folder holds more folders than are worth a part each
  bool split_in_vain_ = false;         // for the shape to remember
  std::vector<std::string> surveyed_;  // folders to split by, found when a first listing turned out large
};

}  // namespace abo::azure
