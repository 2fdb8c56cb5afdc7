#include "dray/runtime/yaml.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dray::runtime {
namespace {

TEST(Yaml, ReadsScalarsAsKubernetesDoes) {
  struct Case {
    const char* yaml;
    const char* json;
  } cases[] = {
      {"v: yes", R"({"v":"yes"})"},
      {"v: on", R"({"v":"on"})"},
      {"v: true", R"({"v":true})"},
      {"v: False", R"({"v":false})"},
      {"v: 'true'", R"({"v":"true"})"},
      {"v: \"12\"", R"({"v":"12"})"},
      {"v: !!str 12", R"({"v":"12"})"},
      {"v: 12", R"({"v":12})"},
      {"v: -12", R"({"v":-12})"},
      {"v: +12", R"({"v":12})"},
      {"v: 010", R"({"v":8})"},
      {"v: 0o17", R"({"v":15})"},
      {"v: 0x1F", R"({"v":31})"},
      {"v: 0b101", R"({"v":5})"},
      {"v: 1_000", R"({"v":1000})"},
      {"v: 089", R"({"v":89})"},
      {"v: 1.5", R"({"v":1.5})"},
      {"v: 1e3", R"({"v":1000})"},
      {"v: 2.0", R"({"v":2})"},
      {"v: .5", R"({"v":0.5})"},
      {"v: 1.5Gi", R"({"v":"1.5Gi"})"},
      {"v: 4Gi", R"({"v":"4Gi"})"},
      {"v: 1.2.3", R"({"v":"1.2.3"})"},
      {"v: 9223372036854775807", R"({"v":9223372036854775807})"},
      {"v: 18446744073709551615", R"({"v":18446744073709551615})"},
      {"v: -9223372036854775808", R"({"v":-9223372036854775808})"},
      {"v: 2001-01-01", R"({"v":"2001-01-01"})"},
      {"v:", R"({"v":null})"},
      {"v: ~", R"({"v":null})"},
      {"v: null", R"({"v":null})"},
      {"v: \"\"", R"({"v":""})"},
      {"v: 10.0.0.1", R"({"v":"10.0.0.1"})"},
      {"1: a\ntrue: b", R"({"1":"a","true":"b"})"},
      {"v: |\n  a\n  b\n", R"({"v":"a\nb\n"})"},
      {"v: >-\n  a\n  b\n", R"({"v":"a b"})"},
      {"base: &b {x: 1, y: 2}\nv:\n  <<: *b\n  y: 3",
       R"({"base":{"x":1,"y":2},"v":{"x":1,"y":3}})"},
      {R"({"a": [1, "x", {"b": null}]})", R"({"a":[1,"x",{"b":null}]})"},
      {"{a: [1, x]}", R"({"a":[1,"x"]})"},
  };
  for (const Case& c : cases) {
    Result<Json> read = ParseYaml(c.yaml, "f.yaml");
    ASSERT_TRUE(read.ok()) << c.yaml << ": " << read.status();
    EXPECT_EQ(read->dump(), c.json) << c.yaml;
  }
}

TEST(Yaml, SaysWhereItIsWrong) {
  struct Case {
    const char* yaml;
    const char* says;
  } cases[] = {
      {"a: 1\nb: [1, 2\n", "f.yaml:3:1: "},
      {"a: 1\n\tb: 2\n", "f.yaml:2:1: "},
      {"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key \"a\" stands here twice"},
      {"a: .inf", "f.yaml:1:4: \".inf\" is a number that JSON does not have"},
      {"a: !!int x", "f.yaml:1:4: \"x\" cannot be read as tag:yaml.org,2002:int"},
      {"a: !!binary aGk=", "cannot be read as tag:yaml.org,2002:binary"},
      {"? [1]\n: 2", "a key must be a scalar"},
      {"", "f.yaml: there is nothing in it"},
      {"# only a comment", "f.yaml: there is nothing in it"},
      {"a: 1\n---\nb: 2", "f.yaml: holds 2 YAML documents where one is expected"},
  };
  for (const Case& c : cases) {
    Result<Json> read = ParseYaml(c.yaml, "f.yaml");
    ASSERT_FALSE(read.ok()) << c.yaml;
    EXPECT_TRUE(read.Is(Reason::kInvalid));
    EXPECT_NE(read.status().message().find(c.says), std::string::npos) << read.status().message();
  }
}

TEST(Yaml, FindsTheLineOfAField) {
  constexpr char kText[] =
      "a: 1\n"          // 1
      "b:\n"            // 2
      "  c: {d: 1,\n"   // 3
      "      e: 2}\n"   // 4
      "  x.y/z:\n"      // 5
      "    v: 1\n"      // 6
      "  x: {y: 2}\n"   // 7
      "list:\n"         // 8
      "- one\n"         // 9
      "- name: two\n"   // 10
      "  tags: [a,\n"   // 11
      "         b]\n";  // 12
  struct Case {
    const char* field;
    int line;
  };
  const Case cases[] = {{"", 1},
                        {"a", 1},
                        {"b", 2},
                        {"b.c", 3},
                        {"b.c.d", 3},
                        {"b.c.e", 4},
                        {"b.x.y/z", 5},
                        {"b.x.y/z.v", 6},
                        {"b.x.y", 7},
                        {"list[0]", 9},
                        {"list[1]", 10},
                        {"list[1].tags", 11},
                        {"list[1].tags[1]", 12},
                        // What is missing: where it would belong.
                        {"b.c.missing", 3},
                        {"b.missing", 2},
                        {"missing", 1},
                        {"list[7].name", 8},
                        {"list[x]", 8},
                        {"a.b.c", 1}};
  for (const Case& test : cases) EXPECT_EQ(YamlLineOf(kText, test.field), test.line) << test.field;
  EXPECT_EQ(YamlLineOf("a: [1", "a"), 0);
  EXPECT_EQ(YamlLineOf("", "a"), 1);
}

TEST(Yaml, RefusesADocumentThatGrowsWithoutBound) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    std::string n = std::to_string(i), p = "*a" + std::to_string(i - 1);
    bomb += "a" + n + ": &a" + n + " [" + p;
    for (int j = 0; j < 9; ++j) bomb += "," + p;
    bomb += "]\n";
  }
  Result<Json> read = ParseYaml(bomb, "bomb.yaml");
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.status().message().find("too large"), std::string::npos) << read.status();
}

