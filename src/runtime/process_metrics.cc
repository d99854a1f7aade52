#include "runtime/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <sstream>
#include <string>

namespace abo::runtime {
namespace {

struct Stat {
  double cpu_seconds = 0;
  double start_ticks = 0;  // since boot
  double virtual_bytes = 0;
  double resident_bytes = 0;
};

// proc(5): the fields behind the command, which is the one in parentheses and may hold spaces; the first is number 3.
std::optional<Stat> read_stat() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto command_end = text.rfind(')');
  if (command_end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(command_end + 2));
  const std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
  if (fields.size() < 22) return std::nullopt;
  const auto number = [&fields](std::size_t field) { return std::stod(fields[field - 3]); };
  const auto tick = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return Stat{(number(14) + number(15)) / tick, number(22), number(23),
              number(24) * static_cast<double>(::sysconf(_SC_PAGESIZE))};
}

// When the machine came up, as the kernel says it: seconds since the epoch.
double boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    double value = 0;
    if (word == "btime" && file >> value) return value;
  }
  return 0;
}

double open_descriptors() {
  std::error_code problem;
  std::filesystem::directory_iterator folder("/proc/self/fd", problem);
  if (problem) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(std::distance(begin(folder), end(folder)) - 1);  // not the one that lists them
}

double most_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return -1;
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

void add_process_metrics(Registry& registry) {
  auto& cpu =
      registry.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
          .with();
  auto& open = registry.gauge("process_open_fds", "Number of open file descriptors.").with();
  auto& most = registry.gauge("process_max_fds", "Maximum number of open file descriptors.").with();
  auto& virtual_memory =
      registry.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.").with();
  auto& resident = registry.gauge("process_resident_memory_bytes", "Resident memory size in bytes.").with();
  auto& start =
      registry.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.")
          .with();
  if (const auto stat = read_stat()) {
    start.set(boot_time() + stat->start_ticks / static_cast<double>(::sysconf(_SC_CLK_TCK)));
  }
  registry.on_scrape([&cpu, &open, &most, &virtual_memory, &resident] {
    open.set(open_descriptors());
    most.set(most_descriptors());
    const auto stat = read_stat();
    if (!stat) return;
    cpu.set_total(stat->cpu_seconds);
    virtual_memory.set(stat->virtual_bytes);
    resident.set(stat->resident_bytes);
  });
}

}  // namespace abo::runtime
