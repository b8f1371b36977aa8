//===- Format.cpp - the canonical layout ----------------------------------===//

#include "ftc/Frontend/Format.h"

#include "ItemPlaces.h"

#include "ftc/Frontend/Lexer.h"
#include "ftc/Frontend/Parser.h"

#include "llvm/ADT/StringExtras.h"

using namespace ftc;
using llvm::SMRange;
using llvm::StringRef;

namespace {
/// A line of the result: code, and a comment at its end.
struct Line {
  std::string code, comment;
};

class Formatter {
public:
  Formatter(StringRef text, TokenList list, const ItemPlaces &places);
  std::string run();

private:
  // What surrounds a place: the indentation of what is inside a bracket, and of the bracket that closes it.
  struct Bracket {
    TokenKind kind;
    size_t inside, closing;
    bool ownLines; ///< braces whose content stands on lines of its own
    size_t where;  ///< column of the first name after a `where` that begins a line; 0 if there is none
  };

  const Token &token(size_t index) const { return tokens[index]; }
  StringRef spelling(const Token &token) const { return text.slice(token.begin, token.end); }
  const char *place(const Token &token) const { return text.data() + token.begin; }
  bool isItem(const Token &token) const { return places.items.contains(place(token)); }
  bool inSelector(const Token &token) const { return selectorTokens.contains(place(token)); }
  std::string canonical(const Token &token) const;

  void comments(uint32_t before);
  void put(size_t index);
  bool breaksBefore(size_t index) const;
  bool hasLineBreak(size_t open) const;
  size_t indentation(const Token &token) const;
  std::string blanks(size_t index) const;
  const Token &opening(size_t closing) const;
  bool tight(size_t index) const;
  bool isUnaryMinus(size_t index) const;
  bool tightInSelector(const Token &before, const Token &after) const;
  void newLine(size_t indent, bool keepBlankLine);
  size_t lineBreaks(uint32_t from, uint32_t to) const { return text.slice(from, to).count('\n'); }

  StringRef text;
  std::vector<Token> tokens;
  std::vector<SMRange> remarks;
  const ItemPlaces &places;
  llvm::DenseSet<const char *> selectorTokens;
  std::vector<Line> lines;
  std::vector<Bracket> brackets = {{TokenKind::End, 0, 0, false, 0}}; ///< the file itself is the outermost
  size_t nextRemark = 0;
  uint32_t seen = 0; ///< end of what was put last
};
} // namespace

Formatter::Formatter(StringRef text, TokenList list, const ItemPlaces &places)
    : text(text), tokens(std::move(list.tokens)), remarks(std::move(list.comments)), places(places) {
  std::vector<SMRange> selectors = places.selectors;
  llvm::sort(selectors, [](SMRange a, SMRange b) { return a.Start.getPointer() < b.Start.getPointer(); });
  auto range = selectors.begin();
  for (const Token &each : tokens) {
    while (range != selectors.end() && range->End.getPointer() <= place(each))
      ++range;
    if (range != selectors.end() && range->Start.getPointer() <= place(each))
      selectorTokens.insert(place(each));
  }
}

//===----------------------------------------------------------------------===//
// Blanks
//===----------------------------------------------------------------------===//

static bool isOpening(TokenKind kind) {
  return kind == TokenKind::LeftParen || kind == TokenKind::LeftBracket || kind == TokenKind::AtBracket;
}

static bool isClosing(TokenKind kind) { return kind == TokenKind::RightParen || kind == TokenKind::RightBracket; }

static bool isReserved(StringRef word) {
  static constexpr StringRef words[] = {"if", "then", "else", "and", "or", "not", "where"};
  return llvm::is_contained(words, word);
}

/// Numbers with one blank before their unit and around `x`.
std::string Formatter::canonical(const Token &token) const {
  StringRef written = spelling(token);
  if (token.kind == TokenKind::Extent) {
    auto [first, second] = written.split('x');
    return (first.trim() + " x " + second.trim()).str();
  }
  if (token.kind == TokenKind::Quantity && !written.ends_with("%")) {
    StringRef unit = written.take_back(written.size() - written.find_last_of("0123456789") - 1).trim();
    return (written.drop_back(unit.size()).rtrim() + " " + unit).str();
  }
  return written.str();
}

