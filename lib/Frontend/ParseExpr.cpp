//===- ParseExpr.cpp - expressions ----------------------------------------===//
//
// Precedence, loosest first: if, ??, or, and, not and comparisons, + -, * / %,
// @, unary minus, ^, postfix.
//
//===----------------------------------------------------------------------===//

#include "ParserImpl.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace ftc;
using namespace ftc::ast;
using llvm::SMRange;
using llvm::StringRef;

ExprPtr Parser::finish(ExprPtr node, unsigned childHeight) {
  node->height = childHeight + 1;
  if (node->height <= SourceLimits::treeHeight)
    return node;
  diags.report(Diag::FormulaTooLong, node->range, SourceLimits::treeHeight);
  return nullptr;
}

ExprPtr Parser::binary(BinaryOp op, ExprPtr lhs, ExprPtr rhs, SMRange opRange) {
  auto node = std::make_unique<BinaryExpr>(SMRange(lhs->range.Start, rhs->range.End));
  unsigned height = std::max(lhs->height, rhs->height);
  node->op = op;
  node->opRange = opRange;
  node->lhs = std::move(lhs);
  node->rhs = std::move(rhs);
  return finish(std::move(node), height);
}

ExprPtr Parser::parseExpr() {
  if (++depth > SourceLimits::nesting) {
    diags.report(Diag::NestingTooDeep, range(token()), SourceLimits::nesting);
    --depth;
    return nullptr;
  }
  llvm::scope_exit leave([&] { --depth; });
  return isWord("if") ? parseIf() : parseEither();
}

ExprPtr Parser::parseIf() {
  size_t start = at++;
  ExprPtr condition = parseExpr();
  if (!condition || !expectWord("then"))
    return nullptr;
  ExprPtr thenValue = parseExpr();
  if (!thenValue || !expectWord("else"))
    return nullptr;
  ExprPtr elseValue = parseExpr();
  if (!elseValue)
    return nullptr;
  auto node = std::make_unique<IfExpr>(rangeFrom(start));
  unsigned height = std::max({condition->height, thenValue->height, elseValue->height});
  node->condition = std::move(condition);
  node->thenValue = std::move(thenValue);
  node->elseValue = std::move(elseValue);
  return finish(std::move(node), height);
}

ExprPtr Parser::parseChain(Level next, llvm::function_ref<std::optional<BinaryOp>()> op) {
  ExprPtr left = (this->*next)();
  while (left) {
    std::optional<BinaryOp> found = op();
    if (!found)
      break;
    SMRange opRange = range(token());
    ++at;
    ExprPtr right = (this->*next)();
    if (!right)
      return nullptr;
    left = binary(*found, std::move(left), std::move(right), opRange);
  }
  return left;
}

ExprPtr Parser::parseEither() {
  return parseChain(&Parser::parseAny, [&]() -> std::optional<BinaryOp> {
    return is(TokenKind::QuestionQuestion) ? std::optional(BinaryOp::Coalesce) : std::nullopt;
  });
}

ExprPtr Parser::parseAny() {
  return parseChain(&Parser::parseAll, [&]() -> std::optional<BinaryOp> {
    return isWord("or") ? std::optional(BinaryOp::Or) : std::nullopt;
  });
}

ExprPtr Parser::parseAll() {
  return parseChain(&Parser::parseTruth, [&]() -> std::optional<BinaryOp> {
    return isWord("and") ? std::optional(BinaryOp::And) : std::nullopt;
  });
}

static std::optional<BinaryOp> comparison(TokenKind kind) {
  switch (kind) {
  case TokenKind::EqualEqual:
    return BinaryOp::Eq;
  case TokenKind::NotEqual:
    return BinaryOp::Ne;
  case TokenKind::Less:
    return BinaryOp::Lt;
  case TokenKind::LessEqual:
    return BinaryOp::Le;
  case TokenKind::Greater:
    return BinaryOp::Gt;
  case TokenKind::GreaterEqual:
    return BinaryOp::Ge;
  default:
    return std::nullopt;
  }
}

ExprPtr Parser::parseTruth() {
  // A row of `not` is a loop, so that its length is bounded by the tree's height alone.
  std::vector<size_t> starts;
  for (; isWord("not"); ++at)
    starts.push_back(at);
  ExprPtr value = parseSum();
  if (!value)
    return nullptr;
  if (auto op = comparison(token().kind)) {
    SMRange opRange = range(token());
    ++at;
    ExprPtr right = parseSum();
    if (!right)
      return nullptr;
    value = binary(*op, std::move(value), std::move(right), opRange);
  }
  while (value && !starts.empty()) {
    auto node = std::make_unique<UnaryExpr>(rangeFrom(starts.back()));
    starts.pop_back();
    unsigned height = value->height;
    node->op = UnaryOp::Not;
    node->operand = std::move(value);
    value = finish(std::move(node), height);
  }
  return value;
}

