//===- AtomicWrite.h - what AtomicFile and AtomicDirectory share -*- C++ -*-===//

#ifndef FTC_LIB_RUNTIME_CORE_ATOMICWRITE_H
#define FTC_LIB_RUNTIME_CORE_ATOMICWRITE_H

#include "ftc/Runtime/Core/File.h"

namespace ftc::runtime {

/// An Output error with the system's reason (errno).
Error outputError(const std::string &path, const char *what);

/// The path to replace: symbolic links followed, no slash at the end; the folders above it exist afterwards.
Expected<std::string> prepareTarget(const std::string &path);

/// The folder of a path, and `.NAME<suffix>` in that folder.
std::string folderOf(const std::string &path);
std::string siblingName(const std::string &path, std::string_view suffix);

/// Opens `path` with `openFlags` and locks it against other writers until the descriptor is closed.
Expected<FileDescriptor> openLocked(const std::string &path, int openFlags);

/// Makes the entries of a folder durable.
Status syncFolder(const std::string &path);

} // namespace ftc::runtime

#endif // FTC_LIB_RUNTIME_CORE_ATOMICWRITE_H
