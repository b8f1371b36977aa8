//===- Lexer.cpp ----------------------------------------------------------===//
//
// The tokens of section "Grammar" of docs/language.md: quantities and extents
// are one token each, `@[` too; blanks before a token are remembered because
// patterns of selectors are written without any.
//
//===----------------------------------------------------------------------===//

#include "ftc/Frontend/Lexer.h"

#include "llvm/ADT/StringExtras.h"

using namespace ftc;
using llvm::SMLoc;
using llvm::SMRange;
using llvm::StringRef;

static bool startsName(char c) { return llvm::isAlpha(c) || c == '_'; }
static bool continuesName(char c) { return llvm::isAlnum(c) || c == '_'; }

/// Units that may follow a number, the percent sign apart.
static bool isUnit(StringRef word) {
  static constexpr StringRef units[] = {"KiB", "MiB", "GiB", "TiB", "KB", "MB", "GB", "TB", "steps", "epochs"};
  return llvm::is_contained(units, word);
}

namespace {
class Lexer {
public:
  Lexer(Diagnostics &diags, unsigned bufferId)
      : diags(diags), text(diags.sourceManager().getMemoryBuffer(bufferId)->getBuffer()) {}

  TokenList run();

private:
  // What was read so far is text[0, at).
  char peek(size_t ahead = 0) const { return at + ahead < text.size() ? text[at + ahead] : '\0'; }
  SMRange range(size_t begin, size_t end) const {
    return {SMLoc::getFromPointer(text.data() + begin), SMLoc::getFromPointer(text.data() + end)};
  }
  size_t skipBlanks(size_t from) const;
  StringRef wordAt(size_t from) const { return text.substr(from).take_while(continuesName); }

  bool skipSpace();
  TokenKind lexToken();
  TokenKind lexNumber();
  TokenKind lexAfterInteger();
  TokenKind lexString();
  TokenKind lexPunctuation();
  TokenKind lexUnknown();
  bool followsAsUnit(size_t from) const;
  bool openOrClose(uint32_t index);

  Diagnostics &diags;
  StringRef text;
  size_t at = 0;
  bool lineStart = true;
  bool invalid = false; ///< something was no token: brackets may be lost with it
  TokenList result;
  std::vector<uint32_t> open; ///< indices of opening brackets that wait for their closing ones
};
} // namespace

size_t Lexer::skipBlanks(size_t from) const {
  while (from < text.size() && (text[from] == ' ' || text[from] == '\t'))
    ++from;
  return from;
}

/// Skips blanks, line breaks and comments; true if there was anything.
bool Lexer::skipSpace() {
  size_t start = at;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (c == '\n')
      lineStart = true;
    if (c == '/' && peek(1) == '/') {
      size_t begin = at;
      at = std::min(text.find('\n', at), text.size());
      size_t end = at > begin && text[at - 1] == '\r' ? at - 1 : at;
      result.comments.push_back(range(begin, end));
      --at;
      continue;
    }
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
      break;
  }
  return at != start;
}

/// Is the unit at `from` one, and not the key of a next item (`batch: 16 steps: 200`)?
bool Lexer::followsAsUnit(size_t from) const {
  StringRef word = wordAt(from);
  if (!isUnit(word))
    return false;
  StringRef rest = text.substr(from + word.size()).ltrim(" \t\r\n");
  return !rest.starts_with(":") && (!rest.starts_with("=") || rest.starts_with("=="));
}

TokenKind Lexer::lexAfterInteger() {
  // INT blanks "x" blanks INT
  size_t cross = skipBlanks(at);
  if (cross > at && cross < text.size() && text[cross] == 'x') {
    size_t second = skipBlanks(cross + 1);
    if (second > cross + 1 && second < text.size() && llvm::isDigit(text[second])) {
      at = second + text.substr(second).take_while(llvm::isDigit).size();
      if (startsName(peek())) {
        diags.report(Diag::NumberRunsIntoWord, range(second, at), text.slice(second, at), wordAt(at));
        at += wordAt(at).size();
        return TokenKind::Invalid;
      }
      return TokenKind::Extent;
    }
  }
  return TokenKind::Integer;
}

