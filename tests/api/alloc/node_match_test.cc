#include "api/alloc/node_match.h"

#include <gtest/gtest.h>

namespace dray::alloc {
namespace {

api::Node MakeNode(std::string name, api::Labels labels) {
  api::Node node;
  node.metadata.name = std::move(name);
  node.metadata.labels = std::move(labels);
  return node;
}

api::NodeSelector Label(std::string key, std::string op, std::vector<std::string> values) {
  return {{{{{std::move(key), std::move(op), std::move(values)}}, {}}}};
}
api::NodeSelector Field(std::string key, std::string op, std::vector<std::string> values) {
  return {{{{}, {{std::move(key), std::move(op), std::move(values)}}}}};
}

TEST(MatchNode, Requirements) {
  const api::Node node = MakeNode("n1", {{"zone", "a"}, {"gpus", "8"}});
  struct Case {
    const char* name;
    api::NodeSelector selector;
    int want;  // 1 yes, 0 no, -1 unreadable
  };
  for (const Case& c : std::vector<Case>{
           {"in", Label("zone", "In", {"b", "a"}), 1},
           {"not in list", Label("zone", "In", {"b"}), 0},
           {"in, absent", Label("rack", "In", {"b"}), 0},
           {"not in, absent", Label("rack", "NotIn", {"b"}), 1},
           {"not in", Label("zone", "NotIn", {"a"}), 0},
           {"exists", Label("zone", "Exists", {}), 1},
           {"does not exist", Label("zone", "DoesNotExist", {}), 0},
           {"gt", Label("gpus", "Gt", {"7"}), 1},
           {"gt equal", Label("gpus", "Gt", {"8"}), 0},
           {"lt", Label("gpus", "Lt", {"9"}), 1},
           {"gt on text", Label("zone", "Gt", {"1"}), 0},
           {"gt wants a number", Label("gpus", "Gt", {"x"}), -1},
           {"in wants values", Label("zone", "In", {}), -1},
           {"exists takes none", Label("zone", "Exists", {"a"}), -1},
           {"unknown operator", Label("zone", "Near", {"a"}), -1},
           {"field", Field("metadata.name", "In", {"n1"}), 1},
           {"field, other", Field("metadata.name", "NotIn", {"n1"}), 0},
           {"field, several values", Field("metadata.name", "In", {"n1", "n2"}), -1},
           {"field, unknown key", Field("metadata.uid", "In", {"n1"}), 0},
           {"no terms", {}, 0},
           {"empty term", {{{}}}, 0},
       }) {
    SCOPED_TRACE(c.name);
    Result<bool> match = MatchNode(c.selector, node);
    ASSERT_EQ(match.ok(), c.want >= 0);
    if (match.ok()) {
      EXPECT_EQ(*match, c.want == 1);
    }
    EXPECT_EQ(Matches(c.selector, node), c.want == 1);
  }
}

TEST(MatchNode, TermsAreOredAndAllAreRead) {
  const api::Node node = MakeNode("n1", {{"zone", "a"}});
  api::NodeSelector either{{Label("zone", "In", {"b"}).node_selector_terms[0],
                            Label("zone", "In", {"a"}).node_selector_terms[0]}};
  EXPECT_TRUE(Matches(either, node));
  either.node_selector_terms.push_back(Label("zone", "Odd", {}).node_selector_terms[0]);
  EXPECT_FALSE(MatchNode(either, node).ok());
}

TEST(SelectsNode, NameBeforeAllBeforeSelector) {
  const api::Node node = MakeNode("n1", {});
  EXPECT_TRUE(*SelectsNode("n1", {}, {}, node));
  EXPECT_FALSE(*SelectsNode("n2", true, {}, node));
  EXPECT_TRUE(*SelectsNode("", true, {}, node));
  EXPECT_FALSE(*SelectsNode({}, false, {}, node));
  EXPECT_TRUE(*SelectsNode({}, {}, Field("metadata.name", "In", {"n1"}), node));
}

}  // namespace
}  // namespace dray::alloc
