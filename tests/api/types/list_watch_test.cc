#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dray/api/codec.h"
#include "dray/api/types/resource.h"

namespace dray::api {
namespace {

using ::testing::HasSubstr;

TEST(DecodeList, TenThousandClaims) {
  std::string text =
      R"({"kind":"ResourceClaimList","apiVersion":"resource.k8s.io/v1",)"
      R"("metadata":{"resourceVersion":"42","continue":"abc","remainingItemCount":5},"items":[)";
  for (int i = 0; i < 10000; ++i) {
    if (i > 0) text += ',';
    text +=
        R"({"metadata":{"name":"claim-)" + std::to_string(i) +
        R"(","namespace":"default","managedFields":[{"manager":"kubectl","fieldsV1":{"f:spec":{"f:devices":{}}}}]},)"
        R"("spec":{"devices":{"requests":[{"name":"gpu","exactly":{"deviceClassName":"gpu","count":)" +
        std::to_string(i + 1) + R"(}}]}},"status":{}})";
  }
  text += "]}";
  Result<ListOf<ResourceClaim>> list = DecodeList<ResourceClaim>(text);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->resource_version, "42");
  EXPECT_EQ(list->continue_token, "abc");
  EXPECT_EQ(list->remaining_items, 5);
  ASSERT_EQ(list->items.size(), 10000u);
  for (int i = 0; i < 10000; ++i) {
    const ResourceClaim& claim = list->items[static_cast<size_t>(i)];
    ASSERT_EQ(claim.metadata.name, "claim-" + std::to_string(i));
    ASSERT_EQ(claim.spec.devices.requests[0].exactly->count, i + 1);
  }
}

// The list of n claims that pieces of any size make up, as one text.
std::string ClaimList(int n, const std::string& head, const std::string& tail) {
  std::string text = "{" + head + R"("items":[)";
  for (int i = 0; i < n; ++i) {
    text += std::string(i > 0 ? " ,\n" : " ") + R"({"metadata":{"name":"claim-)" +
            std::to_string(i) +
            R"(","annotations":{"a":"]}\\\"{,"}},"spec":{"devices":{"requests":[{"name":"gpu",)"
            R"("exactly":{"deviceClassName":"gpu"},"deviceClassName":"flat"}]}}})";
  }
  return text + " ]" + tail + "}";
}

class Pieces : public ::testing::TestWithParam<size_t> {};

TEST_P(Pieces, GiveTheItemsOfTheWhole) {
  const std::string head =
      R"("kind":"L\"[","apiVersion":"resource.k8s.io/v1" , "metadata":{"resourceVersion":"7"},)";
  const std::string text = ClaimList(20, head, R"(, "x":[1,{"items":[2]}],"y":-1.5e3,"z":null)");
  const Result<ListOf<ResourceClaim>> whole = DecodeList<ResourceClaim>(text);
  ASSERT_TRUE(whole.ok()) << whole.status();
  std::vector<ResourceClaim> items;
  size_t held = 0;
  ListStream<ResourceClaim> stream([&](ResourceClaim claim) {
    items.push_back(std::move(claim));
    return Status();
  });
  for (size_t at = 0; at < text.size(); at += GetParam()) {
    ASSERT_TRUE(stream.Feed(std::string_view(text).substr(at, GetParam())).ok());
    held = std::max(held, stream.held());
  }
  const Result<ListOf<ResourceClaim>> end = stream.Finish();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->resource_version, "7");
  EXPECT_EQ(items, whole->items);
  EXPECT_LE(held, text.size() / 20) << "more than one item was held";
}

