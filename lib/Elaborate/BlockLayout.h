//===- BlockLayout.h - where the bits of a block are -----------*- C++ -*-===//
//
// The `layout` of a format says how a block's bytes are made of its fields. It
// is read backwards: numbers that stand for bits are traced through it once, and
// the map that results tells for each bit of each field where it lies.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_LIB_ELABORATE_BLOCKLAYOUT_H
#define FTC_LIB_ELABORATE_BLOCKLAYOUT_H

#include "Evaluator.h"

namespace ftc::elaborate {

/// A stored field of a format: `store c: u4[rows, blocks, block]`, `store d: [rows, blocks] as f16`.
struct BlockField {
  enum class Kind { Unsigned, Signed, Float };
  std::string name;
  Kind kind;
  unsigned bits;      ///< of one element; of a float 16 or 32
  bool brain = false; ///< bf16
  Dims dims;          ///< within a block

  int64_t elements() const;
};

/// One bit of a block: which bit of which element of which field.
struct BitSource {
  const BlockField *field;
  int64_t element;
  unsigned bit;
};

class BlockLayout {
public:
  /// Reads `store` declarations and `layout` of a definition whose dimensions are bound in `scope`; the dimensions
  /// `outer` are those of blocks. Nothing after errors.
  static std::optional<BlockLayout> trace(Evaluator &evaluator, const ast::Definition &format, Scope &scope,
                                          llvm::ArrayRef<Dim> outer);

  const std::vector<std::unique_ptr<BlockField>> &fields() const { return allFields; }
  int64_t bytes() const { return static_cast<int64_t>(bits.size()) / 8; }
  /// Entry i is bit i % 8 of byte i / 8 of a block.
  llvm::ArrayRef<BitSource> sources() const { return bits; }

private:
  std::vector<std::unique_ptr<BlockField>> allFields;
  std::vector<BitSource> bits;
};

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_BLOCKLAYOUT_H
