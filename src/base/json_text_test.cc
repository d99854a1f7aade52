#include "base/json_text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/yaml_writer.h"

namespace abo {
namespace {

TEST(JsonText, writes_a_fraction_as_go_does) {
  struct Row {
    double number;
    const char* text;
  };
  for (const Row& row : {Row{0.5, "0.5"},
                         {1.5, "1.5"},
                         {-0.25, "-0.25"},
                         {100.125, "100.125"},
                         {0.1, "0.1"},
                         {1e-6, "0.000001"},
                         {1.5e-6, "0.0000015"},
                         {9.99e-7, "9.99e-7"},
                         {1e-7, "1e-7"},
                         {1e-10, "1e-10"},
                         {1e19, "10000000000000000000"},
                         {123456789012345680000.0, "123456789012345680000"},
                         {9.9e20, "990000000000000000000"},
                         {1e21, "1e+21"},
                         {-1.5e300, "-1.5e+300"},
                         {5e-324, "5e-324"},
                         {0.0, "0"},
                         {-0.0, "-0"},
                         {1000.0, "1000"},
                         {std::nextafter(1.0, 2.0), "1.0000000000000002"}}) {
    EXPECT_EQ(to_json_text(row.number), row.text);
  }
}

TEST(JsonText, writes_fractions_wherever_they_stand) {
  json::value value{{"a\"", {{"cpu", 0.5}, {"n", 3}}}, {"b", {1, 2.5, nullptr, "x"}}, {"c", json::object{}}};
  EXPECT_EQ(to_json_text(value), R"({"a\"":{"cpu":0.5,"n":3},"b":[1,2.5,null,"x"],"c":{}})");
  EXPECT_EQ(to_yaml(value.at("a\"")), "cpu: 0.5\n\"n\": 3\n");
}

TEST(JsonText, of_what_is_no_number_is_one_that_can_be_read) {
  EXPECT_EQ(to_json_text(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(to_json_text(std::nan("")), "null");
}

RC_GTEST_PROP(JsonText, reads_back_as_the_same_number, (std::uint64_t bits)) {
  double number = 0;
  std::memcpy(&number, &bits, sizeof number);
  RC_PRE(std::isfinite(number));
  RC_ASSERT(std::strtod(to_json_text(number).c_str(), nullptr) == number);
}

}  // namespace
}  // namespace abo
