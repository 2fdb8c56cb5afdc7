#include "api/cel/registry.h"

// resource.Quantity.
namespace dray::cel {
namespace {

using api::Quantity;

Value QuantityFromText(Evaluation&, Args args) {
  Result<Quantity> quantity = Quantity::Parse(args[0].as_string());
  return quantity.ok() ? Value::Quantity(*quantity)
                       : Value::OwnedError(quantity.status().message());
}
Value IsQuantity(Evaluation&, Args args) {
  return Value::Bool(Quantity::Parse(args[0].as_string()).ok());
}

int Order(Args args) {
  const Quantity &a = args[0].as_quantity(), &b = args[1].as_quantity();
  return a < b ? -1 : a == b ? 0 : 1;
}
Value IsGreaterThan(Evaluation&, Args args) {
  return Value::Bool(Order(args) > 0);
}
Value IsLessThan(Evaluation&, Args args) {
  return Value::Bool(Order(args) < 0);
}
Value CompareTo(Evaluation&, Args args) {
  return Value::Int(Order(args));
}

Value Sign(Evaluation&, Args args) {
  Quantity::Nanos nanos = args[0].as_quantity().nanos();
  return Value::Int(nanos < 0 ? -1 : nanos > 0 ? 1 : 0);
}

Value AsApproximateFloat(Evaluation&, Args args) {
  return Value::Double(args[0].as_quantity().AsApproximateFloat64());
}
Value IsInteger(Evaluation&, Args args) {
  return Value::Bool(args[0].as_quantity().AsInt64().has_value());
}
Value AsInteger(Evaluation&, Args args) {
  std::optional<int64_t> value = args[0].as_quantity().AsInt64();
  return value ? Value::Int(*value) : Value::Error("cannot convert value to integer");
}

Quantity Operand(const Value& value) {
  if (value.is(Kind::kQuantity)) return value.as_quantity();
  return Quantity::FromInteger(value.as_int(), Quantity::Format::kDecimalExponent);
}
Value AddQuantities(Evaluation&, Args args) {
  return Value::Quantity(args[0].as_quantity() + Operand(args[1]), true);
}
Value SubtractQuantities(Evaluation&, Args args) {
  return Value::Quantity(args[0].as_quantity() - Operand(args[1]), true);
}

}  // namespace

void AddQuantity(Registry& r) {
  r.Global("quantity", "string_to_quantity", "string -> quantity", QuantityFromText);
  r.Global("isQuantity", "is_quantity_string", "string -> bool", IsQuantity);
  r.Global("sign", "quantity_sign", "quantity -> int", Sign);
  r.Member("isGreaterThan", "quantity_is_greater_than", "quantity, quantity -> bool",
           IsGreaterThan);
  r.Member("isLessThan", "quantity_is_less_than", "quantity, quantity -> bool", IsLessThan);
  r.Member("compareTo", "quantity_compare_to", "quantity, quantity -> int", CompareTo);
  r.Member("asApproximateFloat", "quantity_get_float", "quantity -> double", AsApproximateFloat);
  r.Member("asInteger", "quantity_get_int", "quantity -> int", AsInteger);
  r.Member("isInteger", "quantity_is_integer", "quantity -> bool", IsInteger);
  r.Member("add", "quantity_add", "quantity, quantity -> quantity", AddQuantities);
  r.Member("add", "quantity_add_int", "quantity, int -> quantity", AddQuantities);
  r.Member("sub", "quantity_sub", "quantity, quantity -> quantity", SubtractQuantities);
  r.Member("sub", "quantity_sub_int", "quantity, int -> quantity", SubtractQuantities);
}

}  // namespace dray::cel
