#include "kube/client.h"

#include <fmt/format.h>

#include <utility>

#include "base/json_text.h"
#include "base/pruned_json.h"
#include "kube/kube_error.h"
#include "kube/resource.h"

namespace abo::kube {
namespace {

constexpr std::string_view kUserAgent = "azure-blob-operator/" ABO_VERSION;
// Asked for the one where it has the other, the server refuses instead of taking the next choice.
constexpr std::string_view kMetadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
constexpr std::string_view kMetadataList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

std::string_view accept_of(const StreamOptions& options) {
  if (!options.metadata_only) return "application/json";
  return options.verb == "watch" ? kMetadata : kMetadataList;
}

std::string_view to_string(Propagation propagation) {
  switch (propagation) {
    case Propagation::Background:
      return "Background";
    case Propagation::Foreground:
      return "Foreground";
    case Propagation::Orphan:
      return "Orphan";
  }
  return "Background";
}

// The answer is not quoted: it may be a Secret's.
Result<json::object> object_of(const net::Response& response) {
  auto parsed = parse_json_pruned(response.body);
  if (!parsed || !parsed->is_object()) {
    return fail(ErrorKind::UnknownOutcome, Reason::InvalidResponse,
                fmt::format("the API server's answer of {} bytes is no JSON object", response.body.size()));
  }
  return std::move(parsed->get_object());
}

json::object delete_options(const RemoveOptions& remove, bool dry_run) {
  json::object body{
      {"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", to_string(remove.propagation)}};
  json::object preconditions;
  if (!remove.uid.empty()) preconditions["uid"] = remove.uid;
  if (!remove.resource_version.empty()) preconditions["resourceVersion"] = remove.resource_version;
  if (!preconditions.empty()) body["preconditions"] = std::move(preconditions);
  if (dry_run) body["dryRun"] = json::array{"All"};
  return body;
}

}  // namespace

net::Headers impersonation_headers(const ServiceAccount& account) {
  return {{"Impersonate-User", "system:serviceaccount:" + account.ns + ":" + account.name}};
}

Client::Client(net::Transport& transport, std::string server, const Clock& clock, Observer observer)
    : transport_(transport), server_(std::move(server)), clock_(clock), observer_(std::move(observer)) {}

net::Request Client::request(std::string_view method, std::string_view path) const {
  net::Request request;
  request.method = method;
  request.url = server_ + std::string{path};
  request.headers = {{"User-Agent", std::string{kUserAgent}}};
  return request;
}

Task<Result<net::Response>> Client::send(std::string verb, net::Request request, net::BodySink sink,
                                         int tries) {
  Result<net::Response> response = co_await transport_.send(request, sink);
  if (observer_) observer_(verb, response ? response->status : 0);
  while (!response && response.error().kind == ErrorKind::UnknownOutcome && --tries > 0) {
    response = co_await transport_.send(request, sink);
    if (observer_) observer_(verb, response ? response->status : 0);
  }
  if (!response) {
    Error error = std::move(response.error());
    if (error.reason == Reason::EndpointUnreachable) {
      error.reason = Reason::ApiServerUnavailable;
      error.message = "the API server does not answer: " + error.message;
    }
    co_return std::unexpected(std::move(error));
  }
  if (response->status < 200 || response->status > 299) {
    co_return std::unexpected(error_of(*response, std::chrono::floor<std::chrono::seconds>(clock_.wall())));
  }
  co_return std::move(*response);
}

Task<Result<json::object>> Client::get(std::string path, std::chrono::milliseconds timeout) {
  net::Request request = this->request("GET", path);
  request.headers.emplace_back("Accept", "application/json");
  request.total_timeout = timeout;
  Result<net::Response> response = co_await send("get", std::move(request), {}, 2);
  if (!response) co_return pass(response);
  co_return object_of(*response);
}

Task<Result<json::object>> Client::write(std::string verb, std::string method, std::string path,
                                         std::string body, std::string content_type, WriteOptions options) {
  path = with_query(std::move(path),
                    {{"fieldManager", options.field_manager}, {"dryRun", options.dry_run ? "All" : ""}});
  net::Request request = this->request(method, path);
  request.headers.emplace_back("Accept", "application/json");
  request.headers.emplace_back("Content-Type", std::move(content_type));
  if (options.impersonate) {
    for (auto& header : impersonation_headers(*options.impersonate))
      request.headers.push_back(std::move(header));
  }
  request.body = std::move(body);
  request.total_timeout = options.timeout;
  request.may_send = std::move(options.may_send);
  Result<net::Response> response = co_await send(std::move(verb), std::move(request), {});
  if (!response) co_return pass(response);
  co_return object_of(*response);
}

Task<Result<json::object>> Client::create(std::string path, json::object object, WriteOptions options) {
  return write("create", "POST", std::move(path), to_json_text(json::value(std::move(object))),
               "application/json", std::move(options));
}

Task<Result<Secret>> Client::service_account_token(std::string ns, std::string name, std::string audience) {
  json::object request{{"apiVersion", "authentication.k8s.io/v1"},
                       {"kind", "TokenRequest"},
                       {"spec", {{"audiences", json::array{audience}}, {"expirationSeconds", 600}}}};
  // write site: token-request
  auto answer = co_await create(resources::service_accounts().path(ns, name) + "/token", std::move(request));
  if (!answer) co_return pass(answer);
  std::string_view token = find_string(*answer, {"status", "token"});
  if (token.empty()) {
    co_return fail(ErrorKind::UnknownOutcome, Reason::InvalidResponse,
                   "the API server's answer to a TokenRequest holds no token");
  }
  co_return Secret(std::string(token));
}

Task<Result<json::object>> Client::replace(std::string path, json::object object, WriteOptions options) {
  return write("update", "PUT", std::move(path), to_json_text(json::value(std::move(object))),
               "application/json", std::move(options));
}

Task<Result<json::object>> Client::json_patch(std::string path, json::array patch, WriteOptions options) {
  Result<json::object> answer = co_await write("patch", "PATCH", std::move(path), json::serialize(patch),
                                               "application/json-patch+json", std::move(options));
  // The server has no words of its own for a `test` that failed; a patched object that is invalid says what is.
  constexpr std::string_view kTestFailed = "the server rejected our request due to an error in our request";
  if (!answer && answer.error().kind == ErrorKind::Invalid && answer.error().message == kTestFailed) {
    co_return fail(ErrorKind::Conflict, Reason::ApiServerUnavailable,
                   "the object is not as the patch expects it");
  }
  co_return answer;
}

Task<Result<json::object>> Client::merge_patch(std::string path, json::object patch, WriteOptions options) {
  return write("patch", "PATCH", std::move(path), json::serialize(patch), "application/merge-patch+json",
               std::move(options));
}

Task<Result<void>> Client::remove(std::string path, RemoveOptions remove, WriteOptions options) {
  std::string body = json::serialize(delete_options(remove, options.dry_run));
  options.dry_run = false;  // stands in the body, and field managers do not apply
  options.field_manager.clear();
  Result<json::object> answer = co_await write("delete", "DELETE", std::move(path), std::move(body),
                                               "application/json", std::move(options));
  if (!answer) co_return pass(answer);
  co_return Result<void>{};
}

Task<Result<void>> Client::stream(std::string path, net::BodySink sink, StreamOptions options) {
  net::Request request = this->request("GET", path);
  request.headers.emplace_back("Accept", accept_of(options));
  request.total_timeout = options.total_timeout;
  request.idle_timeout = options.idle_timeout;
  Result<net::Response> response =
      co_await send(std::move(options.verb), std::move(request), std::move(sink));
  if (!response) co_return pass(response);
  co_return Result<void>{};
}

}  // namespace abo::kube
