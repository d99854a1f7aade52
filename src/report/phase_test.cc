#include "report/phase.h"

#include <gtest/gtest.h>

#include <string>

namespace abo::report {
namespace {

std::string told(const json::object& object, Telling telling) {
  Outcome outcome = outcome_of(object, telling);
  std::string text(to_string(outcome.phase));
  if (outcome.finished_at) text += " " + format_rfc3339(*outcome.finished_at);
  return outcome.stays ? text + " (stays)" : text;
}

// What a status makes of an object of this kind.
std::string job(std::string_view status) {
  return told({{"status", *parse_json(status)}}, Telling::Job);
}
std::string workflow(std::string_view status) {
  return told({{"status", *parse_json(status)}}, Telling::Phase);
}
std::string custom(std::string_view status) {
  return told({{"metadata", {{"generation", 2}}}, {"status", *parse_json(status)}}, Telling::General);
}

TEST(Phase, of_a_job_is_told_by_its_conditions_alone) {
  EXPECT_EQ(told({}, Telling::Job), "Pending");
  EXPECT_EQ(job("{}"), "Pending");
  EXPECT_EQ(job(R"({"active":1,"startTime":"2026-11-22T05:29:00Z"})"), "Running");
  EXPECT_EQ(job(R"({"conditions":[{"type":"SuccessCriteriaMet","status":"True"}]})"), "Pending");
  EXPECT_EQ(job(R"({"conditions":[{"type":"Complete","status":"False"}]})"), "Pending");
  EXPECT_EQ(job(R"({"conditions":[{"type":"Suspended","status":"True"}]})"), "Pending");
  EXPECT_EQ(job(R"({"conditions":[{"type":"Failed","status":"True"}]})"), "Failed");
  EXPECT_EQ(
      job(R"({"conditions":[{"type":"Complete","status":"True","lastTransitionTime":"2026-11-22T05:30:00Z"}]})"),
      "Succeeded 2026-11-22T05:30:00Z");
}

TEST(Phase, of_a_workflow_or_pod_is_told_by_its_phase_alone) {
  EXPECT_EQ(workflow(R"({})"), "Pending");
  EXPECT_EQ(workflow(R"({"phase":""})"), "Pending");
  EXPECT_EQ(workflow(R"({"phase":"Unknown"})"), "Running");
  EXPECT_EQ(workflow(R"({"phase":"Running","conditions":[{"type":"Ready","status":"True"}]})"), "Running")
      << "a Pod that serves has not ended";
  EXPECT_EQ(workflow(R"({"phase":"Error","finishedAt":"2026-11-22T05:30:00Z"})"),
            "Failed 2026-11-22T05:30:00Z");
  EXPECT_EQ(workflow(R"({"phase":"Succeeded","conditions":[{"type":"PodRunning","status":"False"}]})"),
            "Succeeded");
}

TEST(Phase, of_a_kind_without_a_status_is_done_at_once_but_never_said_to_be) {
  EXPECT_EQ(told({}, Telling::Nothing), "Succeeded (stays)");
  EXPECT_EQ(told({{"status", {{"phase", "Running"}}}}, Telling::Nothing), "Running")
      << "a controller that writes one all the same is believed";
  EXPECT_EQ(told({{"status", {{"lastScheduleTime", "2026-11-22T05:30:00Z"}}}}, Telling::Nothing),
            "Succeeded (stays)");
}

TEST(Phase, is_pending_until_a_controller_has_looked) {
  EXPECT_EQ(told({}, Telling::General), "Pending");
  EXPECT_EQ(custom("{}"), "Pending");
}

TEST(Phase, of_an_older_generation_decides_nothing) {
  EXPECT_EQ(custom(R"({"observedGeneration":1,"conditions":[{"type":"Ready","status":"True"}]})"), "Running");
  EXPECT_EQ(custom(R"({"observedGeneration":1,"conditions":[{"type":"Stalled","status":"True"}]})"),
            "Running");
  EXPECT_EQ(custom(R"({"observedGeneration":2,"conditions":[{"type":"Ready","status":"True"}]})"),
            "Succeeded (stays)");
}

TEST(Phase, is_told_by_the_conditions_of_kstatus_in_their_order) {
  EXPECT_EQ(
      custom(R"({"conditions":[{"type":"Reconciling","status":"True"},{"type":"Ready","status":"True"}]})"),
      "Running");
  EXPECT_EQ(custom(R"({"conditions":[{"type":"Ready","status":"True"},{"type":"Stalled","status":"True",
                       "lastTransitionTime":"2026-11-22T05:30:00Z"}]})"),
            "Failed 2026-11-22T05:30:00Z (stays)");
  EXPECT_EQ(
      custom(R"({"conditions":[{"type":"Reconciling","status":"False"},{"type":"Ready","status":"True"}]})"),
      "Succeeded (stays)");
  EXPECT_EQ(custom(R"({"conditions":[{"type":"Ready","status":"False"}]})"), "Running");
  EXPECT_EQ(custom(R"({"conditions":[{"type":"Ready","status":"Unknown"}]})"), "Running");
  EXPECT_EQ(custom(R"({"observedGeneration":2})"), "Succeeded (stays)")
      << "current, as far as anyone can say";
}

