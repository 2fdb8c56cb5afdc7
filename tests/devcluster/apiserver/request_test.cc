#include "devcluster/apiserver/request.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "devcluster/apiserver/continue_token.h"
#include "devcluster/apiserver/selectors.h"

namespace dray::devcluster {
namespace {

TEST(ResourcePathTest, Shapes) {
  struct Case {
    const char* path;
    const char* parsed;  // group|version|namespace|resource|name|subresource
  };
  for (const Case& c : {
           Case{"/api/v1/pods", "|v1||pods||"},
           Case{"/api/v1/namespaces/ns/pods", "|v1|ns|pods||"},
           Case{"/api/v1/namespaces/ns/pods/p", "|v1|ns|pods|p|"},
           Case{"/api/v1/namespaces/ns/pods/p/log", "|v1|ns|pods|p|log"},
           Case{"/api/v1/namespaces", "|v1||namespaces||"},
           Case{"/api/v1/namespaces/ns", "|v1||namespaces|ns|"},
           Case{"/api/v1/namespaces/ns/status", "|v1||namespaces|ns|status"},
           Case{"/api/v1/namespaces/ns/finalize", "|v1||namespaces|ns|finalize"},
           Case{"/api/v1/namespaces/status/pods", "|v1|status|pods||"},
           Case{"/apis/apps/v1/namespaces/ns/deployments/d/scale",
                "apps|v1|ns|deployments|d|scale"},
           Case{"/apis/resource.k8s.io/v1/deviceclasses/gpu.nvidia.com",
                "resource.k8s.io|v1||deviceclasses|gpu.nvidia.com|"},
           Case{"/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
                "rbac.authorization.k8s.io|v1||clusterroles|system:node|"},
           Case{"/api/v1/nodes/n/status/more", "none"},
           Case{"/api/v1", "none"},
           Case{"/apis/apps/v1", "none"},
           Case{"/metrics", "none"},
           Case{"/", "none"},
       }) {
    std::optional<ResourcePath> path = ParseResourcePath(c.path);
    std::string text = path ? path->group + "|" + path->version + "|" + path->namespace_ + "|" +
                                  path->resource + "|" + path->name + "|" + path->subresource
                            : "none";
    EXPECT_EQ(text, c.parsed) << c.path;
  }
}

TEST(QueryTest, Values) {
  Query query("/p?a=1&b=x%20y+z&watch&no=false&zero=0&a=2&bad=1x&empty=");
  EXPECT_EQ(query.Get("a"), "1");
  EXPECT_EQ(query.Get("b"), "x y z");
  EXPECT_TRUE(query.Flag("watch"));
  EXPECT_TRUE(query.Flag("a"));
  EXPECT_FALSE(query.Flag("no"));
  EXPECT_FALSE(query.Flag("zero"));
  EXPECT_FALSE(query.Flag("absent"));
  EXPECT_EQ(*query.Int("a"), 1);
  EXPECT_EQ(*query.Int("empty"), std::nullopt);
  EXPECT_EQ(query.Int("bad").status().reason(), Reason::kBadRequest);
  EXPECT_FALSE(Query("/p").Has("a"));
}

TEST(AcceptTest, Forms) {
  struct Case {
    const char* accept;
    std::optional<Form> form;
  };
  constexpr const char* kTable = "application/json;as=Table;v=v1;g=meta.k8s.io";
  for (const Case& c : {
           Case{"", Form::kPlain},
           Case{"application/json", Form::kPlain},
           Case{"*/*", Form::kPlain},
           Case{"application/json, */*", Form::kPlain},
           Case{"application/vnd.kubernetes.protobuf,application/json", Form::kPlain},
           Case{kTable, Form::kTable},
           Case{"application/json;as=Table;v=v1;g=meta.k8s.io,application/"
                "json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
                Form::kTable},
           Case{"application/json;as=Table;v=v9;g=meta.k8s.io,application/json", Form::kPlain},
           Case{"application/"
                "vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/"
                "json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
                Form::kPartialMetadata},
           Case{"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
                Form::kPartialMetadata},
           Case{"application/vnd.kubernetes.protobuf", std::nullopt},
           Case{"text/html", std::nullopt},
       }) {
    Result<Form> form = FormFromAccept(c.accept);
    EXPECT_EQ(form.ok() ? std::optional<Form>(*form) : std::nullopt, c.form) << c.accept;
    if (!form.ok()) {
      EXPECT_EQ(form.status().reason(), Reason::kNotAcceptable);
    }
  }
}

TEST(LabelFilterTest, Selectors) {
  const LabelMap labels = {{"app", "web"}, {"tier", "front"}, {"count", "5"}, {"k8s.io/x", ""}};
  struct Case {
    const char* selector;
    const char* outcome;
  };
  for (const Case& c : {
           Case{"", "yes"},
           Case{"app=web", "yes"},
           Case{"app==web", "yes"},
           Case{"app=db", "no"},
           Case{"app!=db", "yes"},
           Case{"missing!=x", "yes"},
           Case{"app", "yes"},
           Case{"!app", "no"},
           Case{"!missing", "yes"},
           Case{"app in (web, db)", "yes"},
           Case{"app in (db)", "no"},
           Case{"app notin (db,cache)", "yes"},
           Case{"missing notin (x)", "yes"},
           Case{"missing in (x)", "no"},
           Case{"count>4", "yes"},
           Case{"count > 5", "no"},
           Case{"count<6", "yes"},
           Case{"app>1", "no"},
           Case{"app=web,tier=front", "yes"},
           Case{"app=web,tier=back", "no"},
           Case{"app in (web),!missing, count>1", "yes"},
           Case{"k8s.io/x=", "yes"},
           Case{"k8s.io/x", "yes"},
           Case{"app in web", "error"},
           Case{"app in (web", "error"},
           Case{"=x", "error"},
           Case{"app=web,", "error"},
           Case{"app x", "error"},
           Case{"count>x", "error"},
           Case{"(", "error"},
       }) {
    Result<LabelFilter> filter = LabelFilter::Parse(c.selector);
    std::string outcome = !filter.ok() ? "error" : filter->Matches(labels) ? "yes" : "no";
    EXPECT_EQ(outcome, c.outcome) << c.selector;
    if (!filter.ok()) {
      EXPECT_EQ(filter.status().reason(), Reason::kBadRequest);
    }
  }
}

TEST(LabelFilterTest, LabelSelectorObjects) {
  const LabelMap labels = {{"app", "web"}};
  struct Case {
    const char* selector;
    const char* outcome;
  };
  for (const Case& c : {
           Case{"{}", "yes"},
           Case{R"({"matchLabels":{"app":"web"}})", "yes"},
           Case{R"({"matchLabels":{"app":"db"}})", "no"},
           Case{R"({"matchExpressions":[{"key":"app","operator":"In","values":["web"]}]})", "yes"},
           Case{R"({"matchExpressions":[{"key":"app","operator":"NotIn","values":["web"]}]})",
                "no"},
           Case{R"({"matchExpressions":[{"key":"x","operator":"Exists"}]})", "no"},
           Case{R"({"matchExpressions":[{"key":"x","operator":"DoesNotExist"}]})", "yes"},
           Case{R"({"matchExpressions":[{"key":"x","operator":"Near"}]})", "error"},
       }) {
    const Json selector = Json::parse(c.selector);
    Result<LabelFilter> filter = LabelFilter::FromSelector(&selector);
    EXPECT_EQ(!filter.ok()              ? "error"
              : filter->Matches(labels) ? "yes"
                                        : "no",
              std::string(c.outcome))
        << c.selector;
  }
  EXPECT_TRUE(LabelFilter::FromSelector(nullptr)->empty());
}

TEST(FieldFilterTest, Terms) {
  const std::vector<std::string> known = {"metadata.name", "status.phase"};
  const std::vector<std::string> values = {"p", "Running"};
  struct Case {
    const char* selector;
    const char* outcome;
  };
  for (const Case& c : {
           Case{"", "yes"},
           Case{"metadata.name=p", "yes"},
           Case{"metadata.name==p", "yes"},
           Case{"metadata.name!=p", "no"},
           Case{"metadata.name=p,status.phase!=Failed", "yes"},
           Case{"status.phase=", "no"},
           Case{"status.phase!=", "yes"},
           Case{"spec.x=1", "error"},
           Case{"metadata.name", "error"},
           Case{"=p", "error"},
       }) {
    Result<FieldFilter> filter = FieldFilter::Parse(c.selector, known);
    std::string outcome = !filter.ok() ? "error"
                          : filter->Matches([&](size_t i) -> std::string_view { return values[i]; })
                              ? "yes"
                              : "no";
    EXPECT_EQ(outcome, c.outcome) << c.selector;
  }
  EXPECT_EQ(FieldFilter::Parse("metadata.name=p", known)->Required(0), "p");
  EXPECT_EQ(FieldFilter::Parse("metadata.name!=p", known)->Required(0), std::nullopt);
  EXPECT_EQ(FieldFilter::Parse("spec.x=1", known).status().message(),
            "field label not supported: spec.x");
}

TEST(ContinueTokenTest, RoundTripAndDamage) {
  ContinueToken token{.version = 17, .start = "ns/a?b", .left = 4};
  std::string text = EncodeContinue(token);
  EXPECT_EQ(text.find_first_of("+/="), std::string::npos);
  Result<ContinueToken> back = DecodeContinue(text);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->version, 17);
  EXPECT_EQ(back->start, "ns/a?b");
  EXPECT_EQ(back->left, 4u);
  for (const char* bad : {"", "x", "!!!!", "e30"})
    EXPECT_EQ(DecodeContinue(bad).status().reason(), Reason::kBadRequest) << bad;
}

}  // namespace
}  // namespace dray::devcluster
