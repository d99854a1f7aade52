// Golden files: what a person has looked at once and tests hold on to. They stand beside this header.
// ABO_UPDATE_GOLDEN=1 rewrites those that our own code makes; look at the difference before you commit it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace abo::testing {

inline std::filesystem::path golden_path(std::string_view name) {
  return std::filesystem::path(__FILE__).parent_path() / name;
}

inline std::string golden(std::string_view name) {
  std::ifstream in(golden_path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The golden text to compare `actual` with; in update mode `actual` itself, written down first.
inline std::string golden_for(std::string_view name, std::string_view actual) {
  if (std::getenv("ABO_UPDATE_GOLDEN")) std::ofstream(golden_path(name), std::ios::binary) << actual;
  return golden(name);
}

}  // namespace abo::testing
