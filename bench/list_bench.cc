// What listing costs: CPU for the decoder alone, and for a whole poll's reading side (HTTP over loopback, decoder,
// filter, choice of candidates) when nothing has changed, and the memory it adds. The server is another process, so
// that the figures are the client's alone. Prints a JSON line for each figure; bench/rows.py has names and goals.
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <optional>
#include <string>

#include "azure/blob_client.h"
#include "checkpoint/candidates.h"
#include "filter/filter.h"
#include "net/curl_transport.h"
#include "runtime/system_clock.h"
#include "runtime/timer.h"
#include "tests/testing/list_server/list_server.h"

namespace abo {
namespace {

constexpr std::size_t blob_bytes = 700;
constexpr std::int64_t page_size = 5000;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](timeval time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A line of /proc/self/status, in kB.
long status_kb(std::string_view key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) return std::strtol(line.c_str() + key.size() + 1, nullptr, 10);
  }
  return 0;
}

// From here on VmHWM is the peak since now.
void forget_peak() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

struct Spent {
  double cpu = cpu_seconds();
  double wall = wall_seconds();
  [[nodiscard]] Spent since(const Spent& earlier) const { return {cpu - earlier.cpu, wall - earlier.wall}; }
};

void print_row(std::string_view row, double value) {
  fmt::print("{{\"row\": \"{}\", \"value\": {:.6f}}}\n", row, value);
}

void print_row(std::string_view row, double value, const Spent& spent) {
  fmt::print("{{\"row\": \"{}\", \"value\": {:.6f}, \"cpu_seconds\": {:.6f}, \"wall_seconds\": {:.6f}}}\n",
             row, value, spent.cpu, spent.wall);
}

testing::SyntheticContainer container_of(std::int64_t blobs, std::int64_t folders = 0) {
  return {.blobs = blobs, .blob_bytes = blob_bytes, .page_size = page_size, .folders = folders};
}

struct Server {
  pid_t process = 0;
  std::uint16_t port = 0;
};

Server start_server(testing::SyntheticContainer container, std::chrono::milliseconds delay = {}) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  pid_t process = fork();
  if (process == 0) {
    boost::asio::io_context io{1};
    std::uint16_t port = testing::start_list_server(io, {container, delay, 0});
    if (write(ends[1], &port, sizeof port) != sizeof port) std::abort();
    io.run();
    std::_Exit(0);
  }
  Server server{process, 0};
  if (process < 0 || read(ends[0], &server.port, sizeof server.port) != sizeof server.port) std::abort();
  close(ends[0]);
  close(ends[1]);
  return server;
}

void stop(const Server& server) {
  kill(server.process, SIGKILL);
  waitpid(server.process, nullptr, 0);
}

// Runs one measurement in a fresh process, so that memory an earlier one has touched does not hide what this one needs.
void alone(const std::function<void()>& measurement) {
  std::fflush(stdout);
  pid_t process = fork();
  if (process == 0) {
    measurement();
    std::fflush(stdout);
    std::_Exit(0);
  }
  int status = 0;
  if (process < 0 || waitpid(process, &status, 0) < 0 || status != 0) std::exit(1);
}

void bench_decoder() {
  std::string page = testing::synthetic_page(container_of(2 * page_size), {});
  Spent best{1e9, 1e9};
  for (int round = 0; round < 5; ++round) {
    Spent begin;
    for (int i = 0; i < 1'000'000 / page_size; ++i) {
      std::int64_t bytes = 0;
      listing::ListPageDecoder decoder([&](const listing::BlobView& blob) { bytes += blob.size; });
      for (std::size_t at = 0; at < page.size(); at += 128U << 10) {
        if (!decoder.feed(std::string_view(page).substr(at, 128U << 10))) std::abort();
      }
      if (!decoder.finish() || bytes == 0) std::abort();
    }
    Spent spent = Spent{}.since(begin);
    if (spent.cpu < best.cpu) best = spent;
  }
  print_row("decoder", best.cpu, best);
}

Task<void> pause(std::chrono::milliseconds time) {
  co_await runtime::sleep_for(time);
}

// What a watcher keeps between its polls.
struct Watcher {
  azure::Access access;
  filter::Filter filter;
  azure::ContainerShape shape{};
};

Watcher watch(std::uint16_t port) {
  std::string origin = fmt::format("http://127.0.0.1:{}", port);
  auto policy = azure::EndpointPolicy::parse({origin});
  azure::SecretData secret{{"accountKey", Secret("a2V5")}};
  auto access = azure::resolve_access({"synthetic", "data", origin, secret, "bench", *policy}, WallTime{});
  api::Spec spec;
  spec.blob_pattern = ".*\\.csv$";
  return {std::move(*access), std::move(*filter::Filter::compile(spec))};
}

