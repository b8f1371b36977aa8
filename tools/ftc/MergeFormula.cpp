//===- MergeFormula.cpp - what merging an adapter gives, as a formula -------===//

#include "MergeFormula.h"

#include "ftc/Frontend/Arithmetic.h"
#include "ftc/Frontend/Walk.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace ftc;
using namespace ftc::ast;
using llvm::StringRef;

/// What is written, on one line.
static std::string rawText(llvm::SMRange range) {
  StringRef written(range.Start.getPointer(), size_t(range.End.getPointer() - range.Start.getPointer()));
  std::string text;
  llvm::SmallVector<StringRef> lines;
  written.split(lines, '\n');
  for (StringRef line : lines)
    for (StringRef word : llvm::split(line.take_front(line.find("//")).trim(), ' '))
      if (!word.empty())
        text += (text.empty() ? "" : " ") + word.str();
  return text;
}

std::string ftc::sourceText(llvm::SMRange range) {
  std::string text = rawText(range);
  // The range of an expression leaves out parentheses around its first and its last operand.
  std::string before, after;
  for (char c : text)
    if (c == '(')
      after += ')';
    else if (c == ')' && !after.empty())
      after.pop_back();
    else if (c == ')')
      before += '(';
  return before + text + after;
}

namespace {
/// A formula: `linear` times x, plus `rest`. Empty texts are 0; a linear part of "I" is x itself.
struct Term {
  std::string linear, rest;
  std::string problem = ""; ///< why there is no formula
  llvm::SMRange at = {};    ///< where
  bool affine = false;      ///< the problem is that of the formula alone

  bool dependsOnX() const { return !linear.empty(); }
};

/// The names that stand in an expression.
struct UsedNames : Walk {
  std::vector<const NameExpr *> names;
  void enterExpr(const Expr &expr) override {
    if (auto *name = llvm::dyn_cast<NameExpr>(&expr))
      names.push_back(name);
  }
};

/// Names that stand for something else than themselves.
using Names = llvm::StringMap<Term>;

class Derivation {
public:
  explicit Derivation(const Definition &definition) : definition(definition) {}
  std::optional<MergeFormula> derive();

private:
  Term eval(const Expr &expr, const Names &names);
  Term evalName(const NameExpr &expr, const Names &names);
  Term evalBinary(const BinaryExpr &expr, const Names &names);
  Term evalContraction(const BinaryExpr &expr, const Term &lhs, const Term &rhs);
  Term evalCall(const CallExpr &expr, const Names &names);
  Term evalIf(const IfExpr &expr, const Names &names);
  Term evalIndex(const IndexExpr &expr, const Names &names);
  Term evalEquation(const Equation &equation, Names names);
  const Equation *find(StringRef name) const;
  bool isOn(StringRef kind) const { return definition.site && definition.site->name.text == kind; }
  bool hasBias() const { return isOn("linear"); }

  const Definition &definition;
  unsigned depth = 0;
};
} // namespace

static Term constant(std::string text) { return {"", std::move(text), ""}; }
static Term failure(std::string problem, llvm::SMRange at, bool affine = false) {
  return {"", "", std::move(problem), at, affine};
}

/// The first problem of two terms, if they have one.
static std::optional<Term> problemOf(const Term &a, const Term &b) {
  if (!a.problem.empty())
    return a;
  return b.problem.empty() ? std::nullopt : std::optional(b);
}

/// Whether a text binds looser than a product: a sum or a choice outside of all brackets.
static bool isLoose(StringRef text) {
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    depth += (text[i] == '(' || text[i] == '[') - (text[i] == ')' || text[i] == ']');
    if (depth == 0 && (text.substr(i).starts_with(" + ") || text.substr(i).starts_with(" - ")))
      return true;
  }
  return text.starts_with("if ");
}

