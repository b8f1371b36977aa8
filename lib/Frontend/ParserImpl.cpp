//===- ParserImpl.cpp - tokens, lists, recovery ---------------------------===//

#include "ParserImpl.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace ftc;
using namespace ftc::ast;
using llvm::SMRange;
using llvm::StringRef;

static bool isReserved(StringRef word) {
  static constexpr StringRef words[] = {"if", "then", "else", "and", "or", "not", "where", "fold"};
  return llvm::is_contained(words, word);
}

Parser::Parser(Diagnostics &diags, unsigned bufferId, TokenList list)
    : diags(diags), text(diags.sourceManager().getMemoryBuffer(bufferId)->getBuffer()), tokens(std::move(list.tokens)) {
}

StringRef Parser::word(size_t ahead) const { return is(TokenKind::Name, ahead) ? spelling(token(ahead)) : ""; }

SMRange Parser::rangeFrom(size_t first) const {
  const Token &last = tokens[at > first ? at - 1 : first];
  return {location(tokens[first].begin), location(last.end)};
}

bool Parser::consumeIf(TokenKind kind) {
  if (!is(kind))
    return false;
  ++at;
  return true;
}

bool Parser::consumeWordIf(StringRef expected) {
  if (!isWord(expected))
    return false;
  ++at;
  return true;
}

std::string Parser::describe(const Token &token) const {
  switch (token.kind) {
  case TokenKind::End:
    return "the end of the file";
  case TokenKind::String:
    return "a string";
  default:
    return "'" + spelling(token).substr(0, 40).str() + "'";
  }
}

bool Parser::fail(StringRef what) {
  if (!is(TokenKind::Invalid))
    diags.report(Diag::ExpectedToken, here(), what, describe(token()));
  return false;
}

SMRange Parser::here() const {
  if (!is(TokenKind::End) || at == 0)
    return range(token());
  uint32_t end = tokens[at - 1].end;
  return {location(end), location(end)};
}

bool Parser::expect(TokenKind kind, StringRef what) { return consumeIf(kind) || fail(what); }

bool Parser::expectWord(StringRef expected) { return consumeWordIf(expected) || fail("'" + expected.str() + "'"); }

bool Parser::parseName(Name &name, StringRef what) {
  if (!is(TokenKind::Name))
    return fail(what);
  if (isReserved(word())) {
    diags.report(Diag::ReservedWord, range(token()), word());
    return false;
  }
  name = {word().str(), range(token())};
  ++at;
  return true;
}

bool Parser::parseString(std::string &value, StringRef what) {
  if (!is(TokenKind::String))
    return fail(what);
  StringRef written = spelling(token()).drop_front().drop_back();
  value.clear();
  for (size_t i = 0; i < written.size(); ++i) {
    char c = written[i];
    if (c == '\\') // The lexer has let only known escapes pass.
      c = written[++i] == 'n' ? '\n' : written[i] == 't' ? '\t' : written[i];
    value += c;
  }
  ++at;
  return true;
}

bool Parser::parseNames(std::vector<Name> &names) {
  do {
    if (!parseName(names.emplace_back()) || !withinLimit(names.size(), "names in a list"))
      return false;
  } while (consumeIf(TokenKind::Comma));
  return true;
}

bool Parser::withinLimit(size_t count, StringRef things) {
  if (count <= SourceLimits::listLength)
    return true;
  diags.report(Diag::ListTooLong, range(token()), SourceLimits::listLength, things);
  return false;
}

bool Parser::parseList(TokenKind close, StringRef closeText, StringRef things, llvm::function_ref<bool()> element) {
  for (size_t count = 1; !consumeIf(close); ++count) {
    if (!withinLimit(count, things) || !element())
      return false;
    if (!consumeIf(TokenKind::Comma) && !is(close))
      return fail("',' or '" + closeText.str() + "'");
  }
  return true;
}

void Parser::parseItems(TokenKind close, llvm::function_ref<bool()> item) {
  unsigned itemDepth = token().depth;
  if (is(close)) // A closing bracket stands outside of what it closes.
    return;
  for (size_t count = 1; !is(close) && !is(TokenKind::End); ++count) {
    if (!withinLimit(count, "items")) {
      while (!is(TokenKind::End) && !(is(close) && token().depth < itemDepth))
        ++at;
      return;
    }
    size_t start = at;
    if (!item())
      recover(start, itemDepth, close);
  }
}

/// Goes to the next token that begins a line of the same list and looks like an item, or to the list's end.
void Parser::recover(size_t start, unsigned itemDepth, TokenKind close) {
  // What failed may have stopped inside of brackets, before or after the end of its item.
  at = std::max(at, start + 1);
  auto beginsItem = [&](const Token &candidate) {
    if (candidate.depth != itemDepth || !candidate.firstOnLine)
      return false;
    return candidate.kind == TokenKind::StarStar ||
           (candidate.kind == TokenKind::Name && !isReserved(spelling(candidate)));
  };
  while (!is(TokenKind::End) && !(is(close) && token().depth < itemDepth) && !beginsItem(token()))
    ++at;
}

std::unique_ptr<File> ftc::parseFile(llvm::SourceMgr &sources, unsigned bufferId, Diagnostics &diags) {
  auto file = std::make_unique<File>();
  file->path = sources.getMemoryBuffer(bufferId)->getBufferIdentifier().str();
  file->bufferId = bufferId;
  size_t size = sources.getMemoryBuffer(bufferId)->getBufferSize();
  if (size > SourceLimits::fileBytes) {
    diags.report(Diag::FileTooLarge, {}, file->path, size, SourceLimits::fileBytes);
    return file;
  }
  TokenList list = lex(diags, bufferId);
  file->comments = std::move(list.comments);
  if (list.structured)
    Parser(diags, bufferId, std::move(list)).parseFile(*file);
  return file;
}

std::unique_ptr<File> ftc::parsePath(const std::string &path, Diagnostics &diags, SMRange from) {
  auto refuse = [&](StringRef reason) {
    diags.report(Diag::CannotReadFile, from, path, reason);
    return nullptr;
  };
  if (llvm::sys::fs::is_directory(path))
    return refuse("it is a folder");
  uint64_t size = 0;
  if (!llvm::sys::fs::file_size(path, size) && size > SourceLimits::fileBytes) {
    diags.report(Diag::FileTooLarge, from, path, size, SourceLimits::fileBytes);
    return nullptr;
  }
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return refuse(buffer.getError().message());
  unsigned bufferId = diags.sourceManager().AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  return parseFile(diags.sourceManager(), bufferId, diags);
}
