#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "devcluster/apiserver/api_server.h"
#include "dray/api/codec.h"
#include "dray/api/types/resource.h"
#include "dray/api/types/workload.h"
#include "dray/runtime/events.h"
#include "dray/runtime/informer.h"
#include "tests/support/fake_clock.h"
#include "tests/support/wire.h"

// For component tests: an API server in this process on a clock that stands still, and caches that
// the test brings up to date when it wants to. Only for test folders that link devcluster.
namespace dray::testing {

// The read side of an informer that shows the server's state as of the last Sync(): a cache may lag
// behind as long as the test likes.
template <api::ApiObject T>
class SyncedCache final : public runtime::Lister<T> {
 public:
  using Index = std::function<std::vector<std::string>(const T&)>;
  explicit SyncedCache(std::map<std::string, Index, std::less<>> indexes = {})
      : indexes_(std::move(indexes)) {}

  void Sync(const runtime::Client& client, const Context& ctx) {
    Result<api::ListOf<T>> list = client.List<T>(ctx);
    ASSERT_TRUE(list.ok()) << list.status();
    ++version_;
    objects_.clear();
    for (T& object : list->items) {
      const api::ObjectKey key = api::KeyOf(object);
      objects_[key] = std::make_shared<const T>(std::move(object));
    }
  }

  // An object as the server may never have had it.
  void Put(T object) {
    const api::ObjectKey key = api::KeyOf(object);
    objects_[key] = std::make_shared<const T>(std::move(object));
    ++version_;
  }

  uint64_t Version() const override { return version_; }
  bool HasSynced() const override { return synced; }
  bool synced = true;

  std::shared_ptr<const T> Get(const api::ObjectKey& key) const override {
    auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
  }
  std::vector<std::shared_ptr<const T>> List() const override {
    std::vector<std::shared_ptr<const T>> all;
    for (const auto& [key, object] : objects_) all.push_back(object);
    return all;
  }
  std::vector<std::shared_ptr<const T>> By(std::string_view index,
                                           std::string_view value) const override {
    std::vector<std::shared_ptr<const T>> some;
    auto function = indexes_.find(index);
    for (const auto& [key, object] : objects_) {
      bool hit = false;
      if (index == "namespace")
        hit = key.namespace_ == value;
      else if (function != indexes_.end())
        for (const std::string& one : function->second(*object)) hit = hit || one == value;
      if (hit) some.push_back(object);
    }
    return some;
  }

 private:
  uint64_t version_ = 1;
  std::map<std::string, Index, std::less<>> indexes_;
  std::map<api::ObjectKey, std::shared_ptr<const T>> objects_;
};

inline api::Quantity Q(std::string_view text) {
  return api::Quantity::Parse(text).value();
}

class TestCluster {
 public:
  TestCluster() : wire(std::make_shared<Wire>(server.InProcess("test", {"system:masters"}))) {}

  Context Ctx() { return Context(clock, stop.get_token()); }

  // What the code under test writes through; the test itself writes past it.
  runtime::Client Tested() { return runtime::Client(wire); }

  template <class T>
  T Create(const T& object) {
    Result<T> created = client.Create(Ctx(), object);
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? *created : object;
  }
  // From JSON text, for fields that our structs do not hold.
  template <class T>
  T CreateFrom(const Json& document) {
    const std::string space = document.value(Json::json_pointer("/metadata/namespace"), "");
    Result<std::string> body =
        client.CreateRaw(Ctx(), api::KindOf<T>::value, space, document.dump(), false);
    EXPECT_TRUE(body.ok()) << body.status();
    return body.ok() ? api::Decode<T>(*body).value() : T();
  }
  template <class T>
  std::optional<T> Find(const api::ObjectKey& key) {
    Result<T> found = client.Get<T>(Ctx(), key);
    EXPECT_TRUE(found.ok() || found.Is(Reason::kNotFound)) << found.status();
    return found.ok() ? std::optional<T>(*found) : std::nullopt;
  }
  // A test failure when it is not there.
  template <class T>
  T Get(const api::ObjectKey& key) {
    std::optional<T> found = Find<T>(key);
    EXPECT_TRUE(found) << api::KindOf<T>::value.kind << " " << key.ToString() << " is not there";
    return found.value_or(T());
  }
  template <class T>
  Json GetJson(const api::ObjectKey& key) {
    Result<std::string> body = client.GetRaw(Ctx(), api::KindOf<T>::value, key);
    EXPECT_TRUE(body.ok()) << body.status();
    return body.ok() ? Json::parse(*body) : Json::object();
  }
  template <class T>
  std::vector<T> List(const std::string& space = "") {
    runtime::ListOptions options;
    options.namespace_ = space;
    Result<api::ListOf<T>> list = client.List<T>(Ctx(), options);
    EXPECT_TRUE(list.ok()) << list.status();
    return list.ok() ? std::move(list->items) : std::vector<T>();
  }
  template <class T>
  T Merge(const api::ObjectKey& key, const Json& patch, const std::string& subresource = "",
          const std::string& manager = "somebody") {
    runtime::PatchOptions options;
    options.subresource = subresource;
    options.field_manager = manager;
    Result<T> patched =
        client.Patch<T>(Ctx(), key, runtime::PatchType::kMerge, patch.dump(), options);
    EXPECT_TRUE(patched.ok()) << patched.status();
    return patched.ok() ? *patched : T();
  }
  template <class T>
  Status Delete(const api::ObjectKey& key, const std::string& propagation = "",
                std::optional<int64_t> grace = {}) {
    runtime::DeleteOptions options;
    options.propagation_policy = propagation;
    options.grace_period_seconds = grace;
    return client.Delete<T>(Ctx(), key, options);
  }

