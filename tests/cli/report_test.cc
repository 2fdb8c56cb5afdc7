// What `dray status` and `dray explain` say about a cluster that stands in a file.
#include "cli/report.h"

#include <nlohmann/json.hpp>

#include "dray/runtime/yaml.h"
#include "tests/cli/cli_fixture.h"

namespace dray::cli {
namespace {

using ::testing::HasSubstr;

// An API server of objects that never change: lists them, gets them by name.
class FileTransport final : public runtime::Transport {
 public:
  explicit FileTransport(std::vector<Json> objects) : objects_(std::move(objects)) {}

  Result<runtime::ApiResponse> Do(const Context&, const runtime::ApiRequest& request) override {
    const std::string path = request.path.substr(0, request.path.find('?'));
    if (path == "/apis/resource.k8s.io") {
      return runtime::ApiResponse{200, R"({"kind":"APIGroup","versions":[{"version":"v1"}]})", {}};
    }
    Json items = Json::array();
    for (const Json& object : objects_) {
      const std::string version = object["apiVersion"], kind = object["kind"];
      const std::string base = version == "v1" ? "/api/v1" : "/apis/" + version;
      std::string plural = kind;
      std::transform(plural.begin(), plural.end(), plural.begin(), ::tolower);
      plural += kind == "DeviceClass" ? "es" : "s";
      const Json& meta = object["metadata"];
      if (path == base + "/namespaces/" + meta.value("namespace", "") + "/" + plural + "/" +
                      meta.value("name", "")) {
        return runtime::ApiResponse{200, object.dump(), {}};
      }
      if (path == base + "/" + plural) items.push_back(object);
    }
    if (path.find("/leases/") != std::string::npos) {
      return runtime::ApiResponse{
          404,
          R"({"kind":"Status","status":"Failure","reason":"NotFound","message":"not found","code":404})",
          {}};
    }
    return runtime::ApiResponse{
        200, Json({{"metadata", {{"resourceVersion", "7"}}}, {"items", items}}).dump(), {}};
  }
  Status Watch(const Context&, const runtime::ApiRequest&,
               const std::function<bool(std::string_view)>&) override {
    return Status(Reason::kInternal, "nobody watches here");
  }

 private:
  const std::vector<Json> objects_;
};

class Report : public ::testing::Test {
 protected:
  Report() {
    objects_ = *runtime::ParseYamlDocuments(
        *runtime::ReadFile(TreePath("tests/golden/cli/cluster.yaml")), "cluster.yaml");
  }
  void Without(const std::string& kind) {
    std::erase_if(objects_, [&](const Json& object) { return object["kind"] == kind; });
  }
  Inventory Read() {
    Result<Inventory> read =
        Inventory::Read(ctx_, runtime::Client(std::make_shared<FileTransport>(objects_)));
    EXPECT_TRUE(read.ok()) << read.status();
    return read.ok() ? *read : Inventory();
  }
  std::string StatusText() {
    std::ostringstream out;
    PrintStatus(ctx_, Read(), out);
    return out.str();
  }
  std::string ExplainPodText(const std::string& name) {
    std::ostringstream out;
    Inventory inventory = Read();
    for (const api::Pod& pod : inventory.pods)
      if (pod.metadata.name == name) ExplainPod(ctx_, inventory, pod, out);
    return out.str();
  }
  std::string ExplainClaimText(const std::string& name) {
    std::ostringstream out;
    Inventory inventory = Read();
    for (const auto& claim : inventory.claims)
      if (claim->metadata.name == name) ExplainClaim(ctx_, inventory, *claim, out);
    return out.str();
  }

