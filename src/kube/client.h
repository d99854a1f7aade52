// The Kubernetes REST API over one Transport: verbs in, objects or typed errors out. It knows nothing of
// credentials (authenticated_transport.h) and holds no state but where the server is. One event loop, owned
// by main; coroutines in flight must end before it does.
//
// Every call ends in an answer of 2xx or in the errors of kube_error.h or net/http.h (whose EndpointUnreachable is
// ApiServerUnavailable here, so that nobody takes it for Azure's fault), and additionally in
//   UnknownOutcome InvalidResponse   2xx, but the body is not a JSON object: whatever was asked may have
//   happened
// Writes are never repeated here: whether to send the same name again is the caller's decision
// (exactly-once). A GET whose connection was lost is asked once more.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/time.h"
#include "net/http.h"
#include "net/task.h"

namespace abo::kube {

struct ServiceAccount {
  std::string ns;
  std::string name;
};

struct WriteOptions {
  std::optional<ServiceAccount> impersonate{};
  bool dry_run = false;  // admission and validation run, nothing is stored
  std::string field_manager = "azure-blob-operator";
  std::chrono::milliseconds timeout{60'000};
  std::function<bool()> may_send{};  // asked as the request is handed to the socket: see net::Request
};

enum class Propagation : std::uint8_t { Background, Foreground, Orphan };

struct RemoveOptions {
  Propagation propagation = Propagation::Background;
  std::string uid{};  // preconditions: Conflict when another object has the name by now
  std::string resource_version{};
};

// A body that is read as it arrives: pages of a list, watches.
struct StreamOptions {
  std::string verb = "list";   // for the observer: "list" or "watch"
  bool metadata_only = false;  // PartialObjectMetadata instead of whole objects
  std::chrono::milliseconds total_timeout{60'000};
  std::chrono::milliseconds idle_timeout{30'000};
};

class Client {
 public:
  // Called once for each request that ended: the API verb ("get", "create", …) and the status, 0 without one.
  using Observer = std::function<void(std::string_view verb, int status)>;

  // server: "https://10.96.0.1:443", no trailing slash. transport and clock outlive the client.
  Client(net::Transport& transport, std::string server, const Clock& clock, Observer observer = {});

  // Paths begin with '/' and are percent-encoded (resource.h makes them).
  [[nodiscard]] Task<Result<json::object>> get(std::string path,
                                               std::chrono::milliseconds timeout = std::chrono::seconds{60});
  [[nodiscard]] Task<Result<json::object>> create(std::string path, json::object object,
                                                  WriteOptions options = {});
  [[nodiscard]] Task<Result<json::object>> replace(std::string path, json::object object,
                                                   WriteOptions options = {});
  // Conflict also when a `test` of the patch failed, or the path of a `remove` is not there.
  [[nodiscard]] Task<Result<json::object>> json_patch(std::string path, json::array patch,
                                                      WriteOptions options = {});
  [[nodiscard]] Task<Result<json::object>> merge_patch(std::string path, json::object patch,
                                                       WriteOptions options = {});
  [[nodiscard]] Task<Result<void>> remove(std::string path, RemoveOptions remove = {},
                                          WriteOptions options = {});

  // A new token of a ServiceAccount for one audience, of the shortest life there is (ten minutes): TokenRequest. Stores
  // nothing in the cluster. Additionally UnknownOutcome InvalidResponse: the answer holds no token.
  [[nodiscard]] Task<Result<Secret>> service_account_token(std::string ns, std::string name,
                                                           std::string audience);

  // GET with the 2xx body going to the sink; anything else is an Error as above. OK means that the body ended
  // politely.
  [[nodiscard]] Task<Result<void>> stream(std::string path, net::BodySink sink, StreamOptions options = {});

 private:
  [[nodiscard]] net::Request request(std::string_view method, std::string_view path) const;
  [[nodiscard]] Task<Result<net::Response>> send(std::string verb, net::Request request, net::BodySink sink,
                                                 int tries = 1);
  [[nodiscard]] Task<Result<json::object>> write(std::string verb, std::string method, std::string path,
                                                 std::string body, std::string content_type,
                                                 WriteOptions options);

  net::Transport& transport_;
  std::string server_;
  const Clock& clock_;
  Observer observer_;
};

// The headers that make the API server act as that account (Impersonation in its authentication documentation). It adds
// the groups that every ServiceAccount has when none is named; naming one would need the right to impersonate groups, which
// holds for the whole cluster. Public for the tests of who may do what.
[[nodiscard]] net::Headers impersonation_headers(const ServiceAccount& account);

}  // namespace abo::kube