/// A minus is a sign where no operand stands before it.
bool Formatter::isUnaryMinus(size_t index) const {
  if (token(index).kind != TokenKind::Minus)
    return false;
  if (index == 0)
    return true;
  const Token &before = token(index - 1);
  switch (before.kind) {
  case TokenKind::Name:
    return isReserved(spelling(before));
  case TokenKind::Integer:
  case TokenKind::Number:
  case TokenKind::Quantity:
  case TokenKind::Extent:
  case TokenKind::String:
  case TokenKind::RightParen:
  case TokenKind::RightBracket:
  case TokenKind::RightBrace:
    return false;
  default:
    return true;
  }
}

bool Formatter::tightInSelector(const Token &before, const Token &after) const {
  auto isOperator = [](TokenKind kind) {
    return kind == TokenKind::Plus || kind == TokenKind::Minus || kind == TokenKind::Slash ||
           kind == TokenKind::Percent || kind == TokenKind::Comma;
  };
  return !isOperator(before.kind) && !(isOperator(after.kind) && after.kind != TokenKind::Comma);
}

/// The bracket that a closing one belongs to.
const Token &Formatter::opening(size_t closing) const {
  size_t index = closing;
  while (index > 0 && token(index).match != closing)
    --index;
  return token(index);
}

/// Whether a token follows the one before it without a blank.
bool Formatter::tight(size_t index) const {
  const Token &before = token(index - 1), &after = token(index);
  if (inSelector(before) && inSelector(after))
    return tightInSelector(before, after);
  if (isOpening(before.kind) || isClosing(after.kind))
    return true;
  if (before.kind == TokenKind::LeftBrace && after.kind == TokenKind::RightBrace)
    return true;
  switch (after.kind) {
  case TokenKind::Comma:
  case TokenKind::Colon:
  case TokenKind::Dot:
  case TokenKind::DotDot:
    return true;
  default:
    break;
  }
  if (before.kind == TokenKind::Dot || before.kind == TokenKind::DotDot || isUnaryMinus(index - 1))
    return true;
  if (after.kind != TokenKind::LeftParen && after.kind != TokenKind::LeftBracket)
    return false;
  // Calls and indices stand close to what they belong to; after a word of the grammar it is another thing.
  if (isClosing(before.kind))
    return opening(index - 1).kind != TokenKind::AtBracket; // `A @[d] (B @ x)` is no call
  if (before.kind != TokenKind::Name || isReserved(spelling(before)))
    return false;
  static constexpr StringRef contextual[] = {"let",   "require", "every", "after", "param", "frozen", "folded",
                                             "state", "store",   "save",  "on",    "as",    "when"};
  return !(after.blankBefore && llvm::is_contained(contextual, spelling(before)));
}

std::string Formatter::blanks(size_t index) const {
  const Token &before = token(index - 1), &after = token(index);
  if (isItem(after) && before.kind != TokenKind::LeftBrace && before.kind != TokenKind::Comma)
    return "   ";
  return tight(index) ? "" : " ";
}

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

bool Formatter::hasLineBreak(size_t open) const { return lineBreaks(token(open).end, token(token(open).match).begin); }

bool Formatter::breaksBefore(size_t index) const {
  const Token &after = token(index);
  if (lines.empty() || !lines.back().comment.empty() || places.topLevel.contains(place(after)))
    return true;
  if (after.kind == TokenKind::LeftBrace && !inSelector(after))
    return false;
  if (brackets.back().ownLines &&
      (after.kind == TokenKind::RightBrace || token(index - 1).kind == TokenKind::LeftBrace))
    return true;
  return after.firstOnLine && (isItem(after) || !inSelector(after));
}

size_t Formatter::indentation(const Token &token) const {
  const Bracket &innermost = brackets.back();
  if (isClosing(token.kind) || token.kind == TokenKind::RightBrace)
    return innermost.closing;
  if (isOpening(innermost.kind) || isItem(token) || places.topLevel.contains(place(token)))
    return innermost.inside;
  return innermost.where && spelling(token) != "where" ? innermost.where : innermost.inside + 4;
}

