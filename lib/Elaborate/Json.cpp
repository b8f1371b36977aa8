//===- Json.cpp - values of the language as JSON ---------------------------===//

#include "ftc/Elaborate/Json.h"

using namespace ftc;
using namespace ftc::elaborate;
namespace json = ftc::runtime::json;

Value elaborate::fromJson(const json::Value &json) {
  if (json.isNull())
    return Value::none();
  if (auto flag = json.asBool())
    return *flag;
  if (auto integer = json.asInteger())
    return *integer;
  if (auto number = json.asNumber())
    return *number;
  if (const std::string *text = json.asString())
    return *text;
  if (const json::Array *array = json.asArray()) {
    std::vector<Value> values;
    for (const json::Value &element : *array)
      values.push_back(fromJson(element));
    return Value::list(std::move(values));
  }
  auto members = std::make_shared<std::map<std::string, Value, std::less<>>>();
  for (const json::Member &member : *json.asObject())
    members->insert_or_assign(member.key, fromJson(member.value));
  return Value::Object(std::move(members));
}

json::Value elaborate::toJson(const Value &value) {
  if (const bool *flag = value.as<bool>())
    return *flag;
  if (auto integer = value.integer())
    return *integer;
  if (auto number = value.number())
    return *number;
  if (const std::string *text = value.as<std::string>())
    return *text;
  if (const Value::List *list = value.as<Value::List>()) {
    json::Array array;
    for (const Value &element : **list)
      array.push_back(toJson(element));
    return array;
  }
  if (const Value::Object *object = value.as<Value::Object>()) {
    json::Object members;
    for (const auto &[key, member] : **object)
      members.push_back({key, toJson(member)});
    return members;
  }
  if (const MapValue *map = value.as<MapValue>(); map && map->map->entries.empty())
    return json::Object();
  return nullptr;
}
