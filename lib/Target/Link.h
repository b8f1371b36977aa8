// Joins an object with the runtime.
#ifndef FTC_LIB_TARGET_LINK_H
#define FTC_LIB_TARGET_LINK_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>

namespace ftc::target {

/// Links objects (the contents of files) with libftc_runtime.a, found beside the running program, into an executable.
/// It is written to a temporary name beside `output` and renamed.
llvm::Error linkExecutable(llvm::ArrayRef<std::unique_ptr<llvm::MemoryBuffer>> objects, llvm::StringRef output);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_LINK_H
