// A creation whose sender gave up and is gone, though the checkpoint tells of it: the successor, too, leaves the other name
// alone for as long as that request may arrive. The searches excuse what two processes do (oracle.h, known_limit), so
// this one course is played by hand. The two machines' clocks agree here, which the rule needs: they may differ by as
// much as the wait is longer than a request is under way.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/model/oracle.h"
#include "tests/model/simulation.h"

namespace abo::model {
namespace {

constexpr std::int16_t a = 0, b = 1;

struct Course {
  explicit Course(Mutant mutant) : simulation(rules_of(mutant)), state(simulation.begin()) {}

  static Rules rules_of(Mutant mutant) {
    Rules rules;
    rules.mutant = mutant;
    rules.operators = 2;
    rules.blobs = 1;
    return rules;
  }
  Operator& of(std::int16_t who) { return state.operators[static_cast<std::size_t>(who)]; }
  void take(Choice choice) {
    EXPECT_TRUE(simulation.apply(state, choice)) << simulation.describe(state, choice);
  }
  void elect(std::int16_t who) {
    for (int i = 0; i < 2; ++i) take({Act::Elect, who});
  }
  void second() { take({Act::Advance, 1}); }
  void lead(std::int16_t who) {
    take({Act::Step, who});
    for (int i = 0; i < 8 && of(who).at == At::Standby; ++i) {
      take({Act::Elect, who});
      if (of(who).at == At::Standby && !of(who).election->in_flight) second();
    }
    ASSERT_EQ(of(who).at, At::StartList);
  }
  void step_to(std::int16_t who, At at) {
    for (int i = 0; i < 20 && of(who).at != at; ++i) take({Act::Step, who});
    ASSERT_EQ(of(who).at, at);
  }

  Simulation simulation;
  State state;
};

// What becomes of it when the ordinary name is somebody else's as B asks, and free as A's request arrives.
std::string a_successor_meets_a_late_request(Mutant mutant) {
  Course course(mutant);
  Cluster& cluster = course.state.world.cluster;
  course.take({Act::BeginWrite, 0});
  course.take({Act::FinishWrite, 0});
  course.lead(a);
  course.take({Act::Step, b});
  course.elect(a);
  course.take({Act::Elect, b});  // sees A's lease
  course.step_to(a, At::Create);
  course.take({Act::Step, a});
  course.take({Act::LoseAnswer, 0});
  course.take({Act::Step, a});
  course.take({Act::Step, a});  // writes the checkpoint
  EXPECT_EQ(cluster.watcher.checkpoint->postponed.size(), 1U);
  course.take({Act::Crash, a});
  for (int i = 0; i < 5; ++i) course.second();
  course.elect(b);
  course.take({Act::TakeName, 0});
  course.step_to(b, At::Create);
  for (int i = 0; i < 20 && course.of(b).at == At::Create; ++i) {
    course.take({Act::Step, b});
    auto own = std::ranges::find_if(cluster.requests, [](auto& r) { return r.sender == b && r.flying; });
    if (own != cluster.requests.end())
      course.take({Act::Carry, static_cast<std::int16_t>(own - cluster.requests.begin())});
  }
  course.take({Act::DeleteObject, 0});  // what had the name
  EXPECT_EQ(cluster.requests.front().sender, a);
  EXPECT_TRUE(cluster.requests.front().flying);
  course.take({Act::Carry, 0});
  course.simulation.settle(course.state);
  EXPECT_GE(cluster.audit.size(), 1U);
  return course.state.world.violation;
}

TEST(CreationUnderWay, that_the_checkpoint_tells_of_keeps_a_successor_from_the_other_name) {
  EXPECT_EQ(a_successor_meets_a_late_request(Mutant::None), "");
  EXPECT_EQ(a_successor_meets_a_late_request(Mutant::NoWaitForOtherName), known_limit);
}

}  // namespace
}  // namespace abo::model