ExprPtr Parser::parseSum() {
  return parseChain(&Parser::parseProduct, [&]() -> std::optional<BinaryOp> {
    return is(TokenKind::Plus)    ? std::optional(BinaryOp::Add)
           : is(TokenKind::Minus) ? std::optional(BinaryOp::Sub)
                                  : std::nullopt;
  });
}

ExprPtr Parser::parseProduct() {
  return parseChain(&Parser::parseContract, [&]() -> std::optional<BinaryOp> {
    return is(TokenKind::Star)      ? std::optional(BinaryOp::Mul)
           : is(TokenKind::Slash)   ? std::optional(BinaryOp::Div)
           : is(TokenKind::Percent) ? std::optional(BinaryOp::Rem)
                                    : std::nullopt;
  });
}

ExprPtr Parser::parseContract() {
  ExprPtr left = parseUnary();
  while (left && (is(TokenKind::At) || is(TokenKind::AtBracket))) {
    size_t start = at;
    std::vector<Name> over;
    if (consumeIf(TokenKind::AtBracket)) {
      if (!parseNames(over) || !expect(TokenKind::RightBracket, "',' or ']'"))
        return nullptr;
    } else {
      ++at;
    }
    SMRange opRange = rangeFrom(start);
    ExprPtr right = parseUnary();
    if (!right)
      return nullptr;
    left = binary(BinaryOp::Contract, std::move(left), std::move(right), opRange);
    if (left)
      llvm::cast<BinaryExpr>(*left).over = std::move(over);
  }
  return left;
}

ExprPtr Parser::parseUnary() {
  if (!is(TokenKind::Minus))
    return parsePower();
  std::vector<size_t> starts;
  for (; is(TokenKind::Minus); ++at)
    starts.push_back(at);
  ExprPtr value = parsePower();
  while (value && !starts.empty()) {
    auto node = std::make_unique<UnaryExpr>(rangeFrom(starts.back()));
    starts.pop_back();
    unsigned height = value->height;
    node->operand = std::move(value);
    value = finish(std::move(node), height);
  }
  return value;
}

ExprPtr Parser::parsePower() {
  ExprPtr base = parsePostfix();
  if (!base || !is(TokenKind::Caret))
    return base;
  SMRange opRange = range(token());
  ++at;
  // To the right: `a ^ b ^ c` is `a ^ (b ^ c)`.
  if (++depth > SourceLimits::nesting) {
    diags.report(Diag::NestingTooDeep, range(token()), SourceLimits::nesting);
    --depth;
    return nullptr;
  }
  ExprPtr exponent = parseUnary();
  --depth;
  return exponent ? binary(BinaryOp::Pow, std::move(base), std::move(exponent), opRange) : nullptr;
}

//===----------------------------------------------------------------------===//
// Postfix forms and arguments
//===----------------------------------------------------------------------===//

static unsigned heightOf(const std::vector<Argument> &arguments) {
  unsigned height = 0;
  for (const Argument &argument : arguments)
    height = std::max(height, argument.value->height);
  return height;
}

static unsigned heightOf(const std::vector<Equation> &equations) {
  unsigned height = 0;
  for (const Equation &equation : equations)
    height = std::max({height, equation.value->height, heightOf(equation.where)});
  return height;
}

ExprPtr Parser::parsePostfix() {
  size_t start = at;
  ExprPtr value = parseAtom();
  while (value) {
    unsigned height = value->height;
    if (consumeIf(TokenKind::LeftParen)) {
      auto node = std::make_unique<CallExpr>(value->range);
      node->callee = std::move(value);
      if (!parseArguments(TokenKind::RightParen, ")", node->arguments))
        return nullptr;
      node->range = rangeFrom(start);
      height = std::max(height, heightOf(node->arguments));
      value = finish(std::move(node), height);
    } else if (consumeIf(TokenKind::LeftBracket)) {
      auto node = std::make_unique<IndexExpr>(value->range);
      node->base = std::move(value);
      if (!parseArguments(TokenKind::RightBracket, "]", node->indices))
        return nullptr;
      node->range = rangeFrom(start);
      height = std::max(height, heightOf(node->indices));
      value = finish(std::move(node), height);
    } else if (consumeIf(TokenKind::Dot)) {
      auto node = std::make_unique<MemberExpr>(value->range);
      node->base = std::move(value);
      if (!parseName(node->member, "the name of a member"))
        return nullptr;
      node->range = rangeFrom(start);
      value = finish(std::move(node), height);
    } else {
      break;
    }
  }
  return value;
}

