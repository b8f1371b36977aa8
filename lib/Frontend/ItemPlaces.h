//===- ItemPlaces.h - where items and selectors stand ----------*- C++ -*-===//

#ifndef FTC_LIB_FRONTEND_ITEMPLACES_H
#define FTC_LIB_FRONTEND_ITEMPLACES_H

#include "ftc/Frontend/AST.h"

#include "llvm/ADT/DenseSet.h"

namespace ftc {

/// What the layout of a file depends on besides its tokens.
struct ItemPlaces {
  llvm::DenseSet<const char *> topLevel; ///< starts of imports, inputs, bindings, saves and definitions
  llvm::DenseSet<const char *> items;    ///< starts of items in braces: of bodies, maps, configurations, file clauses
  std::vector<llvm::SMRange> selectors;  ///< in no order

  explicit ItemPlaces(const ast::File &file);
};

} // namespace ftc

#endif // FTC_LIB_FRONTEND_ITEMPLACES_H
