//===- ModelBuilder.h - instantiates a model definition --------*- C++ -*-===//

#ifndef FTC_LIB_ELABORATE_MODELBUILDER_H
#define FTC_LIB_ELABORATE_MODELBUILDER_H

#include "Evaluator.h"

#include "ftc/Elaborate/Model.h"

#include "llvm/ADT/StringSet.h"

namespace ftc::elaborate {

/// Makes the tree of modules of one model, then checks it against the file (ModelCheck.cpp).
class ModelBuilder {
public:
  ModelBuilder(Elaborator &shared, Model &model, llvm::SMRange at)
      : shared(shared), evaluator(shared), model(model), at(at) {}

  /// The definition the files ask for, or null after an error.
  const ast::Definition *choose();
  bool build(const ast::Definition &definition);
  /// Values that a recipe gives to keys of the configuration `from`, which is used in the place of the file's.
  void change(const Value &from, const std::map<std::string, Value> &changes) {
    original = &from;
    this->changes = &changes;
  }

private:
  /// What a part's expression says: a module definition, its dimensions and its arguments.
  struct PartForm {
    const ast::Definition *definition = nullptr;
    Dims axes;
    Arguments arguments;
  };

  std::unique_ptr<ModuleInstance> instantiate(const PartForm &form, std::string path, ModuleInstance *parent,
                                              llvm::SMRange range);
  bool bindConfig(const ast::Definition &definition, const Value &config, Scope &scope);
  Value withDefaults(const Value &config, const ast::Definition &definition, Scope &scope);
  bool elaborateBody(ModuleInstance &module);
  void declareTensors(ModuleInstance &module, const ast::DeclarationsItem &item);
  void declarePart(ModuleInstance &module, const ast::PartItem &item);
  std::optional<PartForm> formOf(const ast::Expr &expr, Scope &scope, const ast::Definition &within);
  std::unique_ptr<ModuleInstance> one(ModuleInstance &module, const ast::PartItem &item, llvm::StringRef path,
                                      Scope &scope);
  void addAttentionSite(ModuleInstance &module);
  void applyTies(ModuleInstance &module);
  ModelTensor *tensorAt(ModuleInstance &module, const ast::Expr &expr);
  void collect(ModuleInstance &module);

  Value ggufConfig(const ast::FilesItem &clause, const ast::Definition &definition);
  bool nameFiles();
  bool nameGguf(const ast::FilesItem &clause);
  void checkTensors();
  void checkUnused();
  void warnConfig();
  bool changeConfig(Value &config);
  bool checkChanges();

  Elaborator &shared;
  Evaluator evaluator;
  Model &model;
  llvm::SMRange at;
  const ast::Definition *root = nullptr;
  const ast::FilesItem *gguf = nullptr; ///< the clause by which a GGUF file is read
  llvm::StringSet<> keysRead;
  const Value *original = nullptr;
  const std::map<std::string, Value> *changes = nullptr;
};

/// The `gguf` clause of a definition for an architecture, or null.
const ast::FilesItem *ggufClause(const ast::Definition &definition, llvm::StringRef architecture);

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_MODELBUILDER_H