TokenKind Lexer::lexNumber() {
  size_t begin = at;
  auto digits = [&] { at += text.substr(at).take_while(llvm::isDigit).size(); };
  bool integer = true;
  digits();
  if (peek() == '.' && llvm::isDigit(peek(1))) {
    integer = false;
    ++at;
    digits();
  }
  if (peek() == 'e' || peek() == 'E') {
    size_t sign = peek(1) == '+' || peek(1) == '-' ? 2 : 1;
    if (llvm::isDigit(peek(sign))) {
      integer = false;
      at += sign;
      digits();
    }
  }
  if (peek() == '%') {
    ++at;
    return TokenKind::Quantity;
  }
  size_t unit = skipBlanks(at);
  if (followsAsUnit(unit)) {
    at = unit + wordAt(unit).size();
    return TokenKind::Quantity;
  }
  if (startsName(peek())) {
    StringRef number = text.slice(begin, at), word = wordAt(at);
    auto message = diags.report(Diag::NumberRunsIntoWord, range(begin, at + word.size()), number, word);
    if (word.starts_with("x"))
      message.help("an extent is written with blanks: '" + number + " x " + word.drop_front() + "'");
    else
      message.help("units are %, KiB, MiB, GiB, TiB, KB, MB, GB, TB, steps and epochs");
    at += word.size();
    return TokenKind::Invalid;
  }
  return integer ? lexAfterInteger() : TokenKind::Number;
}

TokenKind Lexer::lexString() {
  size_t begin = at++;
  bool valid = true;
  while (at < text.size() && text[at] != '"' && text[at] != '\n') {
    if (text[at] == '\\') {
      if (!StringRef("\"\\nt").contains(peek(1)) || peek(1) == '\0') {
        if (peek(1) == '\n' || at + 1 >= text.size())
          break;
        diags.report(Diag::UnknownEscape, range(at, at + 2), text.substr(at, 2))
            .help("escapes are \\\" \\\\ \\n and \\t");
        valid = false;
      }
      ++at;
    }
    ++at;
  }
  if (at >= text.size() || text[at] != '"') {
    at = std::min(at, text.size());
    diags.report(Diag::UnterminatedString, range(begin, std::min(begin + 1, text.size())));
    at = std::min(text.find('\n', begin), text.size());
    return TokenKind::Invalid;
  }
  ++at;
  return valid ? TokenKind::String : TokenKind::Invalid;
}

TokenKind Lexer::lexPunctuation() {
  static constexpr struct {
    StringRef text;
    TokenKind kind;
  } table[] = {
      {"@[", TokenKind::AtBracket},   {"**", TokenKind::StarStar},     {"..", TokenKind::DotDot},
      {"->", TokenKind::Arrow},       {"==", TokenKind::EqualEqual},   {"!=", TokenKind::NotEqual},
      {"<=", TokenKind::LessEqual},   {">=", TokenKind::GreaterEqual}, {"??", TokenKind::QuestionQuestion},
      {"(", TokenKind::LeftParen},    {")", TokenKind::RightParen},    {"[", TokenKind::LeftBracket},
      {"]", TokenKind::RightBracket}, {"{", TokenKind::LeftBrace},     {"}", TokenKind::RightBrace},
      {"@", TokenKind::At},           {",", TokenKind::Comma},         {":", TokenKind::Colon},
      {".", TokenKind::Dot},          {"*", TokenKind::Star},          {"+", TokenKind::Plus},
      {"-", TokenKind::Minus},        {"/", TokenKind::Slash},         {"%", TokenKind::Percent},
      {"^", TokenKind::Caret},        {"=", TokenKind::Equal},         {"<", TokenKind::Less},
      {">", TokenKind::Greater},
  };
  for (const auto &entry : table)
    if (text.substr(at).starts_with(entry.text)) {
      at += entry.text.size();
      return entry.kind;
    }
  return lexUnknown();
}