  dray::testing::FakeClock clock_;  // 2026-01-01T00:00:00Z
  Context ctx_{clock_, {}};
  std::vector<Json> objects_;
};

TEST_F(Report, Status) {
  ExpectGolden("status.txt", StatusText());
}

// Drivers and claims may write a capacity under the driver's own domain: it is the same capacity.
TEST_F(Report, StatusKnowsCapacitiesUnderTheDriversDomain) {
  auto table_of_devices = [&] {
    const std::string text = StatusText();
    return text.substr(0, text.find("PENDING CLAIM"));
  };
  const std::string plain = table_of_devices();
  int renamed = 0;
  for (Json& object : objects_) {
    const Json::json_pointer results("/status/allocation/devices/results");
    if (!object.contains(results)) continue;
    for (Json& result : object[results]) {
      if (!result.contains("consumedCapacity")) continue;
      Json qualified = Json::object();
      for (const auto& [name, amount] : result["consumedCapacity"].items())
        qualified[result["driver"].get<std::string>() + "/" + name] = amount, ++renamed;
      result["consumedCapacity"] = qualified;
    }
  }
  EXPECT_GT(renamed, 0);
  EXPECT_EQ(table_of_devices(), plain);
}

TEST_F(Report, StatusOfAnEmptyCluster) {
  objects_.clear();
  EXPECT_EQ(StatusText(),
            "Leader: nobody holds the Lease dray-system/dray-controller-manager\n\n"
            "No devices: no driver has published a ResourceSlice.\n");
}

TEST_F(Report, WithoutNodesNothingFits) {
  Without("Node");
  EXPECT_THAT(StatusText(), HasSubstr("0/0 nodes: there is no node"));
  EXPECT_THAT(ExplainPodText("greedy"), HasSubstr("0/0 nodes: there is no node"));
}

TEST_F(Report, AReleasedLeaseHasNoLeader) {
  for (Json& object : objects_)
    if (object["kind"] == "Lease") object["spec"]["holderIdentity"] = "";
  EXPECT_THAT(StatusText(), HasSubstr("Leader: nobody holds the Lease"));
}

// A clock that is behind the leader's is no reason for a negative age.
TEST_F(Report, ARenewalInTheFuture) {
  for (Json& object : objects_)
    if (object["kind"] == "Lease") object["spec"]["renewTime"] = "2026-01-01T00:00:03.000000Z";
  EXPECT_THAT(StatusText(), HasSubstr("Leader: manager-1_4711, renewed 0s ago, 3 transitions\n"));
}

TEST_F(Report, Explain) {
  std::string text;
  for (const char* pod : {"trainer", "greedy", "fresh", "plain"})
    text += ExplainPodText(pod) + "\n";
  for (const char* claim : {"shared", "whole", "idle"}) text += ExplainClaimText(claim) + "\n";
  ExpectGolden("explain.txt", text);
}

// A wrong class or selector is the claim's fault on every node: it is said once.
TEST_F(Report, AnErrorInTheClaimIsTheReason) {
  for (Json& object : objects_)
    if (object["metadata"]["name"] == "gpu")
      object["spec"]["selectors"][0]["cel"]["expression"] = "device.attributes[";
  EXPECT_THAT(ExplainPodText("greedy"), HasSubstr("class gpu"));
  Without("DeviceClass");
  EXPECT_THAT(ExplainPodText("greedy"), HasSubstr("gpu"));
}

// Each of its two claims fits somewhere, both nowhere: as the Pod's events say it.
TEST_F(Report, ClaimsOfAPodMustComeTogether) {
  for (const char* device_class : {"gpu", "npu"})
    objects_.push_back(Json::parse(
        R"({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
            "metadata": {"name": "some-)" +
        std::string(device_class) + R"(", "namespace": "default"},
            "spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": ")" +
        device_class + R"("}}]}}})"));
  objects_.push_back(Json::parse(R"({"apiVersion": "v1", "kind": "Pod",
      "metadata": {"name": "torn", "namespace": "default", "uid": "u-torn"},
      "spec": {"containers": [{"name": "c", "image": "i"}],
               "resourceClaims": [{"name": "a", "resourceClaimName": "some-gpu"},
                                  {"name": "b", "resourceClaimName": "some-npu"}]},
      "status": {"phase": "Pending"}})"));
  EXPECT_THAT(ExplainPodText("torn"), HasSubstr("0/2 nodes: "));
  EXPECT_THAT(StatusText(), HasSubstr("0/2 nodes: "));
}

// A plain nvidia.com/gpu: 1 that a DeviceClass serves: the scheduler made the claim.
TEST_F(Report, ClaimsForExtendedResourcesAreThePods) {
  for (Json& object : objects_)
    if (object["kind"] == "Pod" && object["metadata"]["name"] == "plain") {
      object["metadata"]["namespace"] = "default";
      object["status"]["extendedResourceClaimStatus"] = {{"resourceClaimName", "whole"}};
    }
  EXPECT_THAT(ExplainPodText("plain"), HasSubstr("claim whole: "));
  EXPECT_THAT(StatusText(), HasSubstr("default/plain"));
}

TEST_F(Report, ServerErrorsComeThrough) {
  class Refusing final : public runtime::Transport {
   public:
    Result<runtime::ApiResponse> Do(const Context&, const runtime::ApiRequest&) override {
      return runtime::ApiResponse{
          403,
          R"({"kind":"Status","status":"Failure","reason":"Forbidden","message":"nodes is forbidden","code":403})",
          {}};
    }
    Status Watch(const Context&, const runtime::ApiRequest&,
                 const std::function<bool(std::string_view)>&) override {
      return {};
    }
  };
  Result<Inventory> read = Inventory::Read(ctx_, runtime::Client(std::make_shared<Refusing>()));
  EXPECT_TRUE(read.Is(Reason::kForbidden));
  EXPECT_EQ(read.status().message(), "nodes is forbidden");
}

}  // namespace
}  // namespace dray::cli
