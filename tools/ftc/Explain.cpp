//===- Explain.cpp - ftc explain ------------------------------------------===//
//
// The explanations are docs/errors/*.md: a section `## FTR0110: ...` for each
// code. They lie beside the standard library when installed.
//
//===----------------------------------------------------------------------===//

#include "Command.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace ftc;
using llvm::StringRef;
namespace cl = llvm::cl;

static int explain(const char *argv0);
static Command command("explain", "Say what an error means, with a wrong and a right example", explain);
static cl::opt<std::string> code(cl::Positional, cl::desc("CODE"), cl::sub(command.sub()), cl::cat(optionCategory()));

/// FTR0110 from `FTR0110`, `ftr0110`, `0110` or `110`; empty if it is none of these.
static std::string canonicalCode(StringRef written) {
  StringRef digits = written;
  if (!digits.consume_front("FTR"))
    digits.consume_front("ftr");
  unsigned number;
  if (digits.empty() || digits.size() > 4 || digits.getAsInteger(10, number))
    return "";
  return codeName(static_cast<Diag>(number));
}

/// The section of a document that begins with `## CODE`; empty if it has none.
static StringRef section(StringRef document, const std::string &wanted) {
  std::string heading = "## " + wanted + ":";
  size_t begin = document.starts_with(heading) ? 0 : document.find("\n" + heading);
  if (begin == StringRef::npos)
    return "";
  StringRef rest = document.drop_front(begin).ltrim();
  return rest.take_front(rest.find("\n## ")).rtrim();
}

static int explain(const char *argv0) {
  std::string wanted = canonicalCode(code);
  if (wanted.empty()) {
    llvm::errs() << "ftc: error: expected a code such as FTR0110, got '" << code << "'\n";
    return WrongUsage;
  }
  llvm::SmallString<256> folder(llvm::sys::path::parent_path(standardLibraryPath(argv0)));
  llvm::sys::path::append(folder, "errors");
  std::error_code failure;
  for (llvm::sys::fs::directory_iterator entry(folder, failure), end; entry != end && !failure;
       entry.increment(failure)) {
    auto buffer = llvm::MemoryBuffer::getFile(entry->path(), /*IsText=*/true);
    StringRef text = buffer ? section((*buffer)->getBuffer(), wanted) : "";
    if (text.empty())
      continue;
    llvm::outs() << text.drop_front(StringRef("## ").size()) << "\n";
    return Success;
  }
  llvm::errs() << "ftc: error: there is no message " << wanted << "\n";
  return WrongUsage;
}