INSTANTIATE_TEST_SUITE_P(OfEverySize, Pieces,
                         ::testing::Values(1, 2, 3, 7, 64, 150, 1000, 100'000));

TEST(ListStream, TheVersionOfTheListCountsForItsItems) {
  struct Case {
    const char *head, *tail, *expected;
  };
  for (const Case& c :
       {Case{R"("apiVersion":"resource.k8s.io/v1",)", "", "gpu"},
        Case{R"("apiVersion":"resource.k8s.io/v1beta1",)", "", "flat"},
        Case{"", R"(,"apiVersion":"resource.k8s.io/v1beta1")", "flat"}, Case{"", "", "gpu"}}) {
    const std::string text = ClaimList(2, c.head, c.tail);
    std::vector<std::string> classes;
    ListStream<ResourceClaim> stream([&](const ResourceClaim& claim) {
      classes.push_back(claim.spec.devices.requests[0].exactly->device_class_name);
      return Status();
    });
    ASSERT_TRUE(stream.Feed(text).ok());
    ASSERT_TRUE(stream.Finish().ok());
    EXPECT_EQ(classes, (std::vector<std::string>{c.expected, c.expected})) << text;
    EXPECT_EQ(DecodeList<ResourceClaim>(text)
                  ->items[0]
                  .spec.devices.requests[0]
                  .exactly->device_class_name,
              c.expected);
  }
}

TEST(ListStream, RefusesWhatIsNone) {
  auto outcome = [](std::string_view text) {
    ListStream<Pod> stream([](Pod pod) {
      return pod.metadata.name == "stop" ? Status(Reason::kCancelled, "enough") : Status();
    });
    Status status = stream.Feed(text);
    return status.ok() ? stream.Finish().status().message() : status.message();
  };
  const std::pair<const char*, const char*> cases[] = {
      {R"({"items":[{},{"metadata":{"name":3}}]})", "items[1].metadata.name: want a string, got 3"},
      {R"({"items":[{},7]})", "items[1]: want an object"},
      {R"({"items":{}})", "items: want a list"},
      {R"({"items":null})", ""},
      {R"({"items":[]})", ""},
      {R"({"kind":"PodList"})", "items: want a list"},
      {R"({"metadata":{"continue":1},"items":[]})", "metadata.continue: want a string, got 1"},
      {R"({"items":[{"metadata":{"name":"stop"}},7]})", "enough"},
      {"[]", "want an object"},
      {"", "not valid JSON: the list is cut short"},
      {R"({"items":[{})", "not valid JSON: the list is cut short"},
      {R"({"items":[{},]})", "not valid JSON: unexpected ']' in a list"},
      {R"({"items":[{} {}]})", "not valid JSON: unexpected '{' in a list"},
      {R"({"items":[],})", "not valid JSON: unexpected '}' in a list"},
      {R"({"items" []})", "not valid JSON: unexpected '[' in a list"},
      {R"({items:[]})", "not valid JSON: unexpected 'i' in a list"},
      {R"({"items":[]} x)", "not valid JSON: something follows the object"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(outcome(text), message) << text;
  EXPECT_THAT(outcome(R"({"items":[{"metadata":{"name":"a"]}]})"), HasSubstr("not valid JSON"));
}

// Longer than DecodeList reads at once.
TEST(DecodeList, ALongListIsReadItemByItem) {
  const std::string text = ClaimList(24'000, R"("apiVersion":"resource.k8s.io/v1",)",
                                     R"(,"metadata":{"resourceVersion":"8"})");
  ASSERT_GT(text.size(), size_t{4} << 20);
  Result<ListOf<ResourceClaim>> list = DecodeList<ResourceClaim>(text);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->resource_version, "8");
  ASSERT_EQ(list->items.size(), 24'000u);
  EXPECT_EQ(list->items.back().metadata.name, "claim-23999");
  EXPECT_TRUE(DecodeList<ResourceClaim>(text.substr(0, text.size() - 1)).Is(Reason::kBadRequest));
}

TEST(DecodeList, MetadataMayFollowTheItems) {
  Result<ListOf<Pod>> list = DecodeList<Pod>(
      R"({"items":[{"metadata":{"name":"a"}}],"metadata":{"resourceVersion":"9"}})");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->resource_version, "9");
  EXPECT_EQ(list->items[0].metadata.name, "a");
}

TEST(DecodeList, NoItemsIsEmptyAndAbsentItemsIsAnError) {
  EXPECT_TRUE(DecodeList<Pod>(R"({"items":null})")->items.empty());
  EXPECT_TRUE(DecodeList<Pod>(R"({"items":[]})")->items.empty());
  EXPECT_TRUE(DecodeList<Pod>(R"({"kind":"Pod"})").Is(Reason::kInvalid));
}

TEST(DecodeList, ErrorsNameTheItem) {
  Status status = DecodeList<Pod>(R"({"items":[{},{"metadata":{"name":3}}]})").status();
  EXPECT_EQ(status.message(), "items[1].metadata.name: want a string, got 3");
  EXPECT_EQ(DecodeList<Pod>(R"({"items":[{},7]})").status().message(), "items[1]: want an object");
  EXPECT_THAT(DecodeList<Pod>(R"({"metadata":{"continue":1},"items":[]})").status().message(),
              HasSubstr("metadata.continue: want a string"));
}

constexpr std::string_view kBeta1Item =
    R"({"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","deviceClassName":"k","count":3}]}}})";

TEST(DecodeList, BetaVersionOfTheListCountsForItsItems) {
  for (std::string text :
       {R"({"apiVersion":"resource.k8s.io/v1beta1","items":[)" + std::string(kBeta1Item) + "]}",
        R"({"items":[)" + std::string(kBeta1Item) +
            R"(],"apiVersion":"resource.k8s.io/v1beta1"})"}) {
    Result<ListOf<ResourceClaim>> list = DecodeList<ResourceClaim>(text);
    ASSERT_TRUE(list.ok()) << list.status();
    ASSERT_TRUE(list->items[0].spec.devices.requests[0].exactly.has_value());
    EXPECT_EQ(list->items[0].spec.devices.requests[0].exactly->count, 3);
  }
}

TEST(DecodeList, AnUntypedListIsReadItemByItem) {
  std::string beta1(kBeta1Item), v1(kBeta1Item);
  beta1.insert(1, R"("apiVersion":"resource.k8s.io/v1beta1",)");
  v1.insert(1, R"("apiVersion":"resource.k8s.io/v1",)");
  Result<ListOf<ResourceClaim>> list = DecodeList<ResourceClaim>(
      R"({"apiVersion":"v1","kind":"List","items":[)" + beta1 + "," + v1 + "]}");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_TRUE(list->items[0].spec.devices.requests[0].exactly.has_value());
  EXPECT_FALSE(list->items[1].spec.devices.requests[0].exactly.has_value());
}

TEST(Versions, TheFlatRequestIsUnknownInV1) {
  std::string text(kBeta1Item);
  text.insert(text.size() - 1, R"(,"apiVersion":"resource.k8s.io/v1")");
  EXPECT_FALSE(Decode<ResourceClaim>(text)->spec.devices.requests[0].exactly.has_value());
  EXPECT_FALSE(
      FromJson<ResourceClaim>(Json::parse(text))->spec.devices.requests[0].exactly.has_value());
}

TEST(Versions, PlainValuesOfBeta1SlicesAreUnsetWhenZero) {
  constexpr std::string_view kSlice =
      R"({"apiVersion":"resource.k8s.io/v1beta1","spec":{"nodeName":"","allNodes":false,
    "devices":[{"name":"d","basic":{"attributes":{"a":{"int":1}},"capacity":{"m":{"value":"1Gi"}}}}]}})";
  for (const Result<ResourceSlice>& slice :
       {Decode<ResourceSlice>(kSlice), FromJson<ResourceSlice>(Json::parse(kSlice))}) {
    ASSERT_TRUE(slice.ok()) << slice.status();
    EXPECT_FALSE(slice->spec.node_name.has_value());
    EXPECT_FALSE(slice->spec.all_nodes.has_value());
    ASSERT_EQ(slice->spec.devices.size(), 1u);
    EXPECT_EQ(slice->spec.devices[0].name, "d");
    EXPECT_EQ(std::get<int64_t>(slice->spec.devices[0].attributes.at("a").value), 1);
    EXPECT_EQ(slice->spec.devices[0].capacity.at("m").value.ToString(), "1Gi");
  }
  EXPECT_EQ(Decode<ResourceSlice>(R"({"apiVersion":"resource.k8s.io/v1","spec":{"nodeName":""}})")
                ->spec.node_name,
            "");
}

