//===- ModelFiles.h - a model's configuration and headers ------*- C++ -*-===//

#ifndef FTC_IMPORT_MODELFILES_H
#define FTC_IMPORT_MODELFILES_H

#include "ftc/Elaborate/Model.h"
#include "ftc/Runtime/Core/Status.h"

namespace ftc {

/// What the compiler needs of a model: config.json (or GGUF metadata) and the headers of its tensors. `path` is a
/// Hugging Face directory or a .gguf file. No weight is read. A directory with a configuration and no
/// weights is a model without: see ModelFiles::weightless.
runtime::Expected<elaborate::ModelFiles> readModelFiles(const std::string &path);

} // namespace ftc

#endif // FTC_IMPORT_MODELFILES_H