static bool isAtom(StringRef text) {
  int depth = 0;
  for (char c : text) {
    depth += (c == '(' || c == '[') - (c == ')' || c == ']');
    if (depth == 0 && c == ' ')
      return false;
  }
  return true;
}

static std::string wrapped(StringRef text, bool wrap) { return wrap ? ("(" + text + ")").str() : text.str(); }

static std::string sum(const std::string &a, const std::string &b, bool minus) {
  if (b.empty())
    return a;
  std::string right = wrapped(b, minus && isLoose(b));
  if (a.empty())
    return minus ? "-" + wrapped(b, !isAtom(b)) : b;
  return a + (minus ? " - " : " + ") + right;
}

/// `a op b` of two texts, 0 where one is; operands that are not single things are put into brackets.
static std::string product(const std::string &a, StringRef op, const std::string &b) {
  if (a.empty() || b.empty())
    return "";
  bool tight = op.starts_with("@") || StringRef(a).contains(" / ");
  return wrapped(a, tight ? !isAtom(a) : isLoose(a)) + " " + op.str() + " " + wrapped(b, !isAtom(b));
}

const Equation *Derivation::find(StringRef name) const {
  for (const ItemPtr &item : definition.body)
    if (const auto *equation = llvm::dyn_cast<EquationItem>(item.get());
        equation && equation->equation.targets.size() == 1 && equation->equation.targets.front().text == name)
      return &equation->equation;
  return nullptr;
}

/// The value of an equation whose arguments are `names`. A name of its `where` that does not depend on x stays one.
Term Derivation::evalEquation(const Equation &equation, Names names) {
  static constexpr unsigned mostCalls = 100;
  if (depth == mostCalls)
    return failure("'" + equation.targets.front().text + "' calls itself", equation.range);
  ++depth;
  // The order of the names means nothing: after as many rounds as there are names each has been found from the others.
  for (size_t round = 0; round < equation.where.size(); ++round)
    for (const Equation &local : equation.where) {
      if (local.arguments)
        continue;
      Term value = eval(*local.value, names);
      if (!value.dependsOnX() && value.problem.empty())
        continue;
      if (local.targets.size() > 1 && value.problem.empty())
        value = failure("a function of the input is taken apart: the formula is not written out", local.range, true);
      for (const Name &target : local.targets)
        names[target.text] = value;
    }
  Term result = eval(*equation.value, names);
  --depth;
  return result;
}

Term Derivation::evalName(const NameExpr &expr, const Names &names) {
  if (auto found = names.find(expr.name); found != names.end())
    return found->second;
  const Equation *equation = find(expr.name);
  if (!equation || equation->arguments)
    return constant(expr.name);
  Term value = evalEquation(*equation, {});
  return value.dependsOnX() || !value.problem.empty() ? value : constant(expr.name);
}

/// `A @ B`, where the side that depends on x is first or second.
Term Derivation::evalContraction(const BinaryExpr &expr, const Term &lhs, const Term &rhs) {
  std::string op = sourceText(expr.opRange);
  auto times = [&](const std::string &a, const std::string &b) {
    return a == "I" ? b : b == "I" ? a : product(a, op, b);
  };
  return {lhs.dependsOnX() ? times(lhs.linear, rhs.rest) : times(lhs.rest, rhs.linear), product(lhs.rest, op, rhs.rest),
          ""};
}

