#include "report/failure.h"

#include <gtest/gtest.h>

#include <string>

namespace abo::report {
namespace {

std::string failure(std::string_view status) {
  return failure_of({{"status", *parse_json(status)}});
}

TEST(Failure, of_a_job_is_what_its_condition_says) {
  EXPECT_EQ(failure(R"({"conditions":[{"type":"FailureTarget","status":"True","reason":"Early"},
                {"type":"Failed","status":"True","reason":"BackoffLimitExceeded","message":"Job has reached the limit"}]})"),
            "BackoffLimitExceeded: Job has reached the limit");
  EXPECT_EQ(failure(R"({"conditions":[{"type":"Failed","status":"True","reason":"DeadlineExceeded"}]})"),
            "DeadlineExceeded");
}

TEST(Failure, of_a_run_that_did_not_succeed_is_what_that_condition_says) {
  EXPECT_EQ(
      failure(R"({"conditions":[{"type":"Succeeded","status":"False","message":"step x exited with 1"}]})"),
      "step x exited with 1");
  EXPECT_EQ(failure(R"({"conditions":[{"type":"Succeeded","status":"True","message":"all well"}]})"), "");
  EXPECT_EQ(failure(R"({"conditions":[{"type":"Failed","status":"False","message":"not yet"}]})"), "");
}

json::object node(std::string_view type, std::string_view phase, std::string_view name,
                  std::string_view message, std::string_view finished_at) {
  return {{"type", type},
          {"phase", phase},
          {"displayName", name},
          {"message", message},
          {"finishedAt", finished_at}};
}

TEST(Failure, of_a_workflow_is_that_of_the_step_that_failed_last) {
  json::object nodes{{"w", node("DAG", "Failed", "w", "of no use", "2026-11-22T05:33:00Z")},
                     {"w-1", node("Pod", "Error", "load(0)", "evicted", "2026-11-22T05:30:00Z")},
                     {"w-2", node("Pod", "Failed", "train(0)", "line 4: no number", "2026-11-22T05:32:00Z")},
                     {"w-3", node("Pod", "Failed", "other(0)", "", "2026-11-22T05:34:00Z")},
                     {"w-4", node("Pod", "Succeeded", "cleanup", "all gone", "2026-11-22T05:35:00Z")}};
  EXPECT_EQ(
      failure_of({{"status", {{"phase", "Failed"}, {"message", "child 'w-2' failed"}, {"nodes", nodes}}}}),
      "train(0): line 4: no number");
}

TEST(Failure, of_a_workflow_whose_steps_say_nothing_is_its_own_message) {
  EXPECT_EQ(failure(R"({"phase":"Failed","message":"Max duration limit exceeded","nodes":{}})"),
            "Max duration limit exceeded");
  EXPECT_EQ(failure(R"({"phase":"Failed","reason":"Evicted","message":"low on memory"})"),
            "Evicted: low on memory");
}

TEST(Failure, of_what_does_not_say_is_empty) {
  EXPECT_EQ(failure("{}"), "");
  EXPECT_EQ(failure_of({}), "");
  EXPECT_EQ(failure(R"({"conditions":{},"nodes":[1],"message":3})"), "");
  EXPECT_EQ(failure(R"({"conditions":[1],"nodes":{"a":1}})"), "");
}

TEST(Failure, is_bounded_and_safe_to_show) {
  std::string text = failure(R"({"message":"\u001b[2Jred )" + std::string(9000, 'x') + "\"}");
  EXPECT_EQ(text.size(), max_failure_text + std::string_view("…").size());
  EXPECT_EQ(text.find('\x1b'), text.npos);
}

}  // namespace
}  // namespace abo::report
