#include "devcluster/apiserver/protobuf_body.h"

#include "tests/devcluster/apiserver/api_fixture.h"

namespace dray::devcluster {
namespace {

// Writes protobuf by hand: the server is not tested with its own tables.
std::string Varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string Number(int field, uint64_t value) {
  return Varint(static_cast<uint64_t>(field) << 3) + Varint(value);
}
std::string Bytes(int field, const std::string& bytes) {
  return Varint((static_cast<uint64_t>(field) << 3) | 2) + Varint(bytes.size()) + bytes;
}
std::string Envelope(const std::string& api_version, const std::string& kind,
                     const std::string& raw) {
  return std::string("k8s\0", 4) + Bytes(1, Bytes(1, api_version) + Bytes(2, kind)) +
         Bytes(2, raw) + Bytes(3, "") + Bytes(4, "");
}

TEST(ProtobufBodyTest, ReadsWhatClientGoWrites) {
  // A Pod: every scalar that is no pointer is written, empty or not.
  std::string meta = Bytes(1, "p") + Bytes(2, "") + Bytes(3, "default") + Bytes(4, "") +
                     Bytes(5, "") + Bytes(6, "") + Number(7, 0) + Bytes(8, "") +
                     Bytes(11, Bytes(1, "app") + Bytes(2, "web"));
  std::string limits = Bytes(1, Bytes(1, "nvidia.com/gpu") + Bytes(2, Bytes(1, "2")));
  std::string probe =
      Bytes(1, Bytes(2, Bytes(1, "/healthz") +
                            Bytes(2, Number(1, 0) + Number(2, 8080) + Bytes(3, "")))) +
      Number(2, 5);
  std::string container =
      Bytes(1, "c") + Bytes(2, "busybox") + Bytes(3, "sleep") + Bytes(3, "9") + Bytes(5, "") +
      Bytes(6, Bytes(1, "") + Number(2, 0) + Number(3, 80) + Bytes(4, "TCP")) +
      Bytes(7, Bytes(1, "A") + Bytes(2, "")) + Bytes(8, limits) + Bytes(10, probe) + Number(16, 0);
  std::string volume = Bytes(1, "v") + Bytes(2, Bytes(2, Bytes(1, "")));
  std::string spec = Bytes(1, volume) + Bytes(2, container) + Bytes(3, "Never") + Number(4, 0) +
                     Number(11, 0) +
                     Bytes(22, Bytes(1, "k") + Number(5, static_cast<uint64_t>(-1)));
  Result<Json> pod =
      ParseProtobufBody(Envelope("v1", "Pod", Bytes(1, meta) + Bytes(2, spec) + Bytes(3, "")));
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ(*pod, Json::parse(R"({"kind":"Pod","apiVersion":"v1",
      "metadata":{"name":"p","namespace":"default","labels":{"app":"web"}},
      "spec":{"volumes":[{"name":"v","emptyDir":{}}],
              "containers":[{"name":"c","image":"busybox","command":["sleep","9"],"ports":[{"containerPort":80,"protocol":"TCP"}],
                             "env":[{"name":"A"}],"resources":{"limits":{"nvidia.com/gpu":"2"}},
                             "livenessProbe":{"httpGet":{"path":"/healthz","port":8080},"initialDelaySeconds":5}}],
              "restartPolicy":"Never","terminationGracePeriodSeconds":0,
              "tolerations":[{"key":"k","tolerationSeconds":-1}]},
      "status":{}})"));
}

TEST(ProtobufBodyTest, TimesBytesAndLists) {
  std::string lease = Bytes(
      2, Bytes(1, "me") + Number(2, 15) + Bytes(4, Number(1, 1'767'323'045) + Number(2, 678'000)));
  EXPECT_EQ(*ParseProtobufBody(Envelope("coordination.k8s.io/v1", "Lease", lease)),
            Json::parse(R"({"kind":"Lease","apiVersion":"coordination.k8s.io/v1",
                "spec":{"holderIdentity":"me","leaseDurationSeconds":15,"renewTime":"2026-01-02T03:04:05.000678Z"}})"));
  std::string secret = Bytes(2, Bytes(1, "k") + Bytes(2, std::string("\0\xff", 2)));
  EXPECT_EQ((*ParseProtobufBody(Envelope("v1", "Secret", secret)))["data"]["k"], "AP8=");
  std::string options = Number(1, 0) + Bytes(2, Bytes(1, "uid")) + Bytes(4, "Background");
  EXPECT_EQ(
      *ParseProtobufBody(Envelope("apps/v1", "DeleteOptions", options)),
      Json::parse(
          R"({"kind":"DeleteOptions","apiVersion":"apps/v1","gracePeriodSeconds":0,"preconditions":{"uid":"uid"},"propagationPolicy":"Background"})"));
}

TEST(ProtobufBodyTest, Damage) {
  std::string good = Envelope("v1", "ConfigMap",
                              Bytes(1, Bytes(1, "cm")) + Bytes(2, Bytes(1, "a") + Bytes(2, "b")));
  ASSERT_TRUE(ParseProtobufBody(good).ok());
  for (size_t cut = 0; cut < good.size() - 4; ++cut) {
    Result<Json> parsed = ParseProtobufBody(std::string_view(good).substr(0, cut));
    if (!parsed.ok()) {
      EXPECT_EQ(parsed.status().reason(), Reason::kBadRequest);
    }
  }
  for (size_t i = 0; i < good.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      (void)ParseProtobufBody(bad);  // whatever comes out, nothing breaks
    }
  EXPECT_EQ(ParseProtobufBody("{}").status().reason(), Reason::kBadRequest);
  EXPECT_EQ(ParseProtobufBody(Envelope("v1", "Widget", "")).status().message(),
            "no kind \"Widget\" is registered for version \"v1\"");
  EXPECT_EQ(ParseProtobufBody(Envelope("v1", "ConfigMap", Number(1, 5))).status().reason(),
            Reason::kBadRequest)
      << "a number for a message";
}

class ProtobufTest : public ApiFixture {};

TEST_F(ProtobufTest, BodiesOfAllVerbs) {
  const std::string type(kProtobufType);
  auto map = [](const std::string& value) {
    return Envelope("v1", "ConfigMap",
                    Bytes(1, Bytes(1, "cm")) + Bytes(2, Bytes(1, "a") + Bytes(2, value)));
  };
  Reply made = Do("POST", In("v1", "configmaps"), map("1"), type, type + ",application/json");
  EXPECT_EQ(made.code, 201) << made.text;
  EXPECT_EQ(made.At("/data/a"), "1");
  EXPECT_EQ(Do("PUT", In("v1", "configmaps/cm"), map("2"), type).At("/data/a"), "2");
  EXPECT_EQ(Do("POST", In("v1", "pods"), map("1"), type).Message(),
            "the kind in the data (ConfigMap) does not match the expected kind (Pod)");
  EXPECT_EQ(Do("DELETE", In("v1", "configmaps/cm"),
               Envelope("v1", "DeleteOptions", Bytes(2, Bytes(1, "other"))), type)
                .code,
            409);
  EXPECT_EQ(Do("DELETE", In("v1", "configmaps/cm"), Envelope("v1", "DeleteOptions", ""), type).code,
            200);
  EXPECT_EQ(Do("PATCH", In("v1", "configmaps/cm"), map("1"), type).code, 415) << "patches are JSON";
}

}  // namespace
}  // namespace dray::devcluster
