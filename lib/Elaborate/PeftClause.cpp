//===- PeftClause.cpp - what `peft` clauses say ----------------------------===//

#include "PeftClause.h"

#include <cmath>

using namespace ftc;
using namespace ftc::elaborate;
using llvm::StringRef;
namespace json = ftc::runtime::json;

bool elaborate::isBlank(const json::Value *value) {
  if (!value || value->isNull() || value->asBool() == false || value->asNumber() == 0.0)
    return true;
  if (const std::string *text = value->asString())
    return text->empty();
  if (const json::Array *array = value->asArray())
    return array->empty();
  const json::Object *object = value->asObject();
  return object && object->empty();
}

bool elaborate::isSame(const json::Value &a, const json::Value &b) {
  auto x = a.asNumber(), y = b.asNumber();
  return (x && y ? *x == *y : a == b) || (isBlank(&a) && isBlank(&b));
}

json::Value elaborate::writtenNumber(json::Value value) {
  auto number = value.asNumber();
  return number && *number == std::floor(*number) && std::fabs(*number) < 0x1p53 ? json::Value(int64_t(*number))
                                                                                 : value;
}

bool elaborate::choosesModules(StringRef key) {
  static constexpr StringRef words[] = {"target_modules", "exclude_modules", "layers_to_transform", "layers_pattern"};
  return llvm::is_contained(words, key);
}

/// Whether an expression is a constant as clauses have them: a number, a string, `true`, `false`, `none`, a list, `{}`.
static bool isConstant(const ast::Expr &expr) {
  if (const auto *name = llvm::dyn_cast<ast::NameExpr>(&expr))
    return name->name == "true" || name->name == "false" || name->name == "none";
  if (const auto *list = llvm::dyn_cast<ast::ListExpr>(&expr))
    return llvm::all_of(list->values, [](const ast::ExprPtr &value) { return isConstant(*value); });
  if (const auto *map = llvm::dyn_cast<ast::MapExpr>(&expr))
    return map->entries.empty();
  if (const auto *unary = llvm::dyn_cast<ast::UnaryExpr>(&expr))
    return isConstant(*unary->operand);
  return llvm::isa<ast::IntegerExpr, ast::NumberExpr, ast::StringExpr>(&expr);
}

static StringRef nameOf(const ast::Expr &expr) {
  const auto *name = llvm::dyn_cast<ast::NameExpr>(&expr);
  return name ? StringRef(name->name) : StringRef();
}

PeftKey::PeftKey(StringRef name, const ast::Expr &meaning) : name(name), form(Form::Formula), value(&meaning) {
  static constexpr std::pair<StringRef, Form> forms[] = {{"_", Form::Unread},         {"one_of", Form::OneOf},
                                                         {"per_site", Form::PerSite}, {"sites_where", Form::SitesWhere},
                                                         {"tensors", Form::Tensors},  {"counts", Form::Counts},
                                                         {"below", Form::Below}};
  if (nameOf(meaning) == "_")
    form = Form::Nothing;
  else if (isConstant(meaning))
    form = Form::Constant;
  const auto *call = llvm::dyn_cast<ast::CallExpr>(&meaning);
  if (!call || call->arguments.empty())
    return;
  for (const auto &[word, meant] : forms)
    if (nameOf(*call->callee) == word) {
      form = meant;
      value = call->arguments.front().value.get();
      for (const ast::Argument &argument : call->arguments)
        others.push_back(argument.value.get());
    }
}

StringRef PeftKey::parameter() const { return nameOf(*value); }

const PeftKey *PeftClause::key(StringRef name) const {
  auto found = llvm::find_if(keys, [&](const PeftKey &key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

bool PeftClause::isUnderSites() const {
  return llvm::any_of(llvm::ArrayRef(tensors).take_front(ownTensors), [](const ast::FilesItem::Tensor *tensor) {
    return !tensor->fileNames.empty() && !StringRef(tensor->fileNames.front()).starts_with("/");
  });
}

StringRef PeftClause::tensorName() const {
  for (const PeftKey &key : keys)
    if (const auto *name = llvm::dyn_cast<ast::StringExpr>(key.value); name && key.form == PeftKey::Form::Tensors)
      return name->value;
  return "";
}

/// Adds the lines of a clause whose names are not there yet.
static void extend(PeftClause &clause, const ast::FilesItem &item) {
  for (const ast::FilesItem::Key &key : item.keys)
    if (!clause.key(key.name.text))
      clause.keys.emplace_back(key.name.text, *key.value);
  size_t before = clause.tensors.size();
  bool takesTensors = before == 0 || clause.isUnderSites();
  for (const ast::FilesItem::Tensor &tensor : item.tensors)
    if (takesTensors && llvm::none_of(llvm::ArrayRef(clause.tensors).take_front(before),
                                      [&](const auto *known) { return known->name.text == tensor.name.text; }))
      clause.tensors.push_back(&tensor);
}

std::vector<PeftClause> elaborate::peftClauses(Elaborator &elaborator, const ast::Definition &definition) {
  std::vector<PeftClause> result;
  for (const ast::ItemPtr &item : definition.body) {
    const auto *files = llvm::dyn_cast<ast::FilesItem>(item.get());
    if (!files || files->clause.text != "peft")
      continue;
    PeftClause &clause = result.emplace_back(PeftClause{&definition, files->type.text, {}, {}, 0});
    extend(clause, *files);
    clause.ownTensors = clause.tensors.size();
    if (clause.joins())
      continue;
    for (StringRef type : {clause.type, StringRef("_")})
      for (const ast::FilesItem *shared : elaborator.library().clauses(type))
        extend(clause, *shared);
  }
  return result;
}
