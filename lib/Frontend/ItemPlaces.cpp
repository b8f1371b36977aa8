//===- ItemPlaces.cpp - a walk over the syntax tree -----------------------===//

#include "ItemPlaces.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace ftc;
using namespace ftc::ast;

namespace {
/// Visits every expression and item below a file; expressions may be null.
class Walk {
public:
  explicit Walk(ItemPlaces &places) : places(places) {}

  void expr(const Expr *node);
  void expr(const ExprPtr &node) { expr(node.get()); }
  void equation(const Equation &equation);
  void equations(const std::vector<Equation> &list);
  void arguments(const std::vector<Argument> &list);
  void type(const Type &type) { expr(type.storedAs); }
  void type(const std::optional<Type> &maybe);
  void selector(const Selector &selector);
  void body(const std::vector<ItemPtr> &items);
  void item(const Item &item);
  void definition(const Definition &definition);

private:
  ItemPlaces &places;
};
} // namespace

void Walk::type(const std::optional<Type> &maybe) {
  if (maybe)
    type(*maybe);
}

void Walk::selector(const Selector &selector) {
  places.selectors.push_back(selector.range);
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
  llvm::TypeSwitch<const Expr *>(node)
      .Case([&](const MapExpr *map) {
        for (const MapEntry &entry : map->entries) {
          places.items.insert(entry.range.Start.getPointer());
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
    places.items.insert(each->range.Start.getPointer());
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
          places.items.insert(key.name.range.Start.getPointer());
          expr(key.defaultValue);
        }
      })
      .Case([&](const FilesItem *files) {
        for (const FilesItem::Key &key : files->keys) {
          places.items.insert(key.name.range.Start.getPointer());
          expr(key.value);
        }
        for (const FilesItem::Tensor &tensor : files->tensors)
          places.items.insert(tensor.range.Start.getPointer());
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

ItemPlaces::ItemPlaces(const File &file) {
  Walk walk(*this);
  for (const Import &import : file.imports)
    topLevel.insert(import.range.Start.getPointer());
  for (const Input &input : file.inputs) {
    topLevel.insert(input.range.Start.getPointer());
    walk.type(input.type);
    walk.expr(input.defaultValue);
  }
  for (const Binding &binding : file.bindings) {
    topLevel.insert(binding.range.Start.getPointer());
    walk.expr(binding.value);
  }
  for (const Save &save : file.saves) {
    topLevel.insert(save.range.Start.getPointer());
    walk.expr(save.value);
    walk.expr(save.as);
  }
  for (const auto &definition : file.definitions) {
    topLevel.insert(definition->range.Start.getPointer());
    walk.definition(*definition);
  }
}