Term Derivation::evalBinary(const BinaryExpr &expr, const Names &names) {
  Term lhs = eval(*expr.lhs, names), rhs = eval(*expr.rhs, names);
  if (auto problem = problemOf(lhs, rhs))
    return *problem;
  if (!lhs.dependsOnX() && !rhs.dependsOnX()) {
    if (expr.op == BinaryOp::Add || expr.op == BinaryOp::Sub)
      return constant(sum(lhs.rest, rhs.rest, expr.op == BinaryOp::Sub));
    bool isProduct = expr.op == BinaryOp::Mul || expr.op == BinaryOp::Div;
    return constant(isProduct ? product(lhs.rest, spelling(expr.op), rhs.rest) : sourceText(expr.range));
  }
  if (expr.op == BinaryOp::Add || expr.op == BinaryOp::Sub)
    return {sum(lhs.linear, rhs.linear, expr.op == BinaryOp::Sub), sum(lhs.rest, rhs.rest, expr.op == BinaryOp::Sub),
            ""};
  if (lhs.dependsOnX() && rhs.dependsOnX())
    return failure("a product of two functions of 'x'", expr.range);
  if (expr.op == BinaryOp::Contract)
    return evalContraction(expr, lhs, rhs);
  if (expr.op == BinaryOp::Mul || (expr.op == BinaryOp::Div && lhs.dependsOnX())) {
    StringRef op = spelling(expr.op);
    return {lhs.dependsOnX() ? product(lhs.linear, op, rhs.rest) : product(lhs.rest, op, rhs.linear),
            product(lhs.rest, op, rhs.rest), ""};
  }
  return failure("'" + sourceText(expr.opRange) + "' of a function of 'x'", expr.range);
}

Term Derivation::evalIf(const IfExpr &expr, const Names &names) {
  // Merging is not training.
  if (const auto *name = llvm::dyn_cast<NameExpr>(expr.condition.get()); name && name->name == "training")
    return eval(*expr.elseValue, names);
  Term condition = eval(*expr.condition, names), yes = eval(*expr.thenValue, names), no = eval(*expr.elseValue, names);
  if (condition.dependsOnX() || !condition.problem.empty())
    return failure("a choice by a function of 'x'", expr.range);
  if (auto problem = problemOf(yes, no))
    return *problem;
  auto choice = [&](const std::string &a, const std::string &b) {
    if (a == b)
      return a;
    return "(if " + condition.rest + " then " + (a.empty() ? "0" : a) + " else " + (b.empty() ? "0" : b) + ")";
  };
  return {choice(yes.linear, no.linear), choice(yes.rest, no.rest), ""};
}

/// An entry of a tensor; of a table at the row that x chooses, the table.
Term Derivation::evalIndex(const IndexExpr &expr, const Names &names) {
  Term base = eval(*expr.base, names);
  for (const Argument &index : expr.indices) {
    Term place = eval(*index.value, names);
    if (place.linear == "I" && !base.dependsOnX() && expr.indices.size() == 1)
      return {base.rest, "", ""};
    if (place.dependsOnX() || !place.problem.empty())
      return failure("an index that is a function of 'x'", expr.range);
  }
  if (!base.dependsOnX() || !base.problem.empty())
    return base.problem.empty() ? constant(sourceText(expr.range)) : base;
  std::string rest = rawText({expr.base->range.End, expr.range.End});
  auto picked = [&](const std::string &text) { return text.empty() ? "" : wrapped(text, !isAtom(text)) + rest; };
  return {picked(base.linear), picked(base.rest), ""};
}

