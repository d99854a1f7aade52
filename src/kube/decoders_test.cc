// Laws of the two streaming decoders: what they say does not depend on where the network cut the bytes.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "kube/list_decoder.h"
#include "kube/watch_decoder.h"

namespace abo::kube {
namespace {

// Any JSON object that may stand in an API object, with the texts that fool a bracket counter.
json::value any_value(int depth) {
  int what = *rc::gen::inRange(0, depth > 0 ? 6 : 4);
  if (what == 0) return *rc::gen::inRange(-5, 5);
  if (what == 1)
    return json::string{
        *rc::gen::element<std::string>("", "]}", "\"items\":[", "\\", "\\\"", "a,b", "\n", "ä")};
  if (what == 2) return nullptr;
  if (what == 3) return true;
  int size = *rc::gen::inRange(0, 4);
  if (what == 4) {
    json::array out;
    for (int i = 0; i < size; ++i) out.push_back(any_value(depth - 1));
    return out;
  }
  json::object out;
  for (int i = 0; i < size; ++i) {
    out[*rc::gen::element<std::string>("items", "metadata", "\"", "]", "a,", "items\\")] =
        any_value(depth - 1);
  }
  return out;
}

json::array any_objects() {
  json::array out;
  int size = *rc::gen::inRange(0, 5);
  for (int i = 0; i < size; ++i)
    out.push_back(json::object{{"i", i}, {"items", any_value(3)}, {"x", any_value(3)}});
  return out;
}

std::vector<std::string> any_cut(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = *rc::gen::inRange<std::size_t>(1, *rc::gen::element<std::size_t>(2, 60));
    out.push_back(text.substr(at, size));
    at += size;
  }
  return out;
}

RC_GTEST_PROP(ListDecoder, gives_every_item_once_and_in_order_however_the_bytes_are_cut, ()) {
  json::array items = any_objects();
  json::object list{{"kind", "List"},
                    {"metadata", json::object{{"resourceVersion", "7"}, {"items", any_value(2)}}}};
  if (*rc::gen::arbitrary<bool>()) list = json::object{{"apiVersion", "v1"}, {"a", "items"}};
  list["items"] = items;
  list["last"] = any_value(2);
  json::array seen;
  ListDecoder decoder([&](json::object&& item) -> Result<void> {
    seen.push_back(std::move(item));
    return {};
  });
  for (const std::string& chunk : any_cut(json::serialize(list))) RC_ASSERT(decoder.push(chunk).has_value());
  auto envelope = decoder.finish();
  RC_ASSERT(envelope.has_value());
  RC_ASSERT(seen == items);
  list["items"] = json::array{};
  RC_ASSERT(*envelope == list);
}

RC_GTEST_PROP(WatchDecoder, gives_every_event_once_and_in_order_however_the_bytes_are_cut, ()) {
  json::array objects = any_objects();
  std::string text;
  for (const json::value& object : objects) {
    text += json::serialize(json::object{{"type", "MODIFIED"}, {"object", object}}) +
            *rc::gen::element<std::string>("\n", "\r\n", "\n\n");
  }
  json::array seen;
  WatchDecoder decoder([&](WatchEvent&& event) -> Result<void> {
    seen.push_back(std::move(event.object));
    return {};
  });
  for (const std::string& chunk : any_cut(text)) RC_ASSERT(decoder.push(chunk).has_value());
  RC_ASSERT(seen == objects);
}

TEST(ListDecoder, what_is_no_list_is_an_error_and_not_a_crash) {
  for (const char* text :
       {"", "[]", "{", "{\"items\":[1]}", "{\"items\":[{]}", "{\"items\":[{}", "]]]]", "}}}{{{", "\"",
        "{\"items\":[{},}", "{\"items\":[{},]}", "{\"items\":[,]}", "{\"items\":[{}{}]}",
        R"({"items":[{}],"items":[{}]})", R"({"items":[{}],"items":null})", R"({"it\u0065ms":[{}]})"}) {
    ListDecoder decoder([](json::object&&) -> Result<void> { return {}; });
    auto pushed = decoder.push(text);
    bool ok = pushed && decoder.finish();
    EXPECT_FALSE(ok) << text;
  }
}

// As an object of a custom resource may be stored: "spec" in so many objects.
std::string deep_object(int depth) {
  std::string text = R"({"metadata":{"name":"deep","namespace":"a"},"spec":)";
  for (int i = 0; i < depth; ++i) text += R"({"x":)";
  return text + "1" + std::string(static_cast<std::size_t>(depth), '}') + "}";
}
std::string escaped_object(std::size_t size) {
  std::string text = R"({"metadata":{"name":"large"},"spec":")";
  for (std::size_t i = 0; i < size; ++i) text += "\\u003c";
  return text + "\"}";
}

