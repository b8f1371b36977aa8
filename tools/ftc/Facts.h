//===- Facts.h - lines of two columns under a heading -----------*- C++ -*-===//

#ifndef FTC_TOOLS_FTC_FACTS_H
#define FTC_TOOLS_FTC_FACTS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"

#include <string>
#include <vector>

namespace ftc {

struct Facts {
  std::string heading;
  std::vector<std::pair<std::string, std::string>> lines;

  void add(const llvm::Twine &what, const llvm::Twine &text) { lines.emplace_back(what.str(), text.str()); }
};

} // namespace ftc

#endif // FTC_TOOLS_FTC_FACTS_H
