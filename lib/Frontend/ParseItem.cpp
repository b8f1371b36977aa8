//===- ParseItem.cpp - items of a definition's body -----------------------===//

#include "ParserImpl.h"

using namespace ftc;
using namespace ftc::ast;
using llvm::StringRef;

/// Words that may be followed by "(" as words of their own; others are then the name of a function.
static bool opensBeforeParenthesis(StringRef word) {
  static constexpr StringRef words[] = {"shared", "param", "frozen",  "folded", "state",
                                        "store",  "let",   "require", "every",  "after"};
  return llvm::is_contained(words, word);
}

bool Parser::parseItem(std::vector<ItemPtr> &body) {
  size_t start = at;
  // A word of the grammar is a name where `=`, `:`, `.` or, for most, `(` follows.
  bool isName = is(TokenKind::Equal, 1) || is(TokenKind::Colon, 1) || is(TokenKind::Dot, 1) ||
                (is(TokenKind::LeftParen, 1) && !opensBeforeParenthesis(word()));
  ItemPtr item;
  if (is(TokenKind::Name) && isName) {
    item = parseEquationItem(start);
  } else {
    item = parseItemByWord(start);
  }
  if (!item)
    return false;
  item->range = rangeFrom(start);
  body.push_back(std::move(item));
  return true;
}

static std::optional<TensorRole> tensorRole(StringRef word) {
  static constexpr struct {
    StringRef word;
    TensorRole role;
  } table[] = {{"param", TensorRole::Param}, {"frozen", TensorRole::Frozen}, {"folded", TensorRole::Folded},
               {"state", TensorRole::State}, {"store", TensorRole::Store},   {"let", TensorRole::Let}};
  for (const auto &entry : table)
    if (entry.word == word)
      return entry.role;
  return std::nullopt;
}