bool Parser::parseArguments(TokenKind close, StringRef closeText, std::vector<Argument> &arguments) {
  return parseList(close, closeText, "arguments", [&] { return parseArgument(arguments.emplace_back()); });
}

bool Parser::parseArgument(Argument &argument) {
  size_t start = at;
  if (is(TokenKind::Name) && is(TokenKind::Colon, 1)) {
    if (!parseName(argument.name))
      return false;
    ++at;
  }
  argument.value = parseValue();
  argument.range = rangeFrom(start);
  return argument.value != nullptr;
}

/// `expr [("->" | "..") expr]`
ExprPtr Parser::parseValue() {
  ExprPtr from = parseExpr();
  if (!from || (!is(TokenKind::Arrow) && !is(TokenKind::DotDot)))
    return from;
  bool arrow = is(TokenKind::Arrow);
  ++at;
  ExprPtr to = parseExpr();
  if (!to)
    return nullptr;
  SMRange whole(from->range.Start, to->range.End);
  unsigned height = std::max(from->height, to->height);
  if (arrow) {
    auto node = std::make_unique<ArrowExpr>(whole);
    node->from = std::move(from);
    node->to = std::move(to);
    return finish(std::move(node), height);
  }
  auto node = std::make_unique<RangeExpr>(whole);
  node->from = std::move(from);
  node->to = std::move(to);
  return finish(std::move(node), height);
}

//===----------------------------------------------------------------------===//
// Atoms
//===----------------------------------------------------------------------===//

ExprPtr Parser::parseAtom() {
  switch (token().kind) {
  case TokenKind::Integer:
  case TokenKind::Number:
  case TokenKind::Quantity:
  case TokenKind::Extent:
    return parseNumeric();
  case TokenKind::String: {
    auto node = std::make_unique<StringExpr>(range(token()));
    parseString(node->value, "a string");
    return node;
  }
  case TokenKind::Name: {
    if (isWord("fold"))
      return parseFold();
    if (isVerb(word()) && is(TokenKind::Name, 1) && !token(1).firstOnLine && is(TokenKind::LeftBrace, 2)) {
      diags.report(Diag::MisplacedVerb, range(token()), word()).help("bind it to a name first");
      return nullptr;
    }
    Name name;
    auto node = std::make_unique<NameExpr>(range(token()));
    if (!parseName(name))
      return nullptr;
    node->name = std::move(name.text);
    return node;
  }
  case TokenKind::LeftBrace:
    return parseMap();
  case TokenKind::LeftBracket:
    return parseListExpr();
  case TokenKind::LeftParen:
    return parseParenthesised();
  default:
    fail("an expression");
    return nullptr;
  }
}

static std::optional<Unit> unitOf(StringRef text) {
  static constexpr struct {
    StringRef text;
    Unit unit;
  } table[] = {{"%", Unit::Percent}, {"KiB", Unit::KiB},     {"MiB", Unit::MiB},      {"GiB", Unit::GiB},
               {"TiB", Unit::TiB},   {"KB", Unit::KB},       {"MB", Unit::MB},        {"GB", Unit::GB},
               {"TB", Unit::TB},     {"steps", Unit::Steps}, {"epochs", Unit::Epochs}};
  for (const auto &entry : table)
    if (entry.text == text)
      return entry.unit;
  return std::nullopt;
}

ExprPtr Parser::parseNumeric() {
  const Token &number = token();
  StringRef written = spelling(number);
  SMRange where = range(number);
  ++at;
  auto tooLarge = [&](StringRef part) -> ExprPtr {
    diags.report(Diag::NumberOutOfRange, where, part.size() > 40 ? part.take_front(40).str() + "..." : part.str());
    return nullptr;
  };
  if (number.kind == TokenKind::Integer) {
    auto node = std::make_unique<IntegerExpr>(where);
    return written.getAsInteger(10, node->value) ? tooLarge(written) : std::move(node);
  }
  if (number.kind == TokenKind::Extent) {
    auto node = std::make_unique<ExtentExpr>(where);
    auto [first, second] = written.split('x');
    if (first.trim().getAsInteger(10, node->first) || second.trim().getAsInteger(10, node->second))
      return tooLarge(written);
    return node;
  }
  StringRef digits = written.take_while([](char c) { return llvm::isDigit(c) || StringRef("+-.eE").contains(c); });
  if (number.kind == TokenKind::Quantity) // The `e` of `2epochs` belongs to the unit.
    digits = digits.rtrim("eE");
  double value = 0;
  if (digits.getAsDouble(value) || !std::isfinite(value))
    return tooLarge(digits);
  if (number.kind == TokenKind::Number) {
    auto node = std::make_unique<NumberExpr>(where);
    node->value = value;
    return node;
  }
  auto node = std::make_unique<QuantityExpr>(where);
  node->value = value;
  node->unit = *unitOf(written.drop_front(digits.size()).trim());
  return node;
}

