#include "kube/list.h"

#include <fmt/format.h>

#include <utility>

#include "kube/list_decoder.h"
#include "kube/resource.h"

namespace abo::kube {
namespace {

Error no_list(std::string why) {
  return {ErrorKind::UnknownOutcome,
          Reason::InvalidResponse,
          "the API server's list cannot be read: " + std::move(why),
          {}};
}

}  // namespace

Task<Result<std::string>> list(Client& client, std::string path, ListOptions options, OnItem on_item) {
  path = with_query(std::move(path), {{"limit", fmt::to_string(options.page_size)},
                                      {"labelSelector", options.label_selector},
                                      {"fieldSelector", options.field_selector}});
  std::string token;
  for (;;) {
    ListDecoder decoder(on_item);
    StreamOptions stream;
    stream.metadata_only = options.metadata_only;
    net::BodySink sink = [&decoder](std::string_view chunk) { return decoder.push(chunk); };
    Result<void> read =
        co_await client.stream(with_query(path, {{"continue", token}}), std::move(sink), std::move(stream));
    if (!read) co_return pass(read);
    Result<json::object> envelope = decoder.finish();
    if (!envelope) co_return std::unexpected(no_list(envelope.error().message));
    std::string next{find_string(*envelope, {"metadata", "continue"})};
    if (next.empty()) {
      std::string version{find_string(*envelope, {"metadata", "resourceVersion"})};
      if (version.empty()) co_return std::unexpected(no_list("no resourceVersion"));
      co_return version;
    }
    if (next == token) co_return std::unexpected(no_list("the continue token repeats"));
    token = std::move(next);
  }
}

}  // namespace abo::kube
