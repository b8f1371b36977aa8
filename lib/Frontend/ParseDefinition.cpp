//===- ParseDefinition.cpp - types, headers of definitions ----------------===//

#include "ParserImpl.h"

using namespace ftc;
using namespace ftc::ast;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// `NAME`, `[NAME] axes ["as" expr]`
bool Parser::parseType(Type &type) {
  size_t start = at;
  if (is(TokenKind::Name) && !parseName(type.element))
    return false;
  if (is(TokenKind::LeftBracket)) {
    if (!parseAxes(type.axes.emplace()))
      return false;
    if (consumeWordIf("as") && !(type.storedAs = parseExpr()))
      return false;
  } else if (!type.element) {
    return fail("a type");
  }
  type.range = rangeFrom(start);
  return true;
}

bool Parser::parseAxes(std::vector<Axis> &axes, bool inFile) {
  if (!expect(TokenKind::LeftBracket, "'['"))
    return false;
  return parseList(TokenKind::RightBracket, "]", "dimensions", [&] { return parseAxis(axes.emplace_back(), inFile); });
}

/// A name, an integer, or a group of names; in a file also `NAME by NAME`.
bool Parser::parseAxis(Axis &axis, bool inFile) {
  size_t start = at;
  if (is(TokenKind::Integer)) {
    ExprPtr integer = parseNumeric();
    if (!integer)
      return false;
    axis.integer = llvm::cast<IntegerExpr>(*integer).value;
  } else if (consumeIf(TokenKind::LeftParen)) {
    if (!parseNames(axis.names) || !expect(TokenKind::RightParen, "',' or ')'"))
      return false;
  } else if (!parseName(axis.names.emplace_back(), "the name of a dimension")) {
    return false;
  } else if (inFile && isWord("by")) {
    ++at;
    if (!parseName(axis.pieces, "the dimension that counts the pieces"))
      return false;
  }
  axis.range = rangeFrom(start);
  return true;
}

//===----------------------------------------------------------------------===//
// Headers
//===----------------------------------------------------------------------===//

static std::optional<DefinitionKind> definitionKind(StringRef word) {
  static constexpr struct {
    StringRef word;
    DefinitionKind kind;
  } table[] = {{"adapter", DefinitionKind::Adapter},   {"objective", DefinitionKind::Objective},
               {"schedule", DefinitionKind::Schedule}, {"optimizer", DefinitionKind::Optimizer},
               {"format", DefinitionKind::Format},     {"merge", DefinitionKind::Merge},
               {"module", DefinitionKind::Module},     {"model", DefinitionKind::Model},
               {"function", DefinitionKind::Function}};
  for (const auto &entry : table)
    if (entry.word == word)
      return entry.kind;
  return std::nullopt;
}

bool Parser::startsDefinition() const { return definitionKind(word()) && is(TokenKind::Name, 1); }

bool Parser::parseDefinition(File &file) {
  size_t start = at;
  auto definition = std::make_unique<Definition>();
  definition->kind = *definitionKind(word());
  ++at;
  if (!parseName(definition->name))
    return false;
  bool sound = definition->kind == DefinitionKind::Function ? parseFunction(*definition)
                                                            : parseHeader(*definition) && parseBody(definition->body);
  if (!sound)
    return false;
  definition->range = rangeFrom(start);
  file.definitions.push_back(std::move(definition));
  return true;
}

/// What stands between a definition's name and its body; which parts there are depends on its kind.
bool Parser::parseHeader(Definition &definition) {
  DefinitionKind kind = definition.kind;
  if (kind == DefinitionKind::Module && is(TokenKind::LeftBracket) && !parseAxes(definition.axes.emplace()))
    return false;
  if (kind != DefinitionKind::Model && is(TokenKind::LeftParen) && !parseParameters(definition.parameters))
    return false;
  switch (kind) {
  case DefinitionKind::Adapter:
  case DefinitionKind::Objective:
    if (!expectWord("on") || !parseSite(definition.site.emplace()))
      return false;
    if (kind == DefinitionKind::Objective && consumeWordIf("mixing"))
      return parseName(definition.mixing);
    return true;
  case DefinitionKind::Format:
  case DefinitionKind::Optimizer: {
    if (kind == DefinitionKind::Optimizer && !isWord("on"))
      return true;
    if (!expectWord("on"))
      return false;
    Site &site = definition.site.emplace();
    size_t start = at;
    if (!parseAxes(site.axes.emplace()))
      return false;
    site.range = rangeFrom(start);
    return true;
  }
  case DefinitionKind::Merge:
    return !consumeWordIf("each") || parseSite(definition.each.emplace());
  case DefinitionKind::Module:
    return !consumeWordIf("is") || parseName(definition.is);
  default:
    return true;
  }
}

bool Parser::parseParameters(std::vector<Parameter> &parameters) {
  ++at;
  return parseList(TokenKind::RightParen, ")", "parameters", [&] {
    size_t start = at;
    Parameter &parameter = parameters.emplace_back();
    if (!parseName(parameter.name, "the name of a parameter"))
      return false;
    if (consumeIf(TokenKind::Colon) && !parseType(parameter.type.emplace()))
      return false;
    if (consumeIf(TokenKind::Equal) && !(parameter.defaultValue = parseExpr()))
      return false;
    parameter.range = rangeFrom(start);
    return true;
  });
}

bool Parser::parseSite(Site &site) {
  size_t start = at;
  if (!parseName(site.name, "the name of a site"))
    return false;
  if (is(TokenKind::LeftBracket) && !parseAxes(site.axes.emplace()))
    return false;
  site.range = rangeFrom(start);
  return true;
}

/// `function NAME (x, y) = e where ...`
bool Parser::parseFunction(Definition &definition) {
  if (!is(TokenKind::LeftParen))
    return fail("'(' and the function's parameters");
  return parseParameters(definition.parameters) && expect(TokenKind::Equal, "'='") &&
         (definition.value = parseExpr()) && (!isWord("where") || parseWhere(definition.where));
}

bool Parser::parseBody(std::vector<ItemPtr> &body) {
  if (!expect(TokenKind::LeftBrace, "'{'"))
    return false;
  if (++depth > SourceLimits::nesting) {
    diags.report(Diag::NestingTooDeep, range(token()), SourceLimits::nesting);
    --depth;
    return false;
  }
  parseItems(TokenKind::RightBrace, [&] { return parseItem(body); });
  --depth;
  return expect(TokenKind::RightBrace, "'}'");
}
