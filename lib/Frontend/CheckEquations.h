//===- CheckEquations.h - equations that nothing asks for ------*- C++ -*-===//

#ifndef FTC_LIB_FRONTEND_CHECKEQUATIONS_H
#define FTC_LIB_FRONTEND_CHECKEQUATIONS_H

#include "ftc/Frontend/AST.h"
#include "ftc/Frontend/Diagnostics.h"

namespace ftc {

/// Reports equations that neither the language nor another expression asks for: they would be passed over
/// in silence, whatever they say. A warning; an error for the next value of what is no tensor of the definition.
void checkEquations(const ast::Definition &definition, Diagnostics &diags);

/// Reports items of objectives, optimizers and schedules that their kind knows nothing of.
void checkItems(const ast::Definition &definition, Diagnostics &diags);

} // namespace ftc

#endif // FTC_LIB_FRONTEND_CHECKEQUATIONS_H
