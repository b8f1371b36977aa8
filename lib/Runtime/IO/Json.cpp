#include "ftc/Runtime/IO/Json.h"

using namespace ftc::runtime;
using namespace ftc::runtime::json;

Value::Value() = default;
Value::Value(std::nullptr_t) {}
Value::Value(bool value) : content(value) {}
Value::Value(int value) : content(int64_t(value)) {}
Value::Value(int64_t value) : content(value) {}
Value::Value(double value) : content(value) {}
Value::Value(const char *text) : content(std::string(text)) {}
Value::Value(std::string_view text) : content(std::string(text)) {}
Value::Value(std::string text) : content(std::move(text)) {}
Value::Value(Array elements) : content(std::move(elements)) {}
Value::Value(Object members) : content(std::move(members)) {}

std::optional<bool> Value::asBool() const {
  if (const bool *value = std::get_if<bool>(&content))
    return *value;
  return std::nullopt;
}

std::optional<int64_t> Value::asInteger() const {
  if (const int64_t *value = std::get_if<int64_t>(&content))
    return *value;
  return std::nullopt;
}

std::optional<double> Value::asNumber() const {
  if (const double *value = std::get_if<double>(&content))
    return *value;
  if (const int64_t *value = std::get_if<int64_t>(&content))
    return double(*value);
  return std::nullopt;
}

const Value *Value::find(std::string_view key) const {
  const Object *members = asObject();
  if (!members)
    return nullptr;
  for (auto member = members->rbegin(); member != members->rend(); ++member)
    if (member->key == key)
      return &member->value;
  return nullptr;
}

std::string_view Value::kind() const {
  constexpr std::string_view names[] = {"null",     "a boolean", "an integer", "a number",
                                        "a string", "an array",  "an object"};
  return names[content.index()];
}

bool Value::operator==(const Value &other) const { return content == other.content; }