TEST(Phase, is_told_by_the_condition_that_says_it_ended) {
  EXPECT_EQ(custom(R"({"conditions":[{"type":"Succeeded","status":"Unknown"}]})"), "Running") << "Tekton";
  EXPECT_EQ(custom(R"({"conditions":[{"type":"Succeeded","status":"False","reason":"TaskRunTimeout"}]})"),
            "Failed");
  EXPECT_EQ(custom(R"({"conditions":[{"type":"Succeeded","status":"True"}]})"), "Succeeded");
  EXPECT_EQ(
      custom(R"({"conditions":[{"type":"Created","status":"True"},{"type":"Running","status":"True"}]})"),
      "Running")
      << "Kubeflow: conditions that we do not know say that somebody is at work";
  EXPECT_EQ(
      custom(R"({"conditions":[{"type":"Running","status":"False"},{"type":"Succeeded","status":"True"}]})"),
      "Succeeded");
  EXPECT_EQ(
      custom(R"({"conditions":[{"type":"Failed","status":"False"},{"type":"Complete","status":"True"}]})"),
      "Succeeded");
  EXPECT_EQ(custom(R"({"conditions":[{"type":"Completed","status":"True"}]})"), "Succeeded") << "JobSet";
}

TEST(Phase, is_told_by_the_words_of_well_known_kinds) {
  EXPECT_EQ(custom(R"({"jobStatus":"","jobDeploymentStatus":"Initializing"})"), "Running") << "RayJob";
  EXPECT_EQ(custom(R"({"jobStatus":"RUNNING","jobDeploymentStatus":"Running"})"), "Running");
  EXPECT_EQ(
      custom(R"({"jobStatus":"SUCCEEDED","jobDeploymentStatus":"Running","endTime":"2026-11-22T05:30:00Z"})"),
      "Succeeded 2026-11-22T05:30:00Z");
  EXPECT_EQ(custom(R"({"jobStatus":"FAILED","jobDeploymentStatus":"Complete"})"), "Failed");
  EXPECT_EQ(custom(R"({"jobStatus":"FAILED","jobDeploymentStatus":"Retrying"})"), "Running");
  EXPECT_EQ(custom(R"({"applicationState":{"state":"SUBMITTED"}})"), "Pending") << "Spark";
  EXPECT_EQ(custom(R"({"applicationState":{"state":"FAILING"}})"), "Running");
  EXPECT_EQ(custom(R"({"applicationState":{"state":"PENDING_RERUN"}})"), "Running");
  EXPECT_EQ(custom(R"({"applicationState":{"state":"COMPLETED"},"terminationTime":"2026-11-22T05:30:00Z"})"),
            "Succeeded 2026-11-22T05:30:00Z");
  EXPECT_EQ(custom(R"({"state":{"phase":"Aborted"}})"), "Failed") << "Volcano";
  EXPECT_EQ(custom(R"({"jobStatus":{"state":"FINISHED"}})"), "Succeeded") << "Flink";
  EXPECT_EQ(custom(R"({"phase":"Succeeded"})"), "Succeeded");
  EXPECT_EQ(custom(R"({"phase":"Fetching"})"), "Running") << "a word nobody knows is no end";
  EXPECT_EQ(custom(R"({"phase":"Bound"})"), "Succeeded (stays)") << "a claim, with data on it";
}

TEST(Phase, of_what_is_ready_and_has_an_end_is_over) {
  EXPECT_EQ(
      custom(R"({"conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-11-22T05:29:00Z"}],
                       "completionTime":"2026-11-22T05:30:00Z"})"),
      "Succeeded 2026-11-22T05:30:00Z");
}

TEST(Phase, of_a_deployment_waits_for_its_replicas) {
  json::object object{{"spec", {{"replicas", 2}}}, {"status", *parse_json(R"({"replicas":2,"readyReplicas":1,
                                                 "conditions":[{"type":"Available","status":"True"}]})")}};
  EXPECT_EQ(told(object, Telling::General), "Running");
  object["status"].as_object()["readyReplicas"] = 2;
  EXPECT_EQ(told(object, Telling::General), "Succeeded (stays)");
}

TEST(Phase, of_what_has_a_start_and_no_end_is_running) {
  EXPECT_EQ(custom(R"({"startTime":"2026-11-22T05:29:00Z"})"), "Running");
  EXPECT_EQ(custom(R"({"startTime":"2026-11-22T05:29:00Z","completionTime":"2026-11-22T05:30:00Z"})"),
            "Succeeded 2026-11-22T05:30:00Z");
}

TEST(Phase, is_told_by_each_kind_in_its_own_way) {
  EXPECT_EQ(telling_of("batch", "Job", true), Telling::Job);
  EXPECT_EQ(telling_of("batch.volcano.sh", "Job", true), Telling::General);
  EXPECT_EQ(telling_of("argoproj.io", "Workflow", false), Telling::Phase)
      << "its CRD has no status subresource";
  EXPECT_EQ(telling_of("", "Pod", true), Telling::Phase);
  EXPECT_EQ(telling_of("", "ConfigMap", false), Telling::Nothing);
  EXPECT_EQ(telling_of("batch", "CronJob", true), Telling::Nothing);
  EXPECT_EQ(telling_of("tekton.dev", "TaskRun", true), Telling::General);
}

}  // namespace
}  // namespace abo::report
