#include "ftc/Runtime/IO/ObjectReader.h"

#include <cmath>

namespace ftc::runtime::json {

namespace {

/// "PLACE: text", or "PLACE text" if the place is a file's or a line's own object and ends with a colon already.
std::string at(const std::string &place, std::string_view text) {
  return fmt::format("{}{}{}", place, place.ends_with(": ") ? "" : ": ", text);
}

} // namespace

ObjectReader::ObjectReader(const Value &value, std::string place) : object(&value), where(std::move(place)) {
  if (!value.asObject())
    mistake = Error{ExitStatus::Input, at(where, fmt::format("expected an object, got {}", value.kind()))};
}

std::string ObjectReader::placeOf(std::string_view key) const {
  return fmt::format("{}{}{}", where, where.ends_with(": ") ? "" : ".", key);
}

const Value *ObjectReader::member(std::string_view key) const {
  const Value *found = object->find(key);
  return found && !found->isNull() ? found : nullptr;
}

const Value *ObjectReader::required(std::string_view key) {
  const Value *found = member(key);
  if (!found && !mistake)
    mistake = Error{ExitStatus::Input, at(where, fmt::format("'{}' is missing", key))};
  return found;
}

bool ObjectReader::boolean(std::string_view key, bool fallback) {
  const Value *found = member(key);
  if (!found)
    return fallback;
  std::optional<bool> value = found->asBool();
  if (!value)
    mismatch(key, "a boolean", *found);
  return value.value_or(fallback);
}

int64_t ObjectReader::integer(std::string_view key, int64_t lowest, int64_t highest) {
  const Value *found = required(key);
  if (!found)
    return lowest;
  std::optional<int64_t> value = found->asInteger();
  if (!value || *value < lowest || *value > highest) {
    mismatch(key, fmt::format("an integer from {} to {}", lowest, highest), *found);
    return lowest;
  }
  return *value;
}

double ObjectReader::number(std::string_view key) {
  const Value *found = required(key);
  if (!found)
    return 0;
  std::optional<double> value = found->asNumber();
  if (!value || !std::isfinite(*value)) {
    mismatch(key, "a number", *found);
    return 0;
  }
  return *value;
}

std::string ObjectReader::string(std::string_view key) {
  required(key);
  return optionalString(key).value_or("");
}

std::optional<std::string> ObjectReader::optionalString(std::string_view key) {
  const Value *found = member(key);
  if (!found)
    return std::nullopt;
  if (const std::string *value = found->asString())
    return *value;
  mismatch(key, "a string", *found);
  return std::nullopt;
}

const Array &ObjectReader::array(std::string_view key) {
  static const Array none;
  const Value *found = required(key);
  if (!found)
    return none;
  if (const Array *value = found->asArray())
    return *value;
  mismatch(key, "an array", *found);
  return none;
}

void ObjectReader::fail(std::string_view text) {
  if (!mistake)
    mistake = Error{ExitStatus::Input, at(where, text)};
}

void ObjectReader::fail(const Status &status) {
  if (!mistake && !status)
    mistake = status.error();
}

void ObjectReader::mismatch(std::string_view key, std::string_view expected, const Value &got) {
  if (mistake)
    return;
  std::optional<int64_t> number = got.asInteger();
  mistake = makeError(ExitStatus::Input, "{}: expected {}, got {}", placeOf(key), expected,
                      number ? std::to_string(*number) : std::string(got.kind()));
}

} // namespace ftc::runtime::json