ItemPtr Parser::parseItemByWord(size_t start) {
  static constexpr struct {
    StringRef word;
    ItemPtr (Parser::*parse)(size_t);
  } table[] = {{"dim", &Parser::parseDims},
               {"calibrate", &Parser::parseCalibrate},
               {"rebase", &Parser::parseRebase},
               {"require", &Parser::parseRequire},
               {"every", &Parser::parseEvery},
               {"after", &Parser::parseEvery},
               {"reset", &Parser::parseReset},
               {"part", &Parser::parsePart},
               {"tie", &Parser::parseTie},
               {"on", &Parser::parseOn},
               {"config", &Parser::parseConfig},
               {"ignore", &Parser::parseIgnore},
               {"peft", &Parser::parseFiles},
               {"gguf", &Parser::parseFiles},
               {"shared", &Parser::parseDeclarations}};
  if (tensorRole(word()))
    return parseDeclarations(start);
  for (const auto &entry : table)
    if (isWord(entry.word))
      return (this->*entry.parse)(start);
  if (is(TokenKind::Invalid))
    return nullptr;
  auto message = diags.report(Diag::ExpectedBodyItem, range(token()), describe(token()));
  if (word() == "if" || word() == "else") {
    message.help("a choice is an expression: `if condition then a else b`");
  } else if (word() == "where") {
    message.help("an equation has one `where`, whose names are separated by commas");
  } else if (is(TokenKind::LeftParen) || is(TokenKind::Equal)) {
    message.help("several names at once, `(U, S, V) = e`, stand in a `let` or behind `where`");
  } else if (is(TokenKind::Name)) {
    std::vector<StringRef> words = {"param", "frozen", "folded", "state", "store", "let"};
    for (const auto &entry : table)
      words.push_back(entry.word);
    message.nearest(word(), words);
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// `["shared" ["(" keys ")"]] role decl {"," decl}`
ItemPtr Parser::parseDeclarations(size_t start) {
  auto item = std::make_unique<DeclarationsItem>(range(tokens[start]));
  if (consumeWordIf("shared")) {
    item->shared = true;
    if (consumeIf(TokenKind::LeftParen)) {
      bool sound = parseList(TokenKind::RightParen, ")", "keys", [&] {
        item->sharedBy.push_back(parseExpr());
        return item->sharedBy.back() != nullptr;
      });
      if (!sound)
        return nullptr;
    }
  }
  std::optional<TensorRole> role = tensorRole(word());
  if (!role || *role == TensorRole::Let) {
    if (item->shared || !role) {
      fail("'param', 'frozen', 'folded', 'state' or 'store'");
      return nullptr;
    }
  }
  item->role = *role;
  ++at;
  do {
    if (!parseDeclaration(item->declarations.emplace_back()) || !withinLimit(item->declarations.size(), "tensors"))
      return nullptr;
  } while (consumeIf(TokenKind::Comma));
  return item;
}

/// `pattern [":" type] ["=" expr ["where" equations]] ["when" expr]`
bool Parser::parseDeclaration(Declaration &declaration) {
  size_t start = at;
  if (!parsePattern(declaration.targets))
    return false;
  if (consumeIf(TokenKind::Colon) && !parseType(declaration.type.emplace()))
    return false;
  if (consumeIf(TokenKind::Equal) && !(declaration.value = parseExpr()))
    return false;
  if (declaration.value && isWord("where") && !addWhere(declaration.value))
    return false;
  if (!parseCondition(declaration.condition))
    return false;
  declaration.range = rangeFrom(start);
  return true;
}

/// `["when" expr]`
bool Parser::parseCondition(ExprPtr &condition) {
  if (!isWord("when") || is(TokenKind::Equal, 1) || is(TokenKind::Colon, 1))
    return true;
  ++at;
  return (condition = parseExpr()) != nullptr;
}

//===----------------------------------------------------------------------===//
// Items with a word of their own
//===----------------------------------------------------------------------===//

ItemPtr Parser::parseDims(size_t start) {
  ++at;
  auto item = std::make_unique<DimsItem>(range(tokens[start]));
  do {
    DimsItem::Dim &dim = item->dims.emplace_back();
    if (!parseName(dim.name, "the name of a dimension") || !expect(TokenKind::Equal, "'='") ||
        !(dim.value = parseExpr()) || !withinLimit(item->dims.size(), "dimensions"))
      return nullptr;
  } while (consumeIf(TokenKind::Comma));
  return item;
}

/// `calibrate NAME: type on e = e`
ItemPtr Parser::parseCalibrate(size_t start) {
  ++at;
  auto item = std::make_unique<CalibrateItem>(range(tokens[start]));
  if (!parseName(item->name) || !expect(TokenKind::Colon, "':' and a type") || !parseType(item->type) ||
      !expectWord("on") || !(item->on = parseExpr()) || !expect(TokenKind::Equal, "'='") ||
      !(item->value = parseExpr()))
    return nullptr;
  return item;
}

ItemPtr Parser::parseRebase(size_t start) {
  ++at;
  auto item = std::make_unique<RebaseItem>(range(tokens[start]));
  if (!parseName(item->name) || !expect(TokenKind::Equal, "'='") || !(item->value = parseExpr()))
    return nullptr;
  return item;
}

ItemPtr Parser::parseRequire(size_t start) {
  ++at;
  auto item = std::make_unique<RequireItem>(range(tokens[start]));
  if (!(item->condition = parseExpr()) || !expect(TokenKind::Colon, "':' and a message") ||
      !parseString(item->message, "a message in quotes"))
    return nullptr;
  return item;
}

/// `every n steps { ... }`, `after n steps { ... }`
ItemPtr Parser::parseEvery(size_t start) {
  auto item = std::make_unique<EveryItem>(range(tokens[start]));
  item->once = isWord("after");
  ++at;
  if (!(item->period = parseExpr()) || !parseBody(item->body))
    return nullptr;
  return item;
}

ItemPtr Parser::parseReset(size_t start) {
  ++at;
  auto item = std::make_unique<ResetItem>(range(tokens[start]));
  return parseNames(item->names) ? std::move(item) : nullptr;
}

/// `part NAME ["[" NAME ":" expr "]"] ":" postfix ["when" expr]`
ItemPtr Parser::parsePart(size_t start) {
  ++at;
  auto item = std::make_unique<PartItem>(range(tokens[start]));
  if (!parseName(item->name, "the name of a part"))
    return nullptr;
  if (consumeIf(TokenKind::LeftBracket)) {
    if (!parseName(item->index) || !expect(TokenKind::Colon, "':' and a count") || !(item->count = parseExpr()) ||
        !expect(TokenKind::RightBracket, "']'"))
      return nullptr;
  }
  if (!expect(TokenKind::Colon, "':' and a module") || !(item->value = parsePostfix()) ||
      !parseCondition(item->condition))
    return nullptr;
  return item;
}

ItemPtr Parser::parseTie(size_t start) {
  ++at;
  auto item = std::make_unique<TieItem>(range(tokens[start]));
  if (!(item->left = parsePostfix()) || !expect(TokenKind::Equal, "'='") || !(item->right = parsePostfix()) ||
      !parseCondition(item->condition))
    return nullptr;
  return item;
}

/// `on site ["at" selector] { ... }`
ItemPtr Parser::parseOn(size_t start) {
  ++at;
  auto item = std::make_unique<OnItem>(range(tokens[start]));
  if (!parseSite(item->site))
    return nullptr;
  if (consumeWordIf("at") && !parseSelector(item->at.emplace()))
    return nullptr;
  return parseBody(item->body) ? std::move(item) : nullptr;
}

ItemPtr Parser::parseConfig(size_t start) {
  ++at;
  auto item = std::make_unique<ConfigItem>(range(tokens[start]));
  if (!expect(TokenKind::LeftBrace, "'{'"))
    return nullptr;
  parseItems(TokenKind::RightBrace, [&] {
    ConfigItem::Key key;
    if (!parseName(key.name, "a key of config.json"))
      return false;
    if (consumeIf(TokenKind::Equal) && !(key.defaultValue = parseExpr()))
      return false;
    consumeIf(TokenKind::Comma);
    item->keys.push_back(std::move(key));
    return true;
  });
  return expect(TokenKind::RightBrace, "'}'") ? std::move(item) : nullptr;
}

ItemPtr Parser::parseIgnore(size_t start) {
  ++at;
  auto item = std::make_unique<IgnoreItem>(range(tokens[start]));
  do {
    if (!parseString(item->names.emplace_back(), "a name in quotes") || !withinLimit(item->names.size(), "names"))
      return nullptr;
  } while (consumeIf(TokenKind::Comma));
  return item;
}

ItemPtr Parser::parseEquationItem(size_t start) {
  auto item = std::make_unique<EquationItem>(range(tokens[start]));
  if (!parseLocal(item->equation))
    return nullptr;
  if (isWord("where") && !parseWhere(item->equation.where))
    return nullptr;
  item->equation.range = rangeFrom(start);
  return item;
}

//===----------------------------------------------------------------------===//
// Names in files
//===----------------------------------------------------------------------===//

/// `peft NAME { ... }`, `gguf NAME { ... }`
ItemPtr Parser::parseFiles(size_t start) {
  auto item = std::make_unique<FilesItem>(range(tokens[start]));
  if (!parseName(item->clause) || !parseName(item->type) || !expect(TokenKind::LeftBrace, "'{'"))
    return nullptr;
  parseItems(TokenKind::RightBrace, [&] { return parseFilesEntry(*item); });
  return expect(TokenKind::RightBrace, "'}'") ? std::move(item) : nullptr;
}

/// `"as" axes`, and in what definitions write also `"as" NAME [axes]`
bool Parser::parseFileForm(const FilesItem &files, FilesItem::Tensor &tensor) {
  bool isPeft = files.clause.text == "peft", hasElement = isPeft && is(TokenKind::Name, 1);
  if (!isWord("as") || !(hasElement || is(TokenKind::LeftBracket, 1)))
    return true;
  ++at;
  if (hasElement && !parseName(tensor.element))
    return false;
  return !is(TokenKind::LeftBracket) || parseAxes(tensor.shape.emplace(), /*inFile=*/isPeft);
}

/// `key: expr`, or `tensor [":" axes] "=" "name" {"," "name"} [as ...] ["when" expr] ["optional" | "given"]`, or
/// `tensor = none`
bool Parser::parseFilesEntry(FilesItem &files) {
  size_t start = at;
  Name name;
  if (!parseName(name, "a key or a tensor"))
    return false;
  while (consumeIf(TokenKind::Dot)) {
    Name component;
    if (!parseName(component))
      return false;
    name.text += "." + component.text;
    name.range.End = component.range.End;
  }
  // `name: [axes] = ...` is a tensor with its own dimensions, any other `name: ...` a key.
  bool ownAxes = is(TokenKind::Colon) && is(TokenKind::LeftBracket, 1) &&
                 tokens[std::min<size_t>(token(1).match + 1, tokens.size() - 1)].kind == TokenKind::Equal;
  if (is(TokenKind::Colon) && !ownAxes) {
    ++at;
    ExprPtr value = parseExpr();
    if (!value)
      return false;
    files.keys.push_back({std::move(name), std::move(value)});
    return true;
  }
  FilesItem::Tensor tensor;
  tensor.name = std::move(name);
  if (consumeIf(TokenKind::Colon) && !parseAxes(tensor.axes.emplace()))
    return false;
  if (!expect(TokenKind::Equal, "':' and a value, or '=' and a name in quotes"))
    return false;
  if (files.clause.text == "peft" && isWord("none")) {
    ++at;
    tensor.range = rangeFrom(start);
    files.tensors.push_back(std::move(tensor));
    return true;
  }
  do {
    if (!parseString(tensor.fileNames.emplace_back(), "a name in quotes") ||
        !withinLimit(tensor.fileNames.size(), "names"))
      return false;
  } while (consumeIf(TokenKind::Comma));
  if (!parseFileForm(files, tensor) || !parseCondition(tensor.condition))
    return false;
  bool hasWord = !is(TokenKind::Equal, 1) && !is(TokenKind::Colon, 1);
  if (hasWord && (isWord("optional") || isWord("given"))) {
    (isWord("optional") ? tensor.optional : tensor.given) = true;
    ++at;
  }
  tensor.range = rangeFrom(start);
  files.tensors.push_back(std::move(tensor));
  return true;
}
