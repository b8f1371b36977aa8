//===- Interrupt.h - SIGINT and SIGTERM --------------------------------------===//
#pragma once

namespace ftc::run {

/// From now on the first SIGINT or SIGTERM asks the run to stop at its next safe place (`interruptRequested`), the
/// second ends the process at once with status 130.
void installInterruptHandlers();
bool interruptRequested();

} // namespace ftc::run
