//===- CheckEquations.h - equations that nothing asks for ------*- C++ -*-===//

#ifndef FTC_LIB_FRONTEND_CHECKEQUATIONS_H
#define FTC_LIB_FRONTEND_CHECKEQUATIONS_H

#include "ftc/Frontend/AST.h"
#include "ftc/Frontend/Diagnostics.h"

namespace ftc {

/// Reports equations that neither the language nor another expression asks for: they would be passed over in silence,
/// whatever they say. A warning; an error for the next value of what is no tensor of the definition. So with items that
/// an objective, optimizer or schedule has no use for: errors.
void checkEquations(const ast::Definition &definition, Diagnostics &diags);

} // namespace ftc

#endif // FTC_LIB_FRONTEND_CHECKEQUATIONS_H
