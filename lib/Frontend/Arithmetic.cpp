//===- Arithmetic.cpp - operators on numbers known when compiling ----------===//

#include "ftc/Frontend/Arithmetic.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace ftc;
using namespace ftc::ast;

llvm::StringRef ast::spelling(BinaryOp op) {
  static constexpr llvm::StringLiteral names[] = {
      "+", "-", "*", "/", "%", "^", "@", "==", "!=", "<", "<=", ">", ">=", "and", "or", "??"};
  return names[size_t(op)];
}

std::optional<int64_t> ast::evaluateInteger(BinaryOp op, int64_t a, int64_t b, bool &overflow) {
  int64_t result = 0;
  switch (op) {
  case BinaryOp::Add:
    overflow = llvm::AddOverflow(a, b, result);
    return result;
  case BinaryOp::Sub:
    overflow = llvm::SubOverflow(a, b, result);
    return result;
  case BinaryOp::Mul:
    overflow = llvm::MulOverflow(a, b, result);
    return result;
  case BinaryOp::Div:
    overflow = a == INT64_MIN && b == -1;
    return !overflow && a % b == 0 ? std::optional(a / b) : std::nullopt;
  case BinaryOp::Rem:
    if (b == -1)
      return 0;
    result = a % b; // of the sign of the divisor, as in mathematics
    return result != 0 && (result < 0) != (b < 0) ? result + b : result;
  case BinaryOp::Pow: {
    if (b < 0)
      return std::nullopt;
    // Every square but the last is needed, so that an overflow of one is an overflow of the result.
    result = 1;
    for (int64_t base = a; b > 0 && !overflow; b >>= 1) {
      if (b & 1)
        overflow = llvm::MulOverflow(result, base, result);
      if (b > 1 && !overflow)
        overflow = llvm::MulOverflow(base, base, base);
    }
    return result;
  }
  default:
    return std::nullopt;
  }
}

double ast::evaluateReal(BinaryOp op, double a, double b) {
  switch (op) {
  case BinaryOp::Add:
    return a + b;
  case BinaryOp::Sub:
    return a - b;
  case BinaryOp::Mul:
    return a * b;
  case BinaryOp::Div:
    return a / b;
  case BinaryOp::Rem:
    return a - b * std::floor(a / b);
  default:
    return std::pow(a, b);
  }
}

bool ast::compare(BinaryOp op, double a, double b) {
  switch (op) {
  case BinaryOp::Lt:
    return a < b;
  case BinaryOp::Le:
    return a <= b;
  case BinaryOp::Gt:
    return a > b;
  case BinaryOp::Ge:
    return a >= b;
  case BinaryOp::Eq:
    return a == b;
  default:
    return a != b;
  }
}
