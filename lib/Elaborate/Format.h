//===- Format.h - reading number formats -----------------------*- C++ -*-===//

#ifndef FTC_LIB_ELABORATE_FORMAT_H
#define FTC_LIB_ELABORATE_FORMAT_H

#include "Evaluator.h"

namespace ftc::elaborate {

/// The values `[rows, columns]` (f64) of rows of blocks (i8 `[rows, bytes]`), by the `layout` and the `value` of a
/// format `on [rows, (blocks, ...)]`. Null after errors, which are reported at the definition.
mlir::Value decodeBlocks(Evaluator &evaluator, const ast::Definition &format, mlir::Value bytes, int64_t columns);

/// Binds what a format's body defines: dimensions, constants, equations.
void defineFormat(Evaluator &evaluator, const ast::Definition &format, Scope &scope);

/// Whether values can be put into a format: each of its fields says how.
bool canStore(const ast::Definition &format);

/// What a format keeps of reals `[rows, columns]`: stored and read back, of the same shape. Null after errors.
mlir::Value storedAndRead(Evaluator &evaluator, const ast::Definition &format, mlir::Value x);

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_FORMAT_H
