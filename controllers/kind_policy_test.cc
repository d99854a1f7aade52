#include "controllers/kind_policy.h"

#include <gtest/gtest.h>

namespace abo::controllers {
namespace {

TEST(KindRule, reads_every_form) {
  EXPECT_EQ(*parse_kind_rule("batch/v1 Job"), (KindRule{"batch", "v1", "Job"}));
  EXPECT_EQ(*parse_kind_rule("argoproj.io Workflow"), (KindRule{"argoproj.io", "", "Workflow"}));
  EXPECT_EQ(*parse_kind_rule("v1 Pod"), (KindRule{"", "v1", "Pod"}));
  EXPECT_EQ(*parse_kind_rule("tekton.dev *"), (KindRule{"tekton.dev", "", "*"}));
}

TEST(KindRule, says_the_form_when_it_is_wrong) {
  for (const char* text :
       {"", "Job", " Job", "batch/v1", "batch/v1 ", "batch/v1 Job Pod", "batch/v1 jobs/status"}) {
    auto rule = parse_kind_rule(text);
    ASSERT_FALSE(rule) << text;
    EXPECT_NE(rule.error().message.find("GROUP[/VERSION] KIND"), std::string::npos);
  }
}

TEST(KindPolicy, allows_jobs_and_workflows_by_default_and_nothing_else) {
  auto policy = KindPolicy::defaults();
  EXPECT_TRUE(policy.check("batch/v1", "Job"));
  EXPECT_TRUE(policy.check("argoproj.io/v1alpha1", "Workflow"));
  for (auto [version, kind] : {std::pair{"batch/v1", "CronJob"}, {"v1", "Pod"}, {"batch.evil/v1", "Job"}}) {
    auto allowed = policy.check(version, kind);
    ASSERT_FALSE(allowed) << kind;
    EXPECT_EQ(allowed.error().reason, Reason::KindNotAllowed);
    EXPECT_NE(allowed.error().message.find("--allowed-kind"), std::string::npos);
  }
}

TEST(KindPolicy, never_allows_rights_or_watchers) {
  KindPolicy everything({*parse_kind_rule("*")});
  EXPECT_TRUE(everything.check("v1", "Pod"));
  EXPECT_FALSE(everything.check("rbac.authorization.k8s.io/v1", "RoleBinding"));
  EXPECT_FALSE(everything.check("authorization.openshift.io/v1", "RoleBinding"));
  EXPECT_FALSE(everything.check("mlops.example.com/v1alpha1", "AzureBlobWatcher"));
}

}  // namespace
}  // namespace abo::controllers