/// `(e)`, `(a, b)`, `(e where ...)`
ExprPtr Parser::parseParenthesised() {
  size_t start = at++;
  auto node = std::make_unique<TupleExpr>(range(tokens[start]));
  unsigned height = 0;
  do {
    ExprPtr value = parseExpr();
    if (!value || !withinLimit(node->values.size(), "values in parentheses"))
      return nullptr;
    height = std::max(height, value->height);
    node->values.push_back(std::move(value));
  } while (consumeIf(TokenKind::Comma));
  if (isWord("where") && !parseWhere(node->where))
    return nullptr;
  if (!expect(TokenKind::RightParen, "',' or ')'"))
    return nullptr;
  if (node->values.size() == 1 && node->where.empty())
    return std::move(node->values.front());
  node->range = rangeFrom(start);
  height = std::max(height, heightOf(node->where));
  return finish(std::move(node), height);
}

ExprPtr Parser::parseListExpr() {
  size_t start = at++;
  auto node = std::make_unique<ListExpr>(range(tokens[start]));
  unsigned height = 0;
  bool sound = parseList(TokenKind::RightBracket, "]", "values in a list", [&] {
    ExprPtr value = parseValue();
    if (!value)
      return false;
    height = std::max(height, value->height);
    node->values.push_back(std::move(value));
    return true;
  });
  if (!sound)
    return nullptr;
  node->range = rangeFrom(start);
  return finish(std::move(node), height);
}

ExprPtr Parser::parseFold() {
  size_t start = at++;
  auto node = std::make_unique<FoldExpr>(range(tokens[start]));
  if (!expect(TokenKind::LeftParen, "'('"))
    return nullptr;
  unsigned height = 0;
  while (!(isWord("over") && is(TokenKind::Colon, 1))) {
    size_t first = at;
    FoldExpr::Binding &binding = node->bindings.emplace_back();
    if (!parsePattern(binding.targets) || !expect(TokenKind::Equal, "'='") || !(binding.value = parseExpr()))
      return nullptr;
    height = std::max(height, binding.value->height);
    binding.range = rangeFrom(first);
    if (!withinLimit(node->bindings.size(), "values of a fold") || !expect(TokenKind::Comma, "',' and 'over:'"))
      return nullptr;
  }
  at += 2;
  if (!parseName(node->over, "the name of a dimension") || !expect(TokenKind::RightParen, "')'") ||
      !expect(TokenKind::LeftBrace, "'{'") || !(node->body = parseExpr()))
    return nullptr;
  if (isWord("where") && !parseWhere(node->where))
    return nullptr;
  if (!expect(TokenKind::RightBrace, "'}'"))
    return nullptr;
  node->range = rangeFrom(start);
  height = std::max({height, node->body->height, heightOf(node->where)});
  return finish(std::move(node), height);
}

//===----------------------------------------------------------------------===//
// where
//===----------------------------------------------------------------------===//

/// `e where ...` is `(e where ...)`.
bool Parser::addWhere(ExprPtr &value) {
  auto node = std::make_unique<TupleExpr>(value->range);
  unsigned height = value->height;
  node->values.push_back(std::move(value));
  if (!parseWhere(node->where))
    return false;
  height = std::max(height, heightOf(node->where));
  value = finish(std::move(node), height);
  return value != nullptr;
}

bool Parser::parseWhere(std::vector<Equation> &where) {
  ++at;
  do {
    if (!parseLocal(where.emplace_back()) || !withinLimit(where.size(), "names after 'where'"))
      return false;
  } while (consumeIf(TokenKind::Comma));
  return true;
}

/// `name = e`, `name(x) = e`, `name: type = e`, `(a, b) = e`
bool Parser::parseLocal(Equation &local) {
  size_t start = at;
  if (!parsePattern(local.targets))
    return false;
  bool single = local.targets.size() == 1;
  if (single && consumeIf(TokenKind::LeftParen)) {
    local.arguments.emplace();
    if (!parseList(TokenKind::RightParen, ")", "arguments", [&] { return parseName(local.arguments->emplace_back()); }))
      return false;
  } else if (single && consumeIf(TokenKind::Colon)) {
    if (!parseType(local.type.emplace()))
      return false;
  }
  if (!expect(TokenKind::Equal, "'='") || !(local.value = parseExpr()))
    return false;
  local.range = rangeFrom(start);
  return true;
}

/// `name` or `(a, b)`
bool Parser::parsePattern(std::vector<Name> &targets) {
  if (!consumeIf(TokenKind::LeftParen))
    return parseName(targets.emplace_back());
  return parseNames(targets) && expect(TokenKind::RightParen, "',' or ')'");
}