TokenKind Lexer::lexUnknown() {
  // A run of such characters is one mistake; it may be one character of several bytes.
  size_t begin = at;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) >= 0x80 || !llvm::isPrint(text[at])) &&
         !StringRef(" \t\r\n").contains(text[at]))
    ++at;
  if (at == begin)
    ++at;
  StringRef seen = text.slice(begin, at);
  std::string shown = "'" + seen.str() + "'";
  if (seen.size() > 16 || !llvm::all_of(seen, [](char c) { return llvm::isPrint(c) || (c & 0x80); }))
    shown = "with the code 0x" + llvm::utohexstr(static_cast<unsigned char>(seen[0]));
  auto message = diags.report(Diag::UnexpectedCharacter, range(begin, at), shown);
  if (seen == "'" || seen == "\xe2\x80\x9c" || seen == "\xe2\x80\x9d")
    message.help("strings stand in double quotes: \"...\"");
  else if (seen == ";")
    message.help("items need nothing between them");
  else if (seen == "#")
    message.help("comments begin with //");
  return TokenKind::Invalid;
}

TokenKind Lexer::lexToken() {
  char c = peek();
  if (startsName(c)) {
    at += wordAt(at).size();
    at += text.substr(at).take_while([](char prime) { return prime == '\''; }).size();
    return TokenKind::Name;
  }
  if (llvm::isDigit(c))
    return lexNumber();
  if (c == '"')
    return lexString();
  return lexPunctuation();
}

static StringRef closingOf(TokenKind kind) {
  switch (kind) {
  case TokenKind::LeftParen:
    return ")";
  case TokenKind::LeftBrace:
    return "}";
  default:
    return "]";
  }
}

/// Matches brackets as they come; false if they cannot match.
bool Lexer::openOrClose(uint32_t index) {
  Token &token = result.tokens[index];
  StringRef spelled = text.slice(token.begin, token.end);
  switch (token.kind) {
  case TokenKind::LeftParen:
  case TokenKind::LeftBracket:
  case TokenKind::LeftBrace:
  case TokenKind::AtBracket:
    if (open.size() >= SourceLimits::nesting) {
      diags.report(Diag::NestingTooDeep, range(token.begin, token.end), SourceLimits::nesting);
      return false;
    }
    open.push_back(index);
    return true;
  case TokenKind::RightParen:
  case TokenKind::RightBracket:
  case TokenKind::RightBrace:
    break;
  default:
    return true;
  }
  if (open.empty()) {
    diags.report(Diag::UnopenedBracket, range(token.begin, token.end), spelled);
    return false;
  }
  Token &opening = result.tokens[open.back()];
  StringRef wanted = closingOf(opening.kind);
  if (wanted != spelled) {
    diags.report(Diag::MismatchedBracket, range(token.begin, token.end), wanted, spelled)
        .note(range(opening.begin, opening.end), "to close this one");
    return false;
  }
  opening.match = index;
  open.pop_back();
  token.depth = open.size();
  return true;
}

TokenList Lexer::run() {
  if (text.starts_with("\xef\xbb\xbf"))
    at = 3;
  while (result.structured) {
    Token token;
    token.blankBefore = skipSpace() || at == 0;
    token.firstOnLine = std::exchange(lineStart, false);
    token.depth = open.size();
    token.begin = at;
    if (at >= text.size())
      break;
    if (result.tokens.size() >= SourceLimits::tokens) {
      diags.report(Diag::ListTooLong, range(at, at + 1), SourceLimits::tokens, "words in a file");
      result.structured = false;
      break;
    }
    token.kind = lexToken();
    token.end = at;
    invalid |= token.kind == TokenKind::Invalid;
    result.tokens.push_back(token);
    result.structured = openOrClose(result.tokens.size() - 1);
  }
  if (result.structured && !open.empty()) {
    const Token &last = result.tokens[open.back()];
    if (!invalid)
      diags.report(Diag::UnclosedBracket, range(last.begin, last.end), text.slice(last.begin, last.end));
    result.structured = false;
  }
  Token end;
  end.begin = end.end = text.size();
  end.firstOnLine = true;
  result.tokens.push_back(end);
  return std::move(result);
}

TokenList ftc::lex(Diagnostics &diags, unsigned bufferId) { return Lexer(diags, bufferId).run(); }