TEST(ListDecoder, one_object_that_is_nested_deep_or_as_large_as_they_get_hides_no_other) {
  std::vector<std::string> names;
  ListDecoder decoder([&](json::object&& item) -> Result<void> {
    names.emplace_back(find_string(item, {"metadata", "name"}));
    return {};
  });
  ASSERT_TRUE(decoder.push(R"({"items":[{"metadata":{"name":"a"}},)" + deep_object(9'000) + "," +
                           escaped_object(1'500'000) + R"(,{"metadata":{"name":"b"}}]})"));
  EXPECT_TRUE(decoder.finish());
  EXPECT_EQ(names, (std::vector<std::string>{"a", "deep", "large", "b"}));
}

TEST(WatchDecoder, one_object_that_is_nested_deep_or_as_large_as_they_get_ends_no_watch) {
  std::vector<std::string> names;
  WatchDecoder decoder([&](WatchEvent&& event) -> Result<void> {
    names.emplace_back(find_string(event.object, {"metadata", "name"}));
    return {};
  });
  for (const std::string& object : {deep_object(9'000), escaped_object(1'500'000), deep_object(1)})
    ASSERT_TRUE(decoder.push(R"({"type":"DELETED","object":)" + object + "}\n"));
  EXPECT_EQ(names, (std::vector<std::string>{"deep", "large", "deep"}));
}

TEST(ListDecoder, an_item_over_the_limit_ends_it) {
  ListDecoder decoder([](json::object&&) -> Result<void> { return {}; }, 100);
  ASSERT_TRUE(decoder.push("{\"items\":[{\"a\":\""));
  auto pushed = decoder.push(std::string(200, 'x'));
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().kind, ErrorKind::TooLarge);
}

TEST(ListDecoder, an_item_over_the_limit_ends_it_also_in_one_piece) {
  int items = 0;
  ListDecoder decoder(
      [&](json::object&&) -> Result<void> {
        ++items;
        return {};
      },
      100);
  auto pushed = decoder.push(R"({"items":[{"a":1},{"a":")" + std::string(200, 'x') + R"("},{"b":2}]})");
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().kind, ErrorKind::TooLarge);
  EXPECT_EQ(items, 1);
}

TEST(WatchDecoder, knows_the_five_types_and_no_other) {
  std::vector<WatchEventType> types;
  WatchDecoder decoder([&](WatchEvent&& event) -> Result<void> {
    types.push_back(event.type);
    return {};
  });
  for (const char* type : {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"}) {
    ASSERT_TRUE(decoder.push(std::string{R"({"type":")"} + type + R"(","object":{}})" + "\n"));
  }
  EXPECT_EQ(types, (std::vector{WatchEventType::Added, WatchEventType::Modified, WatchEventType::Deleted,
                                WatchEventType::Bookmark, WatchEventType::Error}));
  for (const char* line :
       {"{\"type\":\"NEW\",\"object\":{}}\n", "{\"type\":\"ADDED\"}\n", "[]\n", "x\n", "{\"object\":{}}\n"}) {
    WatchDecoder fresh([](WatchEvent&&) -> Result<void> { return {}; });
    EXPECT_FALSE(fresh.push(line)) << line;
  }
}

TEST(WatchDecoder, a_line_over_the_limit_ends_it) {
  WatchDecoder decoder([](WatchEvent&&) -> Result<void> { return {}; }, 50);
  ASSERT_TRUE(decoder.push(std::string(50, ' ')));
  auto pushed = decoder.push(" ");
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().kind, ErrorKind::TooLarge);
}

TEST(WatchDecoder, the_sinks_error_ends_it) {
  int calls = 0;
  WatchDecoder decoder([&](WatchEvent&&) -> Result<void> {
    ++calls;
    return fail(ErrorKind::Gone, Reason::ApiServerUnavailable, "old");
  });
  auto pushed = decoder.push("{\"type\":\"ERROR\",\"object\":{}}\n{\"type\":\"ADDED\",\"object\":{}}\n");
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().kind, ErrorKind::Gone);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace abo::kube
