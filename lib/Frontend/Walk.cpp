//===- Walk.cpp - a walk over the syntax tree -----------------------------===//

#include "ftc/Frontend/Walk.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace ftc;
using namespace ftc::ast;

llvm::SmallVector<llvm::StringRef> ftc::ast::bracedWords(llvm::StringRef fileName) {
  llvm::SmallVector<llvm::StringRef> pieces;
  fileName.split(pieces, '{');
  for (llvm::StringRef &piece : pieces)
    piece = piece.take_until([](char c) { return c == '}'; });
  pieces.erase(pieces.begin());
  return pieces;
}

void Walk::type(const std::optional<Type> &maybe) {
  if (maybe)
    type(*maybe);
}

void Walk::selector(const Selector &selector) {
  enterSelector(selector);
  for (const SelectorPart &part : selector.parts) {
    expr(part.from);
    expr(part.to);
  }
}

void Walk::equation(const Equation &equation) {
  type(equation.type);
  expr(equation.value);
  equations(equation.where);
}

void Walk::equations(const std::vector<Equation> &list) {
  for (const Equation &each : list)
    equation(each);
}

void Walk::arguments(const std::vector<Argument> &list) {
  for (const Argument &argument : list)
    expr(argument.value);
}

void Walk::expr(const Expr *node) {
  if (!node)
    return;
  enterExpr(*node);
  llvm::TypeSwitch<const Expr *>(node)
      .Case([&](const MapExpr *map) {
        for (const MapEntry &entry : map->entries) {
          enterPlace(entry.range);
          selector(entry.selector);
          expr(entry.value);
        }
      })
      .Case([&](const ListExpr *list) {
        for (const ExprPtr &value : list->values)
          expr(value);
      })
      .Case([&](const TupleExpr *tuple) {
        for (const ExprPtr &value : tuple->values)
          expr(value);
        equations(tuple->where);
      })
      .Case([&](const IfExpr *choice) {
        expr(choice->condition);
        expr(choice->thenValue);
        expr(choice->elseValue);
      })
      .Case([&](const BinaryExpr *binary) {
        expr(binary->lhs);
        expr(binary->rhs);
      })
      .Case([&](const UnaryExpr *unary) { expr(unary->operand); })
      .Case([&](const CallExpr *call) {
        expr(call->callee);
        arguments(call->arguments);
      })
      .Case([&](const IndexExpr *index) {
        expr(index->base);
        arguments(index->indices);
      })
      .Case([&](const MemberExpr *member) { expr(member->base); })
      .Case([&](const ArrowExpr *arrow) {
        expr(arrow->from);
        expr(arrow->to);
      })
      .Case([&](const RangeExpr *range) {
        expr(range->from);
        expr(range->to);
      })
      .Case([&](const FoldExpr *fold) {
        for (const FoldExpr::Binding &binding : fold->bindings)
          expr(binding.value);
        expr(fold->body);
        equations(fold->where);
      })
      .Default([](const Expr *) {});
}

void Walk::body(const std::vector<ItemPtr> &items) {
  for (const ItemPtr &each : items) {
    enterPlace(each->range);
    item(*each);
  }
}

void Walk::item(const Item &item) {
  llvm::TypeSwitch<const Item *>(&item)
      .Case([&](const DeclarationsItem *declarations) {
        for (const ExprPtr &key : declarations->sharedBy)
          expr(key);
        for (const Declaration &declaration : declarations->declarations) {
          type(declaration.type);
          expr(declaration.value);
          expr(declaration.condition);
        }
      })
      .Case([&](const DimsItem *dims) {
        for (const DimsItem::Dim &dim : dims->dims)
          expr(dim.value);
      })
      .Case([&](const CalibrateItem *calibrate) {
        type(calibrate->type);
        expr(calibrate->on);
        expr(calibrate->value);
      })
      .Case([&](const RebaseItem *rebase) { expr(rebase->value); })
      .Case([&](const RequireItem *require) { expr(require->condition); })
      .Case([&](const EveryItem *every) {
        expr(every->period);
        body(every->body);
      })
      .Case([&](const PartItem *part) {
        expr(part->count);
        expr(part->value);
        expr(part->condition);
      })
      .Case([&](const TieItem *tie) {
        expr(tie->left);
        expr(tie->right);
        expr(tie->condition);
      })
      .Case([&](const OnItem *on) {
        if (on->at)
          selector(*on->at);
        body(on->body);
      })
      .Case([&](const ConfigItem *config) {
        for (const ConfigItem::Key &key : config->keys) {
          enterPlace(key.name.range);
          expr(key.defaultValue);
        }
      })
      .Case([&](const FilesItem *files) {
        for (const FilesItem::Key &key : files->keys) {
          enterPlace(key.name.range);
          expr(key.value);
        }
        for (const FilesItem::Tensor &tensor : files->tensors) {
          enterPlace(tensor.range);
          for (const std::string &name : tensor.fileNames)
            enterFileName(name);
          expr(tensor.condition);
        }
      })
      .Case([&](const EquationItem *each) { equation(each->equation); })
      .Default([](const Item *) {});
}

void Walk::definition(const Definition &definition) {
  for (const Parameter &parameter : definition.parameters) {
    type(parameter.type);
    expr(parameter.defaultValue);
  }
  body(definition.body);
  expr(definition.value);
  equations(definition.where);
}
