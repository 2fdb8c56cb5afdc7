#include <future>

#include "tests/devcluster/admission/webhook_fixture.h"

namespace dray::devcluster {
namespace {

using namespace nlohmann::literals;

TEST_F(WebhookTest, PatchesWhatIsCreated) {
  Endpoint(
      "a", Serve([](const Json&) {
        Json response = Patched({{{"op", "add"}, {"path", "/data"}, {"value", {{"by", "hook"}}}}});
        response["warnings"] = {"mind the \"gap\""};
        return response;
      }));
  Configure(true, {Hook("m")});
  Reply made = Post(In("v1", "configmaps"), Named("cm"));
  EXPECT_EQ(made.code, 201) << made.text;
  EXPECT_EQ(made.At("/data/by"), "hook");
  EXPECT_EQ(made.headers["warning"], "299 - \"mind the \\\"gap\\\"\"");
  ASSERT_EQ(calls(), 1u);
  EXPECT_EQ(targets_[0], "/m?timeout=10s");
  EXPECT_EQ(requests_[0]["operation"], "CREATE");
  EXPECT_EQ(requests_[0]["userInfo"]["username"], "tester");
  EXPECT_EQ(requests_[0]["userInfo"]["groups"], Json({"system:masters", "system:authenticated"}));
  EXPECT_EQ(requests_[0]["object"]["metadata"]["namespace"], "default");
  Create(In("v1", "secrets"), Named("s"));
  Merge(In("v1", "configmaps/cm"), {{"data", {{"x", "y"}}}});
  EXPECT_EQ(calls(), 1u) << "other kinds and operations are not asked";
}

TEST_F(WebhookTest, SeesDefaultsAndGetsDefaultsAfterItsPatch) {
  Json image;
  Endpoint("a", Serve([&](const Json& request) {
             image = request["object"]["spec"];
             return Patched({{{"op", "add"},
                              {"path", "/spec/containers/-"},
                              {"value", {{"name", "d"}, {"image", "x"}, {"oops", 1}}}}});
           }));
  Json rules = {{{"operations", {"CREATE"}},
                 {"apiGroups", {""}},
                 {"apiVersions", {"v1"}},
                 {"resources", {"pods"}}}};
  Configure(true, {Hook("m", {{"rules", rules}})});
  Json pod = PodNamed("");
  pod["metadata"] = {{"generateName", "p-"}};
  Reply made = Post(In("v1", "pods"), pod);
  ASSERT_EQ(made.code, 201) << made.text;
  EXPECT_EQ(image["restartPolicy"], "Always");
  EXPECT_FALSE(requests_[0].contains("name"));
  EXPECT_FALSE(requests_[0]["object"]["metadata"].contains("name"));
  EXPECT_EQ(made.At("/spec/containers/1/imagePullPolicy"), "Always");
  EXPECT_EQ(made.At("/spec/containers/1/oops"), nullptr) << "unknown fields of a hook go as well";
}

TEST_F(WebhookTest, Denials) {
  Endpoint("a", Serve([](const Json&) {
             return Json{{"allowed", false}, {"status", {{"code", 403}, {"message", "not here"}}}};
           }));
  Configure(true, {Hook("m")});
  Reply refused = Post(In("v1", "configmaps"), Named("cm"));
  EXPECT_EQ(refused.code, 403);
  EXPECT_EQ(refused.Message(), "admission webhook \"m.example.com\" denied the request: not here");
  EXPECT_EQ(Get(In("v1", "configmaps/cm")).code, 404);
}

TEST_F(WebhookTest, ADeadEndpointIsPassedBy) {
  int dead = DeadPort();
  Endpoint("a", dead);
  Endpoint("b", Serve([](const Json&) { return Json{{"allowed", true}}; }));
  Endpoint("c", DeadPort(), false);
  Configure(true, {Hook("m")});
  for (int i = 0; i < 4; ++i) {
    Reply made = Post(In("v1", "configmaps"), Named("cm" + std::to_string(i)));
    EXPECT_EQ(made.code, 201) << made.text;
  }
  EXPECT_EQ(calls(), 4u);
}

TEST_F(WebhookTest, FailurePolicy) {
  struct Case {
    const char* name;
    Decide decide;  // null: nobody answers
    const char* message;
  };
  const std::vector<Case> cases = {
      {"down", nullptr, "failed calling webhook \"down.example.com\""},
      {"http",
       [](const Json&) {
         return Json{{"http", 500}};
       },
       "the server answered 500: broken"},
      {"uid",
       [](const Json&) {
         return Json{{"uid", "x"}, {"allowed", true}};
       },
       "expected response.uid="},
      {"patch",
       [](const Json&) {
         return Patched({{{"op", "remove"}, {"path", "/nothing/here"}}});
       },
       "failed calling webhook"},
  };
  for (const Case& c : cases) {
    Endpoint(c.name, c.decide ? Serve(c.decide) : DeadPort());
    for (const char* policy : {"Ignore", "Fail"}) {
      Configure(true, {Hook(c.name, {{"failurePolicy", policy}})});
      Reply reply = Post(In("v1", "configmaps"), Named(std::string(c.name) + "-cm"));
      // A patch that does not apply fails whatever the policy: the hook has been called.
      bool fails = std::string_view(policy) == "Fail" || std::string_view(c.name) == "patch";
      EXPECT_EQ(reply.code, fails ? 500 : 201) << c.name << policy << reply.text;
      if (fails) {
        EXPECT_NE(reply.Message().find(c.message), std::string::npos) << reply.text;
        EXPECT_EQ(reply.Message().substr(0, 24), "Internal error occurred:");
      } else {
        Delete(In("v1", "configmaps/" + std::string(c.name) + "-cm"));
      }
      Delete(std::string(kMutating) + "/hooks");
    }
    Delete(In("discovery.k8s.io/v1", "endpointslices/" + std::string(c.name)));
  }
}

TEST_F(WebhookTest, TimeRunsOut) {
  std::promise<void> released;
  std::shared_future<void> release = released.get_future().share();
  Endpoint("a", Serve([release](const Json&) {
             release.wait();
             return Json{{"allowed", true}};
           }));
  Configure(true, {Hook("m", {{"timeoutSeconds", 3}})});
  auto reply =
      std::async(std::launch::async, [&] { return Post(In("v1", "configmaps"), Named("cm")); });
  clock_.AwaitWaiters(2);  // the hub of the watches, and the call of the hook
  clock_.Advance(std::chrono::seconds(3));
  Reply failed = reply.get();
  released.set_value();
  EXPECT_EQ(failed.code, 500) << failed.text;
  EXPECT_NE(failed.Message().find("failed calling webhook \"m.example.com\""), std::string::npos)
      << failed.text;
}

TEST_F(WebhookTest, ServicesThatCannotBeReached) {
  struct Case {
    Json service;
    const char* message;
  };
  for (const Case& c : {
           Case{{{"name", "none"}, {"namespace", "default"}}, "service \"default/none\" not found"},
           Case{{{"name", "hook"}, {"namespace", "default"}, {"port", 444}},
                "service \"default/hook\" has no port 444"},
           Case{{{"name", "hook"}, {"namespace", "default"}},
                "no endpoints available for service \"default/hook\""},
       }) {
    Configure(true, {Hook("m", {{"clientConfig", {{"service", c.service}}}})});
    Reply reply = Post(In("v1", "configmaps"), Named("cm"));
    EXPECT_EQ(reply.code, 500);
    EXPECT_EQ(reply.Message(),
              "Internal error occurred: failed calling webhook \"m.example.com\": " +
                  std::string(c.message));
    Delete(std::string(kMutating) + "/hooks");
  }
}

TEST_F(WebhookTest, OnlyTheRightCertificateIsTrusted) {
  Endpoint("a", Serve([](const Json&) { return Json{{"allowed", true}}; }));
  Json hook = Hook("m");
  hook["clientConfig"]["caBundle"] =
      EncodeBase64(runtime::NewCa("stranger", runtime::RealClock().Now())->cert_pem);
  Configure(true, {hook});
  EXPECT_EQ(Post(In("v1", "configmaps"), Named("cm")).code, 500);
  EXPECT_EQ(calls(), 0u);
}

TEST_F(WebhookTest, UrlsWorkAsWell) {
  uint16_t port = Serve([](const Json&) { return Json{{"allowed", true}}; });
  Json hook = Hook("m");
  hook["clientConfig"] = {{"url", "https://127.0.0.1:" + std::to_string(port) + "/deep/path"},
                          {"caBundle", EncodeBase64(ca_.cert_pem)}};
  hook["timeoutSeconds"] = 3;
  Configure(true, {hook});
  EXPECT_EQ(Post(In("v1", "configmaps"), Named("cm")).code, 201);
  EXPECT_EQ(targets_[0], "/deep/path?timeout=3s");
}

TEST_F(WebhookTest, OrderAndReinvocation) {
  // Each hook writes down that it was there; "late" changes what "early" has seen.
  Endpoint("a", Serve([this](const Json& request) {
             std::string name;
             {
               std::lock_guard lock(mutex_);
               name = targets_.back().substr(1, targets_.back().find('?') - 1);
             }
             const Json data = request["object"].value("data", Json::object());
             if (data.contains(name)) return Json{{"allowed", true}};
             if (data.empty())
               return Patched({{{"op", "add"}, {"path", "/data"}, {"value", {{name, "1"}}}}});
             return Patched({{{"op", "add"}, {"path", "/data/" + name}, {"value", "1"}}});
           }));
  Configure(true, {Hook("never"), Hook("again", {{"reinvocationPolicy", "IfNeeded"}})}, "a-first");
  Configure(true, {Hook("late", {{"reinvocationPolicy", "IfNeeded"}})}, "b-second");
  Reply made = Post(In("v1", "configmaps"), Named("cm"));
  ASSERT_EQ(made.code, 201) << made.text;
  EXPECT_EQ(made.At("/data"), Json({{"never", "1"}, {"again", "1"}, {"late", "1"}}));
  std::vector<std::string> order;
  for (const std::string& target : targets_)
    order.push_back(target.substr(1, target.find('?') - 1));
  EXPECT_EQ(order, (std::vector<std::string>{"never", "again", "late", "again"}));
}

TEST_F(WebhookTest, DryRunNeedsHooksThatStandIt) {
  Endpoint("a", Serve([](const Json&) { return Json{{"allowed", true}}; }));
  Configure(true, {Hook("m", {{"sideEffects", "NoneOnDryRun"}})});
  Reply dry = Do("POST", In("v1", "configmaps") + "?dryRun=All", Named("cm").dump());
  EXPECT_EQ(dry.code, 201);
  EXPECT_EQ(requests_[0]["dryRun"], true);
  EXPECT_EQ(Get(In("v1", "configmaps/cm")).code, 404);
}

TEST_F(WebhookTest, ValidatingHooksSeeTheFinalObject) {
  Endpoint("a", Serve([](const Json& request) {
             bool remove = request["operation"] == "DELETE";
             bool bad = !remove && request["object"].value("/data/ok"_json_pointer, "") != "yes";
             return bad ? Json{{"allowed", false}, {"status", {{"message", "say yes"}}}}
                        : Json{{"allowed", true}};
           }));
  Json rules = {{{"operations", {"*"}},
                 {"apiGroups", {""}},
                 {"apiVersions", {"v1"}},
                 {"resources", {"configmaps"}}}};
  Configure(false, {Hook("v1", {{"rules", rules}}), Hook("v2", {{"rules", rules}})});
  Reply refused = Post(In("v1", "configmaps"), {{"metadata", {{"generateName", "a-"}}}});
  EXPECT_EQ(refused.code, 400);
  EXPECT_EQ(refused.Message(), "admission webhook \"v1.example.com\" denied the request: say yes");
  {
    std::lock_guard lock(mutex_);
    EXPECT_EQ(requests_[0]["object"]["metadata"]["name"].get<std::string>().size(), 7u)
        << "generated by now";
    EXPECT_FALSE(requests_[0].contains("name"));
  }
  EXPECT_EQ(
      Post(In("v1", "configmaps"), {{"metadata", {{"name", "cm"}}}, {"data", {{"ok", "yes"}}}})
          .code,
      201);
  EXPECT_EQ(Merge(In("v1", "configmaps/cm"), {{"data", {{"ok", "no"}}}}).code, 400);
  size_t before = calls();
  EXPECT_EQ(Delete(In("v1", "configmaps/cm")).code, 200);
  EXPECT_EQ(calls(), before + 2);
  EXPECT_TRUE(requests_.back()["object"].is_null());
  EXPECT_EQ(requests_.back()["oldObject"]["data"]["ok"], "yes");
  EXPECT_EQ(requests_.back()["options"]["kind"], "DeleteOptions");
}

TEST_F(WebhookTest, SelectorsNarrow) {
  Endpoint("a", Serve([](const Json&) { return Json{{"allowed", false}}; }));
  Configure(true, {Hook("m", {{"namespaceSelector",
                               {{"matchExpressions",
                                 {{{"key", "kubernetes.io/metadata.name"},
                                   {"operator", "NotIn"},
                                   {"values", {"kube-system"}}}}}}},
                              {"objectSelector", {{"matchLabels", {{"check", "me"}}}}}})});
  Json labelled = Named("cm");
  labelled["metadata"]["labels"] = {{"check", "me"}};
  EXPECT_EQ(Post(In("v1", "configmaps"), labelled).code, 400);
  EXPECT_EQ(Post("/api/v1/namespaces/kube-system/configmaps", labelled).code, 201);
  EXPECT_EQ(Post(In("v1", "configmaps"), Named("cm")).code, 201);
}

TEST_F(WebhookTest, BindingsAndStatusCanBeIntercepted) {
  Endpoint(
      "a", Serve([](const Json& request) {
        return Json{{"allowed", request["object"].value("/target/name"_json_pointer, "") != "bad"}};
      }));
  Json rules = {{{"operations", {"*"}},
                 {"apiGroups", {""}},
                 {"apiVersions", {"v1"}},
                 {"resources", {"pods/binding", "pods/status"}}}};
  Configure(true, {Hook("m", {{"rules", rules}})});
  Create(In("v1", "pods"), PodNamed("p"));
  EXPECT_EQ(calls(), 0u);
  EXPECT_EQ(Post(In("v1", "pods/p/binding"), {{"target", {{"name", "bad"}}}}).code, 400);
  EXPECT_EQ(Post(In("v1", "pods/p/binding"), {{"target", {{"name", "good"}}}}).code, 201);
  EXPECT_EQ(requests_[0]["kind"]["kind"], "Binding");
  EXPECT_EQ(Merge(In("v1", "pods/p/status"), {{"status", {{"phase", "Running"}}}}).code, 200);
  EXPECT_EQ(requests_.back()["subResource"], "status");
}

TEST_F(WebhookTest, ConfigurationsAreChecked) {
  struct Case {
    const char* change;  // a merge patch on a good hook
    const char* field;
  };
  for (
      const Case& c : {
          Case{R"({"name":"short"})", "webhooks[0].name"},
          Case{R"({"clientConfig":{"service":null}})", "webhooks[0].clientConfig"},
          Case{R"({"clientConfig":{"service":null,"url":"http://x"}})",
               "webhooks[0].clientConfig.url"},
          Case{R"({"clientConfig":{"url":"https://x"}})", "webhooks[0].clientConfig"},
          Case{R"({"clientConfig":{"service":{"port":70000}}})",
               "webhooks[0].clientConfig.service.port"},
          Case{
              R"({"rules":[{"operations":["READ"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]}]})",
              "webhooks[0].rules[0].operations"},
          Case{R"({"rules":[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"]}]})",
               "webhooks[0].rules[0].resources"},
          Case{R"({"admissionReviewVersions":null})", "webhooks[0].admissionReviewVersions"},
          Case{R"({"admissionReviewVersions":["v1beta1"]})", "webhooks[0].admissionReviewVersions"},
          Case{R"({"sideEffects":null})", "webhooks[0].sideEffects"},
          Case{R"({"sideEffects":"Some"})", "webhooks[0].sideEffects"},
          Case{R"({"failurePolicy":"Maybe"})", "webhooks[0].failurePolicy"},
          Case{R"({"timeoutSeconds":31})", "webhooks[0].timeoutSeconds"},
          Case{R"({"objectSelector":{"matchExpressions":[{"key":"a","operator":"Near"}]}})",
               "webhooks[0].objectSelector"},
      }) {
    Json hook = Hook("m");
    hook.merge_patch(Json::parse(c.change));
    Reply reply =
        Post(kMutating, {{"metadata", {{"name", "hooks"}}}, {"webhooks", Json::array({hook})}});
    EXPECT_EQ(reply.code, 422) << c.change << reply.text;
    EXPECT_EQ(reply.At("/details/causes/0/field"), c.field) << c.change;
  }
  Configure(true, {Hook("m")});
  Reply stored = Get(std::string(kMutating) + "/hooks");
  EXPECT_EQ(stored.At("/webhooks/0/failurePolicy"), "Fail");
  EXPECT_EQ(stored.At("/webhooks/0/matchPolicy"), "Equivalent");
  EXPECT_EQ(stored.At("/webhooks/0/reinvocationPolicy"), "Never");
  EXPECT_EQ(stored.At("/webhooks/0/timeoutSeconds"), 10);
  EXPECT_EQ(stored.At("/webhooks/0/clientConfig/service/port"), 443);
  EXPECT_EQ(stored.At("/webhooks/0/rules/0/scope"), "*");
}

}  // namespace
}  // namespace dray::devcluster
