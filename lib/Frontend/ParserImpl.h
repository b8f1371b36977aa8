//===- ParserImpl.h - the recursive-descent parser -------------*- C++ -*-===//
//
// One method for a rule of the grammar. A method that fails has reported why and
// returns null or false; the nearest enclosing list of items then goes on with
// its next item, found by the brackets, which the lexer has matched already.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_LIB_FRONTEND_PARSERIMPL_H
#define FTC_LIB_FRONTEND_PARSERIMPL_H

#include "ftc/Frontend/AST.h"
#include "ftc/Frontend/Lexer.h"
#include "ftc/Frontend/Parser.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace ftc {

class Parser {
public:
  Parser(Diagnostics &diags, unsigned bufferId, TokenList list);

  void parseFile(ast::File &file);
  bool parseSelector(ast::Selector &selector);

private:
  //===--- Tokens (ParserImpl.cpp) ---===//
  const Token &token(size_t ahead = 0) const { return tokens[std::min(at + ahead, tokens.size() - 1)]; }
  bool is(TokenKind kind, size_t ahead = 0) const { return token(ahead).kind == kind; }
  llvm::StringRef spelling(const Token &token) const { return text.slice(token.begin, token.end); }
  /// The word of the current token; empty if it is not a name.
  llvm::StringRef word(size_t ahead = 0) const;
  bool isWord(llvm::StringRef expected, size_t ahead = 0) const { return word(ahead) == expected; }
  llvm::SMLoc location(uint32_t offset) const { return llvm::SMLoc::getFromPointer(text.data() + offset); }
  llvm::SMRange range(const Token &token) const { return {location(token.begin), location(token.end)}; }
  /// From a token to the last one consumed.
  llvm::SMRange rangeFrom(size_t first) const;
  llvm::SMRange rangeFrom(llvm::SMLoc start) const { return {start, rangeFrom(at ? at - 1 : 0).End}; }

  /// The current token's place; at the end of the file, right after its last word.
  llvm::SMRange here() const;

  bool consumeIf(TokenKind kind);
  bool consumeWordIf(llvm::StringRef expected);
  bool expect(TokenKind kind, llvm::StringRef what);
  bool expectWord(llvm::StringRef expected);
  /// Reports "expected `what`, got ..." at the current token; returns false.
  bool fail(llvm::StringRef what);
  std::string describe(const Token &token) const;
  bool parseName(ast::Name &name, llvm::StringRef what = "a name");
  bool parseString(std::string &value, llvm::StringRef what);
  /// `name { "," name }`
  bool parseNames(std::vector<ast::Name> &names);
  /// `element { "," element } [","]` up to a closing bracket, which is consumed.
  bool parseList(TokenKind close, llvm::StringRef closeText, llvm::StringRef things,
                 llvm::function_ref<bool()> element);
  /// Items up to `close` or the end; after an error it goes on with the next line that can begin an item.
  void parseItems(TokenKind close, llvm::function_ref<bool()> item);
  void recover(size_t start, unsigned depth, TokenKind close);
  bool withinLimit(size_t count, llvm::StringRef things);

  //===--- Expressions (ParseExpr.cpp) ---===//
  ast::ExprPtr parseExpr();
  ast::ExprPtr parseIf();
  using Level = ast::ExprPtr (Parser::*)();
  /// A left-associative level: `next { op next }`.
  ast::ExprPtr parseChain(Level next, llvm::function_ref<std::optional<ast::BinaryOp>()> op);
  ast::ExprPtr parseEither();
  ast::ExprPtr parseAny();
  ast::ExprPtr parseAll();
  ast::ExprPtr parseTruth();
  ast::ExprPtr parseSum();
  ast::ExprPtr parseProduct();
  ast::ExprPtr parseContract();
  ast::ExprPtr parseUnary();
  ast::ExprPtr parsePower();
  ast::ExprPtr parsePostfix();
  ast::ExprPtr parseAtom();
  ast::ExprPtr parseNumeric();
  ast::ExprPtr parseParenthesised();
  ast::ExprPtr parseListExpr();
  ast::ExprPtr parseFold();
  ast::ExprPtr parseMap();
  bool parseMapEntry(ast::MapExpr &map);
  ast::ExprPtr parseValue();
  bool parseArgument(ast::Argument &argument);
  bool parseArguments(TokenKind close, llvm::StringRef closeText, std::vector<ast::Argument> &arguments);
  bool parseSelectorPart(ast::SelectorPart &part, bool first);
  bool parseGlob(std::string &glob);
  bool parseWhere(std::vector<ast::Equation> &where);
  bool addWhere(ast::ExprPtr &value);
  bool parseLocal(ast::Equation &local);
  bool parsePattern(std::vector<ast::Name> &targets);
  ast::ExprPtr binary(ast::BinaryOp op, ast::ExprPtr lhs, ast::ExprPtr rhs, llvm::SMRange opRange);
  /// Notes the height of a node over its children; null, with an error, if the tree becomes too high.
  ast::ExprPtr finish(ast::ExprPtr node, unsigned childHeight);

  //===--- Types and definitions (ParseDefinition.cpp) ---===//
  bool parseType(ast::Type &type);
  bool parseAxes(std::vector<ast::Axis> &axes, bool inFile = false);
  bool parseAxis(ast::Axis &axis, bool inFile);
  bool parseParameters(std::vector<ast::Parameter> &parameters);
  bool parseSite(ast::Site &site);
  bool startsDefinition() const;
  bool parseDefinition(ast::File &file);
  bool parseHeader(ast::Definition &definition);
  bool parseFunction(ast::Definition &definition);
  bool parseBody(std::vector<ast::ItemPtr> &body);

  //===--- Items of a definition (ParseItem.cpp) ---===//
  bool parseItem(std::vector<ast::ItemPtr> &body);
  ast::ItemPtr parseItemByWord(size_t start);
  ast::ItemPtr parseDeclarations(size_t start);
  bool parseDeclaration(ast::Declaration &declaration);
  bool parseCondition(ast::ExprPtr &condition);
  ast::ItemPtr parseDims(size_t start);
  ast::ItemPtr parseCalibrate(size_t start);
  ast::ItemPtr parseRebase(size_t start);
  ast::ItemPtr parseRequire(size_t start);
  ast::ItemPtr parseEvery(size_t start);
  ast::ItemPtr parseReset(size_t start);
  ast::ItemPtr parsePart(size_t start);
  ast::ItemPtr parseTie(size_t start);
  ast::ItemPtr parseOn(size_t start);
  ast::ItemPtr parseConfig(size_t start);
  ast::ItemPtr parseIgnore(size_t start);
  ast::ItemPtr parseFiles(size_t start);
  bool parseFilesEntry(ast::FilesItem &files);
  bool parseFileForm(const ast::FilesItem &files, ast::FilesItem::Tensor &tensor);
  bool parseClause(ast::File &file);
  ast::ItemPtr parseEquationItem(size_t start);

  //===--- Files (ParseFile.cpp) ---===//
  bool parseFileItem(ast::File &file);
  bool parseImport(ast::File &file);
  bool parseInput(ast::File &file);
  bool parseBinding(ast::File &file);
  static bool isVerb(llvm::StringRef word);
  ast::ExprPtr parseVerb();
  bool parseSave(ast::File &file);

  Diagnostics &diags;
  llvm::StringRef text;
  std::vector<Token> tokens;
  size_t at = 0;
  unsigned depth = 0; ///< of recursion, where brackets do not bound it already
};

} // namespace ftc

#endif // FTC_LIB_FRONTEND_PARSERIMPL_H
