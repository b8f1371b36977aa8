// The reader accepts what nlohmann's strict parser accepts, but for what it refuses on purpose (depth, duplicate keys,
// byte order marks); what it accepts is written and read back equal.

#include "MemoryFile.h"

#include "ftc/Runtime/Core/Utf8.h"
#include "ftc/Runtime/IO/Json.h"

#include <nlohmann/json.hpp>

using namespace ftc::runtime;
using ftc::fuzz::require;

static void checkUtf8(const json::Value &value) {
  if (const std::string *text = value.asString())
    require(validUtf8Prefix(*text) == text->size());
  if (const json::Array *elements = value.asArray())
    for (const json::Value &element : *elements)
      checkUtf8(element);
  if (const json::Object *members = value.asObject())
    for (const json::Member &member : *members) {
      require(validUtf8Prefix(member.key) == member.key.size());
      checkUtf8(member.value);
    }
}

static bool refusedOnPurpose(const std::string &message) {
  for (const char *reason : {"nested deeper", "is there twice", "byte order mark"})
    if (message.find(reason) != std::string::npos)
      return true;
  return false;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(bytes), size);
  json::ParseOptions options;
  options.file = "x";
  auto value = json::parse(text, options);
  bool accepted = nlohmann::json::accept(text);
  if (!value) {
    require(value.error().status == ExitStatus::Input);
    // nlohmann takes a NUL outside of strings for the end of the text.
    bool comparable = text.find('\0') == std::string_view::npos;
    require(!accepted || !comparable || refusedOnPurpose(value.error().message));
    return 0;
  }
  require(accepted);
  checkUtf8(*value);
  for (unsigned indent : {0u, 2u}) {
    auto back = json::parse(json::dump(*value, indent), options);
    require(bool(back) && *back == *value);
  }
  return 0;
}
