#include "api/cel/ast.h"

namespace dray::cel {

bool Loop::IsBind() const {
  return range->kind == Expr::Kind::kList && range->args.empty() &&
         condition->kind == Expr::Kind::kLiteral && condition->literal.is(cel::Kind::kBool) &&
         !condition->literal.as_bool();
}

Expr* Ast::Copy(const Expr* expr) {
  if (expr == nullptr) return nullptr;
  Expr* copy = New(expr->kind, expr->offset);
  copy->test_only = expr->test_only;
  copy->member = expr->member;
  copy->depth = expr->depth;
  copy->literal = expr->literal;
  copy->name = expr->name;
  if (TooBig()) return copy;
  copy->target = Copy(expr->target);
  copy->args = Array(std::span<Expr* const>(expr->args));
  for (Expr*& arg : copy->args) arg = Copy(arg);
  copy->optional = expr->optional;
  if (expr->loop != nullptr) {
    const Loop& loop = *expr->loop;
    copy->loop =
        NewLoop(Loop{loop.item, loop.item2, loop.accumulator, Copy(loop.range), Copy(loop.init),
                     Copy(loop.condition), Copy(loop.step), Copy(loop.result)});
  }
  return copy;
}

std::string QualifiedName(const Expr* expr) {
  if (expr->kind == Expr::Kind::kIdentifier) return std::string(expr->name);
  if (expr->kind != Expr::Kind::kSelect || expr->test_only) return "";
  std::string prefix = QualifiedName(expr->target);
  return prefix.empty() ? "" : prefix + '.' + std::string(expr->name);
}

}  // namespace dray::cel
