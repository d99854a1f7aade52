#include "azure/split_plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "azure/container_shape.h"

namespace abo::azure {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Gt;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;
using testing::StartsWith;

constexpr int page_size = 5000;

std::vector<std::string> marks_of(const std::vector<std::string>& names, std::size_t count = 64) {
  std::vector<std::string> marks;
  for (std::size_t i = 0; i < count; ++i) marks.push_back(names[i * names.size() / count]);
  std::ranges::sort(marks);
  return marks;
}

// What List Blobs with the delimiter shows of a folder.
OpenedFolder open_folder(const std::vector<std::string>& names, std::string prefix) {
  std::set<std::string> folders;
  std::int64_t direct = 0;
  for (const std::string& name : names) {
    if (!name.starts_with(prefix)) continue;
    std::size_t at = name.find('/', prefix.size());
    if (at == name.npos) {
      ++direct;
    } else {
      folders.insert(name.substr(0, at + 1));
    }
  }
  return {std::move(prefix), {folders.begin(), folders.end()}, direct};
}

// The whole course of a plan over a container: how often each name is shown, and the calls that it added.
struct Course {
  bool pays = true;
  std::map<std::string, int> shown;
  std::vector<std::string> parts;
  std::int64_t added = 0;
};

Course play(SplitPlan plan, const std::vector<std::string>& names, const std::string& root = "") {
  Course course;
  std::vector<Part> parts;
  std::vector<std::string> open{root};
  while (!open.empty()) {
    std::string prefix = open.back();
    open.pop_back();
    OpenedFolder folder = open_folder(names, prefix);
    for (const std::string& name : names) {
      bool direct = name.starts_with(prefix) && name.find('/', prefix.size()) == name.npos;
      if (direct) ++course.shown[name];
    }
    ++course.added;
    SplitPlan::Next next = plan.after(folder);
    course.pays = course.pays && next.pays;
    if (!next.pays) return course;
    open.insert(open.end(), next.open.begin(), next.open.end());
    parts.insert(parts.end(), next.parts.begin(), next.parts.end());
  }
  for (const Part& part : parts) {
    course.parts.push_back(part.prefix);
    ++course.added;
    for (const std::string& name : names) {
      if (name.starts_with(part.prefix) && part.holds(name)) ++course.shown[name];
    }
  }
  std::ranges::sort(course.parts);
  return course;
}

std::vector<std::string> days(int folders, int blobs_each) {
  std::vector<std::string> names;
  for (int day = 0; day < folders; ++day) {
    for (int i = 0; i < blobs_each; ++i) names.push_back(fmt::format("raw/day-{:03}/{:03}.csv", day, i));
  }
  return names;
}

TEST(SplitPlan, of_a_flat_container_does_not_pay) {
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back(fmt::format("raw/2026/{:05}.csv", i));
  EXPECT_FALSE(SplitPlan("", marks_of(names), 200, page_size).pays());
}

TEST(SplitPlan, does_not_pay_where_most_blobs_stand_beside_the_folders) {
  std::vector<std::string> names;
  for (int i = 0; i < 900; ++i) names.push_back(fmt::format("{:05}.csv", i));
  for (int i = 0; i < 100; ++i) names.push_back(fmt::format("x/{}/{:05}.csv", i % 2, i));
  EXPECT_FALSE(SplitPlan("", marks_of(names), 200, page_size).pays());
}

TEST(SplitPlan, of_few_pages_does_not_pay) {
  auto marks = marks_of(days(10, 10));
  EXPECT_FALSE(SplitPlan("", marks, 11, page_size).pays());
  EXPECT_TRUE(SplitPlan("", marks, 12, page_size).pays());
}

TEST(SplitPlan, joins_many_folders_into_parts_that_keep_eight_lanes_busy) {
  auto names = days(80, 10);
  Course course = play({"", marks_of(names), 200, page_size}, names);
  EXPECT_THAT(course.parts, ElementsAre("raw/day-00", "raw/day-01", "raw/day-02", "raw/day-03", "raw/day-04",
                                        "raw/day-05", "raw/day-06", "raw/day-07"));
}

TEST(SplitPlan, divides_some_parts_where_they_do_not_fill_the_lanes_evenly) {
  auto names = days(100, 10);
  Course course = play({"", marks_of(names), 200, page_size}, names);
  EXPECT_LE(course.parts.size(), 30U);
  EXPECT_GE(course.parts.size(), 20U);
}

TEST(SplitPlan, opens_the_folder_that_holds_nearly_everything) {
  auto names = days(12, 100);
  for (int i = 0; i < 40; ++i) names.push_back(fmt::format("small-{:02}/x.csv", i));
  Course course = play({"", marks_of(names), 200, page_size}, names);
  EXPECT_EQ(std::ranges::count_if(course.parts, [](auto& part) { return part.starts_with("raw/day-"); }), 12);
  EXPECT_LE(course.parts.size(), 14U);
}

TEST(SplitPlan, of_one_prefix_begins_there) {
  auto names = days(20, 50);
  for (int i = 0; i < 500; ++i) names.push_back(fmt::format("other/{}", i));
  std::erase_if(names, [](const std::string& name) { return !name.starts_with("raw/"); });
  Course course = play({"raw/", marks_of(names), 100, page_size}, names, "raw/");
  EXPECT_TRUE(course.pays);
  EXPECT_GE(course.parts.size(), 8U);
}

TEST(SplitPlan, cuts_names_between_characters_only) {
  std::vector<std::string> names;
  for (std::string_view letter : {"ä", "ö", "ü", "ß", "é", "è", "ñ", "ø"}) {
    for (int i = 0; i < 100; ++i) names.push_back(fmt::format("{}{}/{}.csv", letter, i % 10, i));
  }
  Course course = play({"", marks_of(names), 60, page_size}, names);
  ASSERT_FALSE(course.parts.empty());
  for (const std::string& part : course.parts) {
    bool whole = part.empty() || (static_cast<unsigned char>(part.back()) & 0xC0) != 0xC0;
    EXPECT_TRUE(whole) << part;
  }
}

TEST(SplitPlan, refuses_what_cannot_be_covered_by_prefixes_of_its_own_folder) {
  auto marks = marks_of(days(10, 10));
  EXPECT_FALSE(SplitPlan("", marks, 100, page_size).after({"raw/", {"elsewhere/"}, 0}).pays);
}

TEST(SplitPlan, refuses_folders_beyond_number_beside_many_blobs) {
  std::vector<std::string> folders;
  for (int i = 0; i < 1000; ++i) folders.push_back(fmt::format("raw/day-{}/", i));
  auto marks = marks_of(days(10, 10));
  EXPECT_FALSE(SplitPlan("raw/", marks, 100, page_size).after({"raw/", folders, 2 * page_size}).pays);
  EXPECT_TRUE(SplitPlan("raw/", marks, 100, page_size).after({"raw/", folders, page_size}).pays);
}

// Names of a few letters, so that they meet, in folders of every depth.
rc::Gen<std::vector<std::string>> container_names() {
  auto letter = rc::gen::element<std::string>("a", "b", "ä", "ö", "/", "a/", "b/", "ab/");
  auto name =
      rc::gen::map(rc::gen::container<std::vector<std::string>>(letter), [](std::vector<std::string> parts) {
        std::string text = "n";
        for (const std::string& part : parts) text += part;
        return text;
      });
  return rc::gen::nonEmpty(rc::gen::unique<std::vector<std::string>>(name));
}

RC_GTEST_PROP(SplitPlan, shows_each_blob_exactly_once_and_adds_at_most_a_quarter, ()) {
  auto names = *container_names();
  auto known = *container_names();  // the marks may be of long ago
  auto pages = *rc::gen::inRange(12, 400);
  SplitPlan plan("", marks_of(*rc::gen::arbitrary<bool>() ? names : known), pages,
                 *rc::gen::element(1, 10, 5000));
  if (!plan.pays()) return;
  Course course = play(plan, names);
  RC_ASSERT(course.added <= pages / 4);
  if (!course.pays) return;
  for (const std::string& name : names) RC_ASSERT(course.shown[name] == 1);
}

TEST(ContainerShape, samples_evenly_and_keeps_a_bounded_number) {
  ContainerShape shape;
  shape.begin("c");
  for (int i = 0; i < 1'000'000; ++i) shape.saw(fmt::format("{:07}", i));
  shape.saw_page(page_size);
  shape.end(true);
  EXPECT_EQ(shape.pages(), 200);
  ASSERT_GT(shape.marks().size(), ContainerShape::max_marks / 2 - 1);
  ASSERT_LE(shape.marks().size(), ContainerShape::max_marks);
  for (std::size_t i = 0; i < shape.marks().size(); ++i) {
    double expected = 1e6 * static_cast<double>(i + 1) / static_cast<double>(shape.marks().size());
    EXPECT_NEAR(std::stod(shape.marks()[i]), expected, 50'000);
  }
}

void list(ContainerShape& shape, std::string_view what, int blobs, bool complete = true) {
  shape.begin(what);
  for (int i = 0; i < blobs; ++i) shape.saw("name");
  shape.saw_page(page_size);
  shape.end(complete);
}

TEST(ContainerShape, is_not_large_below_twelve_pages) {
  ContainerShape shape;
  list(shape, "c", 12 * page_size - 1);
  EXPECT_FALSE(shape.may_split());
  EXPECT_THAT(shape.marks(), IsEmpty());
  list(shape, "c", 12 * page_size);
  EXPECT_TRUE(shape.may_split());
}

TEST(ContainerShape, counts_pages_as_the_service_fills_them) {
  ContainerShape shape;
  shape.begin("c");
  for (int i = 0; i < 600; ++i) shape.saw("name");
  for (int i = 0; i < 12; ++i) shape.saw_page(i == 5 ? 50 : 10);
  shape.end(true);
  EXPECT_EQ(shape.pages(), 12);
  EXPECT_EQ(shape.page_size(), 50);
}

TEST(ContainerShape, once_refused_is_not_split_before_it_has_doubled) {
  ContainerShape shape;
  list(shape, "c", 20 * page_size);
  shape.refuse();
  EXPECT_FALSE(shape.may_split());
  list(shape, "c", 39 * page_size);
  EXPECT_FALSE(shape.may_split());
  list(shape, "c", 40 * page_size);
  EXPECT_TRUE(shape.may_split());
}

TEST(ContainerShape, learns_from_a_broken_listing_only_that_there_is_more) {
  ContainerShape shape;
  list(shape, "c", 20 * page_size);
  list(shape, "c", 5 * page_size, false);
  EXPECT_EQ(shape.pages(), 20);
  list(shape, "c", 30 * page_size, false);
  EXPECT_EQ(shape.pages(), 30);
  shape.begin("c");
  for (int i = 0; i < 31 * page_size; ++i) shape.saw("a page that broke off");
  shape.end(false);
  EXPECT_EQ(shape.pages(), 30);
}

TEST(ContainerShape, goes_by_the_folders_that_were_found_until_it_was_listed) {
  ContainerShape shape;
  EXPECT_TRUE(shape.is_new());
  list(shape, "c", 12 * page_size, false);
  std::vector<std::string> folders;
  for (int i = 0; i < 1000; ++i) folders.push_back(fmt::format("{:03}/", i));
  shape.found(folders);
  EXPECT_TRUE(shape.may_split());
  EXPECT_FALSE(shape.is_new());
  EXPECT_THAT(shape.marks(), SizeIs(AllOf(Gt(ContainerShape::max_marks / 2), Le(ContainerShape::max_marks))));
  EXPECT_THAT(shape.marks(), AllOf(Contains("000/"), Contains(StartsWith("9"))));
  list(shape, "c", 13 * page_size);
  EXPECT_EQ(shape.pages(), 13);
  EXPECT_THAT(shape.marks(), Each("name"));
}

TEST(ContainerShape, whose_size_was_only_guessed_when_it_was_refused_is_refused_at_what_it_has) {
  ContainerShape shape;
  list(shape, "c", 12 * page_size, false);
  shape.found({"a/", "b/"});
  shape.refuse();
  EXPECT_FALSE(shape.is_new());
  list(shape, "c", 20 * page_size);
  EXPECT_FALSE(shape.may_split());
  list(shape, "c", 40 * page_size);
  EXPECT_TRUE(shape.may_split());
}

TEST(ContainerShape, of_another_container_is_forgotten) {
  ContainerShape shape;
  list(shape, "c", 20 * page_size);
  shape.begin("d");
  EXPECT_FALSE(shape.may_split());
}

}  // namespace
}  // namespace abo::azure