Term Derivation::evalCall(const CallExpr &expr, const Names &names) {
  const auto *callee = llvm::dyn_cast<NameExpr>(expr.callee.get());
  StringRef name = callee ? StringRef(callee->name) : StringRef();
  for (const Argument &argument : expr.arguments)
    if (argument.name.text == "like")
      return constant(""); // chance is 0 outside training
  if (const Equation *equation = find(name);
      equation && equation->arguments && equation->arguments->size() == expr.arguments.size()) {
    Names arguments;
    for (auto [parameter, argument] : llvm::zip_equal(*equation->arguments, expr.arguments))
      arguments[parameter.text] = eval(*argument.value, names);
    Term value = evalEquation(*equation, std::move(arguments));
    return value.dependsOnX() || !value.problem.empty() ? value : constant(sourceText(expr.range));
  }
  Term first = expr.arguments.empty() ? constant("") : eval(*expr.arguments.front().value, names);
  bool others = llvm::any_of(llvm::drop_begin(expr.arguments, expr.arguments.empty() ? 0 : 1),
                             [&](const Argument &argument) { return eval(*argument.value, names).dependsOnX(); });
  if (!first.problem.empty())
    return first;
  if (!first.dependsOnX() && !others)
    return constant(sourceText(expr.range));
  if (name == "base" && !others)
    return {first.linear == "I" ? "W" : product("W", "@", first.linear),
            sum(product("W", "@", first.rest), hasBias() ? "bias" : "", false), ""};
  if ((name == "drop" || name == "stop_gradient") && !others)
    return first;
  static const llvm::StringSet<> linear = {"split", "rename", "roll", "reverse", "sum", "mean", "fft", "ifft", "real"};
  if (linear.contains(name) && !others) {
    std::string rest;
    for (const Argument &argument : llvm::drop_begin(expr.arguments))
      rest += ", " + sourceText(argument.range);
    auto applied = [&](const std::string &text) { return text.empty() ? "" : name.str() + "(" + text + rest + ")"; };
    return {applied(first.linear), applied(first.rest), ""};
  }
  if (name == "join" || name == "stack")
    return failure("parts of the input are put together: the formula is not written out", expr.range, true);
  return failure("'" + (name.empty() ? sourceText(expr.callee->range) : name.str()) + "' of a function of 'x'",
                 expr.range);
}

Term Derivation::eval(const Expr &expr, const Names &names) {
  if (const auto *name = llvm::dyn_cast<NameExpr>(&expr))
    return evalName(*name, names);
  if (const auto *binary = llvm::dyn_cast<BinaryExpr>(&expr))
    return evalBinary(*binary, names);
  if (const auto *call = llvm::dyn_cast<CallExpr>(&expr))
    return evalCall(*call, names);
  if (const auto *choice = llvm::dyn_cast<IfExpr>(&expr))
    return evalIf(*choice, names);
  if (const auto *index = llvm::dyn_cast<IndexExpr>(&expr))
    return evalIndex(*index, names);
  if (const auto *unary = llvm::dyn_cast<UnaryExpr>(&expr); unary && unary->op == UnaryOp::Minus) {
    Term operand = eval(*unary->operand, names);
    return operand.problem.empty() ? Term{sum("", operand.linear, true), sum("", operand.rest, true), ""} : operand;
  }
  if (const auto *integer = llvm::dyn_cast<IntegerExpr>(&expr); integer && integer->value == 0)
    return constant("");
  // Of the rest it is known only whether it has to do with x.
  UsedNames used;
  used.expr(&expr);
  for (const NameExpr *name : used.names)
    if (Term value = evalName(*name, names); value.dependsOnX() || !value.problem.empty())
      return failure("a function of the input is written in a form that has no formula here", expr.range, true);
  return constant(sourceText(expr.range));
}

std::optional<MergeFormula> Derivation::derive() {
  const Equation *forward = find("forward");
  if (!forward || !forward->arguments || forward->arguments->empty())
    return std::nullopt;
  if (!isOn("linear") && !isOn("embedding"))
    return MergeFormula{"", "", "a site of this kind has no weight to merge into", {}, true};
  Names names;
  names[forward->arguments->front().text] = {"I", "", ""};
  Term result = evalEquation(*forward, names);
  if (!result.problem.empty())
    return MergeFormula{"", "", result.problem, result.at, result.affine};
  MergeFormula formula{result.dependsOnX() ? result.linear : "0", result.rest, "", {}, true};
  for (const Equation &local : forward->where)
    if (local.targets.size() == 1 && !local.arguments && !eval(*local.value, names).dependsOnX())
      formula.weight += (StringRef(formula.weight).contains(" where ") ? ", " : " where ") + sourceText(local.range);
  return formula;
}

std::optional<MergeFormula> ftc::mergeFormula(const ast::Definition &definition) {
  return Derivation(definition).derive();
}