TEST(Yaml, SplitsDocuments) {
  auto all = ParseYamlDocuments("---\na: 1\n---\n# nothing\n---\nb: 2\n...\n", "f");
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].dump(), R"({"a":1})");
  EXPECT_EQ((*all)[1].dump(), R"({"b":2})");
  EXPECT_EQ(ParseYamlDocuments("", "f")->size(), 0u);
}

TEST(Yaml, WritesWhatAPersonWouldWrite) {
  Json pod = Json::parse(R"({
    "status": {}, "spec": {"containers": [{"name": "c", "image": "busybox:1.36", "args": ["-c", "echo 'a: b'"],
      "env": [{"name": "N", "value": "1"}, {"name": "B", "value": "yes"}, {"name": "E", "value": ""}]}], "nodes": []},
    "metadata": {"name": "p", "annotations": {"script": "line 1\n  line 2\n", "no-end": "a\nb", "many": "a\n\n"}},
    "kind": "Pod", "apiVersion": "v1", "z": [[1, 2], []]})");
  EXPECT_EQ(ToYaml(pod), R"(apiVersion: v1
kind: Pod
metadata:
  annotations:
    many: |+
      a

    no-end: |-
      a
      b
    script: |
      line 1
        line 2
  name: p
spec:
  containers:
  - args:
    - -c
    - "echo 'a: b'"
    env:
    - name: "N"
      value: "1"
    - name: B
      value: "yes"
    - name: E
      value: ""
    image: busybox:1.36
    name: c
  nodes: []
status: {}
z:
-
  - 1
  - 2
- []
)");
}

TEST(Yaml, WhatItWritesReadsBackTheSame) {
  const char* texts[] = {
      "",      " ",    "a",   "yes",  "NO",     "null",       "~",        "1",   "-1",
      "0x1f",  "1e3",  ".5",  "1:30", "a: b",   "a #b",       "#a",       "- a", "-a",
      "---",   "a\nb", "a\n", "\n",   "a\n\n",  " a\nb",      "a \nb",    "\t",  "a\tb",
      "é",     "\x01", "\"",  "'",    "{}",     "[a]",        "*a",       "&a",  "!a",
      "%a",    "@a",   "`a",  "a:",   "a\r\nb", "2001-01-01", "=",        "<<",  "?",
      "? a",   "|",    ">",   "a, b", "key=v",  "+1",         "0b1",      "0o7", "1_000",
      "-.inf", ".",    "...", "--x",  "-",      "\n\nx\n",    "x\n\n y\n"};
  Json document = Json::object();
  for (const char* text : texts) {
    document["list"].push_back(text);
    document["map"][std::string("k") + text] = text;
    document[text] = {{"nested", Json::array({text, {{text, text}}})}};
  }
  document["numbers"] = {1, -1, 1.5, 0, 1e300, 18446744073709551615u};
  Result<Json> back = ParseYaml(ToYaml(document), "f");
  ASSERT_TRUE(back.ok()) << back.status() << "\n" << ToYaml(document);
  EXPECT_EQ(*back, document) << Json::diff(document, *back).dump(1);
}

}  // namespace
}  // namespace dray::runtime