TEST(Versions, ErrorsInBeta1CarryItsOwnPath) {
  EXPECT_EQ(
      Decode<ResourceSlice>(
          R"({"spec":{"devices":[{"basic":{"taints":7}}]},"apiVersion":"resource.k8s.io/v1beta1"})")
          .status()
          .message(),
      "spec.devices[0].basic.taints: want a list, got 7");
}

TEST(Versions, ListsAreConvertedItemByItem) {
  Json list = {
      {"kind", "ResourceClaimList"},
      {"apiVersion", "resource.k8s.io/v1"},
      {"items",
       Json::array({Json::parse(
           R"({"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"k"}}]}}})")})}};
  EXPECT_EQ(ToVersion(list, "v1beta1")["items"][0].dump(),
            R"({"spec":{"devices":{"requests":[{"deviceClassName":"k","name":"r"}]}}})");
  EXPECT_EQ(ToVersion(list, "v1beta2")["items"], list["items"]);
  EXPECT_EQ(ToVersion(list, "v1"), list);
  Json pod = {{"kind", "Pod"}, {"apiVersion", "v1"}};
  EXPECT_EQ(ToVersion(pod, "v1beta1"), pod);
}

TEST(DecodeWatchEvent, EveryType) {
  struct Case {
    std::string type;
    WatchEventType want;
  } cases[] = {{"ADDED", WatchEventType::kAdded},
               {"MODIFIED", WatchEventType::kModified},
               {"DELETED", WatchEventType::kDeleted},
               {"BOOKMARK", WatchEventType::kBookmark}};
  for (const Case& c : cases) {
    for (std::string line :
         {R"({"type":")" + c.type +
              R"(","object":{"kind":"Pod","metadata":{"resourceVersion":"5"}}})",
          R"({"object":{"kind":"Pod","metadata":{"resourceVersion":"5"}},"type":")" + c.type +
              "\"}\n"}) {
      Result<WatchEvent<Pod>> event = DecodeWatchEvent<Pod>(line);
      ASSERT_TRUE(event.ok()) << event.status();
      EXPECT_EQ(event->type, c.want);
      EXPECT_EQ(event->object.metadata.resource_version, "5");
    }
  }
}

