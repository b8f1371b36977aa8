//===- ManifestReader.cpp - typed access to JSON objects ---------------------===//

#include "ManifestReader.h"

#include "ftc/Runtime/IO/Tensor.h"

namespace ftc::run {

static const json::Value &emptyObject() {
  static const json::Value empty{json::Object{}};
  return empty;
}

ObjectReader::ObjectReader(ReaderContext &context, const json::Value &value, std::string path)
    : context(&context), value(&value), path(std::move(path)) {
  if (!value.asObject()) {
    fail("expected an object");
    this->value = &emptyObject();
  }
}

void ObjectReader::fail(std::string_view what) {
  if (!context->failure)
    context->failure = makeError(ExitStatus::Bug, "{}: {}", path, what);
}

const json::Value *ObjectReader::take(std::string_view key) {
  const json::Value *found = value->find(key);
  if (found)
    taken.emplace(key);
  return found && !found->isNull() ? found : nullptr;
}

const json::Value *ObjectReader::require(std::string_view key, std::string_view what) {
  const json::Value *found = take(key);
  if (!found)
    fail(fmt::format("\"{}\" is missing, expected {}", key, what));
  return found;
}

bool ObjectReader::has(std::string_view key) { return take(key) != nullptr; }

std::string ObjectReader::string(std::string_view key) {
  const json::Value *found = require(key, "a string");
  if (found && found->asString())
    return *found->asString();
  fail(fmt::format("\"{}\" is no string", key));
  return {};
}

bool ObjectReader::boolean(std::string_view key, bool absent) {
  const json::Value *found = take(key);
  if (!found)
    return absent;
  if (!found->asBool())
    fail(fmt::format("\"{}\" is no boolean", key));
  return found->asBool().value_or(absent);
}

double ObjectReader::number(std::string_view key, double absent) {
  const json::Value *found = take(key);
  if (!found)
    return absent;
  if (!found->asNumber())
    fail(fmt::format("\"{}\" is no number", key));
  return found->asNumber().value_or(absent);
}

std::optional<int64_t> ObjectReader::optionalInteger(std::string_view key) {
  const json::Value *found = take(key);
  if (!found)
    return std::nullopt;
  if (!found->asInteger())
    fail(fmt::format("\"{}\" is no integer", key));
  return found->asInteger();
}

int64_t ObjectReader::integer(std::string_view key) {
  require(key, "an integer");
  int64_t result = optionalInteger(key).value_or(0);
  if (result < 0)
    fail(fmt::format("\"{}\" is negative", key));
  return result < 0 ? 0 : result;
}

int64_t ObjectReader::positive(std::string_view key) {
  int64_t result = integer(key);
  if (result == 0)
    fail(fmt::format("\"{}\" is not positive", key));
  return result == 0 ? 1 : result;
}

ElementType ObjectReader::elementType(std::string_view key) {
  std::string name = string(key);
  if (name == "i1") // as MLIR spells it; a byte in memory
    return ElementType::BOOL;
  if (std::optional<ElementType> type = elementTypeFromFormat(name))
    return *type;
  fail(fmt::format("\"{}\" is no element type", key));
  return ElementType::U8;
}

std::vector<int64_t> ObjectReader::integers(std::string_view key) {
  std::vector<int64_t> result;
  const json::Value *found = require(key, "an array of integers");
  if (!found)
    return result;
  if (!found->asArray()) {
    fail(fmt::format("\"{}\" is no array", key));
    return result;
  }
  for (const json::Value &element : *found->asArray()) {
    if (!element.asInteger() || *element.asInteger() < 0)
      fail(fmt::format("\"{}\" holds something else than sizes", key));
    result.push_back(element.asInteger().value_or(0));
  }
  return result;
}

std::vector<std::string> ObjectReader::strings(std::string_view key) {
  std::vector<std::string> result;
  const json::Value *found = take(key);
  if (!found)
    return result;
  if (!found->asArray()) {
    fail(fmt::format("\"{}\" is no array", key));
    return result;
  }
  for (const json::Value &element : *found->asArray()) {
    if (!element.asString())
      fail(fmt::format("\"{}\" holds something else than strings", key));
    result.push_back(element.asString() ? *element.asString() : std::string());
  }
  return result;
}

std::map<std::string, std::string> ObjectReader::stringMap(std::string_view key) {
  std::map<std::string, std::string> result;
  const json::Value *found = take(key);
  if (!found)
    return result;
  if (!found->asObject()) {
    fail(fmt::format("\"{}\" is no object", key));
    return result;
  }
  for (const json::Member &member : *found->asObject()) {
    if (!member.value.asString())
      fail(fmt::format("\"{}\" holds something else than strings", key));
    result[member.key] = member.value.asString() ? *member.value.asString() : std::string();
  }
  return result;
}

std::vector<uint32_t> ObjectReader::tensors(std::string_view key) {
  std::vector<uint32_t> result;
  if (!has(key))
    return result;
  for (int64_t number : integers(key)) {
    if (static_cast<uint64_t>(number) >= context->tensorCount)
      fail(fmt::format("\"{}\" names tensor {} of {}", key, number, context->tensorCount));
    else
      result.push_back(static_cast<uint32_t>(number));
  }
  return result;
}

std::map<std::string, uint32_t> ObjectReader::tensorMap(std::string_view key) {
  std::map<std::string, uint32_t> result;
  if (!has(key))
    return result;
  ObjectReader members = object(key);
  for (const json::Member &member : *members.value->asObject())
    result[member.key] = members.tensor(member.key);
  members.finish();
  return result;
}

std::vector<ObjectReader> ObjectReader::objects(std::string_view key) {
  std::vector<ObjectReader> result;
  const json::Value *found = take(key);
  if (!found)
    return result;
  if (!found->asArray()) {
    fail(fmt::format("\"{}\" is no array", key));
    return result;
  }
  for (const json::Value &element : *found->asArray())
    result.emplace_back(*context, element, fmt::format("{}.{}[{}]", path, key, result.size()));
  return result;
}

ObjectReader ObjectReader::object(std::string_view key) {
  const json::Value *found = require(key, "an object");
  return ObjectReader(*context, found ? *found : emptyObject(), fmt::format("{}.{}", path, key));
}

std::optional<uint32_t> ObjectReader::reference(std::string_view key, size_t count) {
  std::optional<int64_t> number = optionalInteger(key);
  if (!number || *number == -1)
    return std::nullopt;
  if (*number < 0 || static_cast<uint64_t>(*number) >= count) {
    fail(fmt::format("\"{}\" is number {} of {}", key, *number, count));
    return std::nullopt;
  }
  return static_cast<uint32_t>(*number);
}

TensorRef ObjectReader::optionalTensor(std::string_view key) { return reference(key, context->tensorCount); }

ProgramRef ObjectReader::optionalProgram(std::string_view key) { return reference(key, context->programs); }

uint32_t ObjectReader::tensor(std::string_view key) {
  require(key, "the number of a tensor");
  TensorRef result = optionalTensor(key);
  if (!result)
    fail(fmt::format("\"{}\" names no tensor", key));
  return result.value_or(0);
}

uint32_t ObjectReader::program(std::string_view key) {
  require(key, "the number of a program");
  ProgramRef result = optionalProgram(key);
  if (!result)
    fail(fmt::format("\"{}\" names no program", key));
  return result.value_or(0);
}

std::vector<int64_t> ObjectReader::shapeOf(uint32_t tensor) const {
  return context->tensors && tensor < context->tensors->size() ? (*context->tensors)[tensor].shape
                                                               : std::vector<int64_t>();
}

ElementType ObjectReader::typeOf(uint32_t tensor) const {
  return context->tensors && tensor < context->tensors->size() ? (*context->tensors)[tensor].type : ElementType::U8;
}

void ObjectReader::finish() {
  for (const json::Member &member : *value->asObject())
    if (taken.find(member.key) == taken.end())
      fail(fmt::format("unknown key \"{}\"", member.key));
}

} // namespace ftc::run
