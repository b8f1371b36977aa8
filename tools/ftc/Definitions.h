//===- Definitions.h - definitions that a command line names ----*- C++ -*-===//

#ifndef FTC_TOOLS_FTC_DEFINITIONS_H
#define FTC_TOOLS_FTC_DEFINITIONS_H

#include "ftc/Elaborate/Value.h"
#include "ftc/Frontend/Diagnostics.h"
#include "ftc/Frontend/Library.h"

#include "llvm/Support/SourceMgr.h"

#include <map>
#include <string>
#include <vector>

namespace ftc {

/// The definitions of files, and those of the library that have certain names, with the library around them.
class Definitions {
public:
  /// `subjects`: names, or paths of .ftr files.
  Definitions(llvm::ArrayRef<std::string> subjects, const char *argv0);

  /// The exit status after messages, or Success.
  int status() const { return exitStatus; }
  llvm::ArrayRef<const ast::Definition *> all() const { return definitions; }
  DefinitionLibrary &library() { return known; }
  llvm::SourceMgr &sources() { return manager; }
  /// "line 3" of the file in which a place lies.
  std::string lineOf(llvm::SMRange range) const;

private:
  void findInFile(const std::string &path);
  void findByName(const std::string &name);

  llvm::SourceMgr manager;
  Diagnostics diags;
  DefinitionLibrary known;
  std::vector<const ast::Definition *> definitions;
  int exitStatus = 0;
};

/// Values of `-D name=value` as parameters take them: numbers, true and false, else a string.
std::map<std::string, elaborate::Value> valuesOf(const std::map<std::string, std::string> &defines);

} // namespace ftc

#endif // FTC_TOOLS_FTC_DEFINITIONS_H
