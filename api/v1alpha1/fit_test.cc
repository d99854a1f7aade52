#include "api/v1alpha1/fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/v1alpha1/check.h"

namespace abo::api {
namespace {

json::object job(const std::string& etag) {
  return {{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"name", "a"}, {"blobName", "a.csv"}, {"etag", etag}};
}

TEST(Fit, leaves_a_status_that_fits_as_it_is) {
  json::object status = {{"active", 3}, {"triggeredJobs", json::array{job("0x1")}}, {"lastPollTime", "x"}};
  json::object before = status;
  fit_status(status);
  EXPECT_EQ(status, before);
}

TEST(Fit, makes_whatever_came_from_elsewhere_pass_the_schema) {
  json::array jobs;
  for (int i = 0; i < 150; ++i) jobs.push_back(job(std::string(5000, 'e')));
  json::object condition = {{"type", "Ready"}, {"status", "True"}, {"message", std::string(9000, 'm')}};
  json::object status = {{"active", -1},
                         {"lastPoll", json::object{{"listed", std::numeric_limits<std::int64_t>::max()}}},
                         {"conditions", json::array{condition}},
                         {"triggeredJobs", std::move(jobs)}};
  EXPECT_FALSE(check(status, "status").empty());
  fit_status(status);
  EXPECT_TRUE(check(status, "status").empty());
  EXPECT_EQ(status.at("active"), 0);
  EXPECT_EQ(status.at("triggeredJobs").as_array().size(), 100U);
}

TEST(Fit, cuts_between_characters) {
  std::string umlauts;
  for (int i = 0; i < 2000; ++i) umlauts += "\u00e4";
  json::object status = {{"triggeredJobs", json::array{job("x" + umlauts)}}};
  fit_status(status);
  const json::value& etag = status.at("triggeredJobs").at(0).at("etag");
  EXPECT_EQ(etag.as_string().size(), 1023U);
  EXPECT_EQ(etag, json::value("x" + umlauts.substr(0, 1022)));
}

TEST(Fit, never_touches_the_checkpoint) {
  json::object checkpoint = {{"cursor", std::string(50'000, 'c')},
                             {"keys", json::array(5000, json::value(1))}};
  json::object status = {{"checkpoint", checkpoint}};
  fit_status(status);
  EXPECT_EQ(status.at("checkpoint"), checkpoint);
}

}  // namespace
}  // namespace abo::api
