// Feeds one target every file of its corpus, whose folder is the program's argument.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/fuzz/fuzz.h"

namespace {

std::filesystem::path corpus;

TEST(Corpus, breaks_no_law) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
    SCOPED_TRACE(entry.path());
    std::ifstream in(entry.path(), std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    ASSERT_TRUE(in.good() || in.eof());
    EXPECT_NO_THROW(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
    ++files;
  }
  EXPECT_GT(files, 0) << corpus << " is empty";
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc == 2) corpus = argv[1];
  return RUN_ALL_TESTS();
}
