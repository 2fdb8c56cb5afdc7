#include "api/cel/parser.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "api/cel/literal.h"
#include "api/cel/macros.h"

namespace dray::cel {
namespace {

bool IsReserved(std::string_view word) {
  constexpr std::array<std::string_view, 17> kReserved = {
      "as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
      "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};
  return std::find(kReserved.begin(), kReserved.end(), word) != kReserved.end();
}

struct BinaryOperator {
  Token token;
  std::string_view name;
  int precedence;
};
constexpr std::array<BinaryOperator, 7> kRelations = {{
    {Token::kLess, op::kLess, 1},
    {Token::kLessEqual, op::kLessEqual, 1},
    {Token::kGreater, op::kGreater, 1},
    {Token::kGreaterEqual, op::kGreaterEqual, 1},
    {Token::kEqual, op::kEqual, 1},
    {Token::kNotEqual, op::kNotEqual, 1},
    {Token::kIn, op::kIn, 1},
}};
constexpr std::array<BinaryOperator, 5> kCalculations = {{
    {Token::kStar, op::kMultiply, 2},
    {Token::kSlash, op::kDivide, 2},
    {Token::kPercent, op::kModulo, 2},
    {Token::kPlus, op::kAdd, 1},
    {Token::kMinus, op::kSubtract, 1},
}};

template <size_t N>
const BinaryOperator* Find(const std::array<BinaryOperator, N>& operators, Token token) {
  for (const BinaryOperator& o : operators)
    if (o.token == token) return &o;
  return nullptr;
}

// Recursive descent over the grammar of cel-go. A function returns nullptr after a syntax error,
// which ends the parse.
class Parser {
 public:
  Parser(std::string_view source, const Environment& environment, Ast& ast,
         std::vector<Mistake>& mistakes)
      : ast_(ast),
        environment_(environment),
        mistakes_(mistakes),
        lexemes_(ast.memory()),
        pending_(ast.memory()) {
    Mistake mistake;
    if (!Lex(source, lexemes_, mistake)) mistakes_.push_back(mistake);
  }

  bool Run() {
    if (!mistakes_.empty()) return false;
    Expr* root = ParseExpression();
    if (root != nullptr && !At(Token::kEnd)) Unexpected("the end of the expression");
    ast_.root = root;
    return root != nullptr && mistakes_.empty();
  }

 private:
  // Counts how deep a rule is nested in itself; left recursion (a.b.c, 1 + 2 + 3) counts each step.
  class Depth {
   public:
    Depth(Parser& parser, int& counter) : parser_(parser), counter_(counter), entry_(counter) {
      Step();
    }
    ~Depth() { counter_ = entry_; }
    void Step() {
      if (++counter_ > kMaxDepth) parser_.TooDeep();
    }

   private:
    Parser& parser_;
    int& counter_;
    int entry_;
  };

  const Lexeme& Peek(size_t ahead = 0) const {
    return lexemes_[std::min(next_ + ahead, lexemes_.size() - 1)];
  }
  bool At(Token token) const { return Peek().token == token; }
  const Lexeme& Next() {
    const Lexeme& lexeme = Peek();
    if (next_ + 1 < lexemes_.size()) ++next_;
    return lexeme;
  }
  bool Accept(Token token) {
    if (!At(token)) return false;
    Next();
    return true;
  }

  Expr* Unexpected(std::string_view wanted) {
    if (failed_) return nullptr;
    failed_ = true;
    std::string found =
        At(Token::kEnd) ? "the end of the expression" : "'" + std::string(Peek().text) + "'";
    mistakes_.push_back(
        {Peek().offset, "Syntax error: found " + found + ", expected " + std::string(wanted)});
    return nullptr;
  }
  void TooDeep() {
    if (failed_) return;
    failed_ = true;
    mistakes_.push_back(
        {Peek().offset, "expression recursion limit exceeded: " + std::to_string(kMaxDepth)});
  }
  Expr* TooBig() {
    if (!failed_) mistakes_.push_back({0, "expression is too big once its macros are expanded"});
    failed_ = true;
    return nullptr;
  }
  Expr* Mistaken(size_t offset, std::string message) {
    mistakes_.push_back({offset, std::move(message)});
    return ast_.New(Expr::Kind::kLiteral, offset);
  }

  // Gives the node its depth, one more than what is below it when it counts itself.
  Expr* Counted(Expr* expr, bool counts, std::initializer_list<const Expr*> below,
                std::span<Expr* const> more = {}) {
    int depth = 0;
    for (const Expr* e : below) depth = std::max<int>(depth, e == nullptr ? 0 : e->depth);
    for (const Expr* e : more) depth = std::max<int>(depth, e->depth);
    expr->depth = static_cast<uint16_t>(depth + (counts ? 1 : 0));
    if (expr->depth > kMaxDepth) TooDeep();
    return failed_ ? nullptr : expr;
  }

  Expr* Call(size_t offset, std::string_view function, std::span<Expr*> args) {
    Expr* call = ast_.New(Expr::Kind::kCall, offset);
    call->name = function;
    call->args = args;
    return call;
  }
  Expr* Operator(size_t offset, std::string_view name, std::initializer_list<Expr*> operands) {
    return Call(offset, name, ast_.Array(operands));
  }

  Expr* ParseExpression() {
    Depth depth(*this, expression_depth_);
    if (failed_) return nullptr;
    Expr* condition = ParseLogic(Token::kOr);
    if (failed_ || !At(Token::kQuestion)) return condition;
    size_t offset = Next().offset;
    Expr* yes = ParseLogic(Token::kOr);
    if (failed_) return nullptr;
    if (!Accept(Token::kColon)) return Unexpected("':'");
    Expr* no = ParseExpression();
    if (failed_) return nullptr;
    return Counted(Operator(offset, op::kConditional, {condition, yes, no}), true,
                   {condition, yes, no});
  }

  // A chain of || or &&, as a balanced tree so that long chains stay shallow.
  Expr* ParseLogic(Token token) {
    auto operand = [&] { return token == Token::kOr ? ParseLogic(Token::kAnd) : ParseRelation(1); };
    Expr* first = operand();
    if (failed_ || !At(token)) return first;
    std::vector<Expr*> terms = {first};
    std::vector<size_t> offsets;
    while (!failed_ && At(token)) {
      offsets.push_back(Next().offset);
      terms.push_back(operand());
    }
    if (failed_) return nullptr;
    return Balanced(token == Token::kOr ? op::kOr : op::kAnd, terms, offsets, 0,
                    static_cast<int>(offsets.size()) - 1);
  }

  Expr* Balanced(std::string_view function, const std::vector<Expr*>& terms,
                 const std::vector<size_t>& offsets, int low, int high) {
    int middle = (low + high + 1) / 2;
    Expr* left =
        middle == low ? terms[middle] : Balanced(function, terms, offsets, low, middle - 1);
    Expr* right =
        middle == high ? terms[middle + 1] : Balanced(function, terms, offsets, middle + 1, high);
    if (failed_) return nullptr;
    return Counted(Operator(offsets[middle], function, {left, right}), false, {left, right});
  }

  Expr* ParseRelation(int precedence) {
    Depth depth(*this, relation_depth_);
    if (failed_) return nullptr;
    Expr* left = ParseCalculation(1);
    while (!failed_) {
      const BinaryOperator* relation = Find(kRelations, Peek().token);
      if (relation == nullptr || relation->precedence < precedence) return left;
      depth.Step();
      size_t offset = Next().offset;
      Expr* right = ParseRelation(relation->precedence + 1);
      if (failed_) return nullptr;
      left = Counted(Operator(offset, relation->name, {left, right}), true, {left, right});
    }
    return nullptr;
  }

  Expr* ParseCalculation(int precedence) {
    Depth depth(*this, calculation_depth_);
    if (failed_) return nullptr;
    Expr* left = ParseUnary();
    while (!failed_) {
      const BinaryOperator* calculation = Find(kCalculations, Peek().token);
      if (calculation == nullptr || calculation->precedence < precedence) return left;
      depth.Step();
      size_t offset = Next().offset;
      Expr* right = ParseCalculation(calculation->precedence + 1);
      if (failed_) return nullptr;
      left = Counted(Operator(offset, calculation->name, {left, right}), true, {left, right});
    }
    return nullptr;
  }

  // Pairs of ! or - cancel out. A single minus before a number belongs to the number.
  Expr* ParseUnary() {
    Token sign = Peek().token;
    bool negative_literal =
        sign == Token::kMinus && (Peek(1).token == Token::kInt || Peek(1).token == Token::kDouble);
    if ((sign != Token::kExclamation && sign != Token::kMinus) || negative_literal)
      return ParseMember();
    size_t offset = Peek().offset;
    int count = 0;
    while (Accept(sign)) ++count;
    Expr* operand = ParseMember();
    if (failed_ || count % 2 == 0) return operand;
    return Counted(Operator(offset, sign == Token::kMinus ? op::kNegate : op::kNot, {operand}),
                   false, {operand});
  }

  Expr* ParseMember() {
    Depth depth(*this, member_depth_);
    if (failed_) return nullptr;
    Expr* operand = ParsePrimary();
    while (!failed_) {
      if (At(Token::kDot)) {
        depth.Step();
        operand = ParseSelection(operand);
      } else if (At(Token::kLeftBracket)) {
        depth.Step();
        size_t offset = Next().offset;
        bool optional = Accept(Token::kQuestion);
        Expr* index = ParseExpression();
        if (failed_) return nullptr;
        if (!Accept(Token::kRightBracket)) return Unexpected("']'");
        operand =
            Counted(Operator(offset, optional ? op::kOptionalIndex : op::kIndex, {operand, index}),
                    true, {operand, index});
      } else {
        return operand;
      }
    }
    return nullptr;
  }

  Expr* ParseSelection(Expr* operand) {
    size_t offset = Next().offset;
    bool optional = Accept(Token::kQuestion);
    if (!At(Token::kIdentifier) && !At(Token::kEscapedIdentifier))
      return Unexpected("a field name");
    const Lexeme& field = Next();
    if (field.token == Token::kEscapedIdentifier) Mistaken(field.offset, "unsupported syntax: '`'");
    if (!optional && field.token == Token::kIdentifier && At(Token::kLeftParen)) {
      size_t open = Next().offset;
      std::span<Expr*> args;
      if (!ParseArguments(args)) return nullptr;
      Expr* call = Call(open, field.text, args);
      call->member = true;
      call->target = operand;
      return Finish(call, true);
    }
    if (optional) {
      Expr* name = ast_.New(Expr::Kind::kLiteral, field.offset);
      name->literal = Value::BorrowedString(field.text);
      return Counted(Operator(offset, op::kOptionalSelect, {operand, name}), true, {operand});
    }
    Expr* select = ast_.New(Expr::Kind::kSelect, offset);
    select->name = field.text;
    select->target = operand;
    return Counted(select, true, {operand});
  }

  // After the opening parenthesis, up to and including the closing one.
  bool ParseArguments(std::span<Expr*>& args) {
    if (Accept(Token::kRightParen)) return true;
    const size_t begin = pending_.size();
    while (true) {
      Expr* arg = ParseExpression();
      if (failed_) return false;
      pending_.push_back(arg);
      if (Accept(Token::kRightParen)) break;
      if (!Accept(Token::kComma)) return Unexpected("',' or ')'") != nullptr;
    }
    args = TakePending(begin);
    return true;
  }

  // The nodes that were put aside since pending_ had `begin` of them.
  std::span<Expr*> TakePending(size_t begin) {
    std::span<Expr*> taken = ast_.Array(std::span<Expr* const>(pending_).subspan(begin));
    pending_.resize(begin);
    return taken;
  }

  // Expands a call that is a macro.
  Expr* Finish(Expr* call, bool counts) {
    if (Counted(call, counts, {call->target}, call->args) == nullptr) return nullptr;
    uint16_t depth = call->depth;
    Expr* expanded = ExpandMacro(ast_, environment_, call, mistakes_);
    if (ast_.TooBig()) return TooBig();
    expanded->depth = depth;
    return expanded;
  }

  Expr* ParsePrimary() {
    switch (Peek().token) {
      case Token::kLeftParen: {
        Next();
        Expr* inner = ParseExpression();
        if (failed_) return nullptr;
        return Accept(Token::kRightParen) ? inner : Unexpected("')'");
      }
      case Token::kLeftBracket:
        return ParseList();
      case Token::kLeftBrace:
        return ParseMap();
      case Token::kDot:
        if (Peek(1).token == Token::kIdentifier) return ParseName();
        return Unexpected("an expression");
      case Token::kIdentifier:
        return ParseName();
      default:
        return ParseLiteral();
    }
  }

  Expr* ParseName() {
    const bool absolute = Accept(Token::kDot);
    size_t ahead = 1;
    while (Peek(ahead).token == Token::kDot && Peek(ahead + 1).token == Token::kIdentifier)
      ahead += 2;
    if (Peek(ahead).token == Token::kLeftBrace) return ParseMessage(absolute ? "." : "");
    const Lexeme& word = Next();
    std::string_view name = absolute ? ast_.Keep('.' + std::string(word.text)) : word.text;
    if (IsReserved(word.text)) {
      Mistaken(word.offset, "reserved identifier: " + std::string(word.text));
    }
    if (At(Token::kLeftParen)) {
      size_t open = Next().offset;
      std::span<Expr*> args;
      if (!ParseArguments(args)) return nullptr;
      return Finish(Call(open, name, args), false);
    }
    Expr* identifier = ast_.New(Expr::Kind::kIdentifier, word.offset);
    identifier->name = name;
    return identifier;
  }

  // Type.Name{field: value}. Whether there is such a type is the checker's business.
  Expr* ParseMessage(std::string name) {
    name += Next().text;
    while (Accept(Token::kDot)) name += '.' + std::string(Next().text);
    Expr* message = ast_.New(Expr::Kind::kMessage, Next().offset);
    message->name = ast_.Keep(name);
    const size_t begin = pending_.size();
    while (!At(Token::kRightBrace)) {
      const bool optional = Accept(Token::kQuestion);
      if (!At(Token::kIdentifier) && !At(Token::kEscapedIdentifier))
        return Unexpected("a field name or '}'");
      const Lexeme& field = Next();
      if (field.token == Token::kEscapedIdentifier)
        Mistaken(field.offset, "unsupported syntax: '`'");
      Expr* name = ast_.New(Expr::Kind::kLiteral, field.offset);
      name->literal = Value::BorrowedString(field.text);
      if (!Accept(Token::kColon)) return Unexpected("':'");
      Expr* value = ParseExpression();
      if (failed_) return nullptr;
      value->optional = optional;
      pending_.push_back(name);
      pending_.push_back(value);
      if (!Accept(Token::kComma)) break;
    }
    if (!Accept(Token::kRightBrace)) return Unexpected("',' or '}'");
    message->args = TakePending(begin);
    return Counted(message, false, {}, message->args);
  }

  Expr* ParseList() {
    Expr* list = ast_.New(Expr::Kind::kList, Next().offset);
    const size_t begin = pending_.size();
    while (!At(Token::kRightBracket)) {
      if (At(Token::kComma) && pending_.size() == begin && Peek(1).token == Token::kRightBracket) {
        Next();  // [,] is an empty list
        break;
      }
      const bool optional = Accept(Token::kQuestion);
      Expr* element = ParseExpression();
      if (failed_) return nullptr;
      element->optional = optional;
      pending_.push_back(element);
      if (!Accept(Token::kComma)) break;
    }
    if (!Accept(Token::kRightBracket)) return Unexpected("',' or ']'");
    list->args = TakePending(begin);
    return Counted(list, false, {}, list->args);
  }

  Expr* ParseMap() {
    Expr* map = ast_.New(Expr::Kind::kMap, Next().offset);
    const size_t begin = pending_.size();
    while (!At(Token::kRightBrace)) {
      if (At(Token::kComma) && pending_.size() == begin && Peek(1).token == Token::kRightBrace) {
        Next();
        break;
      }
      const bool optional = Accept(Token::kQuestion);
      pending_.push_back(ParseExpression());
      if (failed_) return nullptr;
      if (!Accept(Token::kColon)) return Unexpected("':'");
      Expr* value = ParseExpression();
      if (failed_) return nullptr;
      value->optional = optional;
      pending_.push_back(value);
      if (!Accept(Token::kComma)) break;
    }
    if (!Accept(Token::kRightBrace)) return Unexpected("',' or '}'");
    map->args = TakePending(begin);
    return Counted(map, false, {}, map->args);
  }

  Expr* ParseLiteral() {
    Expr* literal = ast_.New(Expr::Kind::kLiteral, Peek().offset);
    bool negative =
        At(Token::kMinus) && (Peek(1).token == Token::kInt || Peek(1).token == Token::kDouble);
    if (negative) Next();
    if (!IsLiteral(Peek().token)) return Unexpected("an expression");
    std::string error;
    literal->literal = LiteralValue(Next(), negative, error);
    if (!error.empty()) Mistaken(literal->offset, error);
    return literal;
  }

  Ast& ast_;
  const Environment& environment_;
  std::vector<Mistake>& mistakes_;
  std::pmr::vector<Lexeme> lexemes_;
  std::pmr::vector<Expr*>
      pending_;  // elements and arguments of the aggregates and calls that are being parsed
  size_t next_ = 0;
  bool failed_ = false;
  int expression_depth_ = 0, relation_depth_ = 0, calculation_depth_ = 0, member_depth_ = 0;
};

}  // namespace

bool Parse(std::string_view source, const Environment& environment, Ast& ast,
           std::vector<Mistake>& mistakes) {
  return Parser(source, environment, ast, mistakes).Run() && mistakes.empty();
}

}  // namespace dray::cel