void Formatter::newLine(size_t indent, bool keepBlankLine) {
  if (keepBlankLine && !lines.empty() && !StringRef(lines.back().code).trim().ends_with("{"))
    lines.emplace_back();
  lines.push_back({std::string(indent, ' '), ""});
}

/// Puts the comments that stand before an offset: at the end of the line, or on lines of their own.
void Formatter::comments(uint32_t before) {
  for (; nextRemark < remarks.size(); ++nextRemark) {
    StringRef remark(remarks[nextRemark].Start.getPointer(),
                     remarks[nextRemark].End.getPointer() - remarks[nextRemark].Start.getPointer());
    uint32_t begin = remark.data() - text.data();
    if (begin >= before)
      return;
    size_t breaks = lineBreaks(seen, begin);
    if (breaks == 0 && !lines.empty() && lines.back().comment.empty()) {
      lines.back().comment = remark.rtrim().str();
    } else {
      newLine(brackets.back().inside, breaks > 1);
      lines.back().comment = remark.rtrim().str();
    }
    seen = begin + remark.size();
  }
}

void Formatter::put(size_t index) {
  const Token &after = token(index);
  comments(after.begin);
  bool opensLine = breaksBefore(index);
  if (opensLine)
    newLine(indentation(after), lineBreaks(seen, after.begin) > 1 && after.kind != TokenKind::RightBrace);
  std::string &code = lines.back().code;
  if (!opensLine)
    code += blanks(index);
  size_t column = code.size();
  if (isItem(after) || places.topLevel.contains(place(after)))
    brackets.back().where = 0;
  else if (opensLine && spelling(after) == "where")
    brackets.back().where = column + StringRef("where ").size();
  code += canonical(after);
  seen = after.end;
  if (isOpening(after.kind)) {
    brackets.push_back({after.kind, code.size(), column, false, 0});
  } else if (after.kind == TokenKind::LeftBrace) {
    size_t indent = StringRef(code).find_first_not_of(' ');
    brackets.push_back({after.kind, indent + 2, indent, !inSelector(after) && hasLineBreak(index), 0});
  } else if (isClosing(after.kind) || after.kind == TokenKind::RightBrace) {
    brackets.pop_back();
  }
}

/// Comments at the ends of consecutive lines begin in one column, if the lines are not too long for it.
static void alignComments(std::vector<Line> &lines) {
  constexpr size_t longest = 90;
  auto aligned = [](const Line &line) {
    return !line.comment.empty() && !StringRef(line.code).trim().empty() && line.code.size() <= longest;
  };
  for (size_t begin = 0; begin < lines.size(); ++begin) {
    size_t end = begin, column = 0;
    for (; end < lines.size() && aligned(lines[end]); ++end)
      column = std::max(column, lines[end].code.size());
    for (; begin < end; ++begin)
      lines[begin].code.resize(column, ' ');
  }
}

std::string Formatter::run() {
  for (size_t index = 0; token(index).kind != TokenKind::End; ++index)
    put(index);
  comments(text.size() + 1);
  alignComments(lines);
  std::string result;
  for (const Line &line : lines) {
    bool onlyComment = StringRef(line.code).trim().empty();
    std::string whole = line.code + (line.comment.empty() || onlyComment ? "" : "  ") + line.comment;
    result += StringRef(whole).rtrim().str() + "\n";
  }
  return result;
}

std::optional<std::string> ftc::formatSource(unsigned bufferId, Diagnostics &diags) {
  unsigned before = diags.errorCount();
  std::unique_ptr<ast::File> file = parseFile(diags.sourceManager(), bufferId, diags);
  if (diags.errorCount() != before)
    return std::nullopt;
  ItemPlaces places(*file);
  StringRef text = diags.sourceManager().getMemoryBuffer(bufferId)->getBuffer();
  return Formatter(text, lex(diags, bufferId), places).run();
}