TEST(DecodeWatchEvent, AnErrorCarriesItsStatus) {
  Result<WatchEvent<Pod>> event = DecodeWatchEvent<Pod>(
      R"({"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)"
      R"~("message":"too old resource version: 3 (9)","reason":"Expired","code":410}})~");
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->type, WatchEventType::kError);
  EXPECT_TRUE(event->status.Is(Reason::kGone));
  EXPECT_EQ(event->status.message(), "too old resource version: 3 (9)");
}

TEST(DecodeWatchEvent, BetaObjectsAreConverted) {
  std::string object(kBeta1Item);
  object.insert(object.size() - 1, R"(,"apiVersion":"resource.k8s.io/v1beta1")");
  Result<WatchEvent<ResourceClaim>> event =
      DecodeWatchEvent<ResourceClaim>(R"({"object":)" + object + R"(,"type":"ADDED"})");
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_TRUE(event->object.spec.devices.requests[0].exactly.has_value());
}

TEST(DecodeWatchEvent, RefusesWhatIsNone) {
  for (std::string line :
       {R"({"type":"NEWS","object":{}})", R"({"object":{}})", R"({"type":"ADDED"})",
        R"({"type":"ADDED","object":[]})", R"({"type":"ADDED","object":{"metadata":{"name":1}}})",
        R"({"type":"ADDED","object":{"metadata")", "", "[]"})
    EXPECT_FALSE(DecodeWatchEvent<Pod>(line).ok()) << line;
  EXPECT_EQ(DecodeWatchEvent<Pod>(R"({"type":"ADDED","object":{"metadata":{"name":1}}})")
                .status()
                .message(),
            "object.metadata.name: want a string, got 1");
}

// Whatever arrives, the reader answers; run with address sanitizer this is the memory test of the
// simdjson path.
TEST(Decode, SurvivesDamage) {
  const std::string whole =
      R"({"apiVersion":"resource.k8s.io/v1beta1","kind":"ResourceSlice","metadata":{"name":"a\u00e9"},)"
      R"("spec":{"driver":"d","pool":{"name":"p","generation":1},"devices":[{"name":"x","basic":)"
      R"({"attributes":{"k":{"bools":[true,false]}},"capacity":{"m":{"value":"1Gi"}}}}]}})";
  ASSERT_TRUE(Decode<ResourceSlice>(whole).ok());
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(Decode<ResourceSlice>(whole.substr(0, length)).ok()) << length;
  for (size_t i = 0; i < whole.size(); ++i) {
    for (char damage : {'"', '{', '}', '[', ']', ',', ':', '\\', '0', ' ', '\0', '\xc3'}) {
      std::string damaged = whole;
      damaged[i] = damage;
      (void)Decode<ResourceSlice>(damaged);
      (void)DecodeList<ResourceSlice>(R"({"items":[)" + damaged + "," + damaged + "]}");
      (void)DecodeWatchEvent<ResourceSlice>(R"({"type":"ADDED","object":)" + damaged + "}");
    }
  }
}

}  // namespace
}  // namespace dray::api
