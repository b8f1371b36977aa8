//===- Tokenize.cpp - ftc tokenize MODEL [--decode] ------------------------===//
//
// One JSON string a line in, one JSON array of ids a line out, or the reverse.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "Data.h"

#include "ftc/Runtime/IO/Json.h"

#include <iostream>

using namespace ftc;
namespace cl = llvm::cl;
namespace json = ftc::runtime::json;
using runtime::Expected;
using runtime::text::Tokenizer;

static int tokenize(const char *argv0);
static Command command("tokenize", "Turn texts into token ids, or back; JSON, a line each", tokenize);
static cl::opt<std::string> model(cl::Positional, cl::desc("MODEL"), cl::sub(command.sub()), cl::cat(optionCategory()));
static cl::opt<bool> decode("decode", cl::desc("Read arrays of ids, write strings"), cl::sub(command.sub()),
                            cl::cat(optionCategory()));

static Expected<json::Value> encodeLine(const Tokenizer &tokenizer, const json::Value &line) {
  const std::string *text = line.asString();
  if (!text)
    return runtime::makeError(runtime::ExitStatus::Input, "expected a string, got {}", line.kind());
  auto ids = tokenizer.encode(*text);
  if (!ids)
    return ids.error();
  json::Array array;
  for (int32_t id : *ids)
    array.push_back(int64_t(id));
  return json::Value(std::move(array));
}

static Expected<json::Value> decodeLine(const Tokenizer &tokenizer, const json::Value &line) {
  const json::Array *array = line.asArray();
  if (!array)
    return runtime::makeError(runtime::ExitStatus::Input, "expected an array of ids, got {}", line.kind());
  std::vector<int32_t> ids;
  for (const json::Value &element : *array) {
    auto id = element.asInteger();
    if (!id || *id < 0 || *id >= tokenizer.vocabularySize())
      return runtime::makeError(runtime::ExitStatus::Input, "expected an id from 0 to {}, got {}",
                                tokenizer.vocabularySize() - 1, json::dump(element));
    ids.push_back(int32_t(*id));
  }
  auto text = tokenizer.decode(ids);
  if (!text)
    return text.error();
  return json::Value(std::move(*text));
}

static int tokenize(const char *) {
  auto fail = [](const runtime::Error &error, const std::string &place) {
    std::cout.flush();
    llvm::errs() << "ftc: error: " << place << error.message << "\n";
    return int(error.status);
  };
  if (model.empty()) {
    llvm::errs() << "ftc: error: no model given; usage: ftc tokenize MODEL [--decode] < LINES\n";
    return WrongUsage;
  }
  auto codec = readCodec(model);
  if (!codec)
    return fail(codec.error(), "");
  json::Parser parser;
  json::ParseOptions options;
  options.file = "standard input";
  std::string line;
  for (options.line = 1; std::getline(std::cin, line); ++options.line) {
    auto read = parser.parse(line, options);
    if (!read)
      return fail(read.error(), "");
    auto made = decode ? decodeLine(codec->tokenizer(), *read) : encodeLine(codec->tokenizer(), *read);
    if (!made)
      return fail(made.error(), "standard input:" + std::to_string(options.line) + ": ");
    std::cout << json::dump(*made) << "\n";
  }
  return std::cout.flush() ? Success : CannotWrite;
}
