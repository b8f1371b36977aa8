//===- Json.h - values of the language as JSON -----------------*- C++ -*-===//

#ifndef FTC_ELABORATE_JSON_H
#define FTC_ELABORATE_JSON_H

#include "ftc/Elaborate/Value.h"
#include "ftc/Runtime/IO/Json.h"

namespace ftc::elaborate {

/// A JSON value as one of the language: objects, lists, strings, numbers, `none` for null.
Value fromJson(const runtime::json::Value &json);

/// The reverse; what JSON cannot say (a tensor, a function) is null.
runtime::json::Value toJson(const Value &value);

} // namespace ftc::elaborate

#endif // FTC_ELABORATE_JSON_H
