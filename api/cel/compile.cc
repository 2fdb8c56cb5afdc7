#include "api/cel/compile.h"

#include "api/cel/checker.h"
#include "api/cel/parser.h"
#include "api/cel/text.h"

namespace dray::cel {

Status Analyze(std::string_view expression, const Environment& environment, const Options& options,
               Ast& ast, TypeArena& types) {
  if (expression.size() > kMaxExpressionLength)
    return Status(Reason::kInvalid, "expression of " + std::to_string(expression.size()) +
                                        " bytes is longer than " +
                                        std::to_string(kMaxExpressionLength));
  if (!ValidUtf8(expression)) return Status(Reason::kInvalid, "expression is not valid UTF-8");
  std::vector<Mistake> mistakes;
  bool sound = Parse(expression, environment, ast, mistakes) &&
               Check(ast, environment, options, types, mistakes);
  if (sound) Validate(ast, mistakes);
  if (mistakes.empty()) return Ok();
  return Status(Reason::kInvalid, "compilation failed: " + Render(expression, std::move(mistakes)));
}

}  // namespace dray::cel
