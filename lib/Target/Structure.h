// What the ops of a program are to its table of calls, and where the bytes of a value lie.
#ifndef FTC_LIB_TARGET_STRUCTURE_H
#define FTC_LIB_TARGET_STRUCTURE_H

#include "dialects/Tune/IR/Tune.h"
#include "ftc/Target/KernelGenerator.h"
#include "ftc/Target/Target.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <optional>

namespace ftc::target {

enum class Role {
  Call,       ///< a call of a kernel
  View,       ///< its result is part of its operand's bytes, in the same order
  Constant,   ///< a constant, or a tensor.empty, linalg.fill or linalg.broadcast that stands for one
  Read,       ///< tune.read
  Write,      ///< tune.write
  Loop,       ///< tune.rows
  Choice,     ///< tune.if
  Terminator, ///< return, tune.yield, tune.if_yield
  Scalar,     ///< a constant that is no tensor: part of its users
};

Role getRole(mlir::Operation *op);

/// The programs of a module, in order.
llvm::SmallVector<mlir::func::FuncOp> getPrograms(mlir::ModuleOp module);

/// Visits the ops of a program in order, those of a loop once and after it, but for what is inside of kernels.
void forEachOp(mlir::func::FuncOp program, llvm::function_ref<void(mlir::Operation *)> visit);

/// Visits the calls of a program in order, a loop's once. What is inside of a call is part of its kernel.
void forEachCall(mlir::func::FuncOp program, llvm::function_ref<void(mlir::Operation *)> visit);

/// Bytes of a tensor or of an element in the arena: row-major, no padding; i1 takes a byte.
int64_t getBytes(mlir::Type type);

/// A value seen through views: it begins `displacement` bytes after the beginning of `root`.
struct ViewOf {
  mlir::Value root;
  int64_t displacement = 0;
};
ViewOf seeThroughViews(mlir::Value value);

/// The operand that an argument of the body of a loop or choice stands for.
mlir::Value getBoundOperand(mlir::BlockArgument argument);

/// Whether this use of a splat needs no buffer, since the user's kernel holds the constant.
bool isFolded(mlir::OpOperand &use, const KernelRegistry &registry);

/// The result of the loop around that a call adds to, if its kernel does (KernelGenerator::mayAccumulate): what the
/// call computes is summed by the loop and used by nothing else. Null otherwise.
mlir::OpResult getSumInPlace(mlir::Operation *call, const KernelRegistry &registry);

/// Whether the constant needs bytes in the arena: a use of it or of a view of it is not folded.
bool needsBuffer(mlir::Operation *constant, const KernelRegistry &registry);

// What `tune-place` writes on ops: offsets of the results that are not views, in bytes from the arena's base, and how
// far they move in each iteration of the loop around (absent: not at all); the offset of the workspace.
inline constexpr llvm::StringLiteral kOffsetsAttr = "tune.offsets";
inline constexpr llvm::StringLiteral kStridesAttr = "tune.strides";
inline constexpr llvm::StringLiteral kWorkspaceAttr = "tune.workspace";
/// Of a tune.tensor.
inline constexpr llvm::StringLiteral kOffsetAttr = "tune.offset";
/// Of the module: the parts of the arena and of the plan, in bytes.
inline constexpr llvm::StringLiteral kArenaAttr = "tune.arena";

/// Where a value lies.
struct Location {
  int64_t offset = 0;
  int64_t stride = 0; ///< per iteration of the loop around
};
/// Of a value of a placed program.
Location getLocation(mlir::Value value);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_STRUCTURE_H
