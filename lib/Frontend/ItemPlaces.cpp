//===- ItemPlaces.cpp - where items and selectors stand -------------------===//

#include "ItemPlaces.h"

#include "ftc/Frontend/Walk.h"

using namespace ftc;
using namespace ftc::ast;

namespace {
class PlaceWalk : public Walk {
public:
  explicit PlaceWalk(ItemPlaces &places) : places(places) {}

private:
  void enterSelector(const Selector &selector) override { places.selectors.push_back(selector.range); }
  void enterPlace(llvm::SMRange range) override { places.items.insert(range.Start.getPointer()); }

  ItemPlaces &places;
};
} // namespace

ItemPlaces::ItemPlaces(const File &file) {
  PlaceWalk walk(*this);
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
  for (const auto &clause : file.clauses) {
    topLevel.insert(clause->range.Start.getPointer());
    walk.item(*clause);
  }
}
