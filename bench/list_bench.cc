// What listing costs: CPU for the decoder alone, and for a whole poll's reading side (HTTP over loopback, decoder,
// filter, choice of candidates) when nothing has changed, and the memory it adds. The server is another process, so
// that the figures are the client's alone. Prints one row for each figure: name, value, unit, goal.
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

void print_row(std::string_view name, double value, std::string_view unit, std::string_view goal) {
  fmt::print("{:<58}{:>9.3f} {:<5} goal {}\n", name, value, unit, goal);
}

struct Server {
  pid_t process = 0;
  std::uint16_t port = 0;
};

Server start_server(std::int64_t blobs, std::chrono::milliseconds delay = {}) {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  pid_t process = fork();
  if (process == 0) {
    boost::asio::io_context io{1};
    std::uint16_t port = testing::start_list_server(io, {{blobs, blob_bytes, page_size}, delay, 0});
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
  std::string page = testing::synthetic_page({2 * page_size, blob_bytes, page_size}, 0);
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    double begin = cpu_seconds();
    for (int i = 0; i < 1'000'000 / page_size; ++i) {
      std::int64_t bytes = 0;
      listing::ListPageDecoder decoder([&](const listing::BlobView& blob) { bytes += blob.size; });
      for (std::size_t at = 0; at < page.size(); at += 128U << 10) {
        if (!decoder.feed(std::string_view(page).substr(at, 128U << 10))) std::abort();
      }
      if (!decoder.finish() || bytes == 0) std::abort();
    }
    best = std::min(best, cpu_seconds() - begin);
  }
  print_row("decoder alone, 1,000,000 blobs, CPU (best of 5)", best, "s", "0.2");
}

Task<void> pause(std::chrono::milliseconds time) {
  co_await runtime::sleep_for(time);
}

// What a watcher keeps between its polls.
struct Watcher {
  azure::Access access;
  filter::Filter filter;
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
std::int64_t list_unchanged(boost::asio::io_context& io, azure::BlobClient& client, const Watcher& watcher) {
  checkpoint::Checkpoint known;
  known.cursor = {ServiceTime{std::chrono::sys_days{std::chrono::year{2050} / 1 / 1}}, ""};
  checkpoint::CandidateSelector selector(known, {"uid", watcher.access.container.text()}, {});
  std::optional<Result<azure::Listing>> result;
  auto sink = [&](const listing::BlobView& blob) {
    if (watcher.filter.judge(blob) == filter::Verdict::Matches) selector.offer(blob);
  };
  boost::asio::co_spawn(io, client.list(watcher.access, "", sink),
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
  if (!std::move(selector).finish().candidates.empty()) std::abort();
  return (*result)->listed;
}

void bench_listing(std::int64_t blobs, std::string_view cpu_goal, std::string_view memory_goal) {
  Server server = start_server(blobs);
  {
    boost::asio::io_context io{1};
    net::CurlTransport transport(io.get_executor(), {});
    runtime::SystemClock clock;
    azure::BlobClientOptions options;
    options.sleep = pause;
    azure::BlobClient client(transport, clock, options);
    Server small = start_server(10);
    list_unchanged(io, client, watch(small.port));  // whatever is loaded once is not what listing costs
    stop(small);
    Watcher watcher = watch(server.port);
    forget_peak();
    long before = status_kb("VmRSS:");
    double cpu = cpu_seconds(), wall = wall_seconds();
    if (list_unchanged(io, client, watcher) != blobs) std::abort();
    cpu = cpu_seconds() - cpu;
    wall = wall_seconds() - wall;
    print_row(fmt::format("list + filter + decide, {} unchanged blobs, CPU", blobs), cpu, "s", cpu_goal);
    print_row(fmt::format("list + filter + decide, {} unchanged blobs, wall", blobs), wall, "s", "-");
    double grown = static_cast<double>(status_kb("VmHWM:") - before) / 1024;
    print_row(fmt::format("memory added by listing {} blobs (peak)", blobs), grown, "MB", memory_goal);
  }
  stop(server);
}

// What one poll of a small container costs once connections and code are warm.
void bench_small_poll() {
  constexpr int polls = 500;
  Server server = start_server(100);
  {
    boost::asio::io_context io{1};
    net::CurlTransport transport(io.get_executor(), {});
    runtime::SystemClock clock;
    azure::BlobClientOptions options;
    options.sleep = pause;
    azure::BlobClient client(transport, clock, options);
    Watcher watcher = watch(server.port);
    for (int i = 0; i < 20; ++i) list_unchanged(io, client, watcher);
    double cpu = cpu_seconds();
    for (int i = 0; i < polls; ++i) list_unchanged(io, client, watcher);
    print_row("list + filter + decide, container of 100 blobs, CPU a poll",
              (cpu_seconds() - cpu) / polls * 1000, "ms", "0.2");
  }
  stop(server);
}

}  // namespace
}  // namespace abo

int main() {
  abo::alone([] { abo::bench_decoder(); });
  abo::alone([] { abo::bench_listing(100'000, "0.06", "4"); });
  abo::alone([] { abo::bench_listing(1'000'000, "0.6", "2"); });
  abo::alone([] { abo::bench_small_poll(); });
}
