//===- Interrupt.h - signals -------------------------------------------------===//
#pragma once

#include "ftc/Runtime/Core/Status.h"

namespace ftc::run {

/// From now on the first SIGINT or SIGTERM asks the run to stop at its next safe place (`interruptRequested`), the
/// second ends the process at once with status 130. A mapped file that loses its end ends it with status 3.
void installInterruptHandlers();
bool interruptRequested();
/// An error of status Interrupted where the run is to stop: for work between two results, all of which is done again.
runtime::Status checkInterrupt();

} // namespace ftc::run
