#include <gtest/gtest.h>

#include "dray/api/cel.h"

// google.protobuf.X{...}, as cel-go's checker and evaluator treat them.
namespace dray::cel {
namespace {

api::Device IndexedDevice() {
  api::Device device;
  device.attributes["index"].value = int64_t{3};
  device.attributes["model"].value = std::string("A100");
  return device;
}

struct MessageCase {
  const char* expression;
  // "true", "false", or a part of the error.
  const char* outcome;
};

class CelMessage : public ::testing::TestWithParam<MessageCase> {};

TEST_P(CelMessage, Answers) {
  const api::Device device = IndexedDevice();
  auto program = Program::Compile(GetParam().expression);
  ASSERT_TRUE(program.ok()) << GetParam().expression << ": " << program.status();
  Result<bool> matches = (*program)->Matches(DeviceView(device, "d"));
  std::string outcome = matches.ok() ? (*matches ? "true" : "false") : matches.status().message();
  EXPECT_NE(outcome.find(GetParam().outcome), std::string::npos)
      << GetParam().expression << ": " << outcome;
}

INSTANTIATE_TEST_SUITE_P(
    Table, CelMessage,
    ::testing::Values(
        MessageCase{"google.protobuf.Int64Value{value: 1} == 1", "true"},
        MessageCase{".google.protobuf.Int64Value{value: 1} + 1 == 2", "true"},
        MessageCase{"google.protobuf.Int64Value{} == 0", "true"},
        MessageCase{"google.protobuf.Int64Value{value: 1} == null", "false"},
        MessageCase{"null != google.protobuf.StringValue{value: 'x'}", "true"},
        MessageCase{"type(google.protobuf.Int64Value{value: 1}) == int", "true"},
        MessageCase{"type(1) == google.protobuf.Int64Value", "true"},
        MessageCase{"google.protobuf.Int32Value{value: 2147483648} == 1", "integer overflow"},
        MessageCase{"google.protobuf.UInt32Value{value: 4294967296u} == 1u", "overflow"},
        MessageCase{"google.protobuf.UInt64Value{value: 7u} == 7u", "true"},
        MessageCase{"google.protobuf.DoubleValue{value: 0.1} == 0.1", "true"},
        MessageCase{"google.protobuf.FloatValue{value: 0.1} == 0.1", "false"},
        MessageCase{"google.protobuf.FloatValue{value: 0.5} == 0.5", "true"},
        MessageCase{"google.protobuf.StringValue{value: 'a'} + 'b' == 'ab'", "true"},
        MessageCase{"google.protobuf.BytesValue{} == b''", "true"},
        MessageCase{"google.protobuf.BoolValue{value: true}", "true"},
        MessageCase{"google.protobuf.BoolValue{}", "false"},
        MessageCase{"google.protobuf.StringValue{?value: optional.of('x')} == 'x'", "true"},
        MessageCase{"google.protobuf.StringValue{?value: optional.none()} == ''", "true"},
        MessageCase{"google.protobuf.Int64Value{value: device.attributes['d'].index} == 3", "true"},
        MessageCase{"google.protobuf.Int64Value{value: device.attributes['d'].model} == 3",
                    "unsupported field type"},
        MessageCase{"google.protobuf.Int64Value{value: device.attributes['d'].none} == 3",
                    "no such key: none"},
        MessageCase{"google.protobuf.Duration{seconds: 90} == duration('90s')", "true"},
        MessageCase{"google.protobuf.Duration{seconds: 1, nanos: 500000000}.getMilliseconds() == "
                    "1500",
                    "true"},
        MessageCase{"google.protobuf.Timestamp{seconds: 0} == timestamp('1970-01-01T00:00:00Z')",
                    "true"},
        MessageCase{"google.protobuf.Timestamp{seconds: 1, nanos: -1000000000} == timestamp(0)",
                    "true"},
        MessageCase{"google.protobuf.Struct{fields: {'a': 1, 'b': 2}}.a == 1", "true"},
        MessageCase{"google.protobuf.Struct{fields: {'a': 1}} == {'a': 1.0}", "true"},
        MessageCase{"type(google.protobuf.Struct{fields: {'a': 1}}.a) == double", "true"},
        MessageCase{"google.protobuf.Struct{fields: {'a': 9007199254740993}}.a == "
                    "'9007199254740993'",
                    "true"},
        MessageCase{"google.protobuf.Struct{fields: {'a': b'hi'}}.a == 'aGk='", "true"},
        MessageCase{"google.protobuf.Struct{}.a == 1", "no such key: a"},
        MessageCase{"has(google.protobuf.Struct{fields: {'a': 1}}.a)", "true"},
        MessageCase{"google.protobuf.ListValue{values: [1, 2]}[1] == 2", "true"},
        MessageCase{"size(google.protobuf.ListValue{}) == 0", "true"},
        MessageCase{"google.protobuf.Value{number_value: 1.5} == 1.5", "true"},
        MessageCase{"google.protobuf.Value{string_value: 'x'} == 'x'", "true"},
        MessageCase{"google.protobuf.Value{bool_value: true}.foo == 1", "no such key: foo"},
        MessageCase{"google.protobuf.Value{list_value: [1]} == [1.0]", "true"},
        MessageCase{"google.protobuf.Value{} == null", "true"},
        MessageCase{"google.protobuf.Value{null_value: 0} == null", "true"},
        MessageCase{"google.protobuf.Empty{} == google.protobuf.Empty{}", "true"},
        MessageCase{"google.protobuf.Empty{} != .google.protobuf.Empty{}", "false"},
        MessageCase{"google.protobuf.Empty{} == null", "false"},
        MessageCase{"dyn(google.protobuf.Empty{}) == dyn({})", "false"},
        MessageCase{"type(google.protobuf.Empty{}) == google.protobuf.Empty", "true"},
        MessageCase{"type(google.protobuf.Empty) == type", "true"},
        MessageCase{"google.protobuf.Empty{} in [google.protobuf.Empty{}]", "true"},
        MessageCase{"optional.ofNonZeroValue(google.protobuf.Empty{}).hasValue()", "false"},
        MessageCase{"dyn(google.protobuf.Empty{}).x == 1", "no such"},
        MessageCase{"google.protobuf.Any{} == null", "UnmarshalNew"}));

struct MistakenMessage {
  const char* expression;
  const char* why;
};

class CelMessageMistake : public ::testing::TestWithParam<MistakenMessage> {};

TEST_P(CelMessageMistake, IsRefused) {
  auto program = Program::Compile(GetParam().expression);
  ASSERT_FALSE(program.ok()) << GetParam().expression;
  EXPECT_NE(program.status().message().find(GetParam().why), std::string::npos)
      << program.status().message();
}

INSTANTIATE_TEST_SUITE_P(
    Table, CelMessageMistake,
    ::testing::Values(
        MistakenMessage{"google.protobuf.Int64Value{value: 'a'} == 1",
                        "expected type of field 'value' is 'int' but provided type is 'string'"},
        MistakenMessage{"google.protobuf.Int64Value{value: null} == 1", "provided type is 'null'"},
        MistakenMessage{"google.protobuf.Int64Value{valeu: 1} == 1",
                        "undefined field 'valeu' (did you mean 'value'?)"},
        MistakenMessage{"google.protobuf.Int64Value{value: 1} == 'a'", "no matching overload"},
        MistakenMessage{"google.protobuf.StringValue{?value: 'x'} == 'x'", "optional_type(string)"},
        MistakenMessage{"google.protobuf.Nope{} == 1",
                        "undeclared reference to 'google.protobuf.Nope'"},
        MistakenMessage{"int{} == 1", "'int' is not a message type"},
        MistakenMessage{"list{} == []", "'list' is not a message type"},
        MistakenMessage{"google.protobuf.Empty{x: 1} == null", "undefined field 'x'"},
        MistakenMessage{"google.protobuf.Empty{}.x == 1", "undefined field 'x'"},
        MistakenMessage{"google.protobuf.Empty{} == {}", "no matching overload"},
        MistakenMessage{"google.protobuf.Int64Value{`value`: 1} == 1", "unsupported syntax: '`'"}));

// A message costs 40, its fields what they cost, in the estimate and when it runs.
TEST(CelMessage, Costs) {
  const api::Device device = IndexedDevice();
  auto program =
      Program::Compile("google.protobuf.Int64Value{value: device.attributes['d'].index} == 3");
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ((*program)->max_cost(), 45);
  EXPECT_EQ((*program)->Evaluate(DeviceView(device, "d")).cost, 45);
}

}  // namespace
}  // namespace dray::cel
