//===- Selectors.cpp - paths of modules and tensors -------------*- C++ -*-===//

#include "Evaluator.h"

using namespace ftc;
using namespace ftc::elaborate;

/// Whether `*` in a pattern can stand for any part of a component so that the whole matches.
static bool globMatches(llvm::StringRef glob, llvm::StringRef text) {
  size_t star = glob.find('*');
  if (star == llvm::StringRef::npos)
    return glob == text;
  if (!text.starts_with(glob.take_front(star)))
    return false;
  llvm::StringRef rest = glob.drop_front(star + 1);
  for (size_t from = star; from <= text.size(); ++from)
    if (globMatches(rest, text.drop_front(from)))
      return true;
  return false;
}

namespace {
/// A selector with its ranges evaluated.
struct Component {
  const ast::SelectorPart *part;
  std::optional<std::pair<int64_t, int64_t>> range;
};

struct Matcher {
  llvm::ArrayRef<Component> components;
  llvm::ArrayRef<llvm::StringRef> path;

  bool from(size_t component, size_t place) const {
    if (component == components.size())
      return place == path.size();
    const Component &c = components[component];
    if (c.part->anyDepth) {
      for (size_t next = place; next <= path.size(); ++next)
        if (from(component + 1, next))
          return true;
      return false;
    }
    if (place == path.size() ||
        !llvm::any_of(c.part->globs, [&](const std::string &glob) { return globMatches(glob, path[place]); }))
      return false;
    if (!c.range)
      return from(component + 1, place + 1);
    int64_t index;
    return place + 1 < path.size() && !path[place + 1].getAsInteger(10, index) && index >= c.range->first &&
           index <= c.range->second && from(component + 1, place + 2);
  }
};
} // namespace

bool ftc::elaborate::matches(Elaborator &elaborator, const ast::Selector &selector, llvm::StringRef path,
                             Scope &scope) {
  Evaluator evaluator(elaborator);
  std::vector<Component> components;
  for (const ast::SelectorPart &part : selector.parts) {
    Component component{&part, std::nullopt};
    if (part.from) {
      auto from = evaluator.evalInteger(*part.from, scope),
           to = part.to ? evaluator.evalInteger(*part.to, scope) : from;
      if (!from || !to)
        return false;
      component.range = {*from, *to};
    }
    components.push_back(component);
  }
  llvm::SmallVector<llvm::StringRef> parts;
  path.split(parts, '.');
  return Matcher{components, parts}.from(0, 0);
}

const ast::Expr *ftc::elaborate::lastMatch(Elaborator &elaborator, const MapValue &map, llvm::StringRef path) {
  const ast::Expr *found = nullptr;
  for (const ast::MapEntry &entry : map.map->entries)
    if (matches(elaborator, entry.selector, path, *map.scope))
      found = entry.value.get();
  return found;
}
