//===- ParseFile.cpp - imports, inputs, bindings, saves -------------------===//

#include "ParserImpl.h"

using namespace ftc;
using namespace ftc::ast;
using llvm::StringRef;

bool Parser::isVerb(StringRef word) {
  static constexpr StringRef verbs[] = {"adapt", "train", "evaluate", "generate"};
  return llvm::is_contained(verbs, word);
}

void Parser::parseFile(File &file) {
  parseItems(TokenKind::End, [&] { return parseFileItem(file); });
}

bool Parser::parseFileItem(File &file) {
  if (is(TokenKind::Name) && is(TokenKind::Equal, 1))
    return parseBinding(file);
  if (isWord("import") && is(TokenKind::String, 1))
    return parseImport(file);
  if (isWord("input") && is(TokenKind::Name, 1))
    return parseInput(file);
  if (isWord("save"))
    return parseSave(file);
  if (startsDefinition())
    return parseDefinition(file);
  if (isWord("peft") && is(TokenKind::Name, 1))
    return parseClause(file);
  if (!is(TokenKind::Invalid))
    diags.report(Diag::ExpectedFileItem, range(token()), describe(token()));
  return false;
}

/// `peft TYPE { ... }` outside of definitions: what all of that type share.
bool Parser::parseClause(File &file) {
  size_t start = at;
  ItemPtr item = parseFiles(start);
  if (!item)
    return false;
  item->range = rangeFrom(start);
  file.clauses.emplace_back(llvm::cast<FilesItem>(item.release()));
  return true;
}

bool Parser::parseImport(File &file) {
  size_t start = at++;
  Import import;
  if (!parseString(import.path, "a path in quotes"))
    return false;
  import.range = rangeFrom(start);
  file.imports.push_back(std::move(import));
  return true;
}

bool Parser::parseInput(File &file) {
  size_t start = at++;
  Input input;
  if (!parseName(input.name) || !expect(TokenKind::Colon, "':' and a type") || !parseType(input.type))
    return false;
  if (consumeIf(TokenKind::Equal) && !(input.defaultValue = parseExpr()))
    return false;
  input.range = rangeFrom(start);
  file.inputs.push_back(std::move(input));
  return true;
}

bool Parser::parseBinding(File &file) {
  size_t start = at;
  Binding binding;
  if (!parseName(binding.name) || !expect(TokenKind::Equal, "'='"))
    return false;
  bool verb = isVerb(word()) && (is(TokenKind::Name, 1) || is(TokenKind::LeftParen, 1));
  binding.value = verb ? parseVerb() : parseExpr();
  if (!binding.value)
    return false;
  binding.range = rangeFrom(start);
  file.bindings.push_back(std::move(binding));
  return true;
}

/// `adapt model { ... }`: a call of the verb with the value and the map.
ExprPtr Parser::parseVerb() {
  size_t start = at;
  auto callee = std::make_unique<NameExpr>(range(token()));
  callee->name = word().str();
  ++at;
  Argument value;
  value.value = parseExpr();
  if (!value.value)
    return nullptr;
  value.range = value.value->range;
  if (!is(TokenKind::LeftBrace)) {
    fail("'{' and the options of '" + callee->name + "'");
    return nullptr;
  }
  Argument options;
  options.value = parseMap();
  if (!options.value)
    return nullptr;
  options.range = options.value->range;
  unsigned height = std::max(value.value->height, options.value->height);
  auto call = std::make_unique<CallExpr>(rangeFrom(start));
  call->verb = true;
  call->callee = std::move(callee);
  call->arguments.push_back(std::move(value));
  call->arguments.push_back(std::move(options));
  return finish(std::move(call), height);
}

bool Parser::parseSave(File &file) {
  size_t start = at++;
  Save save;
  if (!(save.value = parseExpr()) || !expectWord("as") || !(save.as = parseExpr()))
    return false;
  save.range = rangeFrom(start);
  file.saves.push_back(std::move(save));
  return true;
}