// One listing with filter and selection against a checkpoint that knows everything; the number of blobs seen.
std::int64_t list_unchanged(boost::asio::io_context& io, azure::BlobClient& client, Watcher& watcher) {
  checkpoint::Checkpoint known;
  known.cursor = {ServiceTime{std::chrono::sys_days{std::chrono::year{2050} / 1 / 1}}, ""};
  for (;;) {
    checkpoint::CandidateSelector selector(known, {"uid", watcher.access.container.text()}, {});
    std::optional<Result<azure::Listing>> result;
    auto sink = [&](const listing::BlobView& blob) {
      if (watcher.filter.judge(blob) == filter::Verdict::Matches) selector.offer(blob);
    };
    boost::asio::co_spawn(io, client.list(watcher.access, "", sink, &watcher.shape),
                          [&](std::exception_ptr problem, Result<azure::Listing> listing) {
                            if (!problem) result = std::move(listing);
                            io.stop();
                          });
    io.restart();
    io.run();
    if (!result || !*result) {
      fmt::print(stderr, "the listing failed: {}\n", result ? result->error().message : "an exception");
      std::exit(1);
    }
    if ((*result)->begin_again) continue;
    if (!std::move(selector).finish().candidates.empty()) std::abort();
    return (*result)->listed;
  }
}

// The client side of a poll, as the operator has it.
struct Client {
  Client() { options.sleep = pause; }
  boost::asio::io_context io{1};
  net::CurlTransport transport{io.get_executor(), {}};
  runtime::SystemClock clock;
  azure::BlobClientOptions options;
};

void bench_listing(std::int64_t blobs) {
  Server server = start_server(container_of(blobs));
  {
    Client parts;
    azure::BlobClient client(parts.transport, parts.clock, parts.options);
    Server small = start_server(container_of(10));
    Watcher first = watch(small.port);
    list_unchanged(parts.io, client, first);  // whatever is loaded once is not what listing costs
    stop(small);
    Watcher watcher = watch(server.port);
    forget_peak();
    long before = status_kb("VmRSS:");
    Spent begin;
    if (list_unchanged(parts.io, client, watcher) != blobs) std::abort();
    Spent spent = Spent{}.since(begin);
    print_row("list", spent.cpu, spent);
    print_row("list_memory", static_cast<double>(status_kb("VmHWM:") - before) / 1024);
  }
  stop(server);
}

// A large container behind a network that takes 30 ms for each page, in folders as data lakes have them.
void bench_delayed_listing(std::int64_t blobs) {
  Server server = start_server(container_of(blobs, 100), std::chrono::milliseconds{30});
  {
    Client parts;
    azure::BlobClient client(parts.transport, parts.clock, parts.options);
    Watcher watcher = watch(server.port);
    // The first listing learns how large the container is, and where its blobs lie.
    Spent begin;
    if (list_unchanged(parts.io, client, watcher) != blobs) std::abort();
    Spent first = Spent{}.since(begin);
    print_row("list_first", first.wall, first);
    forget_peak();
    long before = status_kb("VmRSS:");
    begin = Spent{};
    if (list_unchanged(parts.io, client, watcher) != blobs) std::abort();
    Spent spent = Spent{}.since(begin);
    print_row("list_delayed", spent.wall, spent);
    print_row("list_delayed_memory", static_cast<double>(status_kb("VmHWM:") - before) / 1024);
  }
  stop(server);
}

// What one poll of a small container costs once connections and code are warm, without what the API server takes.
void bench_small_poll() {
  constexpr int polls = 500;
  Server server = start_server(container_of(100));
  {
    Client parts;
    azure::BlobClient client(parts.transport, parts.clock, parts.options);
    Watcher watcher = watch(server.port);
    for (int i = 0; i < 20; ++i) list_unchanged(parts.io, client, watcher);
    Spent begin;
    for (int i = 0; i < polls; ++i) list_unchanged(parts.io, client, watcher);
    Spent spent = Spent{}.since(begin);
    print_row("small_poll", spent.cpu / polls * 1000, {spent.cpu / polls, spent.wall / polls});
  }
  stop(server);
}

}  // namespace
}  // namespace abo

int main() {
  abo::alone([] { abo::bench_decoder(); });
  abo::alone([] { abo::bench_listing(1'000'000); });
  abo::alone([] { abo::bench_delayed_listing(1'000'000); });
  abo::alone([] { abo::bench_small_poll(); });
}
