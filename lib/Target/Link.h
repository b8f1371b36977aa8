// Joins an object with the runtime.
#ifndef FTC_LIB_TARGET_LINK_H
#define FTC_LIB_TARGET_LINK_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace ftc::target {

/// Links `object` (the contents of a file) with libftc_runtime.a, found beside the running program, into an executable.
/// It is written to a temporary name beside `output` and renamed.
llvm::Error linkExecutable(llvm::StringRef object, llvm::StringRef output);

} // namespace ftc::target

#endif // FTC_LIB_TARGET_LINK_H
