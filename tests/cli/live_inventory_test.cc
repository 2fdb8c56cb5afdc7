// dray status --watch: shows what is there, and whatever changes, without asking again.
#include "cli/live_inventory.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "dray/runtime/real_clock.h"
#include "tests/cli/cli_fixture.h"

namespace dray::cli {
namespace {

using std::chrono::seconds;

// An API server of collections that a test changes: lists, and watches that wait for lines.
class LiveServer final : public runtime::Transport {
 public:
  void Put(const std::string& collection, Json object) {
    std::lock_guard lock(mutex_);
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    const std::string name = object["metadata"]["name"];
    const char* type = objects_[collection].contains(name) ? "MODIFIED" : "ADDED";
    objects_[collection][name] = object;
    lines_[collection].emplace_back(version_, Json({{"type", type}, {"object", object}}).dump());
    changed_.notify_all();
  }
  int lists(const std::string& collection) {
    std::lock_guard lock(mutex_);
    return lists_[collection];
  }

  Result<runtime::ApiResponse> Do(const Context&, const runtime::ApiRequest& request) override {
    const std::string path = request.path.substr(0, request.path.find('?'));
    if (path == "/apis/resource.k8s.io")
      return runtime::ApiResponse{200, R"({"kind":"APIGroup","versions":[{"version":"v1"}]})", {}};
    std::lock_guard lock(mutex_);
    const std::string collection = path.substr(path.rfind('/') + 1);
    ++lists_[collection];
    Json items = Json::array();
    for (const auto& [name, object] : objects_[collection]) items.push_back(object);
    return runtime::ApiResponse{
        200,
        Json({{"metadata", {{"resourceVersion", std::to_string(version_)}}}, {"items", items}})
            .dump(),
        {}};
  }
  Status Watch(const Context& ctx, const runtime::ApiRequest& request,
               const std::function<bool(std::string_view)>& on_line) override {
    if (request.path.find("sendInitialEvents") != std::string::npos)
      return Status(Reason::kInvalid, "list first");
    const std::string path = request.path.substr(0, request.path.find('?'));
    const std::string collection = path.substr(path.rfind('/') + 1);
    const size_t at = request.path.find("resourceVersion=");
    int seen = std::stoi(request.path.substr(at + 16));
    while (true) {
      std::string line;
      {
        std::unique_lock lock(mutex_);
        auto next = [&]() -> const std::pair<int, std::string>* {
          for (const auto& one : lines_[collection])
            if (one.first > seen) return &one;
          return nullptr;
        };
        if (!ctx.clock().WaitUntil(lock, changed_, ctx.deadline(), ctx.stop(),
                                   [&] { return next() != nullptr; }))
          return ctx.Check();
        const auto* at_hand = next();
        seen = at_hand->first;
        line = at_hand->second;
      }
      if (!on_line(line)) return {};
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  int version_ = 7;
  std::map<std::string, std::map<std::string, Json>> objects_;
  std::map<std::string, std::vector<std::pair<int, std::string>>> lines_;
  std::map<std::string, int> lists_;
};

Json Named(const std::string& name, const std::string& space = "") {
  Json object = {{"metadata", {{"name", name}, {"uid", "u-" + name}}}};
  if (!space.empty()) object["metadata"]["namespace"] = space;
  return object;
}

TEST(LiveInventory, ShowsWhatIsThereAndWhateverChanges) {
  auto server = std::make_shared<LiveServer>();
  server->Put("nodes", Named("n1"));
  Json lease = Named("dray-controller-manager", "dray-system");
  lease["spec"]["holderIdentity"] = "a";
  server->Put("leases", lease);
  const Context ctx = Context(runtime::RealClock(), {}).WithTimeout(seconds(60));
  LiveInventory live(ctx, runtime::Client(server));
  // Handlers come by one after the other: what is told may be told in several pieces.
  auto until = [&](const std::function<bool(const Inventory&)>& holds) {
    while (live.AwaitNews(ctx, Duration::zero()).ok())
      if (holds(live.Now())) return true;
    return false;
  };
  EXPECT_TRUE(until([](const Inventory& now) {
    return now.nodes.size() == 1 && now.lease && now.lease->spec.holder_identity == "a";
  }));
  server->Put("pods", Named("p", "default"));
  EXPECT_TRUE(until([](const Inventory& now) { return now.pods.size() == 1; }));
  lease["spec"]["holderIdentity"] = "b";
  server->Put("leases", lease);
  EXPECT_TRUE(until([](const Inventory& now) { return now.lease->spec.holder_identity == "b"; }));
  for (const char* collection : {"nodes", "pods", "leases", "resourceclaims"})
    EXPECT_EQ(server->lists(collection), 1) << collection;
}

TEST(LiveInventory, ComesBackWhenStopped) {
  auto server = std::make_shared<LiveServer>();
  std::stop_source stop;
  const Context ctx = Context(runtime::RealClock(), stop.get_token()).WithTimeout(seconds(60));
  LiveInventory live(ctx, runtime::Client(server));
  ASSERT_TRUE(live.AwaitNews(ctx, Duration::zero()).ok()) << "an empty cluster is news as well";
  Status outcome;
  std::jthread waiting([&] {
    while ((outcome = live.AwaitNews(ctx, Duration::zero())).ok()) {
    }
  });
  stop.request_stop();
  waiting.join();
  EXPECT_TRUE(outcome.Is(Reason::kCancelled)) << outcome;
}

}  // namespace
}  // namespace dray::cli
