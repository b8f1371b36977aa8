//===- Format.h - the canonical layout of .ftr files -----------*- C++ -*-===//

#ifndef FTC_FRONTEND_FORMAT_H
#define FTC_FRONTEND_FORMAT_H

#include "ftc/Frontend/Diagnostics.h"

#include <optional>
#include <string>

namespace ftc {

/// The text of a buffer of the source manager in the canonical layout; nothing, after messages, if it does not parse.
///
/// Blanks and indentation follow from the structure. Line breaks between and within items are the author's, as in
/// gofmt, but for braces: what they hold stands on lines of its own if it has a line break at all. Comments keep their
/// places; those at the ends of consecutive lines are aligned. Formatting twice changes nothing.
std::optional<std::string> formatSource(unsigned bufferId, Diagnostics &diags);

} // namespace ftc

#endif // FTC_FRONTEND_FORMAT_H
