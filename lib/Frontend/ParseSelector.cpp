//===- ParseSelector.cpp - maps and selectors -----------------------------===//

#include "ParserImpl.h"

using namespace ftc;
using namespace ftc::ast;
using llvm::StringRef;

StringRef MapEntry::key() const {
  if (selector.parts.size() != 1)
    return "";
  const SelectorPart &part = selector.parts.front();
  if (part.anyDepth || part.from || part.globs.size() != 1 || StringRef(part.globs.front()).contains('*'))
    return "";
  return part.globs.front();
}

ExprPtr Parser::parseMap() {
  size_t start = at++;
  if (++depth > SourceLimits::nesting) {
    diags.report(Diag::NestingTooDeep, range(tokens[start]), SourceLimits::nesting);
    --depth;
    return nullptr;
  }
  auto map = std::make_unique<MapExpr>(range(tokens[start]));
  parseItems(TokenKind::RightBrace, [&] { return parseMapEntry(*map); });
  --depth;
  if (!expect(TokenKind::RightBrace, "'}'"))
    return nullptr;
  map->range = rangeFrom(start);
  unsigned height = 0;
  for (const MapEntry &entry : map->entries)
    height = std::max(height, entry.value->height);
  return finish(std::move(map), height);
}

/// `selector: value` or `name { ... }`
bool Parser::parseMapEntry(MapExpr &map) {
  size_t start = at;
  MapEntry entry;
  if (!parseSelector(entry.selector))
    return false;
  if (is(TokenKind::LeftBrace) && !entry.key().empty()) {
    entry.nested = true;
    entry.value = parseMap();
  } else {
    if (!expect(TokenKind::Colon, "':' and a value"))
      return false;
    entry.value = parseExpr();
  }
  if (!entry.value)
    return false;
  consumeIf(TokenKind::Comma);
  entry.range = {location(tokens[start].begin), entry.value->range.End};
  map.entries.push_back(std::move(entry));
  return true;
}

bool Parser::parseSelector(Selector &selector) {
  size_t start = at;
  if (!is(TokenKind::Name) && !is(TokenKind::StarStar)) {
    return fail(is(TokenKind::Star) ? "a selector, which begins with a name or '**'" : "a key or a selector");
  }
  do {
    bool first = selector.parts.empty();
    if (!parseSelectorPart(selector.parts.emplace_back(), first) ||
        !withinLimit(selector.parts.size(), "components of a selector"))
      return false;
  } while (consumeIf(TokenKind::Dot));
  selector.range = rangeFrom(start);
  return true;
}

bool Parser::parseSelectorPart(SelectorPart &part, bool first) {
  size_t start = at;
  if (consumeIf(TokenKind::StarStar)) {
    part.anyDepth = true;
    part.range = rangeFrom(start);
    return true;
  }
  if (!first && consumeIf(TokenKind::LeftBrace)) {
    if (!parseList(TokenKind::RightBrace, "}", "alternatives", [&] { return parseGlob(part.globs.emplace_back()); }))
      return false;
    if (part.globs.empty()) {
      --at;
      return fail("the name of a module");
    }
  } else if (!parseGlob(part.globs.emplace_back())) {
    return false;
  }
  if (consumeIf(TokenKind::LeftBracket)) {
    if (!(part.from = parseExpr()))
      return false;
    if (consumeIf(TokenKind::DotDot) && !(part.to = parseExpr()))
      return false;
    if (!expect(TokenKind::RightBracket, "'..' or ']'"))
      return false;
  }
  part.range = rangeFrom(start);
  return true;
}

/// Names and stars that stand together: `*norm`, `q_*`.
bool Parser::parseGlob(std::string &glob) {
  size_t start = at;
  while (is(TokenKind::Name) || is(TokenKind::Star)) {
    if (at != start && token().blankBefore) {
      // In a map the next line may begin with a name; a star cannot begin one.
      if (is(TokenKind::Star)) {
        diags.report(Diag::BlankInPattern, rangeFrom(start));
        return false;
      }
      break;
    }
    glob += spelling(token());
    ++at;
  }
  if (at != start)
    return true;
  return fail(is(TokenKind::Integer) || is(TokenKind::Number)
                  ? "the name of a module (a number stands in brackets, 'layers[0]')"
                  : "the name of a module, '*' or '**'");
}

Selector ftc::parseSelector(StringRef text, llvm::SMRange range) {
  llvm::SourceMgr sources;
  llvm::raw_null_ostream nowhere;
  Diagnostics diags(sources, nowhere);
  unsigned bufferId = sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text), llvm::SMLoc());
  TokenList list = lex(diags, bufferId);
  Selector selector;
  if (!list.structured || !Parser(diags, bufferId, std::move(list)).parseSelector(selector))
    return {};
  selector.range = range;
  for (SelectorPart &part : selector.parts) {
    part.range = range;
    for (Expr *bound : {part.from.get(), part.to.get()})
      if (bound)
        bound->range = range;
  }
  return selector;
}
