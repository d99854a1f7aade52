#include "runtime/resident_memory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace abo::runtime {
namespace {

// kB that are mapped from files, as the kernel counts them.
long resident_file_kb() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("RssFile:")) return std::stol(line.substr(8));
  }
  return -1;
}

TEST(ResidentMemory, is_smaller_after_the_idle_part_was_given_back_and_all_still_works) {
  long before = resident_file_kb();
  give_back_idle_memory();
  long after = resident_file_kb();
  EXPECT_GT(before, 0);
  EXPECT_LT(after, before);
}

}  // namespace
}  // namespace abo::runtime
