#include "Evaluator.h"

using namespace ftc::elaborate;

bool Scope::define(llvm::StringRef name, Thunk thunk, llvm::SMRange range) {
  auto [it, fresh] = entries.try_emplace(name);
  if (fresh) {
    it->second.thunk = std::move(thunk);
    it->second.range = range;
  }
  return fresh;
}

bool Scope::define(llvm::StringRef name, Value value, llvm::SMRange range) {
  auto [it, fresh] = entries.try_emplace(name);
  if (fresh) {
    it->second.value = std::move(value);
    it->second.range = range;
  }
  return fresh;
}

void Scope::redefine(llvm::StringRef name, Value value) {
  Entry &entry = entries[name];
  entry.thunk = nullptr;
  entry.dim = nullptr;
  entry.pass = 0;
  entry.value = std::move(value);
}

void Scope::redefine(llvm::StringRef name, Thunk thunk) {
  redefine(name, Value());
  entries[name].thunk = std::move(thunk);
}

void Scope::redefineInPass(llvm::StringRef name, Value value) {
  redefine(name, Thunk([value = std::move(value)](Evaluator &evaluator) {
             evaluator.passDependent = true;
             return value;
           }));
}

Scope::Entry *Scope::findHere(llvm::StringRef name) {
  auto it = entries.find(name);
  return it == entries.end() ? nullptr : &it->second;
}

Scope::Entry *Scope::find(llvm::StringRef name) {
  for (Scope *scope = this; scope; scope = scope->parentScope)
    if (Entry *entry = scope->findHere(name))
      return entry;
  return nullptr;
}

std::vector<llvm::StringRef> Scope::names() const {
  std::vector<llvm::StringRef> all;
  for (const Scope *scope = this; scope; scope = scope->parentScope)
    for (const auto &entry : scope->entries)
      all.push_back(entry.getKey());
  return all;
}

std::string Scope::nameOf(Dim dim) const {
  if (dim->base)
    return nameOf(dim->base) + "'";
  if (dim->whole)
    return nameOf(dim->whole) + dim->name.substr(dim->whole->name.size());
  std::string best;
  for (const Scope *scope = this; scope; scope = scope->parentScope) {
    for (const auto &entry : scope->entries) {
      const Dim *bound = entry.second.value.as<Dim>();
      if (((bound && *bound == dim) || entry.second.dim == dim) && (best.empty() || entry.getKey() < best))
        best = entry.getKey().str();
    }
    if (!best.empty())
      return best;
  }
  return dim->name;
}
