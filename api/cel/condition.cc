#include "api/cel/compile.h"
#include "api/cel/json_value.h"
#include "api/cel/plan.h"
#include "dray/api/cel_condition.h"

namespace dray::cel {
namespace {

Status NoAnswer(std::string why) {
  return Status(Reason::kInvalid, std::move(why));
}

Value Variable(const Json* document) {
  return document == nullptr ? Value::Null() : JsonValue(*document);
}

}  // namespace

Condition::Condition() = default;
Condition::~Condition() = default;

Result<std::shared_ptr<const Condition>> Condition::Compile(std::string_view expression) {
  std::shared_ptr<Condition> condition(new Condition);
  condition->expression_ = std::string(expression);
  expression = condition->expression_;  // literals and names stay where they are

  auto plan = std::make_unique<Plan>();
  ObjectPool::Use use(plan->pool);
  Ast ast;
  TypeArena types;
  const Environment& environment = ConditionEnvironment();
  DRAY_RETURN_IF_ERROR(Analyze(expression, environment, {}, ast, types));
  if (ast.root->type->kind != TypeKind::kBool)
    return NoAnswer("must evaluate to bool but got " + TypeText(ast.root->type));
  if (std::string error = MakePlan(ast.root, environment, *plan); !error.empty())
    return NoAnswer("program instantiation failed: " + error);
  condition->plan_ = std::move(plan);
  return std::shared_ptr<const Condition>(std::move(condition));
}

Evaluated Condition::Evaluate(const ConditionVariables& variables) const {
  ObjectPool pool;
  ObjectPool::Use use(pool);
  LoopStates loops(plan_->loops);
  Evaluation evaluation(nullptr, kMaxConditionCost, loops.begin());
  try {
    // ConditionEnvironment's variables, where MakePlan looks for them.
    loops.begin()[0].item = Variable(variables.object);
    loops.begin()[0].item2 = Variable(variables.old_object);
    loops.begin()[1].item = Variable(variables.request);
    loops.begin()[1].item2 = Value::Null();
    Value value = plan_->root->Run(evaluation);
    if (value.is(Kind::kBool)) return {value.as_bool(), evaluation.cost()};
    if (value.is_error()) return {NoAnswer(value.ErrorText()), evaluation.cost()};
    return {NoAnswer("CEL result of type " + std::string(TypeName(value)) +
                     " could not be converted to bool"),
            evaluation.cost()};
  } catch (const CostExceeded&) {
    return {NoAnswer("operation cancelled: actual cost limit exceeded"), evaluation.cost()};
  }
}

}  // namespace dray::cel