  // What the kubelet does to a Pod.
  api::Pod SetPhase(const api::ObjectKey& key, const std::string& phase, bool ready = false) {
    return Merge<api::Pod>(
        key,
        {{"status",
          {{"phase", phase},
           {"conditions",
            {{{"type", "Ready"},
              {"status", ready ? "True" : "False"},
              {"lastTransitionTime", api::FormatTime(api::ToTime(clock.Now()))}}}}}}},
        "status", "kubelet");
  }
  void Bind(const api::ObjectKey& key, const std::string& node) {
    const Json binding = {{"apiVersion", "v1"},
                          {"kind", "Binding"},
                          {"metadata", {{"name", key.name}}},
                          {"target", {{"kind", "Node"}, {"name", node}}}};
    Status bound =
        client
            .CreateSubresource(Ctx(), api::KindOf<api::Pod>::value, key, "binding", binding.dump())
            .status();
    EXPECT_TRUE(bound.ok()) << bound;
  }

  static api::Pod MakePod(const std::string& name, std::vector<api::PodResourceClaim> claims = {}) {
    api::Pod pod;
    pod.metadata.namespace_ = "default";
    pod.metadata.name = name;
    api::Container& container = pod.spec.containers.emplace_back();
    container.name = "main";
    container.image = "busybox";
    for (const api::PodResourceClaim& claim : claims)
      container.resources.claims.push_back({claim.name, ""});
    pod.spec.resource_claims = std::move(claims);
    return pod;
  }
  static api::ResourceClaimSpec Wants(const std::string& device_class, int64_t count = 1) {
    api::ExactDeviceRequest exact;
    exact.device_class_name = device_class;
    exact.count = count;
    api::ResourceClaimSpec spec;
    spec.devices.requests = {{"r", exact, {}}};
    return spec;
  }
  static api::ResourceClaim MakeClaim(const std::string& name,
                                      const std::string& device_class = "gpu", int64_t count = 1) {
    api::ResourceClaim claim;
    claim.metadata.namespace_ = "default";
    claim.metadata.name = name;
    claim.spec = Wants(device_class, count);
    return claim;
  }
  static api::ResourceClaimTemplate MakeTemplate(const std::string& name,
                                                 const std::string& device_class = "gpu") {
    api::ResourceClaimTemplate made;
    made.metadata.namespace_ = "default";
    made.metadata.name = name;
    made.spec.spec = Wants(device_class);
    return made;
  }
  void AddNode(const std::string& name) {
    api::Node node;
    node.metadata.name = name;
    Create(node);
  }
  void AddClass(const std::string& name = "gpu") {
    api::DeviceClass one;
    one.metadata.name = name;
    one.spec.selectors = {{api::CelDeviceSelector{"device.driver == \"gpu.example.com\""}}};
    Create(one);
  }
  // `count` devices gpu-0, gpu-1... of gpu.example.com with 80Gi and 100 cores each, in the pool
  // named as the node.
  void AddDevices(const std::string& node, int count, bool shared = false) {
    api::ResourceSlice slice;
    slice.metadata.name = node + "-gpu";
    slice.spec.driver = "gpu.example.com";
    slice.spec.pool = {node, 1, 1};
    slice.spec.node_name = node;
    for (int i = 0; i < count; ++i) {
      api::Device& device = slice.spec.devices.emplace_back();
      device.name = "gpu-" + std::to_string(i);
      device.attributes["uuid"].value = "GPU-" + node + "-" + std::to_string(i);
      device.attributes["productName"].value = std::string("A100");
      device.capacity = {{"memory", {Q("80Gi"), std::nullopt}},
                         {"cores", {Q("100"), std::nullopt}}};
      if (shared) device.allow_multiple_allocations = true;
    }
    Create(slice);
  }
  // What the scheduler does: finalizer, allocation of `devices` from `pool`, reservation. Returns
  // the claim.
  api::ResourceClaim Allocate(const api::ObjectKey& claim, const std::string& pool,
                              std::vector<std::string> devices,
                              const std::vector<api::Pod>& consumers) {
    Merge<api::ResourceClaim>(
        claim, {{"metadata", {{"finalizers", {std::string(api::kClaimFinalizer)}}}}});
    Json results = Json::array(), reserved = Json::array();
    for (const std::string& device : devices)
      results.push_back(
          {{"request", "r"}, {"driver", "gpu.example.com"}, {"pool", pool}, {"device", device}});
    for (const api::Pod& pod : consumers)
      reserved.push_back(
          {{"resource", "pods"}, {"name", pod.metadata.name}, {"uid", pod.metadata.uid}});
    Json status = {{"allocation", {{"devices", {{"results", std::move(results)}}}}}};
    if (!reserved.empty()) status["reservedFor"] = std::move(reserved);
    return Merge<api::ResourceClaim>(claim, {{"status", std::move(status)}}, "status",
                                     "kube-scheduler");
  }

  // "<kind> <name>: <type> <reason>: <message> x<count>" of each Event, sorted; complete once the
  // recorder is gone.
  std::vector<std::string> Events() {
    std::vector<std::string> lines;
    for (const api::Event& event : List<api::Event>())
      lines.push_back(event.involved_object.kind + " " + event.involved_object.name + ": " +
                      event.type + " " + event.reason + ": " + event.message + " x" +
                      std::to_string(event.count));
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  FakeClock clock;
  std::stop_source stop;
  devcluster::ApiServer server{{.clock = &clock}};
  std::shared_ptr<Wire> wire;
  runtime::Client client{server.InProcess("test", {"system:masters"})};
};

}  // namespace dray::testing
