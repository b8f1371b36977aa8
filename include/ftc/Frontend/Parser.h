//===- Parser.h - from text to syntax tree ---------------------*- C++ -*-===//

#ifndef FTC_FRONTEND_PARSER_H
#define FTC_FRONTEND_PARSER_H

#include "ftc/Frontend/AST.h"
#include "ftc/Frontend/Diagnostics.h"

namespace ftc {

/// Parses a buffer of the source manager. The tree holds every item that could be read; whether the file is sound is
/// what `diags.errorCount()` says. Never null.
std::unique_ptr<ast::File> parseFile(llvm::SourceMgr &sources, unsigned bufferId, Diagnostics &diags);

/// Reads a file into the source manager and parses it; null, with an error at `from`, if it cannot be read.
std::unique_ptr<ast::File> parsePath(const std::string &path, Diagnostics &diags, llvm::SMRange from = {});

/// Parses a selector that was checked before; all of it is at `range` then. An empty one if it is malformed.
ast::Selector parseSelector(llvm::StringRef text, llvm::SMRange range);

} // namespace ftc

#endif // FTC_FRONTEND_PARSER_H
