#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "dray/api/patch.h"

namespace dray::api {
namespace {

using ::testing::HasSubstr;

Json Parsed(std::string_view text) {
  return Json::parse(text);
}

TEST(ApplyJsonPatch, Operations) {
  struct Case {
    std::string document, patch, want;
  } cases[] = {
      {R"({"a":1})", R"([{"op":"add","path":"/b","value":2}])", R"({"a":1,"b":2})"},
      {R"({"a":1})", R"([{"op":"add","path":"/a","value":null}])", R"({"a":null})"},
      {R"([1,3])", R"([{"op":"add","path":"/1","value":2}])", "[1,2,3]"},
      {R"([1])", R"([{"op":"add","path":"/1","value":2}])", "[1,2]"},
      {R"([1])", R"([{"op":"add","path":"/-","value":[2]}])", "[1,[2]]"},
      {R"({"a":1})", R"([{"op":"add","path":"","value":[]}])", "[]"},
      {R"({"a":1})", R"([{"op":"add","path":"/","value":2}])", R"({"":2,"a":1})"},
      {R"({"a/b":{"m~n":1}})", R"([{"op":"replace","path":"/a~1b/m~0n","value":2}])",
       R"({"a/b":{"m~n":2}})"},
      {R"({"~1":1})", R"([{"op":"remove","path":"/~01"}])", "{}"},
      {R"({"a":[1,2,3]})", R"([{"op":"remove","path":"/a/1"}])", R"({"a":[1,3]})"},
      {R"({"a":{"b":1}})", R"([{"op":"move","from":"/a/b","path":"/c"}])", R"({"a":{},"c":1})"},
      {R"([1,2,3])", R"([{"op":"move","from":"/0","path":"/2"}])", "[2,3,1]"},
      {R"({"a":1})", R"([{"op":"move","from":"/a","path":"/a"}])", R"({"a":1})"},
      {R"({"a":{"b":1}})", R"([{"op":"copy","from":"/a","path":"/a/c"}])",
       R"({"a":{"b":1,"c":{"b":1}}})"},
      {R"({"a":1.0})", R"([{"op":"test","path":"/a","value":1}])", R"({"a":1.0})"},
      {R"({"a":[{"b":"c"}]})", R"([{"op":"test","path":"","value":{"a":[{"b":"c"}]}}])",
       R"({"a":[{"b":"c"}]})"},
      {R"({"0":1})", R"([{"op":"replace","path":"/0","value":2}])", R"({"0":2})"},
      {R"({"a":1})", R"([])", R"({"a":1})"},
      {R"({})", R"([{"op":"add","path":"/x","value":1,"other":2}])", R"({"x":1})"},
  };
  for (const Case& c : cases) {
    Result<Json> result = ApplyJsonPatch(Parsed(c.document), Parsed(c.patch));
    ASSERT_TRUE(result.ok()) << c.patch << " " << result.status();
    EXPECT_EQ(*result, Parsed(c.want)) << c.patch;
  }
}

TEST(ApplyJsonPatch, Refusals) {
  struct Case {
    std::string document, patch;
    Reason want;
  } cases[] = {
      {"{}", R"({"op":"add"})", Reason::kBadRequest},
      {"{}", R"(["add"])", Reason::kBadRequest},
      {"{}", R"([{"path":"/a","value":1}])", Reason::kBadRequest},
      {"{}", R"([{"op":"add","value":1}])", Reason::kBadRequest},
      {"{}", R"([{"op":"add","path":"/a"}])", Reason::kBadRequest},
      {"{}", R"([{"op":"add","path":"a","value":1}])", Reason::kBadRequest},
      {"{}", R"([{"op":"add","path":"/~2","value":1}])", Reason::kBadRequest},
      {"{}", R"([{"op":"add","path":"/~","value":1}])", Reason::kBadRequest},
      {"{}", R"([{"op":"grow","path":"/a"}])", Reason::kBadRequest},
      {"{}", R"([{"op":"move","path":"/a"}])", Reason::kBadRequest},
      {"{}", R"([{"op":"remove","path":"/a"}])", Reason::kInvalid},
      {"{}", R"([{"op":"remove","path":""}])", Reason::kInvalid},
      {"{}", R"([{"op":"replace","path":"/a","value":1}])", Reason::kInvalid},
      {"{}", R"([{"op":"add","path":"/a/b","value":1}])", Reason::kInvalid},
      {R"({"a":1})", R"([{"op":"add","path":"/a/b","value":1}])", Reason::kInvalid},
      {"[1]", R"([{"op":"add","path":"/2","value":1}])", Reason::kInvalid},
      {"[1]", R"([{"op":"add","path":"/01","value":1}])", Reason::kInvalid},
      {"[1]", R"([{"op":"add","path":"/-1","value":1}])", Reason::kInvalid},
      {"[1]", R"([{"op":"remove","path":"/-"}])", Reason::kInvalid},
      {"[1]", R"([{"op":"remove","path":"/1"}])", Reason::kInvalid},
      {"[1]", R"([{"op":"test","path":"/99999999999999999999","value":1}])", Reason::kInvalid},
      {R"({"a":1})", R"([{"op":"test","path":"/a","value":2}])", Reason::kInvalid},
      {R"({"a":1})", R"([{"op":"test","path":"/a","value":"1"}])", Reason::kInvalid},
      {R"({"a":1})", R"([{"op":"test","path":"/b","value":null}])", Reason::kInvalid},
      {R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":"/a/b"}])", Reason::kInvalid},
      {R"({"a":1})", R"([{"op":"copy","from":"/b","path":"/c"}])", Reason::kInvalid},
  };
  for (const Case& c : cases) {
    Result<Json> result = ApplyJsonPatch(Parsed(c.document), Parsed(c.patch));
    EXPECT_TRUE(result.Is(c.want)) << c.patch << " " << result.status();
  }
  EXPECT_EQ(ApplyJsonPatch(Parsed("{}"), Parsed(R"([{"op":"remove","path":"/a~1b"}])"))
                .status()
                .message(),
            "JSON patch, operation 0 (remove \"/a~1b\"): there is no such path");
}

TEST(ApplyJsonPatch, HasLimits) {
  Json patch = Json::array();
  for (int i = 0; i < 10000; ++i) patch.push_back({{"op", "add"}, {"path", "/a"}, {"value", i}});
  EXPECT_EQ((*ApplyJsonPatch(Parsed("{}"), patch))["a"], 9999);
  patch.push_back(patch[0]);
  EXPECT_TRUE(ApplyJsonPatch(Parsed("{}"), patch).Is(Reason::kTooLarge));

  Json bomb = Json::array();
  for (int i = 0; i < 60; ++i) bomb.push_back({{"op", "copy"}, {"from", ""}, {"path", "/a"}});
  Result<Json> result = ApplyJsonPatch(Parsed(R"({"b":"0123456789"})"), bomb);
  EXPECT_TRUE(result.ok() || result.Is(Reason::kInvalid));
  bomb = Json::array();
  for (int i = 0; i < 60; ++i)
    bomb.push_back({{"op", "copy"}, {"from", ""}, {"path", "/a" + std::to_string(i)}});
  EXPECT_TRUE(ApplyJsonPatch(Parsed(R"({"b":"0123456789"})"), bomb).Is(Reason::kInvalid));
}

TEST(DiffJsonPatch, TouchesOnlyWhatChanged) {
  struct Case {
    std::string before, after, want;
  } cases[] = {
      {R"({"a":1})", R"({"a":1})", "[]"},
      {R"({"a":1,"b":{"c":2,"d":3}})", R"({"a":1,"b":{"c":2,"d":4}})",
       R"([{"op":"replace","path":"/b/d","value":4}])"},
      {R"({"a":1})", R"({"a":1,"x/y":{"z":[]}})",
       R"([{"op":"add","path":"/x~1y","value":{"z":[]}}])"},
      {R"({"a":1,"b":2})", R"({"b":2})", R"([{"op":"remove","path":"/a"}])"},
      {"[1,2,3]", "[1]", R"([{"op":"remove","path":"/2"},{"op":"remove","path":"/1"}])"},
      {"[1]", "[1,2,3]",
       R"([{"op":"add","path":"/1","value":2},{"op":"add","path":"/2","value":3}])"},
      {R"([{"n":"a"},{"n":"b"}])", R"([{"n":"a"},{"n":"b","x":1}])",
       R"([{"op":"add","path":"/1/x","value":1}])"},
      {R"({"a":null})", R"({"a":{}})", R"([{"op":"replace","path":"/a","value":{}}])"},
      {"1", "[]", R"([{"op":"replace","path":"","value":[]}])"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(DiffJsonPatch(Parsed(c.before), Parsed(c.after)), Parsed(c.want)) << c.after;
}

TEST(DiffJsonPatch, NumbersBuiltAndParsedAreEqual) {
  EXPECT_EQ(DiffJsonPatch(Json{{"a", 5}}, Parsed(R"({"a":5})")), Json::array());
  EXPECT_EQ(MergePatchFor(Json{{"a", 5}}, Parsed(R"({"a":5})")), Json::object());
}

TEST(ApplyMergePatch, Rfc7386) {
  struct Case {
    std::string document, patch, want;
  } cases[] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", "{}"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a"])", R"(["c"])", R"(["c"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", "null", "null"},
      {R"({"e":null})", R"({"a":1})", R"({"a":1,"e":null})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {"{}", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(ApplyMergePatch(Parsed(c.document), Parsed(c.patch)), Parsed(c.want)) << c.patch;
}

TEST(MergePatchFor, SaysOnlyTheChange) {
  EXPECT_EQ(MergePatchFor(Parsed(R"({"a":{"b":1,"c":2},"d":[1],"e":3})"),
                          Parsed(R"({"a":{"b":1,"c":3},"d":[1],"f":4})")),
            Parsed(R"({"a":{"c":3},"e":null,"f":4})"));
  EXPECT_EQ(MergePatchFor(Parsed(R"({"a":1})"), Parsed(R"({"a":1})")), Parsed("{}"));
  EXPECT_EQ(MergePatchFor(Parsed(R"({"a":{"b":1}})"), Parsed(R"({"a":{}})")),
            Parsed(R"({"a":{"b":null}})"));
}

// Random documents of a small alphabet, so that keys collide.
Json RandomJson(std::mt19937& random, int depth) {
  switch (random() % (depth > 0 ? 6 : 4)) {
    case 0:
      return random() % 3;
    case 1:
      return random() % 2 == 0;
    case 2:
      return std::string(1, static_cast<char>('a' + random() % 3));
    case 3:
      return "x/~y";
    case 4: {
      Json list = Json::array();
      for (size_t n = random() % 4; n > 0; --n) list.push_back(RandomJson(random, depth - 1));
      return list;
    }
    default: {
      Json object = Json::object();
      for (size_t n = random() % 4; n > 0; --n)
        object[random() % 4 == 0 ? "a/b~c"
                                 : std::string(1, static_cast<char>('a' + random() % 4))] =
            RandomJson(random, depth - 1);
      return object;
    }
  }
}

TEST(Diffs, LeadFromBeforeToAfter) {
  std::mt19937 random(7);
  for (int i = 0; i < 5000; ++i) {
    Json before = RandomJson(random, 4), after = RandomJson(random, 4);
    Result<Json> patched = ApplyJsonPatch(before, DiffJsonPatch(before, after));
    ASSERT_TRUE(patched.ok()) << patched.status();
    ASSERT_EQ(*patched, after);
    if (before.is_object() && after.is_object()) {
      ASSERT_EQ(ApplyMergePatch(before, MergePatchFor(before, after)), after);
    }
  }
}

}  // namespace
}  // namespace dray::api
