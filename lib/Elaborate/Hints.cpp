//===- Hints.cpp ----------------------------------------------------------===//

#include "Hints.h"

using namespace ftc;
using namespace ftc::elaborate;

/// An operand as it is written, in brackets if it is more than one thing.
static std::string written(const ast::Expr &expr, bool bracketed = false) {
  std::string text(expr.range.Start.getPointer(), expr.range.End.getPointer());
  return bracketed ? "(" + text + ")" : text;
}

/// The only ordinary dimension that both lists have, or null.
static Dim onlyShared(llvm::ArrayRef<Dim> a, llvm::ArrayRef<Dim> b) {
  Dim found = nullptr;
  for (Dim dim : a)
    if (dim->role == DimRole::Ordinary && indexOf(b, dim) >= 0) {
      if (found)
        return nullptr;
      found = dim;
    }
  return found;
}

/// The dimensions of `a @ b`; none if it does not say which to sum over.
static std::optional<Dims> contractedDims(llvm::ArrayRef<Dim> a, llvm::ArrayRef<Dim> b) {
  Dim shared = onlyShared(a, b);
  if (!shared)
    return std::nullopt;
  Dims dims = unite(a, b);
  llvm::erase(dims, shared);
  return dims;
}

void ftc::elaborate::hintAtContraction(Evaluator &evaluator, Diagnostics::Builder &message, const ast::BinaryExpr &expr,
                                       const Tensor &lhs, const Tensor &rhs, Scope &scope) {
  // (P @ Q) @ x, where P @ (Q @ x) goes.
  auto *product = llvm::dyn_cast<ast::BinaryExpr>(&*expr.lhs);
  if (product && product->op == ast::BinaryOp::Contract && product->over.empty()) {
    Value left = evaluator.eval(*product->lhs, scope), right = evaluator.eval(*product->rhs, scope);
    auto *p = left.as<Tensor>(), *q = right.as<Tensor>();
    std::optional<Dims> inner = p && q ? contractedDims(q->dims, rhs.dims) : std::nullopt;
    if (inner && onlyShared(p->dims, *inner)) {
      message.help("did you mean `" + written(*product->lhs) + " @ (" + written(*product->rhs) + " @ " +
                   written(*expr.rhs) + ")`?");
      return;
    }
  }
  if (hintAtPrecedence(evaluator.diags(), message, expr))
    return;
  // B @ x, where B @ (A @ x) goes.
  for (const AdapterTensor *tensor : evaluator.within ? llvm::ArrayRef<AdapterTensor *>(evaluator.within->tensors)
                                                      : llvm::ArrayRef<AdapterTensor *>()) {
    std::optional<Dims> inner = contractedDims(tensor->dims, rhs.dims);
    if (!inner || !onlyShared(lhs.dims, *inner))
      continue;
    bool simple = llvm::isa<ast::NameExpr>(*expr.rhs);
    message.help("did you mean `" + written(*expr.lhs) + " @ (" + tensor->parameter.str() + " @ " +
                 written(*expr.rhs, !simple) + ")`?");
    return;
  }
  message.help("`@` sums over the one dimension that both sides have; rename or reshape one of them");
}

bool ftc::elaborate::hintAtPrecedence(Diagnostics &diags, Diagnostics::Builder &message, const ast::BinaryExpr &expr) {
  unsigned buffer = diags.sourceManager().FindBufferContainingLoc(expr.range.Start);
  if (!buffer)
    return false;
  const char *begin = diags.sourceManager().getMemoryBuffer(buffer)->getBufferStart();
  llvm::StringRef before(begin, size_t(expr.range.Start.getPointer() - begin));
  before = before.rtrim();
  bool stands = before.ends_with("/") || before.ends_with("%");
  if (stands)
    message.help("`@` binds tighter than `" + before.take_back(1) +
                 "`, so this is what stands behind it: put what comes before `@` in brackets");
  return stands;
}

void ftc::elaborate::hintAtOtherNotation(Diagnostics::Builder &message, llvm::StringRef name) {
  static constexpr std::pair<llvm::StringLiteral, llvm::StringLiteral> notations[] = {
      {"T", "dimensions have names, so `@` needs no transpose: `A @ x` sums over the one that both have"},
      {"transpose", "dimensions have names, so `@` needs no transpose: `A @ x` sums over the one that both have"},
      {"permute", "dimensions have names: their order means nothing"},
      {"matmul", "a product is written `A @ x`"},
      {"einsum", "a product is written `A @ x`, or `A @[d] x` where several dimensions are shared"},
      {"bmm", "a product is written `A @ x`; dimensions that both sides have and that are not summed over are a batch"},
      {"reshape", "`split(x, in -> (heads, d))` and `join(x, (heads, d) -> out)` reshape"},
      {"view", "`split(x, in -> (heads, d))` and `join(x, (heads, d) -> out)` reshape"},
      {"concat", "`join(a, b, p + q -> whole)` puts tensors one behind the other"},
      {"cat", "`join(a, b, p + q -> whole)` puts tensors one behind the other"},
      {"chunk", "`split(x, in -> p + q)` cuts a tensor into parts"},
      {"shape", "a dimension's name is its size: `in`, `rank`"},
      {"where", "a choice is written `if condition then a else b`"},
      {"dropout", "`drop(x, rate)` drops entries while training"},
      {"clip", "`clamp(x, least, most)` keeps entries within bounds"},
      {"diag", "`diagonal(C, in)` of a matrix is a vector, of a vector a matrix"},
      {"pad", "`shift(x, 1, along: d)` moves entries, 0 where none comes from"},
      {"outer", "`a * b` of vectors with other dimensions is their outer product"},
      {"detach", "`stop_gradient(x)` cuts differentiation"},
      {"std", "`sqrt(mean((x - mean(x, over: d)) ^ 2, over: d))`"},
      {"var", "`mean((x - mean(x, over: d)) ^ 2, over: d)`"},
      {"t", "the step is known while training: in `forward`, `if training then e else f` has it in e"},
      {"steps", "their number is known while training: in `forward`, `if training then e else f` has it in e"},
      {"lr", "the learning rate is the optimizer's: another one for some tensors is a line of the optimizer's map"},
      {"merged", "the weight with the adapter is known in `every` blocks"},
  };
  for (const auto &[foreign, help] : notations)
    if (name == foreign)
      message.help(help);
}

void ftc::elaborate::hintAtArgument(Diagnostics::Builder &message, llvm::StringRef name, Scope &scope) {
  for (llvm::StringRef function : scope.names()) {
    const auto *closure = scope.find(function)->value.as<Closure>();
    if (!closure || llvm::none_of(closure->arguments, [&](const ast::Name &own) { return own.text == name; }))
      continue;
    message.help("it is an argument of `" + closure->name +
                 "`, which the body does not see: put what reads it behind `where` of `" + closure->name +
                 "`, or make it a function of `" + name.str() + "`");
    return;
  }
}
