#include "api/cel/compile.h"
#include "api/cel/cost_estimate.h"
#include "api/cel/device_data.h"
#include "api/cel/plan.h"
#include "dray/api/cel.h"

namespace dray::cel {
namespace {

Status Refused(std::string why) {
  return Status(Reason::kInvalid, std::move(why));
}

}  // namespace

Program::Program() = default;
Program::~Program() = default;

Result<std::shared_ptr<const Program>> Program::Compile(std::string_view expression,
                                                        const Options& options) {
  std::shared_ptr<Program> program(new Program);
  program->expression_ = std::string(expression);
  expression = program->expression_;  // literals and names stay where they are

  auto plan = std::make_unique<Plan>();
  ObjectPool::Use use(plan->pool);

  Ast ast;
  TypeArena types;
  const Environment& environment = DeviceEnvironment();
  DRAY_RETURN_IF_ERROR(Analyze(expression, environment, options, ast, types));
  const StaticType* type = ast.root->type;
  bool unknown =
      type->kind == TypeKind::kAny || (options.list_attributes && type->kind == TypeKind::kDyn);
  if (type->kind != TypeKind::kBool && !unknown)
    return Refused("must evaluate to bool or the unknown type, not " + TypeText(type));

  if (std::string error = MakePlan(ast.root, environment, *plan); !error.empty())
    return Refused("program instantiation failed: " + error);
  program->max_cost_ = EstimateMaxCost(ast);
  program->cost_limit_ = options.cost_limit;
  program->list_attributes_ = options.list_attributes;
  program->plan_ = std::move(plan);
  return std::shared_ptr<const Program>(std::move(program));
}

Evaluated Program::Evaluate(const DeviceView& view) const {
  const DeviceData& device = view.data();
  if (std::string_view error = device.Error(list_attributes_); !error.empty())
    return {Refused(std::string(error)), 0};

  ObjectPool pool;
  ObjectPool::Use use(pool);
  LoopStates loops(plan_->loops);
  Evaluation evaluation(&device, cost_limit_, loops.begin());
  try {
    Value value = plan_->root->Run(evaluation);
    if (value.is(Kind::kBool)) return {value.as_bool(), evaluation.cost()};
    if (value.is_error()) return {Refused(value.ErrorText()), evaluation.cost()};
    return {Refused("CEL result of type " + std::string(TypeName(value)) +
                    " could not be converted to bool"),
            evaluation.cost()};
  } catch (const CostExceeded&) {
    return {Refused("operation cancelled: actual cost limit exceeded"), evaluation.cost()};
  }
}

}  // namespace dray::cel
