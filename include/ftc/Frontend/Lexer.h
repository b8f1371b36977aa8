//===- Lexer.h - the words of a .ftr file ----------------------*- C++ -*-===//
//
// A file is cut into tokens before it is parsed, brackets matched with each
// other, so that the parser can look ahead and recover from errors by structure.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_FRONTEND_LEXER_H
#define FTC_FRONTEND_LEXER_H

#include "ftc/Frontend/Diagnostics.h"

#include <cstdint>
#include <vector>

namespace ftc {

enum class TokenKind : uint8_t {
  End,
  Invalid, ///< reported already: the parser gives up on the item without another message
  Name,
  Integer,
  Number,
  Quantity,
  Extent,
  String,
  LeftParen,
  RightParen,
  LeftBracket,
  RightBracket,
  LeftBrace,
  RightBrace,
  AtBracket, ///< `@[`
  At,
  Comma,
  Colon,
  Dot,
  DotDot,
  Star,
  StarStar,
  Plus,
  Minus,
  Slash,
  Percent,
  Caret,
  Arrow,
  Equal,
  EqualEqual,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  QuestionQuestion,
};

/// One token: byte offsets into the buffer, and what surrounds it.
struct Token {
  TokenKind kind = TokenKind::End;
  bool firstOnLine = false;
  bool blankBefore = false;
  uint16_t depth = 0; ///< number of brackets around it; a bracket counts as outside of itself
  uint32_t begin = 0, end = 0;
  uint32_t match = 0; ///< of an opening bracket: the index of its closing one
};

/// Limits on what is read from a file; beyond them it is an error, never a crash or a hang.
struct SourceLimits {
  static constexpr size_t fileBytes = 4u << 20;
  static constexpr size_t tokens = 1000000;
  static constexpr unsigned nesting = 200;
  static constexpr unsigned treeHeight = 500;
  static constexpr size_t listLength = 65536;
};

/// The tokens of a file, the last one End, and its comments.
struct TokenList {
  std::vector<Token> tokens;
  std::vector<llvm::SMRange> comments;
  bool structured = true; ///< brackets match and no limit was met: it makes sense to parse
};

/// Cuts a buffer of the source manager into tokens; reports what cannot be one.
TokenList lex(Diagnostics &diags, unsigned bufferId);

} // namespace ftc

#endif // FTC_FRONTEND_LEXER_H
