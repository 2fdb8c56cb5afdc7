#include "tests/cli/cli_fixture.h"

namespace dray::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Two GPUs, of which one says its model, beside an older generation of the same pool, and an NPU.
constexpr char kSlices[] = R"(
apiVersion: v1
kind: List
items:
- apiVersion: resource.k8s.io/v1
  kind: ResourceSlice
  metadata: {name: 00000-gpu}
  spec:
    driver: hami-core-gpu.project-hami.io
    nodeName: node-1
    pool: {name: node-1, generation: 2, resourceSliceCount: 1}
    devices:
    - name: gpu-0
      attributes: {model: {string: A100}, type: {string: hami-gpu}}
      capacity: {memory: {value: 80Gi}}
    - name: gpu-1
      attributes: {type: {string: hami-gpu}}
- apiVersion: resource.k8s.io/v1
  kind: ResourceSlice
  metadata: {name: 00000-gpu-old}
  spec:
    driver: hami-core-gpu.project-hami.io
    nodeName: node-1
    pool: {name: node-1, generation: 1, resourceSliceCount: 1}
    devices:
    - name: gpu-of-yesterday
- apiVersion: resource.k8s.io/v1
  kind: ResourceSlice
  metadata: {name: 00000-npu}
  spec:
    driver: npu.example.com
    allNodes: true
    pool: {name: shelf, generation: 1, resourceSliceCount: 1}
    devices:
    - name: npu-0
)";

class Select : public ::testing::Test {
 protected:
  Outcome Run(std::vector<std::string> args) {
    args.insert(args.begin(), {"select", "--slices", slices_.path()});
    return Dray(args);
  }
  ScratchFile slices_{"slices.yaml", kSlices};
};

TEST_F(Select, ShowsTheSelectedDevicesOfTheNewestGeneration) {
  Outcome outcome = Run({"device.driver == \"hami-core-gpu.project-hami.io\""});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "NODE     DEVICE   DRIVER                          SELECTED   COST\n"
            "node-1   gpu-0    hami-core-gpu.project-hami.io   yes        5\n"
            "node-1   gpu-1    hami-core-gpu.project-hami.io   yes        5\n"
            "\n"
            "2 of 3 devices selected; at most 5 of 1000000 units of cost\n");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(Select, AllShowsTheOthersToo) {
  Outcome outcome = Run({"--all", "device.driver == \"npu.example.com\""});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("node-1         gpu-0    hami-core-gpu.project-hami.io   no"));
  EXPECT_THAT(outcome.out,
              HasSubstr("(pool shelf)   npu-0    npu.example.com                 yes"));
}

TEST_F(Select, AFailureIsNotANo) {
  const std::string model =
      "device.attributes[\"hami-core-gpu.project-hami.io\"].model == \"A100\"";
  Outcome outcome = Run({model});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("1 of 3 devices selected"));
  EXPECT_THAT(outcome.out, HasSubstr("fails: no such key: model"));
  EXPECT_THAT(outcome.err, StartsWith("Warning: on 2 devices the selector fails, and a failure is "
                                      "not a no: kube-scheduler gives the Pod up there."));
  // The class screens the foreign device, as in a request that names it; gpu-1 still fails.
  EXPECT_THAT(Run({"-c", "hami-core-gpu.project-hami.io", model}).err,
              StartsWith("Warning: on 1 device the"));
  Outcome careful =
      Run({"device.attributes[\"hami-core-gpu.project-hami.io\"].?model.orValue"
           "(\"\") == \"A100\""});
  EXPECT_EQ(careful.code, 0);
  EXPECT_EQ(careful.err, "");
  EXPECT_THAT(careful.out, Not(HasSubstr("gpu-1")));
}

TEST_F(Select, NothingSelectedIsExitCode1) {
  Outcome outcome = Run({"device.driver == \"tpu.example.com\""});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "0 of 3 devices selected; at most 4 of 1000000 units of cost\n");
  EXPECT_EQ(outcome.err, "dray: no device is selected\n");
}

TEST_F(Select, WrongUse) {
  Outcome typo = Run({"device.drvier == \"x\""});
  EXPECT_EQ(typo.code, 2);
  EXPECT_THAT(typo.err, HasSubstr("did you mean"));
  Outcome none = Run({});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("want: dray select EXPRESSION"));
  Outcome unknown = Run({"-c", "hami-core-gpu.project-hami.oi", "true"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_EQ(unknown.err,
            "dray: --class: hami-core-gpu.project-hami.oi is none of the DeviceClasses that Dray "
            "brings along: did you mean hami-core-gpu.project-hami.io?\n");
  EXPECT_EQ(Dray({"select", "--slices", "/no/such/file", "true"}).err,
            "dray: cannot read /no/such/file: No such file or directory\n");
}

}  // namespace
}  // namespace dray::cli
