// Parser and formatter of .ftr files: any bytes give a tree or messages; what parses is formatted, and formatting again
// changes nothing.
#include "ftc/Frontend/Format.h"
#include "ftc/Frontend/Parser.h"

#include "llvm/Support/MemoryBuffer.h"

#include <cstdlib>

static std::optional<std::string> format(llvm::StringRef text) {
  llvm::SourceMgr sources;
  llvm::raw_null_ostream nowhere;
  ftc::Diagnostics diags(sources, nowhere);
  unsigned id = sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, "fuzz.ftr"), llvm::SMLoc());
  return ftc::formatSource(id, diags);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto once = format({reinterpret_cast<const char *>(data), size});
  if (once && format(*once) != once)
    std::abort();
  return 0;
}
