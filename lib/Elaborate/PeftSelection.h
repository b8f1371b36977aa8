//===- PeftSelection.h - how PEFT chooses modules ---------------*- C++ -*-===//
//
// `target_modules` and the other keys by which every method of PEFT chooses modules, and names of modules in general.
// Patterns mean what they mean in PEFT (peft/tuners/tuners_utils.py).
//
//===----------------------------------------------------------------------===//

#ifndef FTC_LIB_ELABORATE_PEFTSELECTION_H
#define FTC_LIB_ELABORATE_PEFTSELECTION_H

#include "ftc/Elaborate/Model.h"
#include "ftc/Runtime/IO/Json.h"
#include "ftc/Runtime/Text/Pattern.h"

#include <set>

namespace ftc::elaborate {

/// Names of modules: a list, of which a path is one or ends with one, or a regular expression for whole paths.
class ModuleNames {
public:
  static runtime::Expected<ModuleNames> read(llvm::StringRef key, const runtime::json::Value &value);
  runtime::Expected<bool> match(llvm::StringRef path) const;
  /// The shortest list of names that selects exactly these modules.
  static runtime::json::Array shortest(const Model &model, const std::set<std::string> &paths);

private:
  std::vector<std::string> names;
  std::optional<runtime::text::Pattern> pattern;
};

/// Values by patterns of the end of a path, the first that matches deciding.
class PathPatterns {
public:
  static runtime::Expected<PathPatterns> read(llvm::StringRef key, const runtime::json::Value &value);
  /// Null where no pattern matches.
  runtime::Expected<const runtime::json::Value *> find(llvm::StringRef path) const;

private:
  std::vector<std::pair<runtime::text::Pattern, runtime::json::Value>> patterns;
};

/// The modules that a configuration targets.
class PeftSelection {
public:
  static runtime::Expected<PeftSelection> read(const runtime::json::Value &config);
  /// Whether modules are named, not chosen by their kind.
  bool names() const { return targets.has_value(); }
  /// Whether a module is chosen, given whether an adapter of the method can stand there. Only where the configuration
  /// names no modules does that decide.
  runtime::Expected<bool> finds(const Model &model, const ModuleInstance &module, bool stands) const;

private:
  runtime::Status readLayers(const runtime::json::Value &config);
  int64_t layerOf(const ModuleInstance &module) const;

  std::optional<ModuleNames> targets, excluded;
  bool innerOnly = false;              ///< "all-linear": not those right below the model
  std::set<int64_t> layers;            ///< if any: the only ones
  std::vector<std::string> layerLists; ///< whose numbers these are; none: the outermost list's
};

/// The value of a key; null if it is absent or null.
const runtime::json::Value *findKey(const runtime::json::Value &config, llvm::StringRef key);

} // namespace ftc::elaborate

#endif // FTC_LIB_ELABORATE_PEFTSELECTION_H
