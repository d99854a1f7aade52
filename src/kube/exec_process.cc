#include "kube/exec_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

#include "base/text.h"
#include "kube/kube_error.h"

extern char** environ;

namespace abo::kube {
namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using Descriptor = asio::posix::stream_descriptor;

std::unexpected<Error> failed(std::string message) {
  return fail(ErrorKind::Unauthenticated, Reason::ApiServerUnavailable, std::move(message));
}

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    if (read_end >= 0) ::close(read_end);
    if (write_end >= 0) ::close(write_end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int release_read_end() { return std::exchange(read_end, -1); }
  void close_write_end() { ::close(std::exchange(write_end, -1)); }
};

// A started child. Whoever goes away without its exit status kills its whole group.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    if (pid_ < 0) return;
    ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Its wait status, once it has ended.
  std::optional<int> ended() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

std::vector<std::string> environment(const Command& command) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry; ++entry) {
    std::string_view text = *entry;
    bool replaced = false;
    for (const auto& [name, value] : command.env) replaced |= text.starts_with(name + "=");
    if (!replaced) out.emplace_back(text);
  }
  for (const auto& [name, value] : command.env) out.push_back(name + "=" + value);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// posix_spawn's two option objects, freed whatever happens.
struct SpawnOptions {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  SpawnOptions(int out, int err) {
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_adddup2(&files, err, 2);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnOptions() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnOptions(const SpawnOptions&) = delete;
  SpawnOptions& operator=(const SpawnOptions&) = delete;
};

Result<pid_t> spawn(const Command& command, const Pipe& out, const Pipe& err) {
  SpawnOptions options(out.write_end, err.write_end);
  std::vector<std::string> words{command.program};
  for (const std::string& arg : command.args) words.push_back(arg);
  std::vector<std::string> variables = environment(command);
  pid_t pid = -1;
  int code = ::posix_spawnp(&pid, command.program.c_str(), &options.files, &options.attributes,
                            pointers(words).data(), pointers(variables).data());
  if (code != 0) {
    return failed(fmt::format("cannot start {}: {}", bounded_text(command.program, 200),
                              std::generic_category().message(code)));
  }
  return pid;
}

struct Talk {
  std::string output;
  std::string complaint;
  bool too_much = false;
  std::optional<int> status;
};

constexpr std::size_t kComplaintLimit = 4096;

// Keeps the first `limit` bytes and reads on to the end, so that a talkative child is never blocked by a full pipe.
Task<void> read_all(Descriptor& from, std::string& into, std::size_t limit, bool& passed) {
  std::array<char, 4096> buffer;
  for (;;) {
    boost::system::error_code error;
    std::size_t got =
        co_await from.async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    std::size_t kept = std::min(got, limit - into.size());
    into.append(buffer.data(), kept);
    passed |= kept < got;
  }
}

// Reads both pipes to their end, then waits for the exit status. References: all owned by run()'s frame, which waits.
Task<void> talk(Child& child, Descriptor& out, Descriptor& err, std::size_t limit, Talk& said) {
  bool ignored = false;
  co_await (read_all(out, said.output, limit, said.too_much) &&
            read_all(err, said.complaint, kComplaintLimit, ignored));
  asio::steady_timer pause(co_await asio::this_coro::executor);
  while (!(said.status = child.ended())) {
    pause.expires_after(std::chrono::milliseconds{5});
    co_await pause.async_wait(asio::use_awaitable);
  }
}

std::string describe(int status) {
  if (WIFEXITED(status)) return fmt::format("exited with status {}", WEXITSTATUS(status));
  return fmt::format("was ended by signal {}", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

Result<std::string> judge(Talk& said, const Command& command) {
  std::string name = bounded_text(command.program, 200);
  if (!said.status)
    return failed(fmt::format("{} did not end within {} s", name, command.timeout.count() / 1000));
  if (*said.status != 0) {
    return failed(fmt::format("{} {}: {}", name, describe(*said.status), bounded_text(said.complaint, 300)));
  }
  if (said.too_much) return failed(fmt::format("{} printed over {} bytes", name, command.max_output));
  return std::move(said.output);
}

}  // namespace

Task<Result<std::string>> ProcessRunner::run(Command command) {
  Pipe out_pipe;
  Pipe err_pipe;
  auto pid = spawn(command, out_pipe, err_pipe);
  if (!pid) co_return pass(pid);
  Child child(*pid);
  out_pipe.close_write_end();
  err_pipe.close_write_end();

  auto executor = co_await asio::this_coro::executor;
  Descriptor out(executor, out_pipe.release_read_end());
  Descriptor err(executor, err_pipe.release_read_end());
  asio::steady_timer deadline(executor, command.timeout);
  Talk said;
  co_await (talk(child, out, err, command.max_output, said) || deadline.async_wait(asio::use_awaitable));
  co_return judge(said, command);
}

}  // namespace abo::kube
